"""The director: which scenarios it carries out, when it stops, and what it leaves behind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rehearsal import evidence, outcome, perform
from rehearsal.fault import Fault
from rehearsal.options import Options
from rehearsal.perform import Director
from rehearsal.progress import Progress
from rehearsal.scenario import Scenario
from scripts import system_packages
from scripts.operator_error import OperatorError
from tests.support import rehearsed
from tests.support.workflow_machine import machine

BAD = Fault("abort", "enter:Bake")
OTHERS = (Fault("restart-source", "enter:Preflight"), Fault("lag-spike", "enter:Soak"))
PLAN = Scenario("plan-7", "Drawn.", (OTHERS[0], BAD, OTHERS[1]), ("Succeeded",), seed=7)
GOOD, FAILING = (
    Scenario(name, "", faults, ("Succeeded",))
    for name, faults in (("good/one", ()), ("failing", (BAD, *OTHERS)))
)


class Stand:
    """In place of databases and payments: what is rehearsed fails where ``BAD`` strikes."""

    def __init__(self) -> None:
        self.rehearsed: list[Scenario] = []
        self.stages: list[str] = []
        self.packed: list[tuple[Any, ...]] = []
        self.told: list[str] = []
        self.progress = cast(
            Progress,
            SimpleNamespace(
                planned=lambda each: self.told.append(f"planned {each.name}"),
                ended=lambda each: self.told.append(f"ended {each.scenario}"),
                evidence=lambda file, head: self.told.append(f"{head} of {file.name}"),
            ),
        )

    @contextmanager
    def site(self, *_arguments: object) -> Iterator[Any]:
        yield SimpleNamespace(stage=self.stage, secrets=lambda: {"a password"})

    @contextmanager
    def stage(self, _synthesized: object) -> Iterator[str]:
        self.stages.append("open")
        yield "stage"
        self.stages[-1] = "closed"

    def run(self, _site: Any, stage: str, scenario: Scenario, rate: int | None, _p: Any) -> Any:
        assert (stage, rate, self.stages[-1]) == ("stage", 50, "open")
        self.rehearsed.append(scenario)
        return SimpleNamespace(run=lambda: None, scenario=scenario)

    def record(self, done: Any) -> Any:
        made = rehearsed.failed() if BAD in done.scenario.faults else rehearsed.happy()
        return replace(made, scenario=done.scenario.name, seed=done.scenario.seed, evidence=None)

    def pack(self, record: Any, *arguments: Any, secrets: set[str]) -> str:
        self.packed.append((record.scenario, *arguments, secrets))
        return f"head of {record.scenario}"


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Stand:
    stand = Stand()
    monkeypatch.setattr(perform, "Site", stand.site)
    monkeypatch.setattr(perform, "Rehearsal", stand.run)
    monkeypatch.setattr(outcome, "record", stand.record)
    monkeypatch.setattr(outcome, "documents", lambda _done: {"settings.json": b"{}"})
    monkeypatch.setattr(evidence, "pack", stand.pack)
    monkeypatch.setattr(system_packages, "ensure", lambda: None)
    return stand


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "reports"


def director(output: Path, **options: Any) -> Director:
    made = Director(Options(synthesized=Path("/synthesized"), output=output, rate=50, **options))
    # What the folder would be read for.
    vars(made).update(definition=machine(), synthesized=None, settings=None)
    return made


def perform_all(stand: Stand, output: Path, *scenarios: Scenario, **options: Any) -> Sequence[str]:
    records = director(output, **options).perform(scenarios, stand.progress)
    return [record.scenario for record in records]


def test_each_has_a_stage_of_its_own_a_report_and_evidence(stand: Stand, output: Path) -> None:
    assert perform_all(stand, output, GOOD) == ["good/one"]
    folder = output / "good-one"
    assert {file.name for file in folder.iterdir()} == {"report.html", "report.json"}
    report = json.loads((folder / "report.json").read_text())
    assert report["evidence"] == "head of good/one"
    documents, file = {"settings.json": b"{}"}, folder / "evidence.zip"
    assert stand.packed == [("good/one", Path("/synthesized"), documents, file, {"a password"})]
    assert stand.stages == ["closed"]
    assert stand.told == [
        "planned good/one", "ended good/one", "head of good/one of evidence.zip",
    ]  # fmt: skip
    assert not (output / "index.html").exists()


def test_several_have_a_list(stand: Stand, output: Path) -> None:
    assert perform_all(stand, output, GOOD, replace(GOOD, name="other")) == ["good/one", "other"]
    page = (output / "index.html").read_text()
    assert 'href="good-one/report.html"' in page
    assert 'href="other/report.html"' in page
    assert stand.stages == ["closed", "closed"]


def test_the_first_failure_ends_it(stand: Stand, output: Path) -> None:
    assert perform_all(stand, output, FAILING, GOOD) == ["failing"]


def test_unless_told_to_go_on(stand: Stand, output: Path) -> None:
    done = perform_all(stand, output, FAILING, GOOD, keep_going=True)
    assert done == ["failing", "good/one"]


def test_a_failing_plan_is_made_smaller(stand: Stand, output: Path) -> None:
    first, smallest = perform_all(stand, output, PLAN)
    assert first == "plan-7"
    assert smallest.startswith("plan-7-smaller-")
    [found] = [each for each in stand.rehearsed if each.name == smallest]
    assert found.faults == (BAD,)
    assert (output / smallest / "report.html").exists()
    assert f'href="{smallest}/report.html"' in (output / "index.html").read_text()


def test_one_that_cannot_be_smaller_is_left(stand: Stand, output: Path) -> None:
    assert perform_all(stand, output, replace(PLAN, faults=(BAD,))) == ["plan-7"]
    assert len(stand.rehearsed) == 1


def test_a_smaller_plan_that_never_fails_is_not_shown(
    stand: Stand, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flaky = iter([rehearsed.failed()])

    def record(_done: Any) -> Any:
        return next(flaky, rehearsed.happy())

    monkeypatch.setattr(outcome, "record", record)
    assert len(perform_all(stand, output, PLAN)) == 1
    assert 2 <= len(stand.rehearsed) <= 13


def test_random_plans_are_drawn_of_seeds_in_a_row(output: Path) -> None:
    drawn = director(output, seed=40, faults=3).drawn()
    assert [each.seed for each in drawn] == [40, 41, 42]
    assert [each.name for each in drawn] == ["plan-40", "plan-41", "plan-42"]
    assert director(output, seed=41, faults=1).drawn() == drawn[1:2]


def test_without_a_seed_they_are_new_each_time(output: Path) -> None:
    seeds = {director(output, faults=1).drawn()[0].seed for _ in range(5)}
    assert len(seeds) > 1
    assert director(output, seed=1).drawn() == []


def test_every_scenario_is_known(output: Path) -> None:
    assert {"happy-path", "rollback-inside-cutover"} <= set(director(output).scenarios())


def test_an_environment_without_the_applications_roles_is_refused() -> None:
    with pytest.raises(OperatorError, match="application_roles of environment prod lacks"):
        Director(Options(environment="prod")).settings  # noqa: B018 - read for what it raises.
