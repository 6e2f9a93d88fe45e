"""Repair: exactly the rows that differ become the source's, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest

from migration.validator import planning
from migration.validator.compare import compare
from migration.validator.limits import Limits
from migration.validator.mending import Mending
from migration.validator.plan import Plan
from migration.validator.repair import Repaired, repair
from migration.validator.results import PartResult, Verdict
from migration.validator.rules import Rules
from tests.support.pair import Pair

pytestmark = pytest.mark.integration

Found = tuple[Plan, list[PartResult]]
EVERY_KIND = """
update payments set amount = amount + 1, note = null where id = 5;
update payments set made = made + '1 us'::interval where id = 6;
delete from payments where id in (7, 8);
insert into payments values (201, 1, 1, 'extra', now());
"""


@pytest.fixture
def open_payments(payments: Pair) -> Pair:
    payments.both("revoke all on all tables in schema public from public")
    return payments


def found(pair: Pair, rules: Rules | None = None, limits: Limits | None = None) -> Found:
    source, target = pair.readers()
    limits = limits or Limits(workers=1)
    with closing(source), closing(target):
        plan = planning.make(source, target, ["public"], rules or Rules(), limits)
        return plan, [
            compare(part, plan, source, target, settling=None, limits=limits,
                    remaining=lambda: 1000)
            for part in plan.parts
        ]  # fmt: skip


def mended(pair: Pair, what: Found, most: int = 10) -> Repaired:
    source = pair.source_server.database("source", pair.name)
    target = pair.target_server.database("target", pair.name)
    return repair(*what, source, target, ["public"], most=most, remaining=lambda: 1000)


def verdicts(what: Found) -> set[Verdict]:
    return {result.verdict for result in what[1]}


def test_rows_of_every_kind_become_the_sources(open_payments: Pair) -> None:
    open_payments.target.run(EVERY_KIND)
    before = found(open_payments)
    assert verdicts(before) == {Verdict.MISMATCH}
    assert mended(open_payments, before) == Repaired(rows=5)
    after = found(open_payments)
    assert verdicts(after) == {Verdict.MATCH}
    assert after[1][0].target_rows == 200


def test_a_second_attempt_finds_nothing_left_to_do(open_payments: Pair) -> None:
    open_payments.target.run(EVERY_KIND)
    before = found(open_payments)
    mended(open_payments, before)
    assert mended(open_payments, before) == Repaired(rows=0)


def test_other_rows_keep_their_version(open_payments: Pair) -> None:
    open_payments.target.run(EVERY_KIND)
    versions = "select id, xmin::text from payments where id not in (5, 6, 7, 8, 201) order by id"
    untouched = open_payments.target.run(versions)
    mended(open_payments, found(open_payments))
    assert open_payments.target.run(versions) == untouched


def test_more_rows_than_allowed_are_not_touched(open_payments: Pair) -> None:
    open_payments.target.run(EVERY_KIND)
    before = found(open_payments)
    answer = mended(open_payments, before, most=4)
    assert answer.rows == 0
    assert "5 rows differ and at most 4 may be repaired" in answer.refused
    assert found(open_payments)[1][0].mismatched == 5


def test_differences_that_are_not_all_listed_are_not_repaired(open_payments: Pair) -> None:
    open_payments.target.run(EVERY_KIND)
    plan, results = found(open_payments, limits=Limits(workers=1, listed=3))
    assert "not all of them are listed" in mended(open_payments, (plan, results)).refused


def test_a_table_without_key_is_not_repaired(pair: Pair) -> None:
    pair.both("create table log (line text); insert into log values ('a'), ('b')")
    pair.target.run("delete from log where line = 'a'")
    assert "has no key" in mended(pair, found(pair)).refused


def test_a_target_that_takes_writes_is_never_repaired(open_payments: Pair) -> None:
    open_payments.target_server.create_role("payments_app")
    open_payments.target.run(EVERY_KIND)
    open_payments.target.run("grant usage on schema public to payments_app")
    open_payments.target.run("grant update on payments to payments_app")
    answer = mended(open_payments, found(open_payments))
    assert answer == Repaired(refused="payments_app can write on the target")


@pytest.mark.parametrize(
    ("fault", "meanwhile", "left"),
    [
        ("update {} set note = 'wrong' where id = 5", "update {} set note = 'newer' where id = 5",
         "newer"),
        ("insert into {} (id, account, note) values (300, 1, 'extra')",
         "update {} set note = 'newer' where id = 300", "newer"),
        ("delete from {} where id = 5", "insert into {} (id, account, note) values (5, 1, 'newer')",
         "newer"),
    ],
    ids=["an update", "an extra row", "a missing row"],
)  # fmt: skip
def test_what_replication_brings_meanwhile_is_not_undone(
    open_payments: Pair, monkeypatch: pytest.MonkeyPatch, fault: str, meanwhile: str, left: str
) -> None:
    """Between the look at a row and the write another write comes to the same row."""
    open_payments.target.run(fault.format("payments"))
    before = found(open_payments)
    plain: Callable[..., list[str]] = Mending.statements

    def overtaken(*arguments: object) -> list[str]:
        statements = plain(*arguments)
        open_payments.target.run(meanwhile.format("payments"))
        return statements

    monkeypatch.setattr(Mending, "statements", overtaken)
    assert mended(open_payments, before) == Repaired(rows=0)
    key = before[1][0].differences[0].key[0]
    assert open_payments.target.run(f"select note from payments where id = {key}") == [[left]]  # noqa: S608


def test_generated_masked_and_identity_columns(pair: Pair) -> None:
    pair.both("""
        create table cards (id int generated always as identity primary key, pan text, n int,
          twice int generated always as (n * 2) stored, loaded int default 7)""")
    pair.source.run("insert into cards (pan, n) values ('4111', 1), (null, 2), ('x''y\\z', null)")
    pair.target.run("insert into cards (pan, n, loaded) values ('4112', 1, 9), ('', 2, 9)")
    rules = Rules(excluded=("public.cards.loaded",))
    before = found(pair, rules)
    assert mended(pair, before).rows == 3
    assert verdicts(found(pair, rules)) == {Verdict.MATCH}
    # What is not compared is not overwritten; a row that was missing comes whole.
    assert pair.target.run("select loaded from cards order by id") == [[9], [9], [7]]


def test_a_refusal_of_the_database_is_told(open_payments: Pair) -> None:
    open_payments.target.run("update payments set note = null where id = 5")
    open_payments.target.run("alter table payments add check (note is distinct from 'note 5')")
    before = found(open_payments)
    answer = mended(open_payments, before)
    assert answer.rows == 0
    assert "check constraint" in answer.refused


def test_a_source_that_is_gone_is_told(open_payments: Pair) -> None:
    open_payments.target.run(EVERY_KIND)
    source = open_payments.source_server.database("source", "no_such_database")
    target = open_payments.target_server.database("target", open_payments.name)
    plan, results = found(open_payments)
    answer = repair(plan, results, source, target, ["public"], most=10, remaining=lambda: 1000)
    assert answer.rows == 0
    assert "no such database" in answer.refused
