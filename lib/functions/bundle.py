"""Zip files that are the same bytes on every machine and clone.

No cdktf here: the same functions serve the stack and whoever runs the bundles locally.
"""

from __future__ import annotations

import base64
import hashlib
import io
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

CODE_ROOT = Path(__file__).resolve().parent.parent / "lambda"
SOURCE_AUTHORITY = "certificates/source.pem"
"""Where lib/lambda/migration/postgres.py looks for the authority of the source's certificate."""
CODE_SUFFIXES = frozenset({".json", ".pem", ".py", ".sql"})
"""What a handler may need at run time; bytecode, editors' backups and notes stay behind."""
# The earliest date a zip can hold; file dates differ from clone to clone.
ZIP_DATE = (1980, 1, 1, 0, 0, 0)
# umask and file systems differ between machines; Lambda needs files readable by every user.
ZIP_MODE = (stat.S_IFREG | 0o644) << 16
UNIX = 3


@dataclass(frozen=True)
class Bundle:
    """A zip: its name (without extension) and its bytes."""

    name: str
    content: bytes

    @cached_property
    def hash(self) -> str:
        """Base64 SHA-256 of the zip: what Lambda returns and ``source_code_hash`` compares."""
        return base64.b64encode(hashlib.sha256(self.content).digest()).decode()

    @cached_property
    def file_name(self) -> str:
        """Named after its bytes, so that JSON synthesized earlier still finds its own zip."""
        return f"{self.name}-{hashlib.sha256(self.content).hexdigest()[:16]}.zip"


@cache
def code_bundle(root: Path = CODE_ROOT, source_ca: Path | None = None) -> Bundle:
    """The one bundle that all functions share: the handlers and the ``migration`` package.

    One, because the package is nearly all of it and a change there redeploys them all anyway.
    ``source_ca``: PEM file that goes with them, so that they can verify the source.

    Raises:
        ValueError: there is no code below ``root``.
    """
    files = code_files(root)
    if not files:
        raise ValueError(f"{root} holds no Python file: there is no function to deploy")
    if source_ca is not None:
        files[SOURCE_AUTHORITY] = source_ca.read_bytes()
    return Bundle("functions", zip_bytes(files))


def code_files(root: Path) -> dict[str, bytes]:
    """Name in the zip → content, of the code and data below ``root``."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.suffix in CODE_SUFFIXES and not _is_hidden(path.relative_to(root))
        if path.is_file()
    }


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """``files`` (name → content) as a zip that depends on nothing but them.

    Stored, not deflated: zlib and the libraries that replace it compress the same input to
    different bytes, and Lambda's limits (50 MB zipped, 250 MB unpacked: Lambda quotas) are far.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, ZIP_DATE)
            entry.create_system = UNIX
            entry.external_attr = ZIP_MODE
            archive.writestr(entry, files[name])
    return buffer.getvalue()
