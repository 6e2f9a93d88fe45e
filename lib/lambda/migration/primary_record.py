"""The DNS record that leads to the primary database: what the poolers connect to."""

from __future__ import annotations

import ipaddress
from typing import Any

from migration import clock
from migration.clients import client
from migration.errors import InvalidRequest, RecordNotInSync

_POLL_SECONDS = 1.0


def point(zone_id: str, name: str, value: str, ttl: int, *, seconds: float = 90.0) -> None:
    """Make the CNAME ``name`` lead to the host ``value``, and wait until Route 53 says so too.

    It returns when all of Route 53's servers answer with ``value``, which takes up to a minute
    (Route 53 developer guide, "Checking the status of your changes"); resolvers may give the old
    answer for ``ttl`` seconds more. ``seconds``: the most it waits.

    A record that is right already is written again, which changes nothing: that it is stored does
    not say that every server has it, a new change's status does. A caller that knows the record
    was never moved asks ``current`` and leaves it.

    Raises:
        RecordNotInSync: the time was up; running it again goes on waiting.
        InvalidRequest: ``value`` is an address, which a CNAME cannot lead to.
    """
    _check_host(value)
    route53 = client("route53")
    record = {
        "Name": name,
        "Type": "CNAME",
        "TTL": ttl,
        "ResourceRecords": [{"Value": value}],
    }
    change: dict[str, Any] = route53.change_resource_record_sets(
        HostedZoneId=zone_id,
        ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]},
    )["ChangeInfo"]
    waited = 0.0
    while change["Status"] != "INSYNC":
        if waited >= seconds:
            raise RecordNotInSync(
                f"{name} was set to {value} and Route 53 still reports {change['Status']} after "
                f"{seconds:.0f} s (change {change['Id']}); run the step again"
            )
        clock.sleep(_POLL_SECONDS)
        waited += _POLL_SECONDS
        change = route53.get_change(Id=change["Id"])["ChangeInfo"]


def current(zone_id: str, name: str) -> str | None:
    """The host that the CNAME ``name`` leads to, as Route 53 stores it; None without a record."""
    wanted = name.rstrip(".").lower()
    sets = client("route53").list_resource_record_sets(
        HostedZoneId=zone_id, StartRecordName=wanted, StartRecordType="CNAME", MaxItems="1"
    )["ResourceRecordSets"]
    for record in sets:
        if record["Name"].rstrip(".").lower() == wanted and record["Type"] == "CNAME":
            return str(record["ResourceRecords"][0]["Value"]).rstrip(".")
    return None


def _check_host(value: str) -> None:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return
    raise InvalidRequest(
        f"the database's host is {value}; a CNAME leads to a name: give the database one"
    )
