"""Errors: each code has its class, and a defect is one too."""

from __future__ import annotations

import copy
import pickle

import pytest

from quantumsync import _quantumsync as native
from quantumsync import errors
from quantumsync.errors import InternalError, QuantumSyncError, from_code


def test_every_code_of_an_operation_has_a_class_of_its_own_kind() -> None:
    codes = native.error_codes()
    assert len(codes) == 25
    for code, message in codes.items():
        error = from_code(code, message)
        assert type(error) is not QuantumSyncError, code
        assert (error.code, str(error)) == (code, message)


@pytest.mark.parametrize(
    ("code", "builtin"),
    [
        ("not_found", KeyError),
        ("deadline", TimeoutError),
        ("wrong_key", PermissionError),
        ("forbidden", PermissionError),
        ("unreachable", ConnectionError),
        ("peer_fault", ConnectionError),
        ("bad_key", ValueError),
        ("no_space", OSError),
        ("closed", ValueError),
        ("internal", RuntimeError),
    ],
)
def test_errors_fit_pythons_own(code: str, builtin: type[Exception]) -> None:
    assert isinstance(from_code(code, "x"), builtin)


def test_an_unknown_code_is_still_an_error_of_this_package() -> None:
    assert type(from_code("of a later version", "x")) is QuantumSyncError


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name.endswith("Error")])
def test_errors_are_copied_and_pickled(name: str) -> None:
    error = getattr(errors, name)("what went wrong", "its_code", "its key")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert (twin.code, twin.key, str(twin)) == ("its_code", "its key", "'its key': what went wrong")


def test_a_panic_is_a_runtime_error_and_no_base_exception(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="on purpose") as caught:
        native.panic_on_purpose()
    assert isinstance(caught.value, InternalError)
    assert "panicked" in capfd.readouterr().err
