"""Parts taken together, and what is told of them: exact counts, cut lists, honest verdicts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.catalogue import Column, Table, Type
from migration.field import Field
from migration.row_hash import Method
from migration.validator import report
from migration.validator.plan import Pairing, Part, Plan
from migration.validator.results import (
    Difference,
    Finding,
    Kind,
    PartResult,
    Validation,
    Verdict,
)

INT = Type("integer", "int4")


def pairing(name: str, *, left_out: str = "") -> Pairing:
    columns = [Column(each, INT) for each in ("id", "amount", left_out) if each]
    table = Table("public", name, tuple(columns), ("id",))
    fields = (Field("id", INT, INT), Field("amount", INT, INT, masked=True))
    return Pairing(table, table, fields, ("id",), rows=100, bytes=8000)


def plan(*tables: str, parts_each: int = 1, findings: Sequence[Finding] = ()) -> Plan:
    pairings = tuple(pairing(name) for name in tables)
    parts = tuple(
        Part(number, pairings[number // parts_each].label, rows=50)
        for number in range(len(tables) * parts_each)
    )
    return Plan(Method.NATIVE, True, pairings, parts, tuple(findings))


def read(number: int, table: str = "public.a", **found: object) -> PartResult:
    values: dict[str, Any] = {"source_rows": 50, "target_rows": 50, **found}
    return PartResult(number, table, **values)


def differing(number: int, *keys: str, kind: Kind = Kind.DIFFERENT) -> PartResult:
    listed = tuple(Difference("public.a", kind, (key,), ("amount",)) for key in keys)
    counts: dict[str, Any] = {"missing": 0, "extra": 0, "different": 0}
    counts[{Kind.MISSING: "missing", Kind.EXTRA: "extra"}.get(kind, "different")] = len(keys)
    return read(number, differences=listed, **counts)


def only(validation: Validation) -> tuple[Verdict, str]:
    [result] = validation.results
    return result.verdict, result.reason


def test_parts_that_match_are_a_table_that_matches() -> None:
    outcome = report.taken_together(plan("a", parts_each=3), [read(n) for n in range(3)])
    assert only(outcome) == (Verdict.MATCH, "")
    assert (outcome.results[0].rows, outcome.results[0].bytes) == (150, 8000)


def test_a_part_that_was_not_read_is_named_by_its_place_in_the_table() -> None:
    made = plan("a", "b", parts_each=2)
    outcome = report.taken_together(made, [read(0), read(1), read(3, "public.b")])
    assert outcome.results[1].reason == "part 1 of 2 was not read"
    assert outcome.verdict is Verdict.INCONCLUSIVE


@given(st.sets(st.integers(0, 11)), st.sets(st.integers(0, 11)))
def test_it_matches_only_if_every_part_was_read_and_was_equal(
    unread: set[int], unequal: set[int]
) -> None:
    made = plan("a", "b", "c", parts_each=4)
    results = [
        read(part.number, part.table, different=int(part.number in unequal))
        for part in made.parts
        if part.number not in unread
    ]
    verdict = report.taken_together(made, results).verdict
    if unequal - unread:
        assert verdict is Verdict.MISMATCH
    else:
        assert verdict is (Verdict.INCONCLUSIVE if unread else Verdict.MATCH)


def test_a_table_without_parts_was_not_read() -> None:
    outcome = report.taken_together(replace(plan("a"), parts=()), [])
    assert only(outcome) == (Verdict.INCONCLUSIVE, "it was not read")


def test_what_keeps_changing_and_what_could_not_be_read_is_said_once() -> None:
    results = [read(0, reason="no permission"), read(1, reason="no permission", unsettled=4)]
    outcome = report.taken_together(plan("a", parts_each=2), results)
    assert only(outcome) == (Verdict.INCONCLUSIVE, "no permission; 4 rows kept changing")


def test_a_mismatch_counts_kinds_and_says_what_was_not_covered_too() -> None:
    results = [differing(0, "1", "2"), differing(1, "9", kind=Kind.MISSING)]
    outcome = report.taken_together(plan("a", parts_each=3), results)
    verdict, reason = only(outcome)
    assert verdict is Verdict.MISMATCH
    assert reason == (
        "1 rows: missing on the target; 2 rows: different values; part 3 of 3 was not read"
    )


def test_a_row_that_two_parts_report_counts_once() -> None:
    results = [differing(0, "1", "2"), differing(1, "2", "3")]
    outcome = report.taken_together(plan("a", parts_each=2), results)
    assert outcome.results[0].mismatched == 3
    assert [each.key for p in outcome.parts for each in p.differences] == [("1",), ("2",), ("3",)]


def test_equal_rows_of_a_table_without_a_key_all_count() -> None:
    listed = (Difference("public.a", Kind.EXTRA, copies=(0, 1)),) * 2
    results = [read(0, extra=2, differences=listed), read(1, extra=2, differences=listed)]
    outcome = report.taken_together(plan("a", parts_each=2), results)
    assert outcome.results[0].mismatched == 4


def test_the_list_is_cut_and_the_counts_are_not() -> None:
    results = [differing(n, *(f"{n}-{k}" for k in range(10))) for n in range(5)]
    outcome = report.taken_together(plan("a", parts_each=5), results, listed=25)
    assert outcome.results[0].mismatched == 50
    assert len(list(report.differences(outcome))) == 25


def test_findings_of_the_plan_are_results_and_its_problems_problems() -> None:
    finding = Finding("public.z", Verdict.MISMATCH, "missing on the target")
    made = replace(plan("a", findings=[finding]), problems=("schema x does not exist",))
    outcome = report.taken_together(made, [read(0)])
    assert [each.table for each in outcome.having(Verdict.MISMATCH)] == ["public.z"]
    assert outcome.problems == ("schema x does not exist",)


def test_nothing_at_all_is_inconclusive() -> None:
    outcome = report.taken_together(Plan(Method.NATIVE), [])
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.problems


def test_the_report_says_what_was_not_covered() -> None:
    made = replace(plan("a", parts_each=2), pairings=(pairing("a", left_out="note"),))
    outcome = report.taken_together(made, [read(0, as_of="10:00", unsettled=2)])
    document = report.document(
        made, outcome, execution="run-1", environment="dev", at="now", seconds=1.23456
    )
    assert document["not_covered"] == {
        "tables": {"public.a": "part 2 of 2 was not read; 2 rows kept changing"},
        "columns": {"public.a": ["note"]},
        "rows_estimated": 50,
        "rows_unsettled": 2,
    }
    [table] = document["tables"]
    assert (table["masked"], table["as_of"], table["parts"]) == (["amount"], ["10:00"], 1)
    assert (document["seconds"], document["rows"], document["bytes"]) == (1.235, 0, 0)
    assert json.loads(json.dumps(document)) == document


def test_differences_are_lines_of_json() -> None:
    outcome = report.taken_together(plan("a"), [differing(0, "1")])
    [line] = report.differences(outcome)
    assert Difference.from_json(json.loads(line)) == outcome.results[0].parts[0].differences[0]


@pytest.mark.parametrize(
    ("results", "most", "repairable"),
    [
        ([differing(0, "1", "2"), read(1)], 2, True),
        ([differing(0, "1", "2"), read(1)], 1, False),
        ([differing(0, "1", "2"), read(1)], 0, False),
        ([differing(0, "1", "2")], 9, False),
        ([differing(0, "1"), read(1, unsettled=1)], 9, False),
        ([differing(0, "1"), read(1, different=3)], 9, False),
        ([read(0), read(1)], 9, False),
        (
            [read(0, extra=1, differences=(Difference("public.a", Kind.EXTRA),)), read(1)],
            9,
            False,
        ),
    ],
    ids=[
        "few", "too many", "off", "a part was not read", "a row kept changing", "not listed",
        "nothing differs", "no key",
    ],
)  # fmt: skip
def test_only_what_is_wholly_known_is_repairable(
    results: list[PartResult], most: int, repairable: bool
) -> None:
    made = plan("a", parts_each=2)
    outcome = report.taken_together(made, results)
    assert report.is_repairable(made, outcome, most) is repairable


def test_a_missing_table_is_not_repairable() -> None:
    finding = Finding("public.z", Verdict.MISMATCH, "missing on the target")
    made = plan("a", findings=[finding])
    outcome = report.taken_together(made, [differing(0, "1")])
    assert not report.is_repairable(made, outcome, 9)


def test_the_text_names_keys_and_never_values() -> None:
    secret = Difference(
        "public.a", Kind.DIFFERENT, ("17",), ("amount",), {"amount": "4111"}, {"amount": "4112"}
    )
    outcome = report.taken_together(plan("a"), [read(0, different=1, differences=(secret,))])
    text = report.text(outcome, 95)
    assert text == (
        "mismatch: 1 tables, 50 rows in 95 s\ndiffers: public.a (17): 1 rows: different values"
    )


def test_a_long_reason_does_not_make_the_text_long() -> None:
    made = plan(*(f"t{n}" for n in range(20)))
    results = [read(n, f"public.t{n}", reason="x" * 2000) for n in range(20)]
    text = report.text(report.taken_together(made, results), 1.0)
    assert 1000 < len(text) <= report.TEXT_CHARACTERS
    assert text.endswith("and 12 more")


@given(
    st.integers(1, 300),
    st.text(st.characters(codec="utf-8"), max_size=2000),
    st.lists(st.text(max_size=500), max_size=4),
)
def test_however_much_there_is_to_say_the_summary_stays_small(
    tables: int, reason: str, keys: list[str]
) -> None:
    names = [f"t{n}" for n in range(tables)]
    made = plan(*names)
    results = [
        read(
            n, f"public.t{n}", reason=reason, different=len(keys),
            differences=tuple(Difference("public.a", Kind.DIFFERENT, (key,)) for key in keys),
        )
        for n in range(tables)
    ]  # fmt: skip
    outcome = report.taken_together(made, results)
    summary = report.summary(made, outcome, "s3://b/k", 1.0, most=0)
    assert len(summary["text"]) <= report.TEXT_CHARACTERS
    # A state's data may have 256 KiB; a text may be six times as long when it is escaped.
    assert len(json.dumps(summary)) < 256 * 1024
    assert summary["tables"] == tables
    if not keys and reason:
        assert summary["uncovered_count"] == tables
