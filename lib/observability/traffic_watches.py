"""What must be well for payments to go to the application in AWS: all that a payment passes."""

from __future__ import annotations

from lib.api.rest_api import PaymentApi
from lib.functions.function import PythonFunction
from lib.naming import Naming
from lib.observability.figures import (
    CANARY_ERRORS,
    CANARY_REQUESTS,
)
from lib.observability.watch import Watch
from lib.observability.watches import function_watches, replication_watches
from lib.replication.replication import Replication
from lib.settings import Settings


def api_watches(api: PaymentApi) -> list[Watch]:
    """Without a request there is nothing to be wrong: silence is good."""
    stage = {"ApiName": api.name, "Stage": api.stage_name}
    return [
        Watch(
            name="api-5xx",
            meaning="Over 1 % of payments fail with a server error.",
            namespace="AWS/ApiGateway",
            metric="5XXError",
            dimensions=stage,
            # The average of this metric is the rate (API Gateway developer guide, "Metrics").
            statistic="Average",
            threshold=0.01,
            missing="notBreaching",
            periods=3,
        ),
        Watch(
            name="api-latency",
            meaning="One payment in a hundred takes over three seconds.",
            namespace="AWS/ApiGateway",
            metric="Latency",
            dimensions=stage,
            statistic="p99",
            threshold=3000,
            missing="notBreaching",
            periods=5,
        ),
    ]


def canary_watches(naming: Naming) -> list[Watch]:
    """In the whole stage's rate a canary of 5 % that fails one payment in six would not show.
    Without a canary there is nothing to be wrong: silence is good."""
    return [
        Watch(
            name="api-canary-5xx",
            meaning="Over 1 % of the payments that the canary takes fail with a server error.",
            namespace=naming.metric_namespace,
            metric=CANARY_ERRORS,
            per=CANARY_REQUESTS,
            dimensions={},
            statistic="Sum",
            threshold=0.01,
            missing="notBreaching",
            periods=3,
        )
    ]


def traffic_watches(
    naming: Naming,
    api: PaymentApi,
    authorizer: PythonFunction,
    replication: Replication,
    settings: Settings,
) -> list[Watch]:
    """What must be well for more payments to go to the application in AWS: all that a payment
    passes, and the replication it goes on with."""
    return [
        *api_watches(api),
        *canary_watches(naming),
        *function_watches({"api-authorizer": authorizer}),
        *replication_watches(replication, settings),
    ]
