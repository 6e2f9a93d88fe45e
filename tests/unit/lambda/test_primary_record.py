"""The record that leads to the primary: moved, waited for, and moved again without harm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.route53.responses import Route53

from migration import primary_record
from migration.clients import client
from migration.errors import InvalidRequest, RecordNotInSync
from tests.support.functions import VirtualClock
from tests.support.migration_account import MigrationAccount, fail_call, watched_calls

NAME = "primary.payments.internal"
SOURCE, TARGET = "db.onprem.example", "aurora.cluster-x.us-east-1.rds.amazonaws.com"


@pytest.fixture
def zone(account: MigrationAccount) -> str:
    made = client("route53").create_hosted_zone(Name="payments.internal", CallerReference="1")
    zone_id = str(made["HostedZone"]["Id"]).rpartition("/")[2]
    primary_record.point(zone_id, NAME, SOURCE, 5)
    return zone_id


@pytest.fixture
def pending(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes each change take a number of looks to reach all of Route 53's servers."""

    def take(looks: int) -> None:
        left = iter(range(looks, -1, -1))

        def slow(answer: Callable[[Route53], Any]) -> Callable[[Route53], Any]:
            def handle(self: Route53) -> Any:
                result = answer(self)
                if next(left, 0):
                    result.result["ChangeInfo"]["Status"] = "PENDING"
                return result

            return handle

        for name in ("change_resource_record_sets", "get_change"):
            monkeypatch.setattr(Route53, name, slow(getattr(Route53, name)))

    return take


def records(zone: str) -> list[dict[str, Any]]:
    found = client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return [record for record in found if record["Type"] == "CNAME"]


def test_it_leads_where_it_is_pointed(zone: str) -> None:
    primary_record.point(zone, NAME, TARGET, 5)

    assert primary_record.current(zone, NAME) == TARGET
    assert records(zone) == [
        {
            "Name": f"{NAME}.",
            "Type": "CNAME",
            "TTL": 5,
            "ResourceRecords": [{"Value": TARGET}],
        }
    ]


def test_it_waits_for_every_server_of_route_53(
    zone: str, pending: Callable[[int], None], virtual: VirtualClock
) -> None:
    pending(3)
    before = virtual.now()

    primary_record.point(zone, NAME, TARGET, 5)

    assert (virtual.now() - before).total_seconds() == 3


def test_it_does_not_wait_for_ever(
    zone: str, pending: Callable[[int], None], virtual: VirtualClock
) -> None:
    pending(1000)

    with pytest.raises(RecordNotInSync, match=f"{NAME} was set to {TARGET} .* PENDING after 20 s"):
        primary_record.point(zone, NAME, TARGET, 5, seconds=20)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_after_a_crash_it_waits_again(
    zone: str,
    pending: Callable[[int], None],
    virtual: VirtualClock,
    number: int,
    after: bool,
) -> None:
    """The record stored is not enough: what it waits for is all servers having it."""
    pending(4)
    with watched_calls(fail_call(number, after=after)), pytest.raises(ClientError):
        primary_record.point(zone, NAME, TARGET, 5)

    with watched_calls() as calls:
        primary_record.point(zone, NAME, TARGET, 5)

    assert primary_record.current(zone, NAME) == TARGET
    assert len(records(zone)) == 1
    asked = [call.operation for call in calls if not call.after]
    assert asked[0] == "route53:ChangeResourceRecordSets"
    assert "route53:GetChange" in asked


@pytest.mark.parametrize("name", ["other.payments.internal", "a.payments.internal", "zz.payments"])
def test_a_record_that_is_not_there(zone: str, name: str) -> None:
    assert primary_record.current(zone, name) is None


def test_names_are_compared_as_dns_does(zone: str) -> None:
    assert primary_record.current(zone, f"{NAME.upper()}.") == SOURCE


def test_an_address_is_refused(zone: str) -> None:
    with pytest.raises(InvalidRequest, match=r"host is 10\.0\.0\.5; a CNAME leads to a name"):
        primary_record.point(zone, NAME, "10.0.0.5", 5)
    assert primary_record.current(zone, NAME) == SOURCE
