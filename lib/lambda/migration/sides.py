"""Both databases at once, held for one step so that no stale step acts beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import NamedTuple

from pg8000.native import Connection

from migration import postgres, routing, turn
from migration.errors import StepInProgress
from migration.execution import Execution
from migration.postgres import Timeouts

# Under held writes nothing may wait long: a step that cannot act soon gives up and is retried.
TIMEOUTS = Timeouts(connect=5.0, lock=5.0, statement=60.0)


class Sides(NamedTuple):
    """A session on each database."""

    source: Connection
    target: Connection


FENCE = "environment"
"""Under which name the fence keeps what it took: it outlives an execution, which may stop between
closing the target and opening it."""


def schemas() -> list[str]:
    """The schemas that move."""
    return os.environ["SCHEMAS"].split(",")


@contextmanager
def connected(timeouts: Timeouts = TIMEOUTS) -> Iterator[Sides]:
    """Sessions on both databases."""
    with one("source", timeouts) as source, one("target", timeouts) as target:
        yield Sides(source, target)


@contextmanager
def one(side: routing.Side, timeouts: Timeouts = TIMEOUTS) -> Iterator[Connection]:
    """A session on one database."""
    with closing(postgres.from_environment(side, timeouts).connect()) as session:
        yield session


@contextmanager
def held(execution: Execution, direction: turn.Direction) -> Iterator[Sides]:
    """Sessions on both databases, on which this execution has its turn.

    A step of an execution that was aborted may still be running when its rollback begins: on each
    database only one of them acts at a time, and once it is turned back no forward step acts again.
    The way back does not wait for a step that stays: its sessions are ended.

    Raises:
        Superseded: the migration was turned back, or is another's.
        StepInProgress: another step has the turn.
    """
    with connected() as both, ExitStack() as stack:
        for session in both:
            stack.enter_context(_turn(session, execution, direction))
        yield both


@contextmanager
def turned_back(execution: Execution) -> Iterator[Sides]:
    """Both databases held for the way back; from now on no forward step acts any more."""
    with held(execution, "back") as both:
        for session in both:
            turn.write_back(session, execution.name)
        yield both


@contextmanager
def source_turned_back(execution: Execution) -> Iterator[Connection]:
    """The source alone held for the way back: the target may be what has failed.

    It is enough to end every forward step, since each needs its turn on both.
    """
    with one("source") as source, _turn(source, execution, "back"):
        turn.write_back(source, execution.name)
        yield source


def check_turn(both: Sides) -> None:
    """Raises what pg8000 raises where a way back has ended this step's sessions meanwhile."""
    for session in both:
        session.run("select")


@contextmanager
def _turn(session: Connection, execution: Execution, direction: turn.Direction) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(turn.hold(session, execution.name, direction))
        except StepInProgress:
            if direction == "forward":
                raise
            turn.evict(session)
            stack.enter_context(turn.hold(session, execution.name, direction))
        yield
