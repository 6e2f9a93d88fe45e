"""Figures taken from what the functions log."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.cloudwatch_log_metric_filter import (
    CloudwatchLogMetricFilter,
    CloudwatchLogMetricFilterMetricTransformation,
)
from constructs import Construct

from lib.api.rest_api import PaymentApi
from lib.environment import Environment
from lib.functions.catalogue import MigrationFunctions
from lib.functions.function import PythonFunction
from lib.functions.traffic_shift import TrafficShift
from lib.observability.figures import (
    CANARY_ERRORS,
    CANARY_REQUESTS,
    DENIALS,
    LOGGED_ERRORS,
    RETAINED_WAL,
    STAGE_REQUESTS,
    VERDICTS,
)
from lib.observability.log_group import LogGroup


class MetricFilters(Construct):
    """Metrics in the environment's namespace. Syntax: CloudWatch Logs user guide, "Filter
    pattern syntax for metric filters"; the fields are those the handlers log."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        functions: MigrationFunctions,
        traffic: TrafficShift,
        api: PaymentApi,
    ) -> None:
        super().__init__(scope, id)
        self._namespace = environment.naming.metric_namespace
        self._count(functions.authorizer, DENIALS, '{ $.message = "token refused" }')
        self._count(
            functions.validator,
            VERDICTS,
            '{ ($.message = "validation ended") && ($.verdict != "match") }',
        )
        field = "$.result.source_slot_retained_bytes"
        self._filter(
            functions.replication.log_group,
            functions.replication.node.id,
            RETAINED_WAL,
            f"{{ {field} = * }}",
            value=field,
            unit="Bytes",
        )
        for function in [*functions.all, traffic.function]:
            self._count(function, LOGGED_ERRORS, '{ $.level = "ERROR" }')
        self._requests(api)

    def _requests(self, api: PaymentApi) -> None:
        """What an application was asked: a caller's mistake, or an attack, proves nothing of it."""
        self._count_in(api.access_logs, "Api", STAGE_REQUESTS, '{ $.status != "4*" }')
        self._count_in(api.canary_logs, "Api", CANARY_REQUESTS, '{ $.status != "4*" }')
        self._count_in(api.canary_logs, "Api", CANARY_ERRORS, '{ $.status = "5*" }')

    def _count(self, function: PythonFunction, metric: str, pattern: str) -> None:
        self._count_in(function.log_group, function.node.id, metric, pattern)

    def _count_in(self, logs: LogGroup, of: str, metric: str, pattern: str) -> None:
        # Lines that do not match count as zero, so that "none" differs from "not running".
        self._filter(logs, of, metric, pattern, value="1", unit="Count", default="0")

    def _filter(
        self,
        logs: LogGroup,
        of: str,
        metric: str,
        pattern: str,
        *,
        value: str,
        unit: str,
        default: str | None = None,
    ) -> None:
        CloudwatchLogMetricFilter(
            self,
            f"{of}{metric}",
            name=metric,
            log_group_name=logs.name,
            pattern=pattern,
            metric_transformation=CloudwatchLogMetricFilterMetricTransformation(
                namespace=self._namespace,
                name=metric,
                value=value,
                unit=unit,
                default_value=default,
            ),
        )
