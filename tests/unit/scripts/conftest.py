"""A simulated environment for the operator's commands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from migration import clock
from tests.support.functions import VirtualClock
from tests.support.migration_account import simulated_aws
from tests.support.operated import Operated, operated


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with simulated_aws():
        yield


@pytest.fixture
def dev(aws: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Operated:
    """The environment ``dev``, freshly deployed."""
    return operated(monkeypatch, capsys)


@pytest.fixture
def virtual(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    virtual = VirtualClock()
    monkeypatch.setattr(clock, "now", virtual.now)
    monkeypatch.setattr(clock, "sleep", virtual.sleep)
    return virtual
