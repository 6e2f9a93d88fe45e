"""Verdicts: what is called a match, a mismatch, and what is left open."""

from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration.catalogue import Column, Table, Type
from migration.digest import Digest
from migration.reader import Unreadable
from migration.validation import RESERVE_SECONDS, Patience, Validation, Verdict, validate

INT = Type("integer", "int4")
States = list[int | str]


def table(name: str, *columns: str) -> Table:
    return Table("public", name, tuple(Column(c, INT) for c in columns or ("id",)), ("id",))


class FakeSide:
    """Tables whose successive looks are given; a str is a reason why a look fails.

    The last state repeats.
    """

    def __init__(self, tables: dict[str, States], schemas: Iterable[str] = ("public",)) -> None:
        self._tables, self._schemas = tables, frozenset(schemas)
        self._looks: dict[str, Iterator[int | str]] = {n: iter(s) for n, s in tables.items()}
        self._last: dict[str, int | str] = {}
        self.seconds: list[float] = []

    def tables(self, schemas: Iterable[str]) -> tuple[dict[str, Table], frozenset[str]]:
        found = {name: table(name) for name in self._tables}
        return {t.label: t for t in found.values()}, self._schemas

    def probe(self) -> str | None:
        return "{1}"

    def look(self, table: Table, statement: str, seconds: float) -> Digest:
        self.seconds.append(seconds)
        state = next(self._looks[table.name], None)
        if state is not None:
            self._last[table.name] = state
        now = self._last[table.name]
        if isinstance(now, str):
            raise Unreadable(now)
        return Digest(now, str(now))


def compare(
    source: dict[str, States],
    target: dict[str, States],
    remaining: Callable[[], float] = lambda: 900.0,
    patience: Patience | None = None,
) -> tuple[Validation, list[float]]:
    slept: list[float] = []
    validation = validate(
        FakeSide(source), FakeSide(target), ["public"],
        remaining=remaining, sleep=slept.append, patience=patience,
    )  # fmt: skip
    return validation, slept


@pytest.mark.parametrize(
    ("source", "target", "verdict", "looks"),
    [
        ([1], [1], Verdict.MATCH, 1),
        ([2], [1, 2], Verdict.MATCH, 2),
        ([2], [1, 1, 2], Verdict.MATCH, 3),
        ([2, 3], [1, 2], Verdict.MATCH, 2),  # The target holds what the source held before.
        ([2], [1], Verdict.MISMATCH, 3),
        ([3, 2], [1], Verdict.MISMATCH, 3),
        ([2, 3, 4], [1], Verdict.INCONCLUSIVE, 3),
        ([9], [1, 2, 3], Verdict.INCONCLUSIVE, 3),  # Still catching up.
        (["gone"], [1], Verdict.INCONCLUSIVE, 0),
        ([1], ["gone"], Verdict.INCONCLUSIVE, 0),
        ([2], [1, "gone"], Verdict.INCONCLUSIVE, 1),
    ],
)
def test_a_table_is_looked_at_again_until_it_settles(
    source: States, target: States, verdict: Verdict, looks: int
) -> None:
    validation, slept = compare({"t": source}, {"t": target})
    assert validation.verdict is verdict
    [result] = validation.results
    assert result.looks == looks
    assert set(slept) <= {10.0}


def test_what_could_not_be_read_says_why() -> None:
    validation, _ = compare({"t": ["no permission on the source"]}, {"t": [1]})
    assert [r.reason for r in validation.results] == ["no permission on the source"]


def test_one_wait_serves_all_tables_that_differ() -> None:
    differing: dict[str, States] = {name: [1] for name in "abc"}
    validation, slept = compare(differing, {name: [2] for name in "abc"})
    assert slept == [10.0, 10.0]
    assert len(validation.having(Verdict.MISMATCH)) == 3


def test_equal_tables_are_not_waited_for() -> None:
    assert compare({"a": [1], "b": [2]}, {"a": [1], "b": [2]})[1] == []


