"""Real PostgreSQL servers of different major versions, for tests: shared ones and fresh ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal import postgres
from rehearsal.postgres import Server, free_port
from rehearsal.waiting import until
from tests.support.postgres_binaries import installed

__all__ = ["Server", "free_port", "source_server", "start", "target_server", "until"]


def start(major: int, parent: Path | None = None, **settings: str) -> Server:
    """A fresh server of version 12, 14, 16, 17 or 18; see :func:`rehearsal.postgres.start`."""
    return postgres.start(major, parent, installed(major), **settings)


@pytest.fixture(scope="session")
def source_server() -> Iterator[Server]:
    """PostgreSQL 16."""
    server = start(16)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def target_server() -> Iterator[Server]:
    """PostgreSQL 18."""
    server = start(18)
    yield server
    server.stop()
