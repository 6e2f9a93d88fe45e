"""The folders that stand for Lambda's hold what they should, under the right names."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.functions.bundle import zip_bytes
from rehearsal.lambda_runtime.unpacked import link_runtime_packages, unpacked

files = st.dictionaries(st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3}\.py)", fullmatch=True), st.binary())


@given(files, files)
def test_a_folder_is_named_after_the_zips_bytes(
    tmp_path_factory: pytest.TempPathFactory, one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("zips")
    archive, copy = folder / "a.zip", folder / "b.zip"
    archive.write_bytes(zip_bytes(one))
    made = unpacked(archive, folder / "unpacked")
    assert {p.relative_to(made).as_posix(): p.read_bytes() for p in made.rglob("*.py")} == one
    # As often as it is asked for, and wherever it lies.
    copy.write_bytes(zip_bytes(one))
    assert unpacked(copy, folder / "unpacked") == made
    archive.write_bytes(zip_bytes(other))
    assert (unpacked(archive, folder / "unpacked") == made) == (one == other)


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_bytes(b"no")
    with pytest.raises(zipfile.BadZipFile):
        unpacked(tmp_path / "no.zip", tmp_path)


def test_the_runtime_brings_boto3_and_what_it_requires_and_no_more(tmp_path: Path) -> None:
    link_runtime_packages(tmp_path / "packages")
    modules = {p.name for p in (tmp_path / "packages").iterdir() if p.suffix != ".dist-info"}
    assert modules == {
        "boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3",
    }  # fmt: skip
    assert (tmp_path / "packages" / "botocore" / "session.py").is_file()
