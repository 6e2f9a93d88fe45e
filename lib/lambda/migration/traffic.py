"""Data access: which application takes the payments, and what is seen of it meanwhile.

The API's stage variable ``backend`` names an application. A canary on the stage sends its share
of the requests to another value of the variable; canary and stage serve the same deployment.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from migration import clients, clock
from migration.errors import WeightNotApplied
from migration.traffic_gate import MISSING

_READS = 10
_READ_SECONDS = 3
_MINUTE = timedelta(minutes=1)
_BACKEND = "/variables/backend"
_CANARY = "/canarySettings"
_CANARY_DEPLOYMENT = f"{_CANARY}/deploymentId"
_CANARY_BACKEND = f"{_CANARY}/stageVariableOverrides/backend"
_CANARY_PERCENT = f"{_CANARY}/percentTraffic"

CANARY_REQUESTS = "CanaryRequests"
STAGE_REQUESTS = "StageRequests"
"""Counted from the access logs by lib/observability/metric_filters.py."""


@dataclass(frozen=True)
class Stage:
    """A stage of the API, and the two applications behind it (``host[:port][/path]``)."""

    rest_api: str
    name: str
    source_backend: str
    aws_backend: str

    @classmethod
    def from_environment(cls) -> "Stage":
        """As the function's environment variables name them."""
        return cls(
            rest_api=os.environ["REST_API_ID"],
            name=os.environ["STAGE_NAME"],
            source_backend=os.environ["SOURCE_BACKEND"],
            aws_backend=os.environ["AWS_BACKEND"],
        )


def set_weight(stage: Stage, weight: int) -> None:
    """Send ``weight`` percent of the requests to the application in AWS.

    Between 0 and 100 by a canary; at 100 and 0 the stage itself names the one application and
    has no canary. A stage that is right is not touched.

    Raises:
        WeightNotApplied: the stage did not become what was set within half a minute.
    """
    operations = _operations(_read(stage), stage, weight)
    if not operations:
        return
    clients.client("apigateway").update_stage(
        restApiId=stage.rest_api, stageName=stage.name, patchOperations=operations
    )
    for _ in range(_READS):
        if not (left := _operations(_read(stage), stage, weight)):
            return
        clock.sleep(_READ_SECONDS)
    paths = ", ".join(operation["path"] for operation in left)
    raise WeightNotApplied(
        f"stage {stage.name} of API {stage.rest_api} does not have weight {weight} after "
        f"{_READS * _READ_SECONDS} s: still to change are {paths}. Another change of the stage may "
        "be under way (an apply, the console); the step can be run again"
    )


def to_source(stage: Stage) -> None:
    """Send every request to the application on premises, as before the migration.

    Raises:
        WeightNotApplied: see ``set_weight``.
    """
    set_weight(stage, 0)


def _read(stage: Stage) -> dict[str, Any]:
    shown: dict[str, Any] = clients.client("apigateway").get_stage(
        restApiId=stage.rest_api, stageName=stage.name
    )
    return shown


def _operations(shown: Mapping[str, Any], stage: Stage, weight: int) -> list[dict[str, str]]:
    """The patch operations that bring the stage to ``weight``; none when it is there.

    ``replace`` sets what is not there yet too, ``add`` is refused:
    https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html (UpdateStage) and
    https://docs.aws.amazon.com/apigateway/latest/developerguide/create-canary-deployment.html.
    The ``copy`` with which the guide promotes a canary is accepted and copies nothing.
    """
    canary = shown.get("canarySettings") or {}
    now = {
        _BACKEND: shown.get("variables", {}).get("backend"),
        _CANARY_DEPLOYMENT: canary.get("deploymentId"),
        _CANARY_BACKEND: (canary.get("stageVariableOverrides") or {}).get("backend"),
        _CANARY_PERCENT: canary.get("percentTraffic"),
    }
    wanted: dict[str, Any] = {
        _BACKEND: stage.aws_backend if weight == 100 else stage.source_backend
    }
    if needs_canary := 0 < weight < 100:
        wanted |= {
            _CANARY_DEPLOYMENT: shown["deploymentId"],
            _CANARY_BACKEND: stage.aws_backend,
            _CANARY_PERCENT: float(weight),
        }
    operations = [
        {"op": "replace", "path": path, "value": str(value)}
        for path, value in wanted.items()
        if now[path] != value
    ]
    if canary and not needs_canary:
        operations.append({"op": "remove", "path": _CANARY})
    return operations


def alarm_states(names: Sequence[str]) -> dict[str, str]:
    """Name → state of each alarm; ``MISSING`` for one that does not exist."""
    pages = (
        clients.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    )
    found = {
        alarm["AlarmName"]: alarm["StateValue"]
        for page in pages
        for kind in ("MetricAlarms", "CompositeAlarms")
        for alarm in page.get(kind, ())
    }
    return {name: found.get(name, MISSING) for name in names}


def requests_since(began: datetime, weight: int, namespace: str) -> int:
    """Requests that the application in AWS took since ``began``: never too many.

    Counted from the access logs, which a canary keeps apart (API Gateway developer guide, "Set up
    an API Gateway canary release deployment"); of its CloudWatch metrics no dimension is
    documented. A metric's sample covers a minute: counting starts with the first whole one, and
    what has not arrived yet is not counted.
    """
    start = began.replace(second=0, microsecond=0)
    start += _MINUTE if start < began else timedelta()
    now = clock.now()
    if start >= now:
        return 0
    metric = STAGE_REQUESTS if weight == 100 else CANARY_REQUESTS
    pages = (
        clients.client("cloudwatch")
        .get_paginator("get_metric_data")
        .paginate(
            MetricDataQueries=[
                {
                    "Id": "requests",
                    "MetricStat": {
                        "Metric": {"Namespace": namespace, "MetricName": metric},
                        "Period": int(_MINUTE.total_seconds()),
                        "Stat": "Sum",
                    },
                }
            ],
            StartTime=start,
            EndTime=now,
        )
    )
    return int(sum(sum(result["Values"]) for page in pages for result in page["MetricDataResults"]))
