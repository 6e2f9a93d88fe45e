"""What a function is told of the poolers, and what it may do with them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.pooler_stack import granted, small
from tests.support.template import Props, actions


@pytest.fixture(scope="module")
def verbs() -> dict[str, dict[str, Props]]:
    """Verb → what ``grant_`` of it allows."""
    stack = small()
    return {
        verb: granted(stack.template, stack.template.one_named("aws_iam_role", name=verb))
        for verb in ("find", "admin", "point", "look")
    }


def test_who_finds_the_poolers_sees_those_of_this_cluster(verbs: dict[str, Any]) -> None:
    found = verbs["find"]
    assert set(found) == {"ListPoolers", "DescribePoolers"}
    template = small().template
    for statement in found.values():
        cluster = template.target(statement["Condition"]["ArnEquals"]["ecs:cluster"])
        assert cluster.type == "aws_ecs_cluster"
    [tasks] = found["DescribePoolers"]["Resource"]
    assert ":task/${aws_ecs_cluster." in tasks and tasks.endswith("/*")


def test_who_administers_the_poolers_reads_their_secret_and_no_other(
    verbs: dict[str, Any],
) -> None:
    assert set(verbs["admin"]) == {"ReadPoolerSecret", "UseKey"}
    template = small().template
    [secret] = template.targets(json.dumps(verbs["admin"]["ReadPoolerSecret"]["Resource"]))
    assert secret.props["name"] == "pooler-dev"


def test_who_points_primary_may_move_that_record_and_change_no_other(
    verbs: dict[str, Any],
) -> None:
    point = verbs["point"]
    allowed = {action for statement in point.values() for action in statement["Action"]}
    assert allowed == {
        "route53:ChangeResourceRecordSets",
        "route53:GetChange",
    }
    change = point["PointPrimary"]
    assert change["Condition"] == {
        "ForAllValues:StringEquals": {
            "route53:ChangeResourceRecordSetsNormalizedRecordNames": ["primary.payments.internal"],
            "route53:ChangeResourceRecordSetsRecordTypes": ["CNAME"],
            "route53:ChangeResourceRecordSetsActions": ["UPSERT"],
        }
    }
    template = small().template
    for statement in (point["PointPrimary"], verbs["look"]["ReadRecords"]):
        [zone] = template.targets(json.dumps(statement["Resource"]))
        assert zone.type == "aws_route53_zone"


def test_the_endpoints_let_through_what_is_granted(verbs: dict[str, Any]) -> None:
    template = small().template
    asked = {
        action
        for verb in ("find", "point", "look")
        for statement in verbs[verb].values()
        for action in statement["Action"]
    }
    endpoints = template.find("aws_vpc_endpoint", vpc_endpoint_type="Interface").values()
    allowed = set().union(*(actions(endpoint["policy"]) for endpoint in endpoints))
    assert asked <= allowed
    [route53] = template.find("aws_vpc_endpoint", service_name="com.amazonaws.route53").values()
    # The API has one region, which every other reaches through its own endpoint.
    assert route53["service_region"] == "us-east-1"


def test_what_the_functions_will_be_told_leads_where_it_says() -> None:
    stack = small()
    facts = stack.facts
    assert stack.template.target(facts["cluster_name"]).type == "aws_ecs_cluster"
    assert stack.template.target(facts["service_name"]).type == "aws_ecs_service"
    assert stack.template.target(facts["secret_arn"]).props["name"] == "pooler-dev"
    assert stack.template.target(facts["zone_id"]).type == "aws_route53_zone"
    assert facts["primary_name"] == "primary.payments.internal"
    assert facts["port"] == 6432
