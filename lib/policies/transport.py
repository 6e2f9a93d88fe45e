"""Nothing is reachable without TLS."""

from __future__ import annotations

from collections.abc import Iterator

from lib.policies.finding import Rule, Violation, rule
from lib.policies.policy_documents import Statement, statements
from lib.policies.template import Resource, Template
from lib.settings import Settings

POLICY_OF = {
    "aws_s3_bucket": ("aws_s3_bucket_policy", "bucket"),
    "aws_sns_topic": ("aws_sns_topic_policy", "arn"),
    "aws_sqs_queue": ("aws_sqs_queue_policy", "queue_url"),
}
"""Type → the resource that carries its policy, and the attribute that names whose it is."""
CARRYING = {"s3:*", "sns:Publish", "sqs:*", "sqs:SendMessage"}
"""Actions whose refusal closes the resource; a topic's policy may not say ``sns:*``."""
TLS_MODES = ("require", "verify-ca", "verify-full")


@rule(
    id="tls-only-resource",
    severity="high",
    reason="A bucket, topic or queue answers plain HTTP unless its policy refuses it.",
    remedy="deny all its actions to everyone where aws:SecureTransport is false.",
)
def tls_only_resource(template: Template, settings: Settings) -> Iterator[Violation]:
    """Buckets, topics and queues refuse requests without TLS."""
    refusing = {each.owner for each in statements(template) if _refuses_plain(each)}
    for type in POLICY_OF:
        for resource in template.of_type(type):
            if refusing.isdisjoint(_policy_addresses(template, resource)):
                yield resource.address, "no policy refuses requests without TLS"


def _policy_addresses(template: Template, resource: Resource) -> set[str]:
    """Where the resource's policy may stand: in itself, or in a resource of its own."""
    type, attribute = POLICY_OF[resource.type]
    separate = {each.address for each in template.attached(resource, type, attribute)}
    return {resource.address} | separate


def _refuses_plain(statement: Statement) -> bool:
    boolean = statement.conditions.get("Bool", {})
    everyone = statement.principals in ("*", {"AWS": "*"}, {"AWS": ["*"]})
    closed = not CARRYING.isdisjoint(statement.actions)
    insecure = str(boolean.get("aws:SecureTransport", "")).lower() == "false"
    return statement.effect == "Deny" and everyone and closed and insecure


@rule(
    id="tls-only-database",
    severity="critical",
    reason="Without rds.force_ssl a client may send payments and its password in clear text.",
    remedy="set rds.force_ssl to 1 in the cluster's parameter group.",
)
def tls_only_database(template: Template, settings: Settings) -> Iterator[Violation]:
    """Aurora refuses connections without TLS."""
    for cluster in template.of_type("aws_rds_cluster"):
        groups = template.referred(
            cluster.get("db_cluster_parameter_group_name"), "aws_rds_cluster_parameter_group"
        )
        parameters = {
            block.get("name"): str(block.get("value"))
            for group in groups
            for block in group.blocks("parameter")
        }
        if parameters.get("rds.force_ssl") != "1":
            yield cluster.address, f"rds.force_ssl is {parameters.get('rds.force_ssl')}"


@rule(
    id="tls-only-replication",
    severity="critical",
    reason="DMS copies every row over this connection, and its default is no encryption.",
    remedy=f"set ssl_mode to one of {', '.join(TLS_MODES)}.",
)
def tls_only_replication(template: Template, settings: Settings) -> Iterator[Violation]:
    """DMS talks TLS to both databases."""
    for endpoint in template.of_type("aws_dms_endpoint"):
        mode = endpoint.get("ssl_mode")
        if mode not in TLS_MODES:
            yield endpoint.address, f"ssl_mode is {mode!r}"


@rule(
    id="tls-only-http",
    severity="high",
    reason="Payments and notifications must not cross a network in clear text.",
    remedy="use https.",
)
def tls_only_http(template: Template, settings: Settings) -> Iterator[Violation]:
    """The API's backend and the topic's subscribers are reached over https."""
    for integration in template.of_type("aws_api_gateway_integration"):
        if str(integration.get("uri", "")).startswith("http://"):
            yield integration.address, f"uri is {integration.get('uri')!r}"
    for stage in template.of_type("aws_api_gateway_stage"):
        for name, value in (stage.get("variables") or {}).items():
            if str(value).startswith("http://"):
                yield stage.address, f"stage variable {name} is {value!r}"
    for subscription in template.of_type("aws_sns_topic_subscription"):
        if subscription.get("protocol") == "http":
            yield subscription.address, "protocol is 'http'"


RULES: tuple[Rule, ...] = (
    tls_only_resource,
    tls_only_database,
    tls_only_replication,
    tls_only_http,
)
