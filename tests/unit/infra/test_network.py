"""What can reach what: followed from subnet to table to gateway, as a packet would be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.stacks import Built, built
from tests.support.template import Props, Target, Template, actions

CASES = ("default", "production", "other")
VPCS = ("production", "migration")


@pytest.fixture(scope="module", params=CASES)
def network(request: pytest.FixtureRequest) -> Built:
    return built(request.param)


def routes_of(template: Template, subnet: Target) -> dict[str, Props]:
    """Destination → route, of the table that the subnet is associated with."""
    tables = [
        template.target(association["route_table_id"])
        for association in template.resources("aws_route_table_association").values()
        if template.target(association["subnet_id"]) == subnet
    ]
    assert len(tables) == 1, f"{subnet.name} is associated with {len(tables)} tables"
    return {
        route["destination_cidr_block"]: route
        for route in template.resources("aws_route").values()
        if template.target(route["route_table_id"]) == tables[0]
    }


def subnets(network: Built, vpc: str, tier: str) -> list[Target]:
    suffix = network.settings.environment_suffix
    letters = "abc"[: network.settings.zone_count]
    return [
        network.template.named("aws_subnet", f"{vpc}-{tier}-{letter}-{suffix}")
        for letter in letters
    ]


def vpc_of(network: Built, name: str) -> Target:
    return network.template.named("aws_vpc", f"{name}-vpc-{network.settings.environment_suffix}")


def cidr_of(network: Built, vpc: str) -> str:
    return str(getattr(network.settings, f"{vpc}_cidr"))


@pytest.mark.parametrize("vpc", VPCS)
def test_each_vpc_has_three_subnets_a_zone_inside_itself(network: Built, vpc: str) -> None:
    own = vpc_of(network, vpc)
    assert own.props["cidr_block"] == cidr_of(network, vpc)
    assert own.props["enable_dns_hostnames"] is True
    found = [
        subnet for tier in ("public", "private", "dms") for subnet in subnets(network, vpc, tier)
    ]
    assert len(found) == 3 * network.settings.zone_count
    for subnet in found:
        assert network.template.target(subnet.props["vpc_id"]) == own
        assert subnet.props["map_public_ip_on_launch"] is False
        zone = subnet.props["availability_zone"]
        assert zone == network.settings.aws_region + subnet.props["tags"]["Name"].split("-")[2]


@pytest.mark.parametrize("vpc", VPCS)
def test_public_subnets_reach_the_internet_through_their_vpcs_gateway(
    network: Built, vpc: str
) -> None:
    for subnet in subnets(network, vpc, "public"):
        route = routes_of(network.template, subnet)["0.0.0.0/0"]
        gateway = network.template.target(route["gateway_id"])
        assert gateway.type == "aws_internet_gateway"
        assert network.template.target(gateway.props["vpc_id"]) == vpc_of(network, vpc)


@pytest.mark.parametrize("vpc", VPCS)
def test_private_subnets_leave_through_nat_of_their_zone_or_of_the_first(
    network: Built, vpc: str
) -> None:
    public, private = subnets(network, vpc, "public"), subnets(network, vpc, "private")
    for at, subnet in enumerate(private):
        route = routes_of(network.template, subnet)["0.0.0.0/0"]
        nat = network.template.target(route["nat_gateway_id"])
        assert nat.type == "aws_nat_gateway"
        expected = public[at] if network.settings.nat_per_zone else public[0]
        assert network.template.target(nat.props["subnet_id"]) == expected
        assert network.template.target(nat.props["allocation_id"]).type == "aws_eip"
        [waits_for] = network.template.depends_on(nat.props)
        assert waits_for.props["gateway_id"], "NAT must wait for the way to the internet"


@pytest.mark.parametrize("vpc", VPCS)
def test_dms_subnets_have_no_way_to_the_internet(network: Built, vpc: str) -> None:
    for subnet in subnets(network, vpc, "dms"):
        assert "0.0.0.0/0" not in routes_of(network.template, subnet)


def attachment(network: Built, vpc: str) -> Target:
    suffix = network.settings.environment_suffix
    return network.template.named(
        "aws_ec2_transit_gateway_vpc_attachment", f"{vpc}-attachment-{suffix}"
    )


def transit_table(template: Template, attached: str) -> Target:
    """The table that traffic coming from the attachment is looked up in."""
    associations = template.resources("aws_ec2_transit_gateway_route_table_association").values()
    [table] = [
        template.target(association["transit_gateway_route_table_id"])
        for association in associations
        if association["transit_gateway_attachment_id"] == attached
    ]
    return table


def propagated_to(template: Template, table: Target) -> list[Target]:
    """The attachments whose networks the table knows."""
    return [
        template.target(propagation["transit_gateway_attachment_id"])
        for propagation in template.resources(
            "aws_ec2_transit_gateway_route_table_propagation"
        ).values()
        if template.target(propagation["transit_gateway_route_table_id"]) == table
    ]


@pytest.mark.parametrize(("here", "there"), [VPCS, VPCS[::-1]])
def test_each_vpc_routes_to_the_other_through_the_transit_gateway(
    network: Built, here: str, there: str
) -> None:
    for tier in ("private", "dms"):
        for subnet in subnets(network, here, tier):
            route = routes_of(network.template, subnet)[cidr_of(network, there)]
            gateway = network.template.target(route["transit_gateway_id"])
            assert gateway.type == "aws_ec2_transit_gateway"
            # AWS refuses the route until the VPC is attached; its own reference does not say so.
            assert network.template.depends_on(route) == [attachment(network, here)]
    table = transit_table(network.template, f"${{{address(attachment(network, here))}.id}}")
    assert attachment(network, there) in propagated_to(network.template, table)
    assert attachment(network, here) not in propagated_to(network.template, table)


def address(target: Target) -> str:
    return f"{target.type}.{target.name}"


@pytest.mark.parametrize("vpc", VPCS)
def test_attachments_enter_one_dms_subnet_a_zone_and_no_default_table(
    network: Built, vpc: str
) -> None:
    props = attachment(network, vpc).props
    entered = [network.template.target(subnet) for subnet in props["subnet_ids"]]
    assert entered == subnets(network, vpc, "dms")
    assert network.template.target(props["vpc_id"]) == vpc_of(network, vpc)
    assert props["transit_gateway_default_route_table_association"] is False
    assert props["transit_gateway_default_route_table_propagation"] is False
    gateway = network.template.target(props["transit_gateway_id"]).props
    assert gateway["default_route_table_association"] == "disable"
    assert gateway["default_route_table_propagation"] == "disable"
    # Without both, the database's group cannot name a group of the other VPC.
    assert gateway["security_group_referencing_support"] == "enable"
    assert props["security_group_referencing_support"] == "enable"


def test_without_a_device_there_is_no_vpn_and_no_route_on_premises() -> None:
    network = built("default")
    assert not network.template.types & {"aws_vpn_connection", "aws_customer_gateway"}
    assert not network.template.find(
        "aws_route", destination_cidr_block=network.settings.onprem_cidr
    )


def test_the_vpn_joins_both_vpcs_to_on_premises_and_keeps_its_keys_out_of_state() -> None:
    network = built("production")
    template = network.template
    _, name, vpn = template.one_named("aws_vpn_connection")
    assert vpn["preshared_key_storage"] == "SecretsManager"
    assert "tunnel1_preshared_key" not in vpn
    assert vpn["tunnel1_ike_versions"] == vpn["tunnel2_ike_versions"] == ["ikev2"]
    device = template.target(vpn["customer_gateway_id"]).props
    assert device["ip_address"] == network.settings.vpn_customer_gateway_ip
    assert device["bgp_asn"] == str(network.settings.vpn_customer_gateway_asn)

    attached = f"${{aws_vpn_connection.{name}.transit_gateway_attachment_id}}"
    back = propagated_to(template, transit_table(template, attached))
    assert {item.name for item in back} == {attachment(network, vpc).name for vpc in VPCS}
    onprem = network.settings.onprem_cidr
    for vpc in VPCS:
        table = transit_table(template, f"${{{address(attachment(network, vpc))}.id}}")
        [route] = [
            route
            for route in template.find(
                "aws_ec2_transit_gateway_route", destination_cidr_block=onprem
            ).values()
            if template.target(route["transit_gateway_route_table_id"]) == table
        ]
        assert route["transit_gateway_attachment_id"] == attached
        for tier in ("private", "dms"):
            for subnet in subnets(network, vpc, tier):
                gateway = routes_of(template, subnet)[onprem]["transit_gateway_id"]
                assert template.target(gateway).type == "aws_ec2_transit_gateway"


def group(network: Built, name: str) -> Target:
    suffix = network.settings.environment_suffix
    return network.template.named("aws_security_group", f"{name}-group-{suffix}")


def rules(network: Built, direction: str, of: str) -> set[tuple[str, int]]:
    """(who, port) of every rule of a group, naming groups and prefix lists by what they are."""
    found: set[tuple[str, int]] = set()
    for rule in network.template.resources(f"aws_vpc_security_group_{direction}_rule").values():
        if network.template.target(rule["security_group_id"]) == group(network, of):
            assert rule["from_port"] == rule["to_port"]
            assert rule["ip_protocol"] == "tcp"
            found.add((peer(network.template, rule), rule["from_port"]))
    return found


def peer(template: Template, rule: dict[str, Any]) -> str:
    if "cidr_ipv4" in rule:
        return str(rule["cidr_ipv4"])
    if "prefix_list_id" in rule:
        return str(template.target(rule["prefix_list_id"]).props["service_name"])
    name = str(template.target(rule["referenced_security_group_id"]).props["name"])
    return name.partition("-group")[0]


def test_the_database_and_the_endpoints_admit_dms_and_the_functions_alone(network: Built) -> None:
    port = network.settings.database_port
    assert rules(network, "ingress", "database") == {("dms", port), ("functions", port)}
    assert rules(network, "ingress", "endpoints") == {("dms", 443), ("functions", 443)}
    assert rules(network, "ingress", "dms") == rules(network, "ingress", "functions") == set()


def test_dms_and_the_functions_leave_only_for_databases_and_aws(network: Built) -> None:
    settings = network.settings
    port = int(settings.source_endpoint.split(":")[1])
    common = {("endpoints", 443), (settings.production_cidr, port), (settings.onprem_cidr, port)}
    services = {
        (f"com.amazonaws.{settings.aws_region}.{service}", 443) for service in ("s3", "dynamodb")
    }
    for group_name in ("dms", "functions"):
        assert rules(network, "egress", group_name) == common | services
    assert rules(network, "egress", "database") == rules(network, "egress", "endpoints") == set()


def test_a_group_of_the_other_vpc_is_named_only_once_both_vpcs_are_attached(
    network: Built,
) -> None:
    for rule in network.template.resources("aws_vpc_security_group_ingress_rule").values():
        if network.template.target(rule["security_group_id"]) == group(network, "database"):
            awaited = {target.name for target in network.template.depends_on(rule)}
            assert awaited == {attachment(network, vpc).name for vpc in VPCS}


def test_default_groups_are_emptied_in_every_vpc(network: Built) -> None:
    template = network.template
    groups = template.resources("aws_default_security_group").values()
    emptied = sorted(template.target(found["vpc_id"]).name for found in groups)
    assert emptied == sorted(template.resources("aws_vpc"))
    for found in groups:
        assert "ingress" not in found
        assert "egress" not in found


def endpoints(network: Built, kind: str, vpc: str) -> dict[str, Props]:
    return {
        endpoint["service_name"].rpartition(".")[2]: endpoint
        for endpoint in network.template.find("aws_vpc_endpoint", vpc_endpoint_type=kind).values()
        if network.template.target(endpoint["vpc_id"]) == vpc_of(network, vpc)
    }


@pytest.mark.parametrize("vpc", VPCS)
def test_s3_and_dynamodb_are_reached_from_every_subnet_of_both_vpcs(
    network: Built, vpc: str
) -> None:
    found = endpoints(network, "Gateway", vpc)
    assert set(found) == {"s3", "dynamodb"}
    own = vpc_of(network, vpc)
    tables = {
        name
        for name, table in network.template.resources("aws_route_table").items()
        if network.template.target(table["vpc_id"]) == own
    }
    for endpoint in found.values():
        served = {network.template.target(table).name for table in endpoint["route_table_ids"]}
        assert served == tables


def test_the_services_that_are_called_have_an_interface_a_zone_under_their_own_name(
    network: Built,
) -> None:
    found = endpoints(network, "Interface", "migration")
    assert set(found) == {
        "secretsmanager",
        "ssm",
        "sts",
        "logs",
        "monitoring",
        "sns",
        "states",
        "dms",
        "kms",
        "ecs",
        "route53",
    }
    for endpoint in found.values():
        assert endpoint["private_dns_enabled"] is True
        placed = [network.template.target(subnet) for subnet in endpoint["subnet_ids"]]
        assert placed == subnets(network, "migration", "private")
        [guard] = endpoint["security_group_ids"]
        assert network.template.target(guard) == group(network, "endpoints")


def test_endpoints_serve_this_account_only(network: Built) -> None:
    for endpoint in network.template.resources("aws_vpc_endpoint").values():
        statement, *more = json.loads(endpoint["policy"])["Statement"]
        # But for the layers of images, which are AWS's own (test_pooler.py).
        assert {each["Sid"] for each in more} <= {"ImageLayers"}
        limits = statement["Condition"]["StringEquals"]
        account = network.template.target(limits["aws:PrincipalAccount"])
        assert account.type == "data.aws_caller_identity"
        gateway = endpoint["vpc_endpoint_type"] == "Gateway"
        assert ("aws:ResourceAccount" in limits) == gateway


def test_flow_logs_record_all_traffic_of_every_vpc_through_a_role_that_can_do_no_more(
    network: Built,
) -> None:
    template = network.template
    logs = template.resources("aws_flow_log").values()
    watched = sorted(template.target(log["vpc_id"]).name for log in logs)
    assert watched == sorted(template.resources("aws_vpc"))
    for log in logs:
        assert log["traffic_type"] == "ALL"
        destination = template.target(log["log_destination"])
        assert destination.type == "aws_cloudwatch_log_group"
        assert destination.props["retention_in_days"] == network.settings.log_retention_days
        role = template.target(log["iam_role_arn"])
        trust = json.loads(role.props["assume_role_policy"])["Statement"][0]
        assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
        policies = [
            policy
            for policy in template.resources("aws_iam_role_policy").values()
            if template.target(policy["role"]) == role
        ]
        allowed = set().union(*(actions(policy["policy"]) for policy in policies))
        assert allowed == {
            "logs:CreateLogStream",
            "logs:DescribeLogGroups",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
        }
        for policy in policies:
            assert {t.name for t in template.targets(policy["policy"])} == {destination.name}


def test_fewer_zones_leave_the_remaining_subnets_and_ids_as_they_were() -> None:
    three, two = built("default").template, built("other").template
    for name, subnet in two.resources("aws_subnet").items():
        assert three.resources("aws_subnet")[name]["cidr_block"] == subnet["cidr_block"]