def test_a_source_that_takes_no_writes_is_looked_at_once() -> None:
    validation, slept = compare({"t": [1]}, {"t": [2]}, patience=Patience(looks=1))
    assert validation.verdict is Verdict.MISMATCH
    assert slept == []


def test_a_mismatch_wins_over_what_is_not_covered_and_that_over_a_match() -> None:
    source: dict[str, States] = {"a": [1], "b": ["timeout"], "c": [1]}
    validation, _ = compare(source, {"a": [1], "b": [1], "c": [2]})
    assert validation.verdict is Verdict.MISMATCH
    assert [r.table for r in validation.having(Verdict.INCONCLUSIVE)] == ["public.b"]
    validation, _ = compare(source, {"a": [1], "b": [1], "c": [1]})
    assert validation.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("source", "target"), [({"t": [1]}, {}), ({}, {"t": [1]})])
def test_a_table_on_one_side_only_is_a_mismatch(
    source: dict[str, States], target: dict[str, States]
) -> None:
    validation, _ = compare(source, target)
    assert validation.verdict is Verdict.MISMATCH
    assert validation.results[0].reason.startswith("missing on the ")


def test_nothing_to_compare_is_inconclusive() -> None:
    assert compare({}, {})[0].verdict is Verdict.INCONCLUSIVE
    assert Validation().verdict is Verdict.INCONCLUSIVE
    nothing = validate(
        FakeSide({}), FakeSide({}), [], remaining=lambda: 900.0, sleep=lambda seconds: None
    )
    assert nothing.verdict is Verdict.INCONCLUSIVE


def test_a_schema_that_does_not_exist_is_inconclusive() -> None:
    validation = validate(
        FakeSide({"t": [1]}), FakeSide({"t": [1]}, schemas=()), ["public"],
        remaining=lambda: 900.0, sleep=lambda seconds: None,
    )  # fmt: skip
    assert validation.problems == ("schema public does not exist on the target",)
    assert validation.verdict is Verdict.INCONCLUSIVE


def test_no_look_begins_or_lasts_into_the_time_kept_for_the_report() -> None:
    source = FakeSide({"a": [1], "b": [1]})
    left = iter([RESERVE_SECONDS + 7, RESERVE_SECONDS, RESERVE_SECONDS])
    validation = validate(
        source, FakeSide({"a": [1], "b": [1]}), ["public"],
        remaining=lambda: next(left), sleep=lambda seconds: None,
    )  # fmt: skip
    assert source.seconds == [7]
    assert [(r.table, r.reason) for r in validation.having(Verdict.INCONCLUSIVE)] == [
        ("public.b", "out of time: 30 s left, kept for the report")
    ]


def test_a_difference_seen_once_is_left_open_when_time_runs_out() -> None:
    validation, slept = compare({"t": [1]}, {"t": [2]}, remaining=lambda: RESERVE_SECONDS + 9)
    assert slept == []
    assert validation.verdict is Verdict.INCONCLUSIVE
    assert validation.results[0].reason == "it differs, and there was no time for a second look"


TABLES = st.dictionaries(st.sampled_from("abcd"), st.sampled_from([1, 2, "unread"]))


@settings(deadline=None, database=None)
@given(source=TABLES, target=TABLES)
def test_a_verdict_is_match_only_if_all_was_read_and_equal(
    source: dict[str, int | str], target: dict[str, int | str]
) -> None:
    validation, _ = compare(
        {name: [state] for name, state in source.items()},
        {name: [state] for name, state in target.items()},
    )
    readable = "unread" not in {*source.values(), *target.values()}
    assert (validation.verdict is Verdict.MATCH) is (bool(source) and readable and source == target)
    differs = source.keys() != target.keys() or any(
        isinstance(here, int) and isinstance(target[name], int) and here != target[name]
        for name, here in source.items()
    )
    assert (validation.verdict is Verdict.MISMATCH) is differs
