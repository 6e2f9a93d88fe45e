"""Rolling back: traffic to the source, replication stopped, the outcome saved and told.

The order is safe at any moment of the Prepare phase, so a missing journal changes nothing: the
source is still the only database that takes writes, and nothing here writes to either database.
Every step may run twice; a rollback that failed is run again from the start.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from migration import checkpoints, clients, clock, dms, lock, routing
from migration.errors import MigrationInProgress, RollbackIncomplete
from migration.execution import Execution
from migration.journal import Journal

STEP = "ExecuteRollback"


@dataclass(frozen=True)
class Rollback:
    """What a rollback of this environment acts on."""

    environment: str
    bucket: str
    routing_parameter: str
    forward_task: str
    topic: str

    @classmethod
    def from_environment(cls) -> "Rollback":
        """As the function's environment variables name them."""
        return cls(
            environment=os.environ["ENVIRONMENT_SUFFIX"],
            bucket=os.environ["CHECKPOINT_BUCKET"],
            routing_parameter=os.environ["ROUTING_PARAMETER"],
            forward_task=os.environ["FORWARD_TASK_ARN"],
            topic=os.environ["TOPIC_ARN"],
        )

    def is_due(self, execution: Execution) -> bool:
        """Whether ``execution`` still holds the lock, and so has something to roll back."""
        return lock.is_held_by(self.bucket, execution.name)

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
        journal = Journal(self.bucket, execution.name, self.environment)
        with _step("read the journal"):
            finished = [entry["step"] for entry in journal.entries() if entry["step"] != STEP]
        with _step("route to the source"):
            routing.route_to(self.routing_parameter, "source")
        with _step("stop the forward task"):
            status = dms.stop_task(self.forward_task, time_left)
        outcome = {
            "outcome": "rolled_back",
            "execution": execution.name,
            "environment": self.environment,
            "reason": reason,
            "finished_steps": finished,
            "routing": "source",
            "forward_task": {"arn": self.forward_task, "status": status},
        }
        outcome["message"] = _rolled_back(outcome)
        with _step("save the rollback state"):
            saved = outcome | {"at": clock.now().isoformat()}
            checkpoints.write(self.bucket, f"rollback/{execution.name}.json", saved)
        with _step("record the rollback in the journal"):
            journal.record(STEP, "Rollback", {"reason": reason, "forward_task": status})
        return outcome

    def _publish(self, message: str) -> None:
        clients.client("sns").publish(
            TopicArn=self.topic, Subject=f"Migration {self.environment}: rollback", Message=message
        )


def reason_of(run: dict[str, Any] | None) -> str:
    """Why the state machine rolls back, from the data of its run; None: an operator asked."""
    if run is None:
        return "an operator asked for it"
    if error := run.get("error"):
        return f"{error.get('Error', 'unknown error')}: {_message_of(error.get('Cause', ''))}"
    # The latest phase first: what came before it went well.
    if traffic := run.get("traffic"):
        return (
            f"traffic at {traffic.get('weight')} % {traffic.get('state')!r} after "
            f"{traffic.get('polls')} polls: {traffic.get('reason')}"
        )
    if validation := run.get("validation"):
        verdict, report = validation.get("verdict"), validation.get("report")
        return f"validation verdict {verdict!r}, report {report}"
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


def _rolled_back(outcome: dict[str, Any]) -> str:
    task = outcome["forward_task"]
    return (
        f"Migration {outcome['execution']} of {outcome['environment']} was rolled back: "
        f"{outcome['reason']}.\n"
        "The application uses the source database, as before; no write was lost.\n"
        f"The forward task {task['arn']} is {task['status']}. While it is stopped its replication "
        "slot keeps WAL on the source: start the migration again soon, or drop the slot.\n"
        f"Finished before: {', '.join(outcome['finished_steps']) or 'no step'}."
    )


def _left_alone(execution: Execution, reason: str, refusal: MigrationInProgress) -> str:
    return (
        f"Migration {execution.name} ended ({reason}) and there was nothing of its own to roll "
        f"back: {refusal}"
    )
