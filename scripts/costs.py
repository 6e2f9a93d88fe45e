"""What a stack roughly costs a day, from its resources and public prices.

Counted is what costs money by existing; requests, data transfer, storage of data and logs come on
top with use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scripts.references import addresses
from scripts.synthesized import Resource, Stack

HOURS = 24
DAYS_A_MONTH = 365 / 12
# US dollars, us-east-1, on demand, rounded: from secondary tables and memory, not checked against
# AWS's own pricing pages. Good enough to choose settings, not to sign a budget.
AURORA_HOURLY = {"db.r6g.large": 0.26, "db.r6g.xlarge": 0.519, "db.r6g.2xlarge": 1.038}
ACU_HOURLY = 0.12
DMS_HOURLY = {"dms.c5.large": 0.154, "dms.c5.xlarge": 0.308, "dms.c5.2xlarge": 0.616}
SERVERLESS = "db.serverless"
# Fargate on arm64.
VCPU_HOURLY = 0.03238
GB_HOURLY = 0.00356
CPU_UNITS = 1024
MB_A_GB = 1024


class UnknownPriceError(LookupError):
    """A resource is of a class that has no price here."""


@dataclass(frozen=True)
class Price:
    """What one resource of ``type`` costs a day; None: this one costs nothing."""

    label: str
    type: str
    daily: Callable[[Resource, Stack], float | None]


def _hourly(usd: float) -> Callable[[Resource, Stack], float]:
    return lambda resource, stack: usd * HOURS


def _monthly(usd: float) -> Callable[[Resource, Stack], float]:
    return lambda resource, stack: usd / DAYS_A_MONTH


def _endpoint(resource: Resource, stack: Stack) -> float | None:
    """An interface endpoint is paid for in each zone it has a subnet in."""
    if resource.arguments.get("vpc_endpoint_type") != "Interface":
        return None
    return 0.01 * HOURS * len(resource.arguments["subnet_ids"])


def _aurora(resource: Resource, stack: Stack) -> float:
    size = resource.arguments["instance_class"]
    if size == SERVERLESS:
        return ACU_HOURLY * HOURS * _minimum_acu(stack)
    return _class_price(AURORA_HOURLY, size) * HOURS


def _minimum_acu(stack: Stack) -> float:
    clusters = [resource for resource in stack.resources() if resource.type == "aws_rds_cluster"]
    scaling = [c.arguments.get("serverlessv2_scaling_configuration") for c in clusters]
    return max(float(each["min_capacity"]) for each in scaling if each)


def _dms(resource: Resource, stack: Stack) -> float:
    price = _class_price(DMS_HOURLY, resource.arguments["replication_instance_class"]) * HOURS
    return price * (2 if resource.arguments.get("multi_az") else 1)


def _fargate(resource: Resource, stack: Stack) -> float:
    """As many tasks as the service wants, each of what its definition asks for."""
    (task,) = [
        each
        for each in stack.resources()
        if each.address in addresses(resource.arguments["task_definition"])
    ]
    vcpu = float(task.arguments["cpu"]) / CPU_UNITS
    memory = float(task.arguments["memory"]) / MB_A_GB
    hourly = vcpu * VCPU_HOURLY + memory * GB_HOURLY
    return float(hourly * HOURS * resource.arguments["desired_count"])


def _web_acl(resource: Resource, stack: Stack) -> float:
    return (5 + len(resource.arguments["rule"])) / DAYS_A_MONTH


def _class_price(prices: Mapping[str, float], size: str) -> float:
    if size not in prices:
        raise UnknownPriceError(f"{size} has no price in scripts/costs.py: add it")
    return prices[size]


PRICES = (
    Price("Aurora instances", "aws_rds_cluster_instance", _aurora),
    Price("DMS replication instance", "aws_dms_replication_instance", _dms),
    Price("interface endpoints", "aws_vpc_endpoint", _endpoint),
    Price("NAT gateways", "aws_nat_gateway", _hourly(0.045)),
    Price("Transit Gateway attachments", "aws_ec2_transit_gateway_vpc_attachment", _hourly(0.05)),
    # The connection itself and its attachment to the Transit Gateway.
    Price("VPN connection", "aws_vpn_connection", _hourly(0.05 + 0.05)),
    Price("pooler on Fargate", "aws_ecs_service", _fargate),
    Price("network load balancer", "aws_lb", _hourly(0.0225)),
    Price("private zone", "aws_route53_zone", _monthly(0.5)),
    Price("KMS keys", "aws_kms_key", _monthly(1)),
    Price("secrets", "aws_secretsmanager_secret", _monthly(0.4)),
    Price("web ACL with its rules", "aws_wafv2_web_acl", _web_acl),
    Price("alarms", "aws_cloudwatch_metric_alarm", _monthly(0.1)),
    Price("composite alarms", "aws_cloudwatch_composite_alarm", _monthly(0.5)),
    Price("dashboards", "aws_cloudwatch_dashboard", _monthly(3)),
)


def table(stack: Stack) -> str:
    """A Markdown table: what, how many, US dollars a day; dearest first, with the sum.

    Raises:
        UnknownPriceError: naming the class that has no price.
    """
    rows = [row for price in PRICES if (row := _row(price, stack))]
    rows.sort(key=lambda row: -row[2])
    total = sum(usd for _, _, usd in rows)
    lines = ["| What | Number | USD a day |", "|---|---:|---:|"]
    lines += [f"| {label} | {number} | {usd:.2f} |" for label, number, usd in rows]
    return "\n".join([*lines, f"| **Together** | | **{total:.2f}** |"])


def _row(price: Price, stack: Stack) -> tuple[str, int, float] | None:
    costs = [price.daily(r, stack) for r in stack.resources() if r.type == price.type]
    paid = [cost for cost in costs if cost is not None]
    return (price.label, len(paid), sum(paid)) if paid else None
