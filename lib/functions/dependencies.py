"""The functions' dependencies, copied from the locked environment: no download at synthesis."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, PackagePath, distribution
from pathlib import Path

from lib.functions.bundle import Bundle, zip_bytes

REQUIRED = ("aws-lambda-powertools", "pg8000")
"""What the code in lib/lambda imports; boto3 comes with the Lambda runtime."""
LAYER_ROOT = "python/"
"""Lambda puts this folder of a layer on sys.path (Lambda developer guide, "Layers")."""
# Of a distribution's own records these come from its wheel; the others (INSTALLER, RECORD,
# REQUESTED, direct_url.json) are written by the installer and differ from machine to machine.
# Packages read their version from METADATA; licences must travel with the code.
WHEEL_RECORDS = re.compile(r"METADATA|LICEN[CS]E.*|NOTICE.*|AUTHORS.*", re.IGNORECASE)

Find = Callable[[str], Distribution]


class DependencyError(RuntimeError):
    """The installed dependencies are not what the layer may be made of."""


@cache
def dependency_bundle() -> Bundle:
    """The layer's bundle.

    Raises:
        DependencyError: a distribution is missing, changed, or not pure Python.
    """
    found = closure(REQUIRED)
    files = {f"{LAYER_ROOT}{name}": data for each in found for name, data in _files(each)}
    return Bundle("dependencies", zip_bytes(files))


def closure(required: Sequence[str], find: Find = distribution) -> list[Distribution]:
    """``required`` and all they require, without extras, sorted by name."""
    found: dict[str, Distribution] = {}
    waiting = list(required)
    while waiting:
        name = _normal(waiting.pop())
        if name not in found:
            found[name] = _installed(name, find)
            waiting += _requirements(found[name])
    return [found[name] for name in sorted(found)]


def _installed(name: str, find: Find) -> Distribution:
    try:
        return find(name)
    except PackageNotFoundError:
        raise DependencyError(
            f"{name} is not installed, and the functions' layer is made of it: "
            "run 'make synth', which installs the locked dependencies"
        ) from None


def _requirements(found: Distribution) -> Iterator[str]:
    for line in found.requires or ():
        requirement, _, marker = line.partition(";")
        if re.search(r"\bextra\s*==", marker):
            continue
        if marker:
            # A marker answers for this machine's Python and system, not for Lambda's.
            raise DependencyError(
                f"{found.name} requires {line!r}: whether Lambda needs it depends on a marker; "
                "lock a version without one, or decide it in lib/functions/dependencies.py"
            )
        match = re.match(r"[A-Za-z0-9._-]+", requirement.strip())
        if match is None:
            raise DependencyError(f"{found.name} requires {line!r}, which names no distribution")
        yield match[0]


def _normal(name: str) -> str:
    """The one spelling of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _files(found: Distribution) -> Iterator[tuple[str, bytes]]:
    """Name below site-packages → content, of what is the same on every machine."""
    wheel = found.read_text("WHEEL") or ""
    if not re.search(r"^Tag: .*-none-any$", wheel, re.MULTILINE):
        raise DependencyError(
            f"{found.name} {found.version} is not pure Python, so this machine's build may not "
            "run on Lambda's arm64: choose a pure one"
        )
    for path in found.files or ():
        if _belongs(path):
            yield path.as_posix(), _content(found, path)


def _belongs(path: PackagePath) -> bool:
    # Scripts are recorded as ../../../bin/name, with this machine's interpreter on line one.
    if ".." in path.parts or path.suffix == ".pyc":
        return False
    folder = path.parts[0]
    return not folder.endswith(".dist-info") or WHEEL_RECORDS.fullmatch(path.name) is not None


def _content(found: Distribution, path: PackagePath) -> bytes:
    content = Path(str(path.locate())).read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    if path.hash is None or (path.hash.mode, path.hash.value) != ("sha256", digest):
        raise DependencyError(
            f"{path} of {found.name} {found.version} was changed after it was installed, "
            "so another machine would deploy other bytes: delete .venv and run 'make synth'"
        )
    return content
