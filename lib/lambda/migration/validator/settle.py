"""Reads rows that differ again, until they are equal or the difference has proved real."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

Identity = tuple[str, ...]
"""What a row is known by: its key as text, or the digest of its values in a table without one."""


class Look(NamedTuple):
    """A row as it was read: a digest of its values (or how many rows have it, in a table without
    a key), and the transaction that wrote it (``xmin``; "" where it says nothing)."""

    content: str
    written_by: str = ""


class Rows(Protocol):
    """Reads rows again, each side in one statement; a row that is not there is left out.

    Both raise ``migration.reader.Unreadable``.
    """

    def source(self, identities: Collection[Identity]) -> Mapping[Identity, Look]: ...
    def target(self, identities: Collection[Identity]) -> Mapping[Identity, Look]: ...


@dataclass(frozen=True)
class Settled:
    """``real``: rows whose difference is real, as last read on source and target (None: absent).
    ``moving``: rows that never came to rest. ``reason``: why not, for people; "" if none.
    ``as_of``: what moment the outcome refers to."""

    real: Mapping[Identity, tuple[Look | None, Look | None]] = field(default_factory=dict)
    moving: tuple[Identity, ...] = ()
    reason: str = ""
    as_of: str = ""
