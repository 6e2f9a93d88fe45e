"""The routing parameter: read as it is, written only where that changes something."""

import pytest

from migration import routing
from migration.clients import client
from tests.support.migration_account import ROUTING, MigrationAccount, watched_calls


@pytest.mark.parametrize("side", ["source", "target"])
def test_it_says_where_the_application_is_routed(account: MigrationAccount, side: str) -> None:
    account.routing = side
    assert routing.current(ROUTING) == side


def test_a_parameter_that_does_not_exist_says_nothing(account: MigrationAccount) -> None:
    client("ssm").delete_parameter(Name=ROUTING)
    assert routing.current(ROUTING) is None


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("before", ["source", "target", None])
def test_its_history_shows_moves_and_nothing_else(
    account: MigrationAccount, before: str | None, side: routing.Side
) -> None:
    if before is None:
        client("ssm").delete_parameter(Name=ROUTING)
    else:
        account.routing = before
    with watched_calls() as calls:
        routing.route_to(ROUTING, side)
        routing.route_to(ROUTING, side)
    assert routing.current(ROUTING) == side
    writes = [call for call in calls if call.operation == "ssm:PutParameter"]
    assert len(writes) == int(before != side)
