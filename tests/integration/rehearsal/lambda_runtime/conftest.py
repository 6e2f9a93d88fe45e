"""What the tests of the Lambda runtime share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lib.functions.bundle import code_bundle
from lib.functions.dependencies import dependency_bundle
from rehearsal.clock import Clock
from rehearsal.lambda_runtime.function import Function
from rehearsal.lambda_runtime.runtime import Runtime
from tests.support.lambda_service import AWS, Meeting, function


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name, as Unix sockets need."""
    made = Path(tempfile.mkdtemp(prefix="lambda-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def clock(folder: Path) -> Clock:
    """The rehearsal's."""
    return Clock(folder / "clock")


@pytest.fixture
def runtime(folder: Path, clock: Clock) -> Iterator[Runtime]:
    """With nothing deployed."""
    with closing(Runtime(folder / "runtime", clock=clock, aws=AWS)) as made:
        yield made


@pytest.fixture
def meeting() -> Iterator[Meeting]:
    """Where code of this test meets it."""
    with closing(Meeting()) as made:
        yield made


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Function:
    """The real zips; the function's name and handler are to be replaced."""
    written = tmp_path_factory.mktemp("bundle")
    (written / "functions.zip").write_bytes(code_bundle().content)
    (written / "dependencies.zip").write_bytes(dependency_bundle().content)
    layers = (written / "dependencies.zip",)
    return function(written, written / "functions.zip", layers=layers)
