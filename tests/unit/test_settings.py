"""Each rule refuses what is wrong and says which setting, which value, and what to do."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from lib.settings import Settings, SettingsError
from lib.settings_rules import RANGES, RETENTION_DAYS

# Settings, and what the message must say: the setting's name, the value, and the fix.
WRONG: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"environment_suffix": ""}, ("environment_suffix is ''", "use for example 'dev'")),
    ({"environment_suffix": "Dev"}, ("environment_suffix is 'Dev'", "lower-case")),
    ({"environment_suffix": "d" * 17}, ("1 to 16", "'dddddddddddddddddd'"[:10])),
    ({"environment_suffix": "a--b"}, ("environment_suffix is 'a--b'", "single hyphens")),
    ({"environment_suffix": "dev-"}, ("not ending with a hyphen",)),
    ({"environment_suffix": "1dev"}, ("starting with a letter",)),
    ({"environment_suffix": "dev\n"}, ("environment_suffix is 'dev\\n'",)),
    ({"aws_region": "us-esat-1"}, ("aws_region is 'us-esat-1'", "us-east-1")),
    ({"state_bucket_region": "mars"}, ("state_bucket_region is 'mars'", "us-east-1")),
    ({"replica_region": "mars"}, ("replica_region is 'mars'",)),
    ({"replica_region": "us-east-1"}, ("replica_region is 'us-east-1'", "name another region")),
    ({"aws_region": "us-west-1", "zone_count": 3}, ("zone_count is 3", "2 zones", "use 2 to 2")),
    ({"zone_count": 1}, ("zone_count is 1", "use 2 to 5")),
    ({"zone_count": 6}, ("zone_count is 6", "use 2 to 5")),
    ({"production_cidr": "10.0.0.0/33"}, ("production_cidr is '10.0.0.0/33'", "10.0.0.0/16")),
    ({"migration_cidr": "10.1.0.1/16"}, ("migration_cidr is '10.1.0.1/16'", "host bits")),
    ({"onprem_cidr": "home"}, ("onprem_cidr is 'home'", "write an IPv4 network")),
    ({"production_cidr": "10.0.0.0/24"}, ("production_cidr is '10.0.0.0/24'", "too small", "/22")),
    ({"migration_cidr": "11.0.0.0/8"}, ("migration_cidr is '11.0.0.0/8'", "too large", "/16")),
    (
        {"migration_cidr": "10.0.4.0/22"},
        ("production_cidr '10.0.0.0/16' and migration_cidr '10.0.4.0/22' overlap", "another range"),
    ),
    ({"onprem_cidr": "10.0.8.0/24"}, ("and onprem_cidr '10.0.8.0/24' overlap",)),
    ({"vpn_customer_gateway_ip": "vpn.example"}, ("vpn_customer_gateway_ip is 'vpn.example'",)),
    ({"log_retention_days": 31}, ("log_retention_days is 31", "30, 60")),
    ({"aurora_engine_version": "16"}, ("aurora_engine_version is '16'", "'16.6'")),
    ({"aurora_serverless_min_acu": 1.0}, ("aurora_serverless_min_acu is 1.0", "set both")),
    (
        {"aurora_serverless_min_acu": 8.0, "aurora_serverless_max_acu": 4.0},
        ("aurora_serverless_max_acu is 4.0", "minimum not above"),
    ),
    ({"source_database": "Payments"}, ("source_database is 'Payments'", "lower-case")),
    ({"target_database": "a b"}, ("target_database is 'a b'",)),
    ({"source_endpoint": "db.internal"}, ("source_endpoint is 'db.internal'", "write host:port")),
    ({"source_endpoint": "db.internal:70000"}, ("source_endpoint", "1150 to 65535")),
    ({"source_endpoint": "db.internal:1149"}, ("source_endpoint", "Aurora can listen")),
    ({"source_database": "orders"}, ("source_database is 'orders'", "'payments'", "same name")),
    ({"protect": True, "pooler_count": 1}, ("pooler_count is 1 while protect", "2 or more")),
    ({"pooler_cpu": 500}, ("pooler_cpu is 500", "256, 512, 1024, 2048, 4096")),
    ({"pooler_memory_mb": 8192}, ("pooler_memory_mb is 8192", "pooler_cpu 512", "1024, 2048")),
    ({"private_zone": "internal"}, ("private_zone is 'internal'", "two labels")),
    ({"private_zone": "Payments.internal"}, ("private_zone is 'Payments.internal'", "lower case")),
    ({"private_zone": "payments.internal."}, ("private_zone", "dot at the end")),
    ({"private_zone": "onprem.internal"}, ("private_zone is 'onprem.internal'", "would hide")),
    ({"aurora_instance_class": "db.x9.huge"}, ("aurora_instance_class is 'db.x9.huge'", "r6g")),
    (
        {"pooler_count": 20, "application_roles": ("a", "b", "c")},
        ("pooler_count is 20", "application_roles has 3", "at least 105", "source_max_connections"),
    ),
    ({"schemas": ()}, ("schemas is []", "at least one")),
    ({"schemas": ("public,audit",)}, ("schemas is ['public,audit']", "without commas")),
    ({"application_roles": ("",)}, ("application_roles is ['']",)),
    ({"lob_table_sizes_kb": {"receipts": 5}}, ("lob_table_sizes_kb has 'receipts': 5", "schema.")),
    ({"lob_table_sizes_kb": {"public.receipts": 0}}, ("'public.receipts': 0", "at least 1")),
    ({"reserved_concurrency": {"validator": 5}}, ("'validator': 5", "data_validator")),
    ({"reserved_concurrency": {"data_validator": 0}}, ("'data_validator': 0", "at least 1")),
    ({"validation_concurrency": 0}, ("validation_concurrency is 0", "1 to 40 parts")),
    (
        {"validation_concurrency": 5, "reserved_concurrency": {"data_validator": 4}},
        ("validation_concurrency is 5", "data_validator is 4", "reserve as many"),
    ),
    ({"validation_workers": 0}, ("validation_workers is 0", "1 to 16")),
    ({"validation_pace": 0.0}, ("validation_pace is 0.0", "0.05 to 1.0")),
    ({"validation_pace": 1.5}, ("validation_pace is 1.5",)),
    ({"validation_part_rows": 999}, ("validation_part_rows is 999", "10000 to")),
    ({"validation_repair_limit": -1}, ("validation_repair_limit is -1", "0 to 10000 rows")),
    (
        {"validation_excluded_columns": ("note",)},
        ("validation_excluded_columns has 'note'", "schema.table.column"),
    ),
    ({"validation_masked_columns": ("a.b, c",)}, ("validation_masked_columns has 'a.b, c'",)),
    ({"validation_column_types": {"rate": "text"}}, ("validation_column_types has 'rate'",)),
    (
        {"validation_column_types": {"public.rates.rate": "text; drop table t"}},
        ("'text; drop table t'", "numeric(28,6)"),
    ),
    (
        {"validation_excluded_columns": tuple(f"public.t.c{n}" for n in range(300))},
        ("bytes of the function's variables", "match more columns"),
    ),
    ({"log_level": "LOUD"}, ("log_level is 'LOUD'", "DEBUG, INFO")),
    ({"alarm_emails": ("oncall",)}, ("alarm_emails has 'oncall'", "name@example.com")),
    ({"alarm_emails": ("a@b.c", "d@@e.f")}, ("alarm_emails has 'd@@e.f'",)),
    ({"backend_url": "http://b.example"}, ("backend_url is 'http://b.example'", "https://")),
    ({"backend_url": "https://b.example/"}, ("backend_url", "trailing slash")),
    ({"aws_backend_url": "b.example"}, ("aws_backend_url is 'b.example'", "https://")),
    (
        {"aws_backend_url": "https://payments.onprem.internal"},
        ("aws_backend_url is 'https://payments.onprem.internal'", "the application in AWS"),
    ),
    ({"traffic_weights": ()}, ("traffic_weights is []", "such as [5, 25, 50, 100]")),
    ({"traffic_weights": (5, 25)}, ("traffic_weights is [5, 25]", "end at 100")),
    ({"traffic_weights": (25, 5, 100)}, ("traffic_weights is [25, 5, 100]", "rising")),
    ({"traffic_weights": (5, 5, 100)}, ("traffic_weights is [5, 5, 100]", "rising")),
    ({"traffic_weights": (0, 100)}, ("traffic_weights is [0, 100]", "from 1 to 100")),
    ({"traffic_weights": (50, 100, 101)}, ("[50, 100, 101]", "end at 100")),
    ({"bake_minutes": 0}, ("bake_minutes is 0", "1 to 120")),
    ({"bake_minutes": 61}, ("bake_timeout_minutes is 60", "not shorter than the bake")),
    ({"bake_timeout_minutes": 121}, ("bake_timeout_minutes is 121", "1 to 120")),
    ({"write_pause_seconds": 5}, ("write_pause_seconds is 5", "more seconds than the lag")),
    ({"poll_seconds": 5}, ("the workflow may poll 18096 times", "make poll_seconds longer")),
    ({"encryption": "none"}, ("encryption is 'none'", "'customer' or 'aws'")),
    ({"cutover_date": "next week"}, ("cutover_date is 'next week'", "YYYY-MM-DD")),
    ({"cutover_date": "2026-02-30"}, ("cutover_date is '2026-02-30'",)),
    ({"state_bucket": "State"}, ("state_bucket is 'State'", "lower-case")),
    ({"owner": " "}, ("owner is empty", "give it a value")),
    ({"state_lock_table": ""}, ("state_lock_table is empty",)),
]


@pytest.mark.parametrize(("values", "said"), WRONG, ids=lambda case: str(case)[:48])
def test_a_wrong_value_is_refused_with_its_name_and_the_fix(
    values: Mapping[str, Any], said: tuple[str, ...]
) -> None:
    with pytest.raises(SettingsError) as error:
        Settings(**values)

    assert len(error.value.problems) == 1
    for words in said:
        assert words in error.value.problems[0]


# What else an end of a range needs to be possible.
ROOM: dict[str, dict[str, Any]] = {
    "max_lag_seconds": {"write_pause_seconds": 600},
    "write_pause_seconds": {"max_lag_seconds": 1},
    "poll_seconds": {"full_load_timeout_hours": 1},
    "full_load_timeout_hours": {"poll_seconds": 600},
}


@pytest.mark.parametrize("name", RANGES)
def test_a_number_outside_its_range_is_refused_and_its_ends_are_not(name: str) -> None:
    low, high, unit = RANGES[name]

    for value in (low - 1, high + 1):
        wrong: dict[str, Any] = {name: value}
        with pytest.raises(SettingsError, match=rf"{name} is {value}: use {low} to {high}") as got:
            Settings(**wrong)
        assert unit in str(got.value)
    for value in (low, high):
        right: dict[str, Any] = ROOM.get(name, {}) | {name: value}
        assert getattr(Settings(**right), name) == value


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(SettingsError) as error:
        Settings(
            environment_suffix="BAD",
            zone_count=9,
            migration_cidr="10.0.0.0/16",
            alarm_emails=("nobody",),
            source_endpoint="db",
        )

    named = (
        "environment_suffix",
        "zone_count",
        "migration_cidr",
        "source_endpoint",
        "alarm_emails",
    )
    assert len(error.value.problems) == len(named)
    for setting in named:
        assert sum(setting in problem for problem in error.value.problems) == 1
    assert str(error.value).startswith("5 settings are wrong:\n  - ")


def test_one_problem_is_counted_as_one() -> None:
    with pytest.raises(SettingsError, match=r"^1 setting is wrong:\n  - zone_count"):
        Settings(zone_count=9)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"environment_suffix": "a"},
        {"environment_suffix": "pr-123"},
        {"vpn_customer_gateway_ip": "203.0.113.10"},
        {"aurora_serverless_min_acu": 0.5, "aurora_serverless_max_acu": 256.0},
        {"backend_url": "https://b.example:8443/v1/payments"},
        {"aws_backend_url": "https://b.example:8443/v1/payments"},
        {"traffic_weights": (100,)},
        {"traffic_weights": (1, 99, 100)},
        {"bake_minutes": 1, "bake_timeout_minutes": 1},
        {"cutover_date": "2027-01-31"},
        {"source_endpoint": "10.9.8.7:5432"},
        {"source_endpoint": "db.example.com:1150"},
        {"private_zone": "onprem.example", "primary_ttl_seconds": 1},
        {"pooler_count": 1},
        {"pooler_cpu": 4096, "pooler_memory_mb": 30720},
        {"aws_region": "us-west-1", "zone_count": 2},
        *({"log_retention_days": days} for days in RETENTION_DAYS),
    ],
    ids=str,
)
def test_what_is_right_is_taken_as_it_is(values: Mapping[str, Any]) -> None:
    settings = Settings(**values)

    assert {name: getattr(settings, name) for name in values} == dict(values)


def test_cost_tags_carry_the_environment() -> None:
    tags = Settings(environment_suffix="pr-1", owner="payments", cutover_date="2027-01-31").tags

    assert tags == {
        "Environment": "pr-1",
        "Owner": "payments",
        "Project": "payments-migration",
        "migration-phase": "prepare",
        "cutover-date": "2027-01-31",
    }


networks = st.builds(
    lambda address, length: ipaddress.IPv4Network((address, length), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(16, 22),
)


@examples(deadline=None)
@given(networks, networks, networks)
def test_overlapping_networks_are_always_refused_and_others_never(
    production: ipaddress.IPv4Network,
    migration: ipaddress.IPv4Network,
    onprem: ipaddress.IPv4Network,
) -> None:
    pairs = ((production, migration), (production, onprem), (migration, onprem))
    overlaps = sum(one.overlaps(other) for one, other in pairs)
    try:
        Settings(
            production_cidr=str(production), migration_cidr=str(migration), onprem_cidr=str(onprem)
        )
        reported = 0
    except SettingsError as error:
        reported = len(error.problems)

    assert reported == overlaps


@examples(deadline=None)
@given(networks)
def test_a_network_inside_another_is_refused(inner: ipaddress.IPv4Network) -> None:
    assume(inner.prefixlen > 16)
    with pytest.raises(SettingsError, match="overlap"):
        Settings(
            production_cidr=str(inner.supernet(new_prefix=16)),
            migration_cidr=str(inner),
            onprem_cidr="0.0.0.0/32",
        )


@examples(deadline=None)
@given(st.text(max_size=40))
def test_no_text_is_taken_for_an_endpoint_without_a_port(text: str) -> None:
    try:
        settings = Settings(source_endpoint=text)
    except SettingsError as error:
        assert "source_endpoint" in str(error)
        return
    host, _, port = settings.source_endpoint.rpartition(":")
    assert host and 1150 <= int(port) <= 65535
