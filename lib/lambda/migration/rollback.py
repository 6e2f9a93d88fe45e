"""Rolling back: the service on the source, replication stopped, the outcome saved and told.

What has to be done follows from the journal (:mod:`migration.way_back`), not from the caller.
Every step may run twice; a rollback that failed is run again from the start.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from migration import checkpoints, clients, clock, complete, endings, lock, routing, soak
from migration.errors import MigrationInProgress, RollbackIncomplete
from migration.execution import Execution
from migration.journal import NEVER_BEGAN, Journal
from migration.way_back import STOP_FORWARD, Stage, WayBack, stage

STEP = "ExecuteRollback"


@dataclass(frozen=True)
class Rollback:
    """What a rollback of this environment acts on."""

    environment: str
    bucket: str
    routing_parameter: str
    topic: str

    @classmethod
    def from_environment(cls) -> "Rollback":
        """As the function's environment variables name them."""
        return cls(
            environment=os.environ["ENVIRONMENT_SUFFIX"],
            bucket=os.environ["CHECKPOINT_BUCKET"],
            routing_parameter=os.environ["ROUTING_PARAMETER"],
            topic=os.environ["TOPIC_ARN"],
        )

    def close_unbegun(self, execution: Execution, ended: str) -> None:
        """See to it that an execution which has not begun never will: its first step may be at
        work still, and take the lock after this. ``ended``: the status it ended with."""
        if not lock.is_held_by(self.bucket, execution.name):
            self._journal(execution).close(f"it ended {ended}")

    def is_due(self, execution: Execution) -> bool:
        """Whether ``execution`` stopped in the middle: it holds the lock, and does not merely wait
        for the word that the way back is not needed any more, or to be able to ask for it, nor
        to give the lock back because it was over before it began."""
        journal = self._journal(execution)
        return lock.is_held_by(self.bucket, execution.name) and not (
            journal.has(soak.SOAKED) or journal.has(NEVER_BEGAN)
        )

    def over(self, execution: Execution) -> dict[str, Any] | None:
        """The outcome, where nothing can be rolled back any more; None where something can.

        A migration that ended before its cutover left nothing behind to undo: replication that
        goes on is the next one's.
        """
        steps = [entry["step"] for entry in self._journal(execution).entries()]
        if complete.DROPPING in steps:
            return _nothing(execution, "the way back was given up with 'complete'")
        if lock.is_held_by(self.bucket, execution.name):
            return None
        if not steps or NEVER_BEGAN in steps:
            return _nothing(execution, "it never began")
        if STEP in steps:
            stored = checkpoints.read(self.bucket, _saved(execution))
            return stored[0] if stored else _nothing(execution, "it was rolled back already")
        if "Finish" in steps and stage(steps) is not Stage.OPENED:
            return _nothing(execution, "it ended, and the source is still the primary database")
        if stage(steps) is Stage.PREPARED and routing.current(self.routing_parameter) == "target":
            return _nothing(execution, "the target is the primary database by another migration")
        return None

    def run(
        self, execution: Execution, reason: str, *, notify: bool, time_left: Callable[[], float]
    ) -> dict[str, Any]:
        """Roll ``execution`` back; {"outcome", "message", …} as saved in the checkpoint bucket.

        Holding the lock throughout keeps a new migration from starting in the middle. If another
        execution holds it, that one's migration is left alone: the outcome is "not_holder".

        ``notify``: whether to publish the message here (the state machine publishes it itself).
        ``time_left``: seconds this function may still run.

        Raises:
            RollbackIncomplete: naming the step that failed; the lock stays held.
        """
        try:
            holder = lock.Holder(execution.name, execution.arn, execution.started)
            with _step("take the lock"):
                lock.take(self.bucket, holder)
        except MigrationInProgress as refusal:
            outcome = {"outcome": "not_holder", "message": _left_alone(execution, reason, refusal)}
        else:
            outcome = self._run_holding_lock(execution, reason, time_left)
        if notify:
            with _step("notify"):
                self._publish(outcome["message"])
        with _step("release the lock"):
            lock.release(self.bucket, execution.name)
        return outcome

    def _run_holding_lock(
        self, execution: Execution, reason: str, time_left: Callable[[], float]
    ) -> dict[str, Any]:
        journal = self._journal(execution)
        way_back = WayBack(execution, time_left)
        with _step("end the steps under way and read the journal"):
            finished = [step for step in way_back.begin() if step != STEP]
        reached = stage(finished)
        done = {}
        for name, act in way_back.steps(reached):
            with _step(name):
                done[name] = act()
        outcome = {
            "outcome": "rolled_back",
            "execution": execution.name,
            "environment": self.environment,
            "reason": reason,
            "stage": reached.value,
            "finished_steps": finished,
            "routing": "source",
            "forward_task": {"arn": os.environ["FORWARD_TASK_ARN"], "status": done[STOP_FORWARD]},
        }
        outcome["message"] = _rolled_back(outcome)
        with _step("save the rollback state"):
            saved = outcome | {"at": clock.now().isoformat()}
            checkpoints.write(self.bucket, _saved(execution), saved)
        with _step("record the rollback in the journal"):
            journal.record(STEP, "Rollback", {"reason": reason, "stage": reached.value})
        return outcome

    def _journal(self, execution: Execution) -> Journal:
        return Journal(self.bucket, execution.name, self.environment)

    def _publish(self, message: str) -> None:
        clients.client("sns").publish(
            TopicArn=self.topic, Subject=f"Migration {self.environment}: rollback", Message=message
        )


