"""Makes sure of the programs that come from the system: PgBouncer, openssl and (tests) Chromium.

Run as ``python -m scripts.system_packages`` it makes sure of all that the tests need. Where one is
missing it is installed with apt-get if this is root on Debian or Ubuntu; elsewhere the command to
run is named.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence

SERVERS: Mapping[str, Sequence[str]] = {"pgbouncer": ("pgbouncer",), "openssl": ("openssl",)}
"""Package of Debian and Homebrew → the programs of which one will do."""
CHROMIUM = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
FOR_TESTS: Mapping[str, Sequence[str]] = {**SERVERS, "chromium": CHROMIUM}
"""The same, with the browser in which the tests look at pages."""
# Debian keeps servers in sbin, which is not on everybody's PATH.
FOLDERS = os.pathsep.join(("/usr/sbin", "/usr/local/sbin"))


class PackageMissingError(RuntimeError):
    """A program is missing and cannot be installed from here; the message says what to do."""


def find(*programs: str) -> str | None:
    """The path of the first of ``programs`` that is installed; None where none is."""
    found = (shutil.which(name) or shutil.which(name, path=FOLDERS) for name in programs)
    return next(filter(None, found), None)


def ensure(packages: Mapping[str, Sequence[str]] = SERVERS) -> None:
    """Installs what is missing of ``packages`` (as :data:`SERVERS`).

    Raises:
        PackageMissingError: this is not root, there is no apt-get, or it failed.
    """
    missing = [package for package, programs in packages.items() if find(*programs) is None]
    if not missing:
        return
    names = " ".join(missing)
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        command = f"sudo apt-get install {names}" if apt else f"brew install {names}"
        raise PackageMissingError(f"This needs {names}: install it ({command}), then run it again.")
    _run(apt, "update", "--quiet")
    _run(apt, "install", "--yes", "--quiet", "--no-install-recommends", *missing)


def _run(apt: str, *arguments: str) -> None:
    done = subprocess.run(  # noqa: S603 - apt-get with fixed arguments
        [apt, *arguments],
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stdout.strip().splitlines()[-1:] or ["no output"]
        raise PackageMissingError(f"apt-get {' '.join(arguments)} failed: {last[0]}")


if __name__ == "__main__":
    try:
        ensure(FOR_TESTS)
    except PackageMissingError as error:
        sys.exit(str(error))
