"""Synthesizes an environment for a rehearsal, beside what `make synth` wrote."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lib.settings_loader import VARIABLES
from scripts.synthesized import OUTPUT, ROOT

_SOURCES = ("lib", "config", "tap.py", "cdktf.json", "Pipfile.lock")
# A rehearsal beside this one may still read what was synthesized before the last change.
_KEPT = 3
_DIGITS = 16


class SynthesisFailed(RuntimeError):
    """The environment could not be synthesized; the message ends with what ``tap.py`` said."""


def fresh(environment: str, output: Path = OUTPUT / "rehearsal") -> Path:
    """The folder that holds ``environment`` as the sources are now, with its ``manifest.json``.

    It is below ``output`` and named after the digest of all sources, so it is written once for
    each state of them (some ten seconds), and never changed. Of older ones the newest are kept.

    Raises:
        SynthesisFailed: ``tap.py`` refused.
    """
    folder = output / f"{environment}-{_digest(ROOT)}"
    if not folder.is_dir():
        output.mkdir(parents=True, exist_ok=True)
        written = Path(tempfile.mkdtemp(prefix=".new-", dir=output))
        try:
            _synthesize(environment, written)
            _publish(written, folder)
        finally:
            shutil.rmtree(written, ignore_errors=True)
        _forget_old(output, environment)
    return folder


def _digest(root: Path) -> str:
    """Of every source's name and content."""
    digest = hashlib.sha256()
    for file in _files(root):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(root).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:_DIGITS]


def _files(root: Path) -> Iterator[Path]:
    for name in _SOURCES:
        source = root / name
        found = sorted(source.rglob("*")) if source.is_dir() else [source]
        yield from (file for file in found if file.is_file() and "__pycache__" not in file.parts)


def _synthesize(environment: str, folder: Path) -> None:
    # The environment is what its overlay says: not what this shell would have it be.
    variables = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    done = subprocess.run(
        [sys.executable, "tap.py"],
        cwd=ROOT,
        env=variables | {"ENVIRONMENT": environment, "CDKTF_OUTDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise SynthesisFailed(f"Environment {environment} could not be synthesized: {said}")


def _publish(written: Path, folder: Path) -> None:
    """All of it or nothing, whoever looks; a rehearsal beside may have been first."""
    try:
        written.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _forget_old(output: Path, environment: str) -> None:
    """Removes all but the newest syntheses of ``environment``."""
    digest = "[0-9a-f]" * _DIGITS
    found = sorted(
        output.glob(f"{environment}-{digest}"), key=lambda path: path.stat().st_mtime, reverse=True
    )
    for path in found[_KEPT:]:
        shutil.rmtree(path, ignore_errors=True)
