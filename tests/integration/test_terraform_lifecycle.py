"""Real Terraform and the real AWS provider carry two environments through their whole life.

One simulated account holds ``dev`` (the default settings) and ``prod`` (its overlay, in another
region, unprotected so that it can be destroyed) at once, their state in the S3 backend that the
bootstrap stack made. ``dev`` is protected, and unprotected before it goes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from tests.integration.not_applied import NOT_APPLIED
from tests.support.inventory import LISTINGS, PARTS
from tests.support.terraform import FAILED, NOTHING_TO_DO
from tests.support.terraform_life import Record, record_lives

pytestmark = pytest.mark.integration

STACKS = ("state", "dev", "prod")


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    """Minutes of Terraform, lived once for all tests of this module."""
    yield record_lives(tmp_path_factory.mktemp("terraform"))


@pytest.mark.parametrize("stack", STACKS)
def test_a_second_plan_is_empty(record: Record, stack: str) -> None:
    """dev's comes after a cutover: Terraform owns the shape, the workflow the motion (I7)."""
    second = record.lives[stack].outcomes["second plan"]
    assert second.code == NOTHING_TO_DO, second.output[-10_000:]


def test_protection_can_be_taken_off(record: Record) -> None:
    """What an operator does before destroying what was protected."""
    off = record.lives["dev"].outcomes["apply without protection"].output
    assert re.search(r"deletion_protection += true -> false", off)
    assert re.search(r"Apply complete! Resources: \d+ added, \d+ changed, 0 destroyed", off)


@pytest.mark.parametrize("stack", STACKS)
def test_every_declared_type_is_applied(record: Record, stack: str) -> None:
    life = record.lives[stack]
    assert life.declared == set(life.applied) | (set(NOT_APPLIED) & life.declared)
    assert not set(NOT_APPLIED) & set(life.applied), "it is applied: take it off the list"


@pytest.mark.parametrize(
    "holder", ["another operator's apply", "the table's item alone", "the lock file alone"]
)
def test_an_apply_is_refused_while_the_state_is_locked(record: Record, holder: str) -> None:
    refused = record.refused[holder]
    assert refused.code == FAILED
    assert "Error acquiring the state lock" in refused.output


def test_each_environment_has_its_own_state(record: Record) -> None:
    states = [key for key in record.state_keys if key.endswith(".tfstate")]
    assert len(states) == 2
    assert any("dev" in key for key in states)
    assert any("prod" in key for key in states)


def test_environments_share_no_resource(record: Record) -> None:
    dev, prod = record.lives["dev"].arns, record.lives["prod"].arns
    assert len(dev) > 50
    assert not dev & prod


def test_nothing_is_left_in_the_states(record: Record) -> None:
    assert {stack: record.lives[stack].left for stack in STACKS} == {key: [] for key in STACKS}


def test_nothing_is_left_in_the_account(record: Record) -> None:
    left = {kind: record.after[kind] - record.before[kind] for kind in record.after}
    assert {kind: things for kind, things in left.items() if things} == {}


def test_the_inventory_sees_every_type(record: Record) -> None:
    """A listing that saw nothing while everything was there would prove nothing afterwards."""
    applied = {kind for stack in STACKS for kind in record.lives[stack].applied}
    listed = set(record.after)
    assert applied - listed - set(PARTS) == set(), "add them to tests/support/inventory.py"
    blind = {kind for kind in applied & listed if not record.height[kind] - record.before[kind]}
    assert blind == set()
    assert (set(LISTINGS) | set(PARTS)) - applied == set(), "no stack has them any more"


def test_the_simulated_account_answered_every_call(record: Record) -> None:
    assert record.unimplemented == []
    assert record.crashed == []


def test_what_was_applied_is_told(
    record: Record, record_property: Callable[[str, object], None]
) -> None:
    kinds = sorted({kind for stack in STACKS for kind in record.lives[stack].applied})
    lines = [f"{'resource type':<56}" + "".join(f"{stack:>7}" for stack in STACKS)]
    for kind in kinds:
        counts = "".join(f"{record.lives[stack].applied[kind]:>7}" for stack in STACKS)
        lines.append(f"{kind:<56}{counts}")
    totals = "".join(f"{record.lives[stack].applied.total():>7}" for stack in STACKS)
    lines.append(f"{f'{len(kinds)} types':<56}{totals}")
    lines += [
        f"{stack + ' ' + command:<56}{outcome.seconds:>7.0f} s"
        for stack in STACKS
        for command, outcome in record.lives[stack].outcomes.items()
    ]
    lines.append(f"{'all of it, much at the same time':<56}{record.seconds:>7.0f} s")
    record_property("told", "\n".join(lines))
    assert kinds
