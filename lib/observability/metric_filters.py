"""Figures taken from what the functions log."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.cloudwatch_log_metric_filter import (
    CloudwatchLogMetricFilter,
    CloudwatchLogMetricFilterMetricTransformation,
)
from constructs import Construct

from lib.environment import Environment
from lib.functions.catalogue import MigrationFunctions
from lib.functions.function import PythonFunction

DENIALS = "AuthorizerDenials"
VERDICTS = "ValidationsNotMatched"
RETAINED_WAL = "SourceSlotRetainedBytes"
LOGGED_ERRORS = "LoggedErrors"


class MetricFilters(Construct):
    """Metrics in the environment's namespace. Syntax: CloudWatch Logs user guide, "Filter
    pattern syntax for metric filters"; the fields are those the handlers log."""

    def __init__(
        self, scope: Construct, id: str, *, environment: Environment, functions: MigrationFunctions
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
            functions.replication, RETAINED_WAL, f"{{ {field} = * }}", value=field, unit="Bytes"
        )
        for function in functions.all:
            self._count(function, LOGGED_ERRORS, '{ $.level = "ERROR" }')

    def _count(self, function: PythonFunction, metric: str, pattern: str) -> None:
        # Lines that do not match count as zero, so that "none" differs from "not running".
        self._filter(function, metric, pattern, value="1", unit="Count", default="0")

    def _filter(
        self,
        function: PythonFunction,
        metric: str,
        pattern: str,
        *,
        value: str,
        unit: str,
        default: str | None = None,
    ) -> None:
        CloudwatchLogMetricFilter(
            self,
            f"{function.node.id}{metric}",
            name=metric,
            log_group_name=function.log_group.name,
            pattern=pattern,
            metric_transformation=CloudwatchLogMetricFilterMetricTransformation(
                namespace=self._namespace,
                name=metric,
                value=value,
                unit=unit,
                default_value=default,
            ),
        )
