"""Finds Terraform, or fetches the pinned release, checks it and installs it beside Python.

Run as ``python -m scripts.terraform`` it prints the path of the program.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from pathlib import Path

VERSION = "1.11.4"
MINIMUM = (1, 11)
"""First release whose S3 backend locks with a file of its own (``use_lockfile`` is stable)."""
RELEASES = "https://releases.hashicorp.com/terraform"
# SHA-256 of terraform_1.11.4_<platform>.zip, as HashiCorp's own Homebrew formula
# (hashicorp/homebrew-tap, Formula/terraform.rb at version 1.11.4) publishes them.
SHA256 = {
    "linux_amd64": "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc",
    "linux_arm64": "a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633",
    "darwin_amd64": "a56d5002b9f7647291faccc3dd1a70350e60fb61e4c45037629508b8fdc2575b",
    "darwin_arm64": "867e0808fa971217043e25b7a792b10720c79b1546f8a68479b74f138be73e18",
}
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
TIMEOUT_SECONDS = 30
REMEDY = f"install Terraform {VERSION} and put it on PATH"


class TerraformMissingError(RuntimeError):
    """There is no usable Terraform, and none could be fetched; the message says what to do."""


def ensure() -> Path:
    """The Terraform to run: one on PATH that is new enough, else the pinned release.

    Raises:
        TerraformMissingError: where the release cannot be fetched or fails its check.
    """
    return find() or fetch(Path(sys.prefix) / "bin")


def find() -> Path | None:
    """A Terraform of at least ``MINIMUM`` on PATH or beside this Python; None if there is none."""
    beside = Path(sys.prefix) / "bin" / "terraform"
    for candidate in (shutil.which("terraform"), str(beside)):
        if candidate and Path(candidate).exists() and _version(candidate) >= MINIMUM:
            return Path(candidate)
    return None


def fetch(folder: Path, *, releases: str = RELEASES, system: str | None = None) -> Path:
    """Downloads the pinned release for ``system`` (default: this one) into ``folder``.

    Nothing is left in ``folder`` unless the archive's SHA-256 is the pinned one.

    Raises:
        TerraformMissingError: for an unknown system, a failed download or a wrong checksum.
    """
    system = system or this_system()
    if system not in SHA256:
        raise TerraformMissingError(
            f"Terraform {MINIMUM[0]}.{MINIMUM[1]} or later is not on PATH, and no checksum is "
            f"pinned for {system!r} (there is for {', '.join(SHA256)}): {REMEDY}."
        )
    url = f"{releases}/{VERSION}/terraform_{VERSION}_{system}.zip"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".terraform-") as scratch:
        archive = Path(scratch) / "terraform.zip"
        _download(url, archive)
        _check(archive, url, SHA256[system])
        with zipfile.ZipFile(archive) as content:
            program = Path(content.extract("terraform", scratch))
        program.chmod(0o755)
        return program.replace(folder / "terraform")


def this_system() -> str:
    """``linux_amd64``, ``darwin_arm64`` …, in the words of the release's file names."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}_{ARCHITECTURES.get(machine, machine)}"


def _version(program: str) -> tuple[int, ...]:
    """Version as numbers, ``(0,)`` where the program does not tell one."""
    try:
        answer = subprocess.run(  # noqa: S603 - the program is Terraform, found above
            [program, "version", "-json"],
            capture_output=True,
            check=True,
            timeout=TIMEOUT_SECONDS,
            env=os.environ | {"CHECKPOINT_DISABLE": "1"},
        )
        text = str(json.loads(answer.stdout)["terraform_version"])
        return tuple(int(part) for part in text.split("-")[0].split("."))
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return (0,)


def _download(url: str, archive: Path) -> None:
    try:
        with (
            urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer,  # noqa: S310 - https
            archive.open("wb") as file,
        ):
            shutil.copyfileobj(answer, file)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise TerraformMissingError(
            f"Terraform {MINIMUM[0]}.{MINIMUM[1]} or later is not on PATH and could not be "
            f"fetched from {url} ({reason}): {REMEDY}."
        ) from None


def _check(archive: Path, url: str, expected: str) -> None:
    with archive.open("rb") as file:
        got = hashlib.file_digest(file, "sha256").hexdigest()
    if got != expected:
        raise TerraformMissingError(
            f"{url} has SHA-256 {got}, and {expected} is pinned: nothing was installed; {REMEDY}."
        )


if __name__ == "__main__":
    try:
        print(ensure())
    except TerraformMissingError as error:
        sys.exit(str(error))
