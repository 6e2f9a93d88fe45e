"""What stops the workflow on its way, executed: people, alarms, silence, a full budget, a stale
step. Each ends on one side, without loss, with a sentence that says why."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from migration.clients import client
from tests.integration.test_cutover_execution import (
    BEFORE_CUTOVER,
    CUT_OVER,
    PREPARED,
    SHIFTED,
    SOAKED,
    ended_well,
)
from tests.support.functions import Invocation
from tests.support.migration_account import BUCKET
from tests.support.workflow_stage import STARTER, Stage, crash


def rolled_back(stage: Stage, *before: str, **given: str) -> str:
    """One run that is rolled back after exactly the steps ``before``; what the operators read."""
    run = stage.run(**given)
    assert ended_well(stage, run) == "RolledBack", run.cause
    assert stage.end()["steps"] == [*before, "ExecuteRollback"]
    assert run.cause
    return run.cause


def when(stage: Stage, operation: str) -> list[Invocation]:
    """The invocations of an operation so far."""
    return [i for i in stage.functions.invocations if i.event.get("operation") == operation]


def test_the_starter_cannot_approve(stage: Stage) -> None:
    stage.answers["approval"] = STARTER
    message = rolled_back(stage, *PREPARED, *SHIFTED, "RequestApproval")
    assert "ApprovalInvalid" in message
    assert "somebody else must approve it" in message


def test_an_approval_that_names_nobody_does_not_count(stage: Stage) -> None:
    stage.answers["approval"] = ""
    assert "names '' as its approver" in rolled_back(stage, *PREPARED, *SHIFTED, "RequestApproval")


def test_without_an_answer_the_approval_expires(stage: Stage) -> None:
    del stage.answers["approval"]
    assert "States.Timeout" in rolled_back(stage, *PREPARED, *SHIFTED, "RequestApproval")
    assert stage.virtual.waited >= 24 * 3600


def test_a_rejection_says_who_and_why(stage: Stage) -> None:
    del stage.answers["approval"]

    def reject(_now: datetime) -> None:
        asked = stage.account.document("approval/run-1.json")
        if asked:
            stage.virtual.listeners.remove(reject)
            client("stepfunctions").send_task_failure(
                taskToken=asked["token"], error="ApprovalRejected", cause="by grace: not on Friday"
            )

    stage.virtual.listeners.append(reject)
    message = rolled_back(stage, *PREPARED, *SHIFTED, "RequestApproval")
    assert "ApprovalRejected: by grace: not on Friday" in message


def test_the_task_token_is_told_to_nobody(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    tokens: list[str] = []

    def look(invocation: Invocation) -> None:
        if token := invocation.event.get("token"):
            tokens.append(token)

    stage.functions.faults.append(look)
    messages = []
    stage.virtual.listeners.append(lambda _now: messages.extend(stage.account.messages()))
    stage.run()
    assert len(set(tokens)) == 2
    journal = json.dumps(stage.account.document("journal/run-1.json"))
    for text in (journal, json.dumps(messages), capsys.readouterr().out):
        assert not any(token in text for token in tokens)
    [machine] = stage.resources["aws_sfn_state_machine"].values()
    assert machine["logging_configuration"]["include_execution_data"] is False


def test_without_who_started_it_no_approval_could_count(stage: Stage) -> None:
    run = stage.interpreter.run(stage.machine, "run-1", {})
    assert (run.status, run.error) == ("FAILED", "InvalidRequest")
    assert run.cause
    assert "started_by is None" in run.cause
    assert stage.account.lock_holder is None


def test_after_the_cutover_no_other_migration_starts(stage: Stage) -> None:
    assert stage.run(stop_after="Soak").status == "SUCCEEDED"
    run = stage.run("run-2")
    assert (run.status, run.error) == ("FAILED", "InvalidRequest")
    assert run.cause
    assert "the target is the primary database already" in run.cause
    assert stage.writers() == (False, True)


def test_a_migration_may_stop_after_a_phase_and_another_cut_over(stage: Stage) -> None:
    """What the first closed, the second opens."""
    assert stage.run("run-0", stop_after="Prepare").status == "SUCCEEDED"
    assert stage.writers() == (True, False)
    run = stage.run()
    assert ended_well(stage, run) == "Succeeded", run.cause


def test_a_lag_that_came_back_holds_no_client(stage: Stage) -> None:
    def fall_behind(invocation: Invocation) -> None:
        if invocation.event.get("operation") == "confirm" and not invocation.after:
            stage.account.publish_lag(60, stage.virtual.now() - timedelta(seconds=1))

    stage.functions.faults.append(fall_behind)
    message = rolled_back(stage, *BEFORE_CUTOVER)
    assert "ReplicationNotReady: replication lags" in message


def test_a_pooler_that_cannot_be_paused_stops_the_cutover(stage: Stage) -> None:
    stage.poolers.refusing = True
    message = rolled_back(stage, *BEFORE_CUTOVER, "HoldWritesBegun")
    assert "PoolerNotPaused" in message


def test_a_budget_that_is_used_up_gives_the_source_its_writes_back(stage: Stage) -> None:
    """Replication stands still behind the fence: the marker never arrives."""

    def stand_still(invocation: Invocation) -> None:
        if invocation.event.get("operation") == "fence" and not invocation.after:
            stage.account.task_status = "modifying"

    def finish(invocation: Invocation) -> None:
        if invocation.function == "rollback_handler" and not invocation.after:
            stage.account.task_status = "running"

    stage.functions.faults += [stand_still, finish]
    message = rolled_back(stage, *BEFORE_CUTOVER, *CUT_OVER[:3])
    assert "PauseBudgetExceeded: writes had been held for 30 s" in message
    assert "see the last write of the source on the target" in message


def test_a_difference_behind_the_fence_is_no_cutover(stage: Stage) -> None:
    def damage(invocation: Invocation) -> None:
        if invocation.event.get("operation") == "verify" and not invocation.after:
            newest = max(stage.paid)
            stage.target.run("update payments set amount = 0 where id = :id", id=newest)

    stage.functions.faults.append(damage)
    message = rolled_back(stage, *BEFORE_CUTOVER, *CUT_OVER[:4])
    assert "CutoverMismatch: behind the fence 1 tables differ: public.payments" in message


def test_an_alarm_during_the_soak_brings_every_payment_back(stage: Stage) -> None:
    def ring(_now: datetime) -> None:
        if stage.operations().count("soak_status") == 3:
            stage.traffic.set_alarms("ALARM")

    stage.virtual.listeners.append(ring)
    message = rolled_back(stage, *BEFORE_CUTOVER, *CUT_OVER, *SOAKED[:-1], "RollbackDrained")
    assert "soak 'failed' after" in message
    assert "in alarm" in message
    assert "every write it took was brought to the source" in message


def test_alarms_without_data_never_end_the_soak(stage: Stage) -> None:
    def go_silent(_now: datetime) -> None:
        if "StartReverse" in stage.account.steps("run-1"):
            stage.traffic.set_alarms("INSUFFICIENT_DATA")

    stage.virtual.listeners.append(go_silent)
    message = rolled_back(stage, *BEFORE_CUTOVER, *CUT_OVER, *SOAKED[:-1], "RollbackDrained")
    assert "soak 'wait' after 24 polls: no data" in message


def test_a_pause_holds_the_next_step_until_the_resume(stage: Stage) -> None:
    paused_at: list[datetime] = []

    def pause(invocation: Invocation) -> None:
        if invocation.event.get("operation") == "preflight" and invocation.after:
            document = {"by": STARTER, "at": stage.virtual.now().isoformat()}
            client("s3").put_object(
                Bucket=BUCKET, Key="pause/run-1.json", Body=json.dumps(document).encode()
            )
            paused_at.append(stage.virtual.now())
            stage.functions.faults.remove(pause)

    def resume(now: datetime) -> None:
        if paused_at and (now - paused_at[0]).total_seconds() > 3600:
            client("s3").delete_object(Bucket=BUCKET, Key="pause/run-1.json")

    stage.functions.faults.append(pause)
    stage.virtual.listeners.append(resume)
    run = stage.run(stop_after="Prepare")
    assert run.status == "SUCCEEDED", run.cause
    started = datetime.fromisoformat(
        next(
            e["at"]
            for e in (stage.account.document("journal/run-1.json") or {})["entries"]
            if e["step"] == "StartReplication"
        )
    )
    assert (started - paused_at[0]).total_seconds() > 3600


ABORTABLE = ["hold", "fence", "drain", "verify", "sequences", "arm", "switch", "open", "release",
             "stop_forward", "start_reverse", "reverse_status", "soak_status"]  # fmt: skip


@pytest.mark.parametrize("operation", ABORTABLE)
def test_the_watchdog_ends_what_an_aborted_execution_left(stage: Stage, operation: str) -> None:
    """The execution stops after the step's effect and runs no state of its own rollback."""
    stage.functions.faults += [crash(operation, after=True), crash("rollback_handler", after=False)]
    run = stage.run()
    assert run.states[-1] == "Failed"
    held = stage.account.lock_holder
    assert held == "run-1"
    stage.functions.faults.clear()
    event = {"execution": {"name": "run-1", "arn": "arn:run-1"}, "ended": "ABORTED"}
    stage.functions.invoke("rollback_handler", event)
    stage.functions.invoke("traffic_handler", event | {"operation": "to_source"})
    assert stage.writers() == (True, False)
    assert not stage.poolers.paused
    assert stage.account.routing == "source"
    assert stage.account.lock_holder is None
    assert stage.lost() == set()
    assert stage.traffic.shares["payments.onprem.internal"] == 100


