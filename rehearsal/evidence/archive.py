"""The pack's zip file: one form only for the same files, so that every byte of it counts."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

# The earliest that a zip file can say.
_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_MODE = 0o644 << 16


class PackUnreadable(ValueError):
    """The file is no pack; the message says why."""


def write(files: Mapping[str, bytes]) -> bytes:
    """``files``, name → content, as a zip, uncompressed: other versions of zlib pack otherwise."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(files.items()):
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system, info.external_attr = _UNIX, _MODE
            archive.writestr(info, content)
    return buffer.getvalue()


def read(data: bytes) -> dict[str, bytes]:
    """The files of a zip that :func:`write` made.

    Raises:
        PackUnreadable: it is no such zip.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    # Of a damaged zip anything may come.
    except Exception as error:
        raise PackUnreadable(f"the pack cannot be read as a zip: {error}") from None
    if write(files) != data:
        raise PackUnreadable("the zip was changed: it has bytes that belong to none of its files")
    return files
