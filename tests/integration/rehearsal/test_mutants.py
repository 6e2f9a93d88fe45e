"""A planted bug of the product makes a rehearsal fail, and the report says why."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.support.mutants import MUTANTS, Mutant, mutated
from tests.support.rehearsing import Rehearsing

pytestmark = pytest.mark.integration

# The product passes these in test_rehearsals.py.
_REHEARSED = ("happy-path", "rollback-right-after-cutover")


def test_without_the_bugs_it_passes(rehearse: Rehearsing) -> None:
    """All that shows one of them, in a single rehearsal."""
    names = dict.fromkeys(m.scenario for m in MUTANTS if m.scenario not in _REHEARSED)
    each = [rehearse.scenario(name) for name in names]
    faults = tuple(fault for scenario in each for fault in scenario.faults)
    assert {scenario.expect for scenario in each} == {("Succeeded",)}
    done = rehearse(dataclasses.replace(each[0], name="all-at-once", faults=faults))
    assert (done.wrong, done.unstruck) == ([], set())


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_report_says_what_is_wrong(
    rehearse: Rehearsing, mutant: Mutant, tmp_path: Path
) -> None:
    planted = mutated(rehearse.director.folder, mutant, tmp_path)
    done = rehearse(rehearse.scenario(mutant.scenario), synthesized=planted)
    record = done.record
    assert not record.passed
    broken = {verdict.invariant for verdict in record.verdicts if not verdict.held}
    assert broken >= set(mutant.breaks), done.wrong
    assert mutant.ends in (None, record.ending), done.wrong
    report = json.loads((done.folder / "report.json").read_text(encoding="utf-8"))
    sentences = list(_sentences(report))
    assert [each for each in sentences if re.search(mutant.says, each)], sentences
    page = unescape((done.folder / "report.html").read_text(encoding="utf-8"))
    assert re.search(mutant.says, page)


def _sentences(report: dict[str, Any]) -> Iterator[str]:
    """Where the report says what is wrong."""
    yield from (each for verdict in report["verdicts"] for each in verdict["because"])
    yield from report["ledger"]["examples"]
    yield report["cause"] or ""
