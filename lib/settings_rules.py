"""The rules settings must satisfy. Each yields sentences: setting, value got, allowed, fix."""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lib.functions.settings_rules import validation_rules
from lib.network.zones import MAX_ZONES, ZONES
from lib.pooler.settings_rules import pooler_rules

if TYPE_CHECKING:
    from lib.settings import Settings

Rule = Callable[["Settings"], Iterator[str]]

PROJECT = Path(__file__).resolve().parent.parent
SUFFIX_MAX = 16
SUFFIX = re.compile(r"[a-z]([a-z0-9]|-(?=[a-z0-9]))*")
EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
ENDPOINT = re.compile(r"(?P<host>[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?):(?P<port>\d{1,5})")
BACKEND = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?(/[^\s?#]*[^\s?#/])?")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")
# CloudWatch Logs accepts only these (API reference, PutRetentionPolicy).
RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
FUNCTIONS = (
    "api_authorizer",
    "cutover_handler",
    "data_validator",
    "replication_handler",
    "rollback_handler",
    "traffic_handler",
)
# A /22 gives 16 subnets of 64 addresses: DMS, RDS and the endpoints' interfaces fit in one.
LONGEST_VPC_PREFIX = 22
# VPCs are /16 to /28 (VPC user guide, "VPC CIDR blocks").
SHORTEST_VPC_PREFIX = 16
# A poll leaves nine events in an execution's history, which ends it at 25,000 (Step Functions
# developer guide, "Service quotas"); the rest is for retries and the states in between.
MAX_POLLS = 2500
# Who needs longer at one weight is not shifting traffic but running two applications.
LONGEST_BAKE_MINUTES = 120
# The ports Aurora listens on begin here (RDS API reference, CreateDBCluster).
LOWEST_PORT = 1150
# Lowest and highest value of each whole-number setting, with its unit.
RANGES = {
    "aurora_instance_count": (1, 15, "instances"),
    "backup_retention_days": (1, 35, "days"),
    "rotation_days": (1, 365, "days"),
    "dms_storage_gb": (20, 6144, "GB"),
    "lob_limit_kb": (1, 102_400, "KB"),
    "source_max_connections": (10, 262_143, "connections"),
    "pooler_count": (1, 20, "tasks"),
    "primary_ttl_seconds": (1, 30, "seconds"),
    "max_lag_seconds": (1, 300, "seconds"),
    "quiet_samples": (1, 60, "samples"),
    "poll_seconds": (5, 600, "seconds"),
    "validation_concurrency": (1, 40, "parts"),
    "validation_workers": (1, 16, "processes"),
    "validation_pace": (0.05, 1.0, "(a share of the time)"),
    "validation_part_rows": (10_000, 10**9, "rows"),
    "validation_repair_limit": (0, 10_000, "rows"),
    "full_load_timeout_hours": (1, 240, "hours"),
    "approval_hours": (1, 168, "hours"),
    "write_pause_seconds": (2, 600, "seconds"),
    "soak_hours": (1, 720, "hours"),
    "completion_days": (1, 60, "days"),
    "bake_min_requests": (1, 10**9, "payments"),
    "vpn_customer_gateway_asn": (1, 4_294_967_294, "(an ASN)"),
    "throttle_rate": (1, 10_000, "requests a second"),
    "throttle_burst": (1, 10_000, "requests"),
    "quota_per_day": (1, 10**9, "requests"),
    "waf_rate_limit": (10, 2_000_000_000, "requests in five minutes"),
    "token_max_age_seconds": (10, 3600, "seconds"),
    "clock_skew_seconds": (0, 300, "seconds"),
    "key_cache_seconds": (1, 900, "seconds"),
    "monthly_budget_usd": (1, 10**7, "US dollars"),
    "aurora_connections_alarm": (1, 5000, "connections"),
    "wal_retained_alarm_gb": (1, 10_000, "GB"),
}


def broken_rules(settings: Settings) -> list[str]:
    """All sentences about all settings, in the order of the rules; empty when all is well."""
    return [problem for rule in RULES for problem in rule(settings)]


def _suffix(s: Settings) -> Iterator[str]:
    got = s.environment_suffix
    if not got or len(got) > SUFFIX_MAX or not SUFFIX.fullmatch(got):
        yield (
            f"environment_suffix is {got!r}: it must be 1 to {SUFFIX_MAX} lower-case letters, "
            "digits and single hyphens, starting with a letter and not ending with a hyphen; "
            "use for example 'dev' or 'pr-123'"
        )


def _region_and_zones(s: Settings) -> Iterator[str]:
    for name in ("aws_region", "state_bucket_region", "replica_region"):
        region = getattr(s, name)
        if region is not None and region not in ZONES:
            yield f"{name} is {region!r}: use one of {', '.join(sorted(ZONES))}"
    if s.replica_region == s.aws_region:
        yield f"replica_region is {s.replica_region!r}, the primary's region: name another region"
    here = ZONES.get(s.aws_region)
    if here is not None and not 2 <= s.zone_count <= min(len(here), MAX_ZONES):
        yield (
            f"zone_count is {s.zone_count}: {s.aws_region} offers {len(here)} zones "
            f"and Aurora and DMS need two; use 2 to {min(len(here), MAX_ZONES)}"
        )


def _networks(s: Settings) -> Iterator[str]:
    networks: dict[str, ipaddress.IPv4Network] = {}
    for name in ("production_cidr", "migration_cidr", "onprem_cidr", "replica_cidr"):
        got = getattr(s, name)
        try:
            networks[name] = ipaddress.IPv4Network(got)
        except ValueError as error:
            yield f"{name} is {got!r}: {error}; write an IPv4 network such as 10.0.0.0/16"
    for name in ("production_cidr", "migration_cidr", "replica_cidr"):
        network = networks.get(name)
        if network and not SHORTEST_VPC_PREFIX <= network.prefixlen <= LONGEST_VPC_PREFIX:
            size = "small" if network.prefixlen > LONGEST_VPC_PREFIX else "large"
            yield (
                f"{name} is '{network}', too {size} for a VPC with three subnets a zone: "
                f"use /{SHORTEST_VPC_PREFIX} to /{LONGEST_VPC_PREFIX}"
            )
    seen = list(networks.items())
    for at, (name, network) in enumerate(seen):
        for other, second in seen[at + 1 :]:
            if network.overlaps(second):
                yield (
                    f"{name} '{network}' and {other} '{second}' overlap: the Transit Gateway "
                    "could not route between them; give one another range"
                )
    if s.vpn_customer_gateway_ip is not None:
        try:
            ipaddress.IPv4Address(s.vpn_customer_gateway_ip)
        except ValueError:
            yield (
                f"vpn_customer_gateway_ip is {s.vpn_customer_gateway_ip!r}: "
                "write the VPN device's public IPv4 address, or null for no VPN"
            )


def _whole_numbers(s: Settings) -> Iterator[str]:
    for name, (low, high, unit) in RANGES.items():
        got = getattr(s, name)
        if got is not None and not low <= got <= high:
            yield f"{name} is {got}: use {low} to {high} {unit}"
    if s.log_retention_days not in RETENTION_DAYS:
        days = ", ".join(map(str, RETENTION_DAYS))
        yield f"log_retention_days is {s.log_retention_days}: CloudWatch Logs accepts {days}"


def _database(s: Settings) -> Iterator[str]:
    if not re.fullmatch(r"\d{2}\.\d{1,2}", s.aurora_engine_version):
        yield (
            f"aurora_engine_version is {s.aurora_engine_version!r}: "
            "pin major.minor, such as '16.6'; automatic minor upgrades are off"
        )
    if s.rotation_days is not None and s.replica_region is not None:
        yield (
            f"rotation_days is {s.rotation_days} and replica_region is {s.replica_region!r}: RDS "
            "rotates no password of a global database; set one of them to null"
        )
    low, high = s.aurora_serverless_min_acu, s.aurora_serverless_max_acu
    if (low is None) != (high is None):
        yield (
            f"aurora_serverless_min_acu is {low} and aurora_serverless_max_acu is {high}: "
            "set both for Serverless v2, or neither"
        )
    elif low is not None and high is not None and not 0.5 <= low <= high <= 256:
        yield (
            f"aurora_serverless_min_acu is {low} and aurora_serverless_max_acu is {high}: "
            "use 0.5 to 256 with the minimum not above the maximum"
        )
    wrong = [
        f"{name} is {got!r}: use a PostgreSQL name of lower-case letters, digits and _"
        for name in ("source_database", "target_database")
        if not IDENTIFIER.fullmatch(got := getattr(s, name))
    ]
    yield from wrong
    if not wrong and s.source_database != s.target_database:
        yield (
            f"source_database is {s.source_database!r} and target_database "
            f"{s.target_database!r}: the pooler goes from one to the other by a host's name "
            "alone; give both databases the same name"
        )


def _source(s: Settings) -> Iterator[str]:
    match = ENDPOINT.fullmatch(s.source_endpoint)
    if match is None or not LOWEST_PORT <= int(match["port"]) <= 65535:
        yield (
            f"source_endpoint is {s.source_endpoint!r}: write host:port with a port from "
            f"{LOWEST_PORT} to 65535, on which Aurora can listen too, such as "
            "'payments-db.onprem.internal:5432'"
        )
    if s.source_ca_file is not None and "BEGIN CERTIFICATE" not in _text(s.source_ca_file):
        yield (
            f"source_ca_file is {s.source_ca_file!r}: no such file in the project, or no PEM "
            "certificate in it; name one, or set null to encrypt without verifying"
        )
    for name in ("schemas", "application_roles"):
        values = getattr(s, name)
        if not values or any(not value or "," in value for value in values):
            yield f"{name} is {list(values)}: name at least one, each not empty and without commas"
    for table, size in s.lob_table_sizes_kb.items():
        if table.count(".") != 1 or size < 1:
            yield (
                f"lob_table_sizes_kb has {table!r}: {size}: "
                "write 'schema.table' and its largest LOB in KB, at least 1"
            )


def _text(file: str) -> str:
    """What a file of the project holds; nothing when it cannot be read."""
    try:
        return (PROJECT / file).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _functions(s: Settings) -> Iterator[str]:
    for name, count in s.reserved_concurrency.items():
        if name not in FUNCTIONS or count < 1:
            yield (
                f"reserved_concurrency has {name!r}: {count}: "
                f"name one of {', '.join(FUNCTIONS)} with at least 1"
            )
    if s.log_level not in LOG_LEVELS:
        yield f"log_level is {s.log_level!r}: use one of {', '.join(LOG_LEVELS)}"


def _workflow(s: Settings) -> Iterator[str]:
    if s.write_pause_seconds <= s.max_lag_seconds:
        yield (
            f"write_pause_seconds is {s.write_pause_seconds} and max_lag_seconds is "
            f"{s.max_lag_seconds}: a lag that is accepted would use up the whole pause; "
            "give the pause more seconds than the lag"
        )
    polls = {
        "full_load_timeout_hours over poll_seconds": s.full_load_timeout_hours
        * 3600
        // max(1, s.poll_seconds),
        "bake_timeout_minutes a weight": s.bake_timeout_minutes * len(s.traffic_weights),
        "the soak": 576,
    }
    if (total := sum(polls.values())) > MAX_POLLS:
        shares = ", ".join(f"{name}: {count}" for name, count in polls.items())
        yield (
            f"the workflow may poll {total} times ({shares}) and the history of an execution has "
            f"room for {MAX_POLLS}; make poll_seconds longer, or the others shorter"
        )


def _traffic(s: Settings) -> Iterator[str]:
    for name in ("backend_url", "aws_backend_url"):
        if not BACKEND.fullmatch(got := getattr(s, name)):
            yield f"{name} is {got!r}: write https://host[:port][/path] without a trailing slash"
    if s.aws_backend_url == s.backend_url:
        yield (
            f"aws_backend_url is {s.aws_backend_url!r}, the same as backend_url: name the "
            "application in AWS, to which the traffic is to shift"
        )
    weights = s.traffic_weights
    if list(weights) != sorted({*weights, 100} & {*range(1, 101)}):
        yield (
            f"traffic_weights is {list(weights)}: write rising percentages from 1 to 100 "
            "that end at 100, such as [5, 25, 50, 100]"
        )
    if not 1 <= s.bake_minutes <= s.bake_timeout_minutes <= LONGEST_BAKE_MINUTES:
        yield (
            f"bake_minutes is {s.bake_minutes} and bake_timeout_minutes is "
            f"{s.bake_timeout_minutes}: use 1 to {LONGEST_BAKE_MINUTES} minutes, the timeout not "
            "shorter than the bake"
        )


def _texts(s: Settings) -> Iterator[str]:
    for address in s.alarm_emails:
        if not EMAIL.fullmatch(address):
            yield f"alarm_emails has {address!r}, not an e-mail address: write name@example.com"
    if s.encryption not in ("customer", "aws"):
        yield f"encryption is {s.encryption!r}: use 'customer' or 'aws'"
    if s.cutover_date != "unscheduled":
        try:
            datetime.date.fromisoformat(s.cutover_date)
        except ValueError:
            yield f"cutover_date is {s.cutover_date!r}: write YYYY-MM-DD or 'unscheduled'"
    if not BUCKET.fullmatch(s.state_bucket):
        yield (
            f"state_bucket is {s.state_bucket!r}: use 3 to 63 lower-case letters, digits, "
            "dots and hyphens (S3 bucket naming rules)"
        )
    for name in ("owner", "project", "migration_phase", "state_lock_table"):
        if not getattr(s, name).strip():
            yield f"{name} is empty: give it a value"


RULES: tuple[Rule, ...] = (
    _suffix,
    _region_and_zones,
    _networks,
    _whole_numbers,
    _database,
    _source,
    pooler_rules,
    _functions,
    _workflow,
    validation_rules,
    _traffic,
    _texts,
)
