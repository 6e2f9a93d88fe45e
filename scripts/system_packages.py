"""Makes sure of the programs that the tests take from the system: PgBouncer and openssl.

Run as ``python -m scripts.system_packages``. Where one is missing it is installed with apt-get if
this is root on Debian or Ubuntu; elsewhere the command to run is named.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

PACKAGES = {"pgbouncer": "pgbouncer", "openssl": "openssl"}
"""Program → package of Debian, Ubuntu and Homebrew."""
# Debian keeps servers in sbin, which is not on everybody's PATH.
FOLDERS = os.pathsep.join(("/usr/sbin", "/usr/local/sbin"))


class PackageMissingError(RuntimeError):
    """A program is missing and cannot be installed from here; the message says what to do."""


def find(program: str) -> str | None:
    """The path of ``program``; None where it is not installed."""
    return shutil.which(program) or shutil.which(program, path=FOLDERS)


def ensure() -> None:
    """Installs what is missing.

    Raises:
        PackageMissingError: this is not root, there is no apt-get, or it failed.
    """
    missing = [package for program, package in PACKAGES.items() if find(program) is None]
    if not missing:
        return
    names = " ".join(missing)
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        command = f"sudo apt-get install {names}" if apt else f"brew install {names}"
        raise PackageMissingError(
            f"The tests need {names}: install it ({command}), run them again."
        )
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
        ensure()
    except PackageMissingError as error:
        sys.exit(str(error))
