"""The folders that stand for Lambda's /var/task, /opt and /var/runtime."""

from __future__ import annotations

import hashlib
import zipfile
from importlib.metadata import Distribution
from pathlib import Path

from lib.functions.dependencies import closure

RUNTIME_PACKAGES = ("boto3",)
"""What the functions import of the runtime (Lambda developer guide, "Runtime-included SDK
versions"); with what it requires."""


def unpacked(archive: Path, parent: Path) -> Path:
    """The content of a zip file, in a folder below ``parent`` that is named after its bytes.

    Raises:
        OSError, zipfile.BadZipFile: it cannot be read.
    """
    with archive.open("rb") as opened:
        folder = parent / hashlib.file_digest(opened, "sha256").hexdigest()[:32]
        if not folder.exists():
            # Under its name only when it is complete.
            unfinished = folder.with_suffix(".unfinished")
            unfinished.mkdir(parents=True, exist_ok=True)
            zipfile.ZipFile(opened).extractall(unfinished)
            unfinished.rename(folder)
    return folder


def link_runtime_packages(folder: Path) -> None:
    """Fill ``folder`` with links to what the Lambda runtime brings along, as installed here.

    Raises:
        lib.functions.dependencies.DependencyError: one is not installed.
    """
    folder.mkdir(parents=True)
    for found in closure(RUNTIME_PACKAGES):
        for name in sorted(_top_level(found)):
            (folder / name).symlink_to(Path(str(found.locate_file(name))).resolve())


def _top_level(found: Distribution) -> set[str]:
    # Scripts are recorded as ../../../bin/name.
    return {path.parts[0] for path in found.files or ()} - {"..", "__pycache__"}
