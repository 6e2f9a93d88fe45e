"""The whole workflow, executed from the synthesized definition with the real handlers.

Every run ends with service on one side (design, invariant I4), no acknowledged payment missing
there (I2), and a journal that tells the truth.
"""

from __future__ import annotations

import pytest

from rehearsal.interpreter import Run
from rehearsal.interpreter_patches import TimedOut
from tests.support.workflow_stage import Stage, crash

PREPARED = [
    "Initialize",
    "EndpointTests",
    "Preflight",
    "StartReplication",
    "WaitForReplication",
    "ValidationBegan",
    "ValidateData",
]
SHIFTED = ["SetTrafficWeight50", "Bake50", "SetTrafficWeight100", "Bake100"]
APPROVED = ["RequestApproval", "Approve"]
CUT_OVER = [
    "HoldWritesBegun",
    "HoldWrites",
    "FenceSource",
    "DrainReplication",
    "VerifyCutover",
    "SyncSequences",
    "ArmReverse",
    "SwitchPrimaryBegun",
    "SwitchPrimary",
    "OpenTargetBegun",
    "OpenTarget",
    "ReleaseWrites",
]
SOAKED = ["StopForward", "ReverseStarted", "StartReverse", "ReverseProbe", "Soak"]
COMPLETED = ["RequestCompletion", "StopReverse", "DropSlotsBegun", "DropSlots"]
BEFORE_CUTOVER = [*PREPARED, *SHIFTED, *APPROVED]
EVERYTHING = [*BEFORE_CUTOVER, *CUT_OVER, *SOAKED, *COMPLETED]


def ended_well(stage: Stage, run: Run) -> str:
    """What must be true after any run; where it ended."""
    stage.note("executed", run.states[-1])
    source, target = stage.writers()
    # Until replication has begun there is nothing on the target that could be written to.
    target = target and "StartReplication" in stage.account.steps("run-1")
    assert source != target, f"source open: {source}, target open: {target}"
    assert not stage.poolers.paused
    assert stage.account.routing == ("target" if target else "source")
    assert stage.lost() == set()
    assert len(stage.paid) > 0
    assert stage.subjects()[-1].startswith("Migration"), "nobody was told"
    if run.states[-1] == "RolledBack":
        assert source
        assert stage.account.lock_holder is None
        assert stage.account.steps("run-1")[-1] == "ExecuteRollback"
        assert stage.account.task_status not in ("running", "starting")
        assert stage.account.reverse_status not in ("running", "starting")
        assert stage.traffic.shares["payments.onprem.internal"] == 100
    stage.note("ended well", run.states[-1])
    return run.states[-1]


def test_the_whole_migration(stage: Stage) -> None:
    run = stage.run()
    assert ended_well(stage, run) == "Succeeded", run.cause
    assert stage.end() == {
        "routing": "target",
        "task": "stopped",
        "lock": None,
        "steps": [*EVERYTHING, "Finish"],
    }
    assert stage.writers() == (False, True)
    assert stage.traffic.shares["payments.aws.internal"] == 100
    assert stage.account.reverse_status == "stopped"
    [position] = stage.account.reverse_positions
    assert position == stage.account.detail("run-1", "ArmReverse")["lsn"]
    assert stage.account.document("evidence/run-1.json")


@pytest.mark.parametrize(
    ("phase", "steps", "primary"),
    [
        ("Prepare", PREPARED, "source"),
        ("ShiftTraffic", [*PREPARED, *SHIFTED], "source"),
        ("Approve", BEFORE_CUTOVER, "source"),
        ("Soak", [*BEFORE_CUTOVER, *CUT_OVER, *SOAKED], "target"),
    ],
)
def test_stop_after(stage: Stage, phase: str, steps: list[str], primary: str) -> None:
    run = stage.run(stop_after=phase)
    assert ended_well(stage, run) == "Succeeded"
    assert stage.end()["steps"] == [*steps, "Finish"]
    assert stage.end()["routing"] == primary


PREPARE_TASKS = {
    "Initialize": "initialize",
    "Preflight": "preflight",
    "StartReplication": "start",
    "GetReplicationStatus": "status",
    "PlanValidation": "plan",
    "SummariseValidation": "summarise",
}
"""Those of test_workflow_execution."""
TASKS = {
    "SetTrafficWeight": "set_weight",
    "CheckAlarms": "check_alarms",
    "AwaitApproval": "request_approval",
    "CheckApproval": "check_approval",
    "ConfirmReplication": "confirm",
    "HoldWrites": "hold",
    "FenceSource": "fence",
    "DrainReplication": "drain",
    "VerifyCutover": "verify",
    "SyncSequences": "sequences",
    "ArmReverse": "arm",
    "SwitchPrimary": "switch",
    "OpenTarget": "open",
    "ReleaseWrites": "release",
    "StopForward": "stop_forward",
    "StartReverse": "start_reverse",
    "GetReverseStatus": "reverse_status",
    "GetSoakStatus": "soak_status",
    "AwaitCompletion": "request_completion",
    "StopReverse": "stop_reverse",
    "DropSlots": "drop_slots",
    "ReleaseLock": "finish",
}
"""Every later Task of the way forward, and the operation it calls."""
AFTER_SOAK = ("AwaitCompletion", "StopReverse", "DropSlots", "ReleaseLock")


def test_every_task_is_tried(stage: Stage) -> None:
    called = {
        name: state["Parameters"]["Payload"].get("operation")
        for name, state in stage.machine["States"].items()
        if state["Type"] == "Task" and "Payload" in state["Parameters"]
    }
    back = {"ExecuteRollback": None, "ReturnTraffic": "to_source"}
    assert called == PREPARE_TASKS | TASKS | back


@pytest.mark.parametrize("state", TASKS)
@pytest.mark.parametrize("fault", ["before", "after", "timeout"])
def test_a_task_that_always_fails(stage: Stage, state: str, fault: str) -> None:
    """Before its effect, after its effect, or by answering too late, again and again."""
    error = TimedOut if fault == "timeout" else RuntimeError
    stage.functions.faults.append(crash(TASKS[state], after=fault != "before", error=error))
    run = stage.run()
    ending = ended_well(stage, run)
    if state == "ReleaseLock":
        assert (ending, run.states[-2]) == ("Succeeded", "NotifyLockHeld")
    elif state in AFTER_SOAK:
        assert ending == "WayBackOpen"
        assert stage.writers() == (False, True)
    else:
        assert ending == "RolledBack"
