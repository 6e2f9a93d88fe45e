"""Sets the sequences of the database about to open beyond where the primary's are.

DMS copies rows and never sequences, so the side that opens would hand out values that exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pg8000.native import Connection

from migration import sequence_catalogue
from migration.errors import SequenceBehind
from migration.postgres import literal
from migration.sequence_catalogue import Feed, Sequence


@dataclass(frozen=True)
class Synchronised:
    """How many sequences were looked at, and which were moved: label → next value."""

    sequences: int
    moved: dict[str, int]


@dataclass(frozen=True)
class _Goal:
    """Where a sequence should stand: ``value`` comes next, or it is used up at its bound."""

    value: int
    is_used_up: bool = False


def synchronise(behind: Connection, ahead: Connection, schemas: Iterable[str]) -> Synchronised:
    """Move every sequence of ``behind`` beyond ``ahead``'s and beyond the rows of ``behind``.

    ``ahead`` is the side that was primary: the source on the way forward, the target on the way
    back. Both must be closed to writers. Serial, identity and free sequences count, and those of
    other schemas that feed a table of ``schemas``. The next value of ``behind`` is then past

    - every value ``ahead`` has reserved, cached ones included, and
    - every value within the sequence's bounds in the columns it feeds on ``behind``.

    A sequence is never moved back, and one that is far enough is not touched, so running it
    again changes nothing. One that cycles has no "beyond": it is put exactly where ``ahead``'s
    would go on, whatever its columns hold. Setting a sequence is not transactional; it takes the
    privilege UPDATE, reading takes SELECT (PostgreSQL documentation, "Sequence Manipulation
    Functions").

    Raises:
        SequenceBehind: after moving all that can be moved, with every sequence that is missing on
            one side, counts the other way, is used up, or still is not beyond.
    """
    schemas = list(schemas)
    mine = sequence_catalogue.sequences(behind, schemas)
    theirs = sequence_catalogue.sequences(ahead, schemas)
    problems = _missing(mine, theirs)
    pairs = [(mine[label], theirs[label]) for label in sorted(mine.keys() & theirs.keys())]
    problems += [_opposite(*pair) for pair in pairs if not _same_direction(*pair)]
    pairs = [pair for pair in pairs if _same_direction(*pair)]
    values = sequence_catalogue.furthest_values(behind, (one for one, _ in pairs))
    goals = [(one, _goal(one, other, values)) for one, other in pairs]
    moved = _set(behind, [(one, goal) for one, goal in goals if _is_due(one, goal)])
    problems += _check(behind, pairs)
    if problems:
        raise SequenceBehind(problems)
    return Synchronised(len(mine), moved)


def _same_direction(mine: Sequence, theirs: Sequence) -> bool:
    return (mine.increment > 0) == (theirs.increment > 0)


def _goal(mine: Sequence, theirs: Sequence, values: dict[Feed, int]) -> _Goal:
    if mine.cycles:
        return _Goal(_around(mine, theirs))
    position = theirs.next_value
    if mine.is_past(position, mine.bound):
        return _Goal(mine.bound, is_used_up=True)
    goal = position
    for feed in mine.feeds:
        if feed in values:
            goal = mine.further(goal, _beyond(mine, position, values[feed]))
    # Rows that leave no room: it goes on where the primary did, and the check tells of them.
    return _Goal(position if mine.is_past(goal, mine.bound) else goal)


def _beyond(mine: Sequence, position: int, taken: int) -> int:
    """The first value past ``taken`` on the steps that lead on from ``position``."""
    if mine.is_past(position, taken):
        return position
    return position + ((taken - position) // mine.increment + 1) * mine.increment


def _around(mine: Sequence, theirs: Sequence) -> int:
    """Where a cycling sequence goes on: within the bounds of the side that opens."""
    value = theirs.first if theirs.is_past(theirs.next_value, theirs.bound) else theirs.next_value
    return value if mine.minimum <= value <= mine.maximum else mine.first


def _is_due(mine: Sequence, goal: _Goal) -> bool:
    if mine.cycles:
        return mine.next_value != goal.value
    return mine.is_past(goal.value, mine.next_value) or (
        goal.is_used_up and mine.next_value == goal.value
    )


def _set(behind: Connection, moves: list[tuple[Sequence, _Goal]]) -> dict[str, int]:
    """Set the sequences, in one round trip; label → next value of those that were set.

    Where one stands is asked again as it is set, so that a stale step moves none back that a
    writer has moved on.
    """
    statements = []
    for number, (mine, goal) in enumerate(moves):
        step = f"case when is_called then {mine.increment} else 0 end"
        unmoved = f"last_value + ({step})::numeric = {mine.next_value}"
        is_called = "true" if goal.is_used_up else "false"
        statements.append(
            f"select {number}, setval({literal(mine.sql)}::regclass, '{goal.value}'::int8, "  # noqa: S608
            f"{is_called}) from {mine.sql} where {unmoved}"
        )
    rows = behind.run(" union all ".join(statements)) if statements else []
    done = [moves[number] for number, _ in rows]
    return {
        mine.label: goal.value + (mine.increment if goal.is_used_up else 0) for mine, goal in done
    }


def _check(behind: Connection, pairs: list[tuple[Sequence, Sequence]]) -> list[str]:
    """What is wrong as things stand now, computed without taking a value from a sequence."""
    now = sequence_catalogue.positions(behind, (mine for mine, _ in pairs))
    values = sequence_catalogue.furthest_values(behind, now)
    problems = []
    for mine, (_, theirs) in zip(now, pairs, strict=True):
        problems += _check_one(mine, theirs, values)
    return problems


def _check_one(mine: Sequence, theirs: Sequence, values: dict[Feed, int]) -> list[str]:
    following = mine.next_value
    if mine.cycles:
        expected = _around(mine, theirs)
        return [] if following == expected else [_behind(mine, f"{expected} comes next there")]
    if mine.is_past(following, mine.bound):
        return [_used_up(mine, f"the primary's next value is {theirs.next_value}")]
    # All values before the primary's next one are taken there.
    if mine.is_past(theirs.next_value, following):
        return [_behind(mine, f"{theirs.next_value} comes next on the side that was primary")]
    problems = []
    for feed in mine.feeds:
        taken = values.get(feed)
        if taken is not None and not mine.is_past(following, taken):
            holds = f"{feed} holds {taken}"
            full = mine.is_past(_beyond(mine, following, taken), mine.bound)
            problems.append(_used_up(mine, holds) if full else _behind(mine, holds))
    return problems


def _behind(mine: Sequence, what: str) -> str:
    return (
        f"{mine.label} is behind: its next value is {mine.next_value} and {what} (it "
        f"ends at {mine.bound}). Close both sides to writers and run the step again"
    )


def _used_up(mine: Sequence, what: str) -> str:
    extreme = "maxvalue" if mine.increment > 0 else "minvalue"
    return (
        f"{mine.label} has no value left: {what} and it ends at {mine.bound} without cycle. Move "
        f"its bound (alter sequence {mine.sql} {extreme} …) or the rows at the bound, on both sides"
    )


def _missing(mine: dict[str, Sequence], theirs: dict[str, Sequence]) -> list[str]:
    return [
        *(
            f"{label} is missing on the side about to open: create it as it is on the other"
            for label in sorted(theirs.keys() - mine.keys())
        ),
        *(
            f"{label} is missing on the side that was primary, so nothing says where it stands: "
            "create it there, or drop it on the side about to open"
            for label in sorted(mine.keys() - theirs.keys())
        ),
    ]


def _opposite(mine: Sequence, theirs: Sequence) -> str:
    return (
        f"{mine.label} counts by {mine.increment} on the side about to open and by "
        f"{theirs.increment} on the other: alter it to count the same way"
    )
