"""The simulated account's API, the alarms that watch it, and the requests it is said to take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from migration.clients import client
from migration.traffic import CANARY_REQUESTS, STAGE_REQUESTS
from rehearsal.aws.fills import apigateway

SOURCE, AWS = "payments.onprem.internal", "payments.aws.internal"
STAGE = "production"
ALARMS = ("api-5xx-dev", "replication-lag-target-dev")
NAMESPACE = "Migration/dev"


@dataclass
class PaymentTraffic:
    """The production stage of one API. ``deployment`` is what Terraform deployed."""

    rest_api: str
    deployment: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables of traffic_handler, those of every function apart."""
        return {
            "REST_API_ID": self.rest_api,
            "STAGE_NAME": STAGE,
            "SOURCE_BACKEND": SOURCE,
            "AWS_BACKEND": AWS,
            "GATE_ALARMS": ",".join(ALARMS),
            "BAKE_MINUTES": "10",
            "BAKE_TIMEOUT_MINUTES": "60",
            "BAKE_MIN_REQUESTS": "100",
            "TRAFFIC_WEIGHTS": "5,25,50,100",
        }

    @property
    def names(self) -> dict[str, str]:
        """What names the stage in a call."""
        return {"restApiId": self.rest_api, "stageName": STAGE}

    @property
    def shown(self) -> dict[str, Any]:
        """The stage as API Gateway shows it."""
        stage: dict[str, Any] = client("apigateway").get_stage(**self.names)
        return stage

    @property
    def shares(self) -> dict[str, float]:
        """Application → percent of the requests that it takes, by what the stage says."""
        stage = self.shown
        canary = stage.get("canarySettings") or {}
        percent = canary.get("percentTraffic", 0.0)
        backend = stage["variables"]["backend"]
        shares = {SOURCE: 0.0, AWS: 0.0}
        shares[canary.get("stageVariableOverrides", {}).get("backend", backend)] += percent
        shares[backend] += 100 - percent
        return shares

    def set_alarms(self, state: str, *names: str) -> None:
        """Put alarms, by default all, into a state: OK, ALARM or INSUFFICIENT_DATA."""
        for name in names or ALARMS:
            client("cloudwatch").set_alarm_state(
                AlarmName=name, StateValue=state, StateReason="test"
            )

    def count(self, requests: int, at: datetime, *, weights: Sequence[int]) -> None:
        """What the access logs' filters count of one minute, at each of ``weights``."""
        client("cloudwatch").put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[
                {
                    "MetricName": STAGE_REQUESTS if weight == 100 else CANARY_REQUESTS,
                    "Timestamp": at,
                    "Value": float(requests),
                }
                for weight in weights
            ],
        )


def payment_traffic(patch: pytest.MonkeyPatch) -> PaymentTraffic:
    """A deployed API inside ``simulated_aws``, every request going to the source application and
    every alarm well; moto's gaps stay filled until ``patch`` ends."""
    apigateway.install(patch)
    api = client("apigateway")
    rest_api = api.create_rest_api(name="payment-api-dev")["id"]
    root = api.get_resources(restApiId=rest_api)["items"][0]["id"]
    method = {"restApiId": rest_api, "resourceId": root, "httpMethod": "POST"}
    api.put_method(**method, authorizationType="NONE")
    api.put_integration(**method, type="MOCK")
    deployment = api.create_deployment(restApiId=rest_api)["id"]
    traffic = PaymentTraffic(rest_api, deployment)
    api.create_stage(**traffic.names, deploymentId=deployment, variables={"backend": SOURCE})
    for name in ALARMS:
        client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/ApiGateway",
            MetricName="5XXError",
            Statistic="Average",
            ComparisonOperator="GreaterThanThreshold",
            Threshold=0.01,
            Period=60,
            EvaluationPeriods=3,
        )
    traffic.set_alarms("OK")
    return traffic
