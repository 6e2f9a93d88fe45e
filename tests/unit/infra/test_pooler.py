"""The pooler: who reaches it, whom it reaches, and under which names."""

from __future__ import annotations

import json

import pytest

from tests.support.pooler_stack import container, small, told
from tests.support.services import settings_of, whole_stack
from tests.support.template import Target, Template

PORT = 6432


@pytest.fixture(scope="module", params=["default", "production"])
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def template(case: str) -> Template:
    return whole_stack(case)


def name(case: str, what: str) -> str:
    return f"{what}-{settings_of(case).environment_suffix}"


def private_subnets(template: Template, ids: list[str]) -> set[str]:
    return {template.target(subnet).props["tags"]["Name"] for subnet in ids}


def test_the_name_leads_through_the_balancer_to_the_tasks(template: Template, case: str) -> None:
    zone = settings_of(case).private_zone
    record = template.one("aws_route53_record", name=f"db.{zone}")
    balancer = template.target(record["alias"]["name"])
    assert record["type"] == "A"
    assert template.target(record["alias"]["zone_id"]) == balancer
    listener = template.one("aws_lb_listener", port=PORT, protocol="TCP")
    assert template.target(listener["load_balancer_arn"]) == balancer
    targets = template.target(listener["default_action"][0]["target_group_arn"])
    service = template.one("aws_ecs_service")
    [registered] = service["load_balancer"]
    assert template.target(registered["target_group_arn"]) == targets
    assert registered["container_port"] == targets.props["port"] == PORT
    assert registered["container_name"] == container(template)["name"]
    assert targets.props["target_type"] == "ip"
    assert targets.props["health_check"]["protocol"] == "TCP"
    # ECS registers targets only where a listener leads to their group.
    assert listener in [each.props for each in template.depends_on(service)]


def test_it_stands_in_every_zone_of_the_production_vpc_and_nowhere_public(
    template: Template, case: str
) -> None:
    balancer = template.one("aws_lb")
    network = template.one("aws_ecs_service")["network_configuration"]
    assert balancer["internal"] is True
    assert balancer["enable_cross_zone_load_balancing"] is True
    assert network["assign_public_ip"] is False
    wanted = {name(case, f"production-private-{letter}") for letter in "abc"}
    assert private_subnets(template, balancer["subnets"]) == wanted
    assert private_subnets(template, network["subnets"]) == wanted


def group(template: Template, case: str, of: str) -> Target:
    return template.named("aws_security_group", name(case, f"{of}-group"))


def rules(template: Template, case: str, direction: str, of: str) -> set[tuple[str, int]]:
    """(peer, port) of every rule of a group."""
    found = set()
    for rule in template.resources(f"aws_vpc_security_group_{direction}_rule").values():
        if template.target(rule["security_group_id"]) == group(template, case, of):
            assert rule["from_port"] == rule["to_port"]
            peer = rule.get("cidr_ipv4")
            if "referenced_security_group_id" in rule:
                peer = template.target(rule["referenced_security_group_id"]).props["name"]
            found.add((str(peer), int(rule["from_port"])))
    return found


def test_only_the_application_enters_and_only_through_the_balancer(
    template: Template, case: str
) -> None:
    entering = {of: rules(template, case, "ingress", of) for of in ("pooler-balancer", "pooler")}
    assert entering == {
        "pooler-balancer": {(name(case, "application-group"), PORT)},
        "pooler": {
            (name(case, "pooler-balancer-group"), PORT),
            # The console.
            (name(case, "functions-group"), PORT),
        },
    }
    assert rules(template, case, "ingress", "application") == set()
    leaving = {of: rules(template, case, "egress", of) for of in ("application", "pooler-balancer")}
    assert leaving == {
        "application": {(name(case, "pooler-balancer-group"), PORT)},
        "pooler-balancer": {(name(case, "pooler-group"), PORT)},
    }


def test_it_leaves_for_both_databases_and_aws_alone(template: Template, case: str) -> None:
    settings = settings_of(case)
    assert rules(template, case, "egress", "pooler") == {
        (name(case, "database-group"), settings.database_port),
        (settings.onprem_cidr, settings.database_port),
        ("0.0.0.0/0", 443),
    }
    database = rules(template, case, "ingress", "database")
    assert (name(case, "pooler-group"), settings.database_port) in database


