"""The programs that the filesystem is for: pandas, pyarrow and dask read and write stored files by their URLs."""

from __future__ import annotations

from typing import Any

import dask.dataframe
import pandas
import pyarrow
import pyarrow.dataset
import pyarrow.fs
import pytest

from quantumsync import Client
from quantumsync.fsspec import QuantumSyncFileSystem

TABLE = pandas.DataFrame({"number": range(1000), "text": [f"row {row}" for row in range(1000)]})


@pytest.fixture
def options(client: Client) -> dict[str, Any]:
    return {"client": client}


def test_pandas_writes_and_reads_tables(options: dict[str, Any]) -> None:
    TABLE.to_csv("quantumsync://table.csv", index=False, storage_options=options)
    pandas.testing.assert_frame_equal(pandas.read_csv("quantumsync://table.csv", storage_options=options), TABLE)
    TABLE.to_parquet("quantumsync://table.parquet", storage_options=options)
    read = pandas.read_parquet("quantumsync://table.parquet", columns=["text"], storage_options=options)
    pandas.testing.assert_frame_equal(read, TABLE[["text"]])


def test_pyarrow_reads_a_part_of_a_dataset_that_it_wrote(client: Client) -> None:
    files = pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(QuantumSyncFileSystem(client=client)))
    table = pyarrow.Table.from_pandas(TABLE)
    rows = {"max_rows_per_file": 300, "max_rows_per_group": 300}
    pyarrow.dataset.write_dataset(table, "set", format="parquet", filesystem=files, **rows)
    assert len(client.list("set/")) == 4
    dataset = pyarrow.dataset.dataset("set", filesystem=files)
    assert dataset.to_table(filter=pyarrow.dataset.field("number") >= 990).num_rows == 10


# A word of pandas about how dask calls it.
@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_dask_writes_and_reads_a_table_in_parts(options: dict[str, Any], client: Client) -> None:
    with dask.config.set(scheduler="threads"):
        parts = dask.dataframe.from_pandas(TABLE, npartitions=4)
        parts.to_parquet("quantumsync://parts", storage_options=options)
        assert len([file for file in client.list("parts/") if file.key.endswith(".parquet")]) == 4
        read = dask.dataframe.read_parquet("quantumsync://parts", storage_options=options)
        assert read["number"].sum().compute() == TABLE["number"].sum()
