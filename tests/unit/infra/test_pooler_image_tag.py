"""The image's tag follows what the folder holds, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lib.pooler.image_tag import image_tag


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "pgbouncer.ini").write_text("[databases]\n")
    return tmp_path


def test_the_same_content_has_the_same_tag_wherever_and_whenever(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clone = tmp_path_factory.mktemp("clone")
    (clone / "conf").mkdir()
    for name in ("conf/pgbouncer.ini", "Dockerfile"):
        (clone / name).write_bytes((folder / name).read_bytes())
        (clone / name).chmod(0o600)
        os.utime(clone / name, (0, 0))

    assert image_tag(clone) == image_tag(folder)


def test_a_changed_renamed_or_added_file_is_another_tag(folder: Path) -> None:
    tags = [image_tag(folder)]
    (folder / "conf" / "pgbouncer.ini").write_text("[databases]\n\n")
    tags.append(image_tag(folder))
    (folder / "conf" / "pgbouncer.ini").rename(folder / "conf" / "pool.ini")
    tags.append(image_tag(folder))
    (folder / "entrypoint.sh").write_text("")
    tags.append(image_tag(folder))

    assert len(set(tags)) == len(tags)


def test_names_and_contents_do_not_run_into_each_other(folder: Path) -> None:
    (folder / "ab").write_text("c")
    one = image_tag(folder)
    (folder / "ab").unlink()
    (folder / "a").write_text("bc")

    assert image_tag(folder) != one


def test_what_tools_leave_behind_does_not_count(folder: Path) -> None:
    before = image_tag(folder)
    (folder / ".DS_Store").write_text("x")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_bytes(b"x")

    assert image_tag(folder) == before


def test_an_image_without_a_dockerfile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no Dockerfile"):
        image_tag(tmp_path)
