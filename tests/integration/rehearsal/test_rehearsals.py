"""Whole migrations under live payments: the way there, the ways back, and random faults."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

import pytest

from rehearsal import evidence, plans
from tests.support.rehearsing import Rehearsed, Rehearsing

pytestmark = pytest.mark.integration

# 60003 once found a lock that an execution took after it was over.
_SEEDS = (3, 60003)


@pytest.fixture(scope="module")
def happy(rehearse: Rehearsing) -> Rehearsed:
    """The happy path at the usual rate."""
    return rehearse(rehearse.scenario("happy-path"), rate=None)


def test_the_whole_way_loses_nothing(happy: Rehearsed, record_property: Any) -> None:
    record_property("told", happy.told)
    assert happy.wrong == []
    ledger = happy.record.ledger
    assert (ledger.lost, ledger.duplicated, ledger.changed) == (0, 0, 0)
    assert (ledger.failed, ledger.unknown, ledger.acknowledged) == (0, 0, ledger.sent)
    assert happy.record.primary == "target"


def test_both_databases_were_paid_on_one_after_the_other(happy: Rehearsed) -> None:
    sides = [stretch.side for stretch in happy.record.writing]
    assert sorted(sides) == sides
    assert set(sides) == {"source", "target"}


def test_who_waited_longest_waited_for_the_pause(happy: Rehearsed) -> None:
    pause = happy.record.pause
    assert pause.reported_ms and pause.longest_ms and pause.usual_ms
    wanted = pause.reported_ms + pause.usual_ms
    assert wanted / 2 < pause.longest_ms < wanted * 2, pause


def test_its_evidence_holds(happy: Rehearsed) -> None:
    assert happy.record.evidence
    assert evidence.verify(happy.folder / "evidence.zip", happy.record.evidence) == []


def test_its_report_is_written(happy: Rehearsed) -> None:
    report = json.loads((happy.folder / "report.json").read_text(encoding="utf-8"))
    assert report == json.loads(json.dumps(happy.record.to_json()))
    assert "happy-path" in (happy.folder / "report.html").read_text(encoding="utf-8")


def test_the_way_back_from_the_target_loses_nothing(
    rehearse: Rehearsing, record_property: Any
) -> None:
    """From before the target was opened: test_rehearse_command.py."""
    done = rehearse(rehearse.scenario("rollback-right-after-cutover"))
    record_property("told", done.told)
    assert (done.wrong, done.unstruck) == ([], set())
    sides = [side for side, _ in groupby(stretch.side for stretch in done.record.writing)]
    assert sides == ["source", "target", "source"]


@pytest.mark.parametrize("seed", _SEEDS)
def test_random_faults_break_nothing(rehearse: Rehearsing, seed: int, record_property: Any) -> None:
    """``python -m rehearsal --seed SEED`` repeats one."""
    definition = rehearse.director.definition
    drawn = plans.scenario(plans.plan(seed, definition), definition, f"plan-{seed}")
    done = rehearse(drawn)
    record_property("told", f"{done.told}; {drawn.summary}")
    assert done.wrong == []
