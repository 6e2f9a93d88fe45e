"""What the application asks for is what it writes down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.clock import Clock
from rehearsal.schema import TABLES
from rehearsal.workload.application import Application, Earlier
from rehearsal.workload.figures import Figures
from rehearsal.workload.plan import Plan
from rehearsal.workload.requests import Payment, Request, row_of

_NEW = {"pay": 1, "order": 1, "receipt": 1, "account": 1, "note": 1}
_OLD = {"settle": 1, "purge": 1, "batch": 1, "post": 1}


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    yield Application("c0", 7, Clock(tmp_path / "clock"), Earlier())


@pytest.fixture
def drawn(application: Application) -> list[Request]:
    """Many requests, new ones before those on what they left, as if all were acknowledged."""
    requests = []
    for number in range(400):
        request = application.draw(_NEW if number % 2 else _OLD)
        if request is not None:
            requests.append(request)
            for payment in request.leaves:
                application._earlier.leave(payment)
    return requests


def test_a_row_is_what_is_sent(drawn: list[Request]) -> None:
    for request in drawn:
        for row, step in zip(request.rows, request.steps, strict=False):
            if "insert" in step.statement:
                sent = {name: _plain(value) for name, value in step.parameters.items()}
                assert row == row_of(row.table, sent)


def _plain(value: Any) -> Any:
    return getattr(value, "adapted", value)


def test_no_row_is_new_twice_and_each_is_of_its_table(drawn: list[Request]) -> None:
    new = [
        (row.table, row.key)
        for request in drawn
        if request.kind in {*_NEW, "post"}
        for row in request.rows
    ]

    assert len(new) == len(set(new))
    assert {table for table, _ in new} == set(TABLES)
    for request in drawn:
        for row in request.rows:
            assert len(row.key) == len(TABLES[row.table].key)
            assert row.values is None or set(row.values) == set(TABLES[row.table].values)


def test_a_purge_takes_all_that_was_there(drawn: list[Request]) -> None:
    there: dict[str, set[tuple[str, ...]]] = {}
    for request in drawn:
        for row in request.rows:
            if row.table == "events":
                continue
            if row.values is not None:
                there.setdefault(row.key[0], set()).add((row.table, *row.key))
            else:
                there[row.key[0]].remove((row.table, *row.key))
        if request.kind == "purge":
            assert there[request.rows[0].key[0]] == set()


def test_some_values_are_beyond_64_kb(drawn: list[Request]) -> None:
    sizes = [
        len(step.parameters["document"].encode())
        for request in drawn
        for step in request.steps
        if "document" in step.parameters
    ]

    assert min(sizes) < 10_000
    assert max(sizes) > 65_536


def test_the_same_seed_asks_for_the_same(tmp_path: Path) -> None:
    one, same, other = (
        Application("c0", seed, Clock(tmp_path / "clock"), Earlier()) for seed in (1, 1, 2)
    )

    def amounts(of: Application) -> list[Any]:
        return [of.pay().steps[0].parameters["amount"] for _ in range(5)]

    assert amounts(one) == amounts(same) != amounts(other)


def test_without_earlier_payments_there_is_nothing_to_do(application: Application) -> None:
    assert [application.draw({kind: 1}) for kind in _OLD] == [None] * len(_OLD)


def test_a_payment_has_one_owner(application: Application) -> None:
    earlier = Earlier()
    payment = Payment(application.pay().rows[0])
    earlier.leave(payment)

    assert [earlier.take(), earlier.take()] == [payment, None]


def test_figures_are_of_their_interval() -> None:
    figures = Figures()
    for milliseconds in range(1, 101):
        figures.sent()
        figures.acknowledged("source" if milliseconds % 4 else "target", milliseconds)
    figures.failed()
    figures.called("aws", "canary")

    first, second = figures.take(), figures.take()

    assert (first["sent"], first["acknowledged"], first["failed"]) == (100, 100, 1)
    assert (first["source_writes"], first["target_writes"]) == (75, 25)
    assert (first["p50_ms"], first["p99_ms"], first["max_ms"]) == (50, 99, 100)
    assert first["api"] == {"source": 0, "aws": 1, "stage": 0, "canary": 1, "refused": 0}
    assert (second["sent"], second["p99_ms"]) == (0, None)


def test_a_plan_never_shows_its_secrets() -> None:
    plan = Plan.of_json(
        '{"poolers": ["127.0.0.1:1"], "database": "d", "roles": {"payments_api": "s3cret"},'
        ' "clock": "c", "ledger": "l", "api": {"socket": "s", "function": "f", "method_arn": "a",'
        ' "rest_api": "r", "stage": "p", "endpoint": "e",'
        ' "key": {"id": "k1", "secret": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"}}}'
    )

    assert plan.api is not None
    assert plan.api.key.secret == b"01234567890123456789012345678901"
    assert "s3cret" not in repr(plan)
    assert "0123456789" not in repr(plan)
    assert (plan.rate, plan.api.share) == (240, 0.15)
