"""One metric and what it must not do: the plain description an alarm is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import (
    CloudwatchMetricAlarm,
    CloudwatchMetricAlarmMetricQuery,
    CloudwatchMetricAlarmMetricQueryMetric,
)
from constructs import Construct

from lib.naming import Naming

Missing = Literal["breaching", "ignore", "missing", "notBreaching"]


@dataclass(frozen=True, kw_only=True)
class Watch:
    """``name`` is the alarm's name without the environment's suffix.

    ``missing`` says what silence means (CloudWatch user guide, "Configuring how CloudWatch alarms
    treat missing data"): ``breaching``, it is bad; ``notBreaching``, nothing happened;
    ``ignore``, what was last known still holds; ``missing``, unknown, which is never safe.
    """

    name: str
    meaning: str
    """What has happened and what to look at, for whoever is woken."""
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str
    """A statistic such as Maximum, or a percentile such as p99."""
    threshold: float
    missing: Missing
    per: str | None = None
    """A metric of the same namespace: what is watched is ``metric`` divided by it."""
    below: bool = False
    """True: the alarm is raised below the threshold instead of above it."""
    period_seconds: int = 60
    periods: int = 1
    """Consecutive periods over the threshold before the alarm is raised."""

    def declare(self, scope: Construct, *, naming: Naming, topic_arn: str) -> str:
        """Makes the alarm, which tells the topic when it is raised and over; returns its name."""
        name = naming.name(self.name)
        alarm = CloudwatchMetricAlarm(
            scope,
            "".join(part.capitalize() for part in self.name.split("-")),
            alarm_name=name,
            alarm_description=self.meaning,
            **(self._figure() if self.per is None else self._rate(self.per)),
            comparison_operator=("LessThanThreshold" if self.below else "GreaterThanThreshold"),
            threshold=self.threshold,
            evaluation_periods=self.periods,
            datapoints_to_alarm=self.periods,
            treat_missing_data=self.missing,
            alarm_actions=[topic_arn],
            ok_actions=[topic_arn],
            tags={"Name": name},
        )
        alarm_name: str = alarm.alarm_name
        return alarm_name

    def _figure(self) -> dict[str, Any]:
        """What makes an alarm watch the one metric."""
        percentile = self.statistic.startswith("p")
        return {
            "namespace": self.namespace,
            "metric_name": self.metric,
            "dimensions": dict(self.dimensions),
            "period": self.period_seconds,
            "statistic": None if percentile else self.statistic,
            "extended_statistic": self.statistic if percentile else None,
            # Two slow requests in a quiet minute are no percentile.
            "evaluate_low_sample_count_percentiles": "ignore" if percentile else None,
        }

    def _rate(self, per: str) -> dict[str, Any]:
        """What makes an alarm watch ``metric`` divided by ``per``; nothing by nothing is no
        sample (CloudWatch user guide, "Using math expressions with CloudWatch metrics")."""
        figures = [
            CloudwatchMetricAlarmMetricQuery(
                id=id,
                metric=CloudwatchMetricAlarmMetricQueryMetric(
                    namespace=self.namespace,
                    metric_name=metric,
                    dimensions=dict(self.dimensions) or None,
                    period=self.period_seconds,
                    stat=self.statistic,
                ),
            )
            for id, metric in (("part", self.metric), ("whole", per))
        ]
        rate = CloudwatchMetricAlarmMetricQuery(
            id="rate", expression="part / whole", label=self.name, return_data=True
        )
        return {"metric_query": [rate, *figures]}
