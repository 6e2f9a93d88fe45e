"""A Lambda function as it is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Function:
    """One function of the synthesized JSON.

    ``handler``: module.function. ``code`` and ``layers``: zip files, as they would be uploaded.
    ``timeout`` in seconds, ``memory_mb`` in megabytes. ``environment``: the declared variables,
    with their references resolved.
    """

    name: str
    handler: str
    code: Path
    layers: tuple[Path, ...]
    timeout: int
    memory_mb: int
    environment: Mapping[str, str]