@pytest.mark.parametrize("operation", ["fence", "open", "release"])
def test_a_step_that_outlives_its_rollback_does_nothing(stage: Stage, operation: str) -> None:
    """As the function of an aborted execution does that comes to its senses an hour later."""
    stage.functions.faults.append(crash(operation, after=False))
    assert stage.run().states[-1] == "RolledBack"
    [late] = {json.dumps(i.event) for i in when(stage, operation)}
    stage.functions.faults.clear()
    with pytest.raises(Exception, match=r"was rolled back|has ended|had been held"):
        stage.functions.invoke("cutover_handler", json.loads(late))
    assert stage.writers() == (True, False)
    assert not stage.poolers.paused


def test_a_finished_soak_can_still_be_rolled_back_without_loss(stage: Stage) -> None:
    assert stage.run(stop_after="Soak").status == "SUCCEEDED"
    for _ in range(3):
        stage.pay()
    stage.virtual.sleep(1)
    answer = stage.functions.invoke("rollback_handler", {"execution": {"name": "run-1"}})
    assert answer["outcome"] == "rolled_back"
    assert stage.writers() == (True, False)
    assert stage.lost() == set()
    next_receipt = stage.source.run("select nextval('receipts')")[0][0]
    assert next_receipt >= 1


def test_sequences_go_on_beyond_the_source(stage: Stage) -> None:
    for _ in range(40):
        stage.source.run("select nextval('receipts')")
    assert stage.run(stop_after="Soak").status == "SUCCEEDED"
    assert stage.target.run("select nextval('receipts')")[0][0] > 40