def _saved(execution: Execution) -> str:
    return f"rollback/{execution.name}.json"


def reason_of(run: dict[str, Any] | None) -> str:
    """Why the state machine rolls back, from the data of its run; None: an operator asked."""
    if run is None:
        return "an operator asked for it"
    if error := run.get("error"):
        return f"{error.get('Error', 'unknown error')}: {_message_of(error.get('Cause', ''))}"
    for part, what in (
        ("soak", "soak"),
        ("reverse", "reverse path"),
        ("traffic", f"traffic at {run.get('traffic', {}).get('weight')} %"),
    ):
        if (seen := run.get(part, {})).get("state") in ("wait", "failed"):
            return f"{what} {seen['state']!r} after {seen.get('polls')} polls: {seen.get('reason')}"
    validation = run.get("validation", {})
    if (verdict := validation.get("verdict", "match")) != "match":
        told = endings.validated(validation).rstrip()
        return f"validation verdict {verdict!r}, report {validation.get('report')}" + (
            f"\n{told}" if told else ""
        )
    if replication := run.get("replication"):
        return (
            f"replication {replication.get('state')!r} after {replication.get('polls')} polls: "
            f"{replication.get('reason')}"
        )
    return "no reason given"


def _message_of(cause: str) -> str:
    """The error's own words: a failed Lambda's cause is JSON with a stack trace beside them."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, TypeError, KeyError):
        return cause or "no cause given"


@contextmanager
def _step(name: str) -> Iterator[None]:
    """Name the step in any error, except the one that says that there is nothing to roll back."""
    try:
        yield
    except MigrationInProgress:
        raise
    except Exception as error:
        raise RollbackIncomplete(name, error) from error


_MEANING = {
    Stage.PREPARED: "The application uses the source database, as before; no write was lost.",
    Stage.HELD: (
        "The cutover had begun and the target was never opened: the application uses the source "
        "database, as before; no write was lost."
    ),
    Stage.OPENED: (
        "The target had been opened: every write it took was brought to the source, which is the "
        "primary database again; no write was lost."
    ),
}


def _rolled_back(outcome: dict[str, Any]) -> str:
    task = outcome["forward_task"]
    return (
        f"Migration {outcome['execution']} of {outcome['environment']} was rolled back: "
        f"{outcome['reason']}.\n{_MEANING[outcome['stage']]}\n"
        f"The forward task {task['arn']} is {task['status']}. While it is stopped its replication "
        "slot keeps WAL on the source: start the migration again soon, or drop the slot.\n"
        f"Finished before: {', '.join(outcome['finished_steps']) or 'no step'}."
    )


def _nothing(execution: Execution, why: str) -> dict[str, Any]:
    return {
        "outcome": "nothing_to_roll_back",
        "message": f"There is nothing to roll back of {execution.name}: {why}. Nothing changed.",
    }


def _left_alone(execution: Execution, reason: str, refusal: MigrationInProgress) -> str:
    return (
        f"Migration {execution.name} ended ({reason}) and there was nothing of its own to roll "
        f"back: {refusal}"
    )
