"""The tag of the pooler's image: what its folder holds decides it."""

from __future__ import annotations

import hashlib
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "image"
LENGTH = 16
"""Characters of the SHA-256 in the tag: 64 bits, no two contents of one project share them."""


def image_tag(folder: Path = FOLDER) -> str:
    """A tag that is the same on every machine and clone: over sorted names and bytes.

    Raises:
        ValueError: the folder holds no Dockerfile.
    """
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not _is_hidden(path.relative_to(folder))
    }
    if "Dockerfile" not in files:
        raise ValueError(f"{folder} holds no Dockerfile: there is no pooler to deploy")
    digest = hashlib.sha256()
    for name in sorted(files):
        # Lengths keep names and contents apart: ("ab", "c") is not ("a", "bc").
        for part in (name.encode(), files[name]):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:LENGTH]


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)
