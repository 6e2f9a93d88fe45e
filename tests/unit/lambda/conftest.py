"""A fresh simulated account, and a clock that only waiting moves."""

from collections.abc import Iterator

import pytest

from migration import clock
from tests.support.functions import VirtualClock
from tests.support.migration_account import MigrationAccount, migration_account, simulated_aws


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with simulated_aws():
        yield


@pytest.fixture
def account(aws: None, monkeypatch: pytest.MonkeyPatch) -> MigrationAccount:
    simulated = migration_account(monkeypatch)
    for name, value in simulated.environment.items():
        monkeypatch.setenv(name, value)
    return simulated


@pytest.fixture
def virtual(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    virtual = VirtualClock()
    monkeypatch.setattr(clock, "now", virtual.now)
    monkeypatch.setattr(clock, "sleep", virtual.sleep)
    monkeypatch.setattr(clock, "monotonic", virtual.monotonic)
    return virtual