def test_the_functions_reach_each_task_through_the_transit_gateway(
    template: Template, case: str
) -> None:
    settings = settings_of(case)
    leaving = rules(template, case, "egress", "functions")
    assert (settings.production_cidr, PORT) in leaving
    [rule] = [
        rule
        for rule in template.resources("aws_vpc_security_group_ingress_rule").values()
        if template.target(rule["security_group_id"]) == group(template, case, "pooler")
        and template.target(rule["referenced_security_group_id"])
        == group(template, case, "functions")
    ]
    # A group of the other VPC can be named only once both are attached.
    attached = template.resources("aws_ec2_transit_gateway_vpc_attachment")
    assert {each.name for each in template.depends_on(rule)} == set(attached)


def test_layers_of_images_come_through_s3s_gateway_in_the_production_vpc_alone(
    template: Template, case: str
) -> None:
    region = settings_of(case).aws_region
    vpcs = set()
    for endpoint in template.find("aws_vpc_endpoint", vpc_endpoint_type="Gateway").values():
        for statement in json.loads(endpoint["policy"])["Statement"]:
            if statement["Sid"] == "ImageLayers":
                assert statement["Resource"].endswith(f":prod-{region}-starport-layer-bucket/*")
                assert endpoint["service_name"].endswith(".s3")
                vpc = template.target(endpoint["vpc_id"])
                assert (
                    template.target(statement["Condition"]["StringEquals"]["aws:SourceVpc"]) == vpc
                )
                vpcs.add(vpc.props["tags"]["Name"])
    assert vpcs == {name(case, "production-vpc")}


def test_primary_begins_at_the_source_and_is_the_workflows_to_move(
    template: Template, case: str
) -> None:
    settings = settings_of(case)
    record = template.one("aws_route53_record", name=f"primary.{settings.private_zone}")
    assert (record["type"], record["ttl"]) == ("CNAME", settings.primary_ttl_seconds)
    assert record["records"] == [settings.source_host]
    assert record["lifecycle"] == {"ignore_changes": ["records"]}
    assert told(template)["PRIMARY_HOST"] == record["name"]
    # The resolver's cache ends with the record's time to live; the pooler keeps none of its own.
    assert told(template)["DNS_MAX_TTL"] == "0"


def test_both_vpcs_and_nobody_else_know_the_zone(template: Template, case: str) -> None:
    zone = template.one("aws_route53_zone", name=settings_of(case).private_zone)
    vpcs = {template.target(each["vpc_id"]).props["tags"]["Name"] for each in zone["vpc"]}
    assert vpcs == {name(case, "production-vpc"), name(case, "migration-vpc")}


def test_a_source_known_by_its_address_gets_a_name_that_primary_can_lead_to() -> None:
    stack = small("192.168.7.8:6000")
    template = stack.template
    source = template.one("aws_route53_record", name="source.payments.internal")
    assert (source["type"], source["records"]) == ("A", ["192.168.7.8"])
    primary = template.one("aws_route53_record", name="primary.payments.internal")
    assert (primary["type"], primary["records"]) == ("CNAME", ["source.payments.internal"])
    assert stack.facts["source_name"] == "source.payments.internal"
    assert told(template)["PRIMARY_PORT"] == "6000"


def test_a_source_known_by_its_name_keeps_it() -> None:
    stack = small("db.example.com:5432")
    names = {each["name"] for each in stack.template.resources("aws_route53_record").values()}
    assert names == {"db.payments.internal", "primary.payments.internal"}
    assert stack.facts["source_name"] == "db.example.com"


def test_a_missing_or_unhealthy_pooler_is_told_and_silence_is_bad(
    template: Template, case: str
) -> None:
    alarms = template.resources("aws_cloudwatch_metric_alarm").values()
    found = {alarm["alarm_name"]: alarm for alarm in alarms}
    tasks, hosts = (found[name(case, f"pooler-{what}")] for what in ("tasks", "unhealthy"))
    assert tasks["threshold"] == settings_of(case).pooler_count
    assert tasks["comparison_operator"] == "LessThanThreshold"
    assert (hosts["threshold"], hosts["comparison_operator"]) == (0, "GreaterThanThreshold")
    assert {alarm["treat_missing_data"] for alarm in (tasks, hosts)} == {"breaching"}
    dimensions = tasks["dimensions"] | hosts["dimensions"]
    assert {key: template.target(value).type for key, value in dimensions.items()} == {
        "ClusterName": "aws_ecs_cluster",
        "ServiceName": "aws_ecs_service",
        "LoadBalancer": "aws_lb",
        "TargetGroup": "aws_lb_target_group",
    }
    rule = template.one("aws_cloudwatch_composite_alarm")["alarm_rule"]
    watched = {target.props["alarm_name"] for target in template.targets(rule)}
    assert {tasks["alarm_name"], hosts["alarm_name"]} <= watched
