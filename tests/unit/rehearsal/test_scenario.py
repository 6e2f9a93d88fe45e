"""Scenario files: what they stand for, and what is wrong with one is said at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rehearsal import moments
from rehearsal.fault import KINDS
from rehearsal.scenario import FOLDER, Scenario, ScenariosWrong, load, read, select
from tests.support.workflow_machine import machine

ASKED_FOR = [
    "happy-path", "rollback-before-cutover", "rollback-inside-cutover", "rollback-after-cutover",
    "approval-rejected", "approval-expired", "task-fails-before", "task-fails-after",
    "source-restarted", "target-restarted", "pooler-killed", "replication-stopped", "lag-spike",
    "long-transaction", "second-writer", "table-error", "truncated-lob", "alarm-during-bake",
    "no-traffic-during-bake", "aborted", "function-killed-after-effect",
]  # fmt: skip
FILES = sorted(FOLDER.glob("*.json"))


def small(**changed: Any) -> dict[str, Any]:
    return {"name": "one", "summary": "A summary", "faults": [], "expect": ["Succeeded"]} | changed


@pytest.fixture(scope="module")
def scenarios() -> dict[str, Scenario]:
    return load(machine())


@pytest.mark.parametrize("name", ASKED_FOR)
def test_every_scenario_that_was_asked_for_is_there(
    scenarios: dict[str, Scenario], name: str
) -> None:
    assert select(scenarios, name)


def test_every_kind_of_fault_is_in_one(scenarios: dict[str, Scenario]) -> None:
    used = {fault.kind for scenario in scenarios.values() for fault in scenario.faults}
    assert used == set(KINDS) - {"time-out"}, "a time-out is in random plans only"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_is_named_after_its_scenario(file: Path) -> None:
    assert json.loads(file.read_text())["name"] == file.stem


@pytest.mark.parametrize("moment", ["before", "after"])
def test_every_task_fails_before_and_after_its_effect(
    scenarios: dict[str, Scenario], moment: str
) -> None:
    names = {s.name for s in select(scenarios, f"task-fails-{moment}")}
    assert names == {f"task-fails-{moment}/{state}" for state in moments.tasks(machine())}
    for scenario in select(scenarios, f"task-fails-{moment}"):
        operation = moments.tasks(machine())[scenario.name.partition("/")[2]]
        assert f"{moment}:{operation}" in [fault.when for fault in scenario.faults]


def test_the_operator_aborts_at_every_state(scenarios: dict[str, Scenario]) -> None:
    for state in moments.states(machine()):
        [scenario] = select(scenarios, f"aborted/{state}")
        assert scenario.faults[-1].when == f"enter:{state}"


def test_a_failing_task_ends_where_its_catch_leads(scenarios: dict[str, Scenario]) -> None:
    """The expectations against the definition itself."""
    states = machine()["States"]
    for scenario in select(scenarios, "task-fails-before"):
        name = scenario.name.partition("/")[2]
        if name == "CompareSegment":
            continue  # A child of a Map: the summary after it decides.
        name = states[name]["Catch"][-1]["Next"]
        while "Next" in states[name]:
            name = states[name]["Next"]
        assert scenario.expect == (name,), scenario.name


def test_a_new_state_gets_its_scenarios_by_itself() -> None:
    added = machine() | {
        "States": machine()["States"]
        | {"Extra": {"Type": "Task", "Parameters": {"Payload": {"operation": "extra"}}}}
    }
    assert "task-fails-before/Extra" in load(added)
    assert "aborted/Extra" in load(added)


def test_some_states_have_faults_of_their_own_instead() -> None:
    """Those that only a failure leads to."""
    usual, other = (
        {"kind": "abort", "when": "enter:{state}"},
        {"kind": "fail", "when": "before:{operation}", "times": 0},
    )
    document = small(each=["FenceSource", "Soak", "Bake"], faults=[usual], summary="In {state}")
    document |= {"instead": {"FenceSource": [other, usual]}}
    found = read(document, machine())
    assert [[str(fault) for fault in scenario.faults] for scenario in found] == [
        ["fail before:fence every time", "abort enter:FenceSource"],
        ["abort enter:Soak"],
        ["abort enter:Bake"],
    ]
    assert [scenario.summary for scenario in found] == ["In FenceSource", "In Soak", "In Bake"]


def test_the_primary_follows_from_the_ending_unless_it_is_named() -> None:
    [follows] = read(small(), machine())
    assert [follows.primary_after(e) for e in ("Succeeded", "WayBackOpen", "RolledBack")] == [
        "target", "target", "source",
    ]  # fmt: skip
    [named] = read(small(primary="target"), machine())
    assert named.primary_after("ABORTED") == "target"


def test_a_scenario_is_written_as_it_is_read(scenarios: dict[str, Scenario]) -> None:
    for scenario in scenarios.values():
        assert read(json.loads(json.dumps(scenario.to_json())), machine()) == [scenario]


def test_a_part_of_a_name_selects_nothing(scenarios: dict[str, Scenario]) -> None:
    assert select(scenarios, "task-fails") == []
    assert select(scenarios, "no-such") == []


WRONG: dict[str, tuple[Any, str]] = {
    "no object": ([], "it must be an object"),
    "a missing field": ({"name": "one"}, "expect is missing"),
    "an empty name": (small(name=""), "name is ''"),
    "a field that is none": (small(fault=[]), "fault is not a field"),
    "a kind of fault": (
        small(faults=[{"kind": "earthquake", "when": "start"}]),
        "fault kind 'earthquake' is not one of",
    ),
    "no fault at all": (small(faults=["fail"]), "fault 'fail'"),
    "a field of a fault": (
        small(faults=[{"kind": "abort", "when": "start", "how": 1}]),
        "unexpected keyword argument 'how'",
    ),
    "a state": (
        small(faults=[{"kind": "abort", "when": "enter:Nowhere"}]),
        "the machine has no state Nowhere",
    ),
    "an ending entered": (
        small(faults=[{"kind": "abort", "when": "enter:Succeeded"}]),
        "the machine has no state Succeeded",
    ),
    "an operation": (
        small(faults=[{"kind": "fail", "when": "before:nothing"}]),
        "the machine calls no operation nothing",
    ),
    "an ending": (small(expect=["Bake"]), "expect 'Bake' of one is no ending"),
    "no ending": (small(expect=[]), "expect says nothing of one"),
    "a side": (small(primary="both"), "primary of one is 'both'"),
    "a phase": (small(stop_after="Lunch"), "stop_after 'Lunch' is no phase"),
    "each": (small(each="morning"), "each is 'morning'"),
    "a state of each": (small(each=["Bake", "Fry"]), "each names 'Fry'"),
    "instead without each": (small(instead={}), "instead by state is for files with each"),
    "expect without each": (small(expect={"*": ["Failed"]}), "expect by state is for files"),
    "a state it is not made for": (
        small(each=["Bake"], instead={"Soak": []}),
        "instead names Soak, which it is not made for",
    ),
    "a state nothing is expected of": (
        small(each=["Bake", "Soak"], expect={"Soak": ["Succeeded"]}),
        "expect says nothing of one/Bake",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said(what: str) -> None:
    document, message = WRONG[what]
    with pytest.raises(ScenariosWrong, match=message.replace("*", r"\*")):
        read(document, machine())


def test_all_files_errors_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text(json.dumps(small(expect=["Bake"], stop_after="Lunch")))
    (tmp_path / "c.json").write_text(json.dumps(small()))
    (tmp_path / "d.json").write_text(json.dumps(small()))
    with pytest.raises(ScenariosWrong) as wrong:
        load(machine(), tmp_path)
    told = "\n".join(wrong.value.problems)
    for part in ("a.json is not JSON", "b.json: expect", "b.json: stop_after", "two scenarios one"):
        assert part in told
