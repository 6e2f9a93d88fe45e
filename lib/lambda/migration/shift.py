"""The ShiftTraffic phase: one weight after another, each proved before the next.

Both applications write to the source database all the while, so every weight is safe and going
back is a change of the stage. Each operation is one state of the workflow and may run twice.
"""

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from migration import clock, figures, lock, soak, traffic, traffic_gate
from migration.dispatch import Operation
from migration.errors import InvalidRequest, Superseded
from migration.execution import Execution
from migration.journal import Journal

PHASE = "ShiftTraffic"


def set_weight(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Set the weight that comes after ``event["previous"]["index"]``, which is -1 at first.

    Run again it changes nothing and the bake begins anew.

    Raises:
        InvalidRequest: no weight comes after that one.
        WeightNotApplied: the stage did not become what was set.
        Superseded: the migration was rolled back meanwhile, and so is the weight.
    """
    weights = _weights()
    index = event["previous"]["index"] + 1
    if index not in range(len(weights)):
        raise InvalidRequest(
            f"previous.index is {index - 1}; it must be -1 to {len(weights) - 2}, the place of a "
            f"weight that another follows in {', '.join(map(str, weights))}"
        )
    weight = weights[index]
    stage = traffic.Stage.from_environment()
    traffic.set_weight(stage, weight)
    if Journal.of(execution.name).has("ExecuteRollback"):
        # This step outlived its execution: what it just did comes after the rollback.
        traffic.to_source(stage)
        raise Superseded(f"{execution.name} was rolled back while weight {weight} was being set")
    began = clock.now().isoformat()
    Journal.of(execution.name).record(f"SetTrafficWeight{weight}", PHASE, {"began": began})
    return {"index": index, "weight": weight, "began": began, "polls": 0, "state": "wait"}


def check_alarms(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Look at the weight once; ``event["previous"]`` is the answer before this one."""
    previous = event["previous"]
    weight, began = previous["weight"], datetime.fromisoformat(previous["began"])
    gate = traffic_gate.evaluate(
        clock.now(),
        began,
        traffic.alarm_states(os.environ["GATE_ALARMS"].split(",")),
        traffic.requests_since(began, weight, figures.namespace()),
        traffic_gate.Limits(
            bake=timedelta(minutes=int(os.environ["BAKE_MINUTES"])),
            timeout=timedelta(minutes=int(os.environ["BAKE_TIMEOUT_MINUTES"])),
            min_requests=int(os.environ["BAKE_MIN_REQUESTS"]),
        ),
    )
    if gate.state == "passed":
        Journal.of(execution.name).record(f"Bake{weight}", PHASE, {"reason": gate.reason})
    return {
        "index": previous["index"],
        "weight": weight,
        "began": previous["began"],
        "polls": previous["polls"] + 1,
        "state": gate.state,
        "reason": gate.reason,
        "last": previous["index"] == len(_weights()) - 1,
    }


def to_source(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Send every request to the application on premises: after a rollback, or by the watchdog.

    Traffic is left alone when another migration is under way, and by an execution that was
    refused: it may be served by the target of the one before. The watchdog ("ended") asks for
    every execution that did not succeed, and leaves one alone that came through its soak, too.
    """
    holder = lock.holder(os.environ["CHECKPOINT_BUCKET"])
    steps = {entry["step"] for entry in Journal.of(execution.name).entries()}
    settled = event.get("ended") and steps & {soak.SOAKED, "Finish"}
    if holder not in (None, execution.name) or not steps or settled:
        return {"weight": None}
    traffic.to_source(traffic.Stage.from_environment())
    return {"weight": 0}


OPERATIONS: Mapping[str, Operation] = {
    "set_weight": set_weight,
    "check_alarms": check_alarms,
    "to_source": to_source,
}


def _weights() -> list[int]:
    return [int(weight) for weight in os.environ["TRAFFIC_WEIGHTS"].split(",")]
