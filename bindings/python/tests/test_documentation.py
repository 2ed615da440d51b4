"""What the documentation shows works as pasted, and what it says of types is so."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from mypy import api, stubtest
from typed_example import main

import quantumsync

PROJECT = Path(__file__).parent.parent
MODULES = ["quantumsync", *(f"quantumsync.{module.name}" for module in pkgutil.iter_modules(quantumsync.__path__))]
BLOCKS = re.findall(r"^```python\n(.*?)^```", (PROJECT / "README.md").read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_block_of_the_readme_works_as_pasted(block: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", block], check=True, cwd=tmp_path, timeout=120)


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings_are_right(module: str) -> None:
    outcome = doctest.testmod(importlib.import_module(module))
    assert outcome.failed == 0


def test_the_first_lines_of_the_readme_are_an_install_line_and_ten_lines_of_code() -> None:
    assert "    pip install ./bindings/python\n" in (PROJECT / "README.md").read_text()[:100]
    assert len(BLOCKS[0].strip().splitlines()) <= 12


def test_the_package_and_a_users_program_are_fully_typed() -> None:
    paths = [str(PROJECT / "quantumsync"), str(PROJECT / "tests")]
    report, errors, status = api.run(["--config-file", str(PROJECT / "pyproject.toml"), *paths])
    assert status == 0, report + errors


def test_the_stubs_are_those_of_the_native_layer(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    # The metaclass of fsspec's class, of which mypy knows nothing.
    allowed = tmp_path / "allowed"
    allowed.write_text("quantumsync.fsspec.QuantumSyncFileSystem\n")
    options = ["--mypy-config-file", str(PROJECT / "pyproject.toml"), "--allowlist", str(allowed)]
    status = stubtest.test_stubs(stubtest.parse_options(["quantumsync", *options]))
    assert status == 0, capsys.readouterr().out


def test_a_typed_program_runs(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("text", "hello")
    main(path)


def test_everything_public_is_documented_and_listed() -> None:
    for name in MODULES:
        module = importlib.import_module(name)
        assert module.__doc__, name
        for public in getattr(module, "__all__", []):
            value = getattr(module, public)
            if inspect.isclass(value) or inspect.isfunction(value):
                assert value.__doc__, f"{name}.{public}"


def test_every_function_that_python_calls_runs_inside_the_guard() -> None:
    unguarded = []
    for path in sorted((PROJECT / "src").glob("*.rs")):
        text = path.read_text()
        for function in re.finditer(r"^    (?:pub\(crate\) )?fn (\w+).*?^    }$", text, re.DOTALL | re.MULTILINE):
            owner = text.rfind("\n#[pymethods]\nimpl", 0, function.start())
            ended = text.rfind("\n}\n", 0, function.start())
            plain = any(part in function[0] for part in ["-> Self {", "format!", "self.copies", "visit.call"])
            through = re.search(r"guard\(|self\.(command|call|input|disk|begin)\(", function[0])
            if owner > ended and not plain and not through:
                unguarded.append(f"{path.name}: {function[1]}")
    assert unguarded == []
