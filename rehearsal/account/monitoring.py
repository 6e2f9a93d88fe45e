"""Creates the alarms and the event rules."""

from __future__ import annotations

from typing import Any

from migration.clients import client
from rehearsal.account.references import References
from rehearsal.synthesized import Arguments, Synthesized

WELL = "OK"
# Terraform's names that are not CloudWatch's in lower case with underscores.
_NAMES = {
    "evaluate_low_sample_count_percentiles": "EvaluateLowSampleCountPercentile",
    "metric_query": "Metrics",
    "ok_actions": "OKActions",
}
_NOT_CLOUDWATCH = ("//", "tags", "depends_on", "lifecycle", "provider")


def create_alarms(synthesized: Synthesized, references: References) -> list[str]:
    """Every alarm, all of them OK; their names."""
    cloudwatch = client("cloudwatch")
    metric = [each for _, each in synthesized.each("aws_cloudwatch_metric_alarm")]
    composite = [each for _, each in synthesized.each("aws_cloudwatch_composite_alarm")]
    for declared in metric:
        cloudwatch.put_metric_alarm(**_arguments(references.resolve(dict(declared))))
    for declared in composite:
        cloudwatch.put_composite_alarm(**_arguments(references.resolve(dict(declared))))
    names = [each["alarm_name"] for each in (*metric, *composite)]
    for name in names:
        set_alarm(name, WELL)
    return names


def set_alarm(name: str, state: str) -> None:
    """Put an alarm into ``state``: OK, ALARM or INSUFFICIENT_DATA."""
    client("cloudwatch").set_alarm_state(
        AlarmName=name, StateValue=state, StateReason="the rehearsal"
    )


def _arguments(declared: Arguments) -> dict[str, Any]:
    """Terraform's arguments of an alarm as CloudWatch's."""
    arguments = {
        _NAMES.get(name, _camel(name)): value
        for name, value in declared.items()
        if name not in _NOT_CLOUDWATCH
    }
    if "Dimensions" in arguments:
        arguments["Dimensions"] = _dimensions(arguments["Dimensions"])
    if "Metrics" in arguments:
        arguments["Metrics"] = [_query(each) for each in arguments["Metrics"]]
    return arguments


def _query(declared: Arguments) -> dict[str, Any]:
    query = {_camel(name): value for name, value in declared.items() if name != "metric"}
    if metric := declared.get("metric"):
        query["MetricStat"] = {
            "Metric": {
                "Namespace": metric["namespace"],
                "MetricName": metric["metric_name"],
                "Dimensions": _dimensions(metric.get("dimensions", {})),
            },
            "Period": metric["period"],
            "Stat": metric["stat"],
        }
    return query


def _dimensions(declared: Arguments) -> list[dict[str, str]]:
    return [{"Name": name, "Value": str(value)} for name, value in declared.items()]


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def create_rules(synthesized: Synthesized, references: References) -> None:
    """Every EventBridge rule with its targets."""
    events = client("events")
    for rule in synthesized.rules:
        events.put_rule(Name=rule.name, EventPattern=references.text(rule.pattern))
        targets = [
            {
                "Id": str(number),
                "Arn": references.text(target.arn),
                "InputTransformer": {
                    "InputPathsMap": dict(target.input_paths),
                    "InputTemplate": target.input_template,
                },
            }
            for number, target in enumerate(rule.targets)
        ]
        events.put_targets(Rule=rule.name, Targets=targets)
