"""Every setting of the payments migration, with its default, unit and meaning.

The rules the values must satisfy are in ``settings_rules``; reading overlays and environment
variables is in ``settings_loader``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from lib.pooler.sizing import admitted_by_capacity, admitted_by_class
from lib.settings_rules import PROJECT, broken_rules

Encryption = Literal["customer", "aws"]


class SettingsError(ValueError):
    """One or more settings are wrong; ``problems`` has one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        count = f"{len(problems)} setting{'s are' if len(problems) > 1 else ' is'} wrong"
        super().__init__("\n".join([f"{count}:", *(f"  - {problem}" for problem in problems)]))


def _empty() -> Mapping[str, int]:
    return MappingProxyType({})


def _no_types() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings, checked on construction.

    Raises:
        SettingsError: naming every setting that breaks a rule, its value and the fix.
    """

    # --- identity -------------------------------------------------------------------------
    environment_suffix: str = "dev"
    """Ends every resource name; two environments differ by it."""
    aws_region: str = "us-east-1"
    protect: bool = False
    """True keeps data: deletion protection, final snapshots, no force_destroy, recovery windows."""
    owner: str = "platform-engineering"
    project: str = "payments-migration"
    migration_phase: str = "prepare"
    """Cost allocation tag: the phase whose cost the resources carry."""
    cutover_date: str = "unscheduled"
    """Cost allocation tag: YYYY-MM-DD, or ``unscheduled``."""
    encryption: Encryption = "customer"
    """``customer``: one KMS key of this account. ``aws``: the keys AWS manages."""

    # --- state ----------------------------------------------------------------------------
    state_bucket: str = "payments-migration-terraform-state"
    state_bucket_region: str = "us-east-1"
    state_lock_table: str = "payments-migration-terraform-locks"

    # --- network --------------------------------------------------------------------------
    production_cidr: str = "10.0.0.0/16"
    migration_cidr: str = "10.1.0.0/16"
    zone_count: int = 3
    nat_per_zone: bool = False
    """True: one NAT gateway a zone; False: one for the VPC, cheaper and a single zone's risk."""
    onprem_cidr: str = "192.168.0.0/16"
    """Addresses of the on-premises network that holds the source database."""
    vpn_customer_gateway_ip: str | None = None
    """Public IPv4 of the on-premises VPN device; None: no VPN (Direct Connect, or none yet)."""
    vpn_customer_gateway_asn: int = 65000

    # --- target database ------------------------------------------------------------------
    aurora_engine_version: str = "16.6"
    """Exact version (major.minor), with automatic minor upgrades off: never mixed."""
    aurora_instance_class: str = "db.r6g.large"
    aurora_instance_count: int = 2
    aurora_serverless_min_acu: float | None = None
    """Aurora capacity units; both set: Serverless v2 replaces the instance class."""
    aurora_serverless_max_acu: float | None = None
    target_database: str = "payments"
    backup_retention_days: int = 7
    replica_region: str | None = None
    """Region of a cross-region read replica (an Aurora Global Database); None: none."""
    replica_cidr: str = "10.2.0.0/16"
    """Addresses of the replica's VPC, which nothing is connected to."""
    rotation_days: int | None = None
    """Days between rotations of the Aurora master password; None: RDS's own schedule of 7.
    Not with ``replica_region``: RDS manages no password of a global database."""

    # --- source database and replication --------------------------------------------------
    source_endpoint: str = "payments-db.onprem.internal:5432"
    """host:port of the on-premises PostgreSQL. Aurora listens on the same port, so that the pooler
    goes from one to the other by a host's name alone."""
    source_database: str = "payments"
    """Named as ``target_database``, for the same reason."""
    source_max_connections: int = 100
    """``max_connections`` of the source; 100 is PostgreSQL's default. The poolers never open more
    than both databases admit."""
    source_ca_file: str | None = None
    """PEM file of the authority that signed the source's certificate, relative to the project;
    None: DMS encrypts without verifying who answers; the functions trust public ones only."""
    schemas: tuple[str, ...] = ("public",)
    """Schemas that move, all their tables."""
    application_roles: tuple[str, ...] = ("payments_app",)
    """Roles that may write on the source; Preflight reports any other."""
    dms_instance_class: str = "dms.c5.xlarge"
    dms_engine_version: str = "3.5.4"
    dms_storage_gb: int = 100
    dms_multi_az: bool = True
    create_dms_roles: bool = True
    """False adopts the account's dms-vpc-role and dms-cloudwatch-logs-role: they are global."""
    lob_limit_kb: int = 64
    """KB up to which a LOB column is copied inline (limited mode)."""
    lob_table_sizes_kb: Mapping[str, int] = field(default_factory=_empty)
    """``schema.table`` → largest LOB in KB; a table over ``lob_limit_kb`` is copied in full mode.
    A table not named here is copied in full mode too: slower, never truncated."""

    # --- pooler ---------------------------------------------------------------------------
    pooler_count: int = 3
    """PgBouncer tasks, spread over the zones; at least 2 where ``protect`` is true."""
    pooler_cpu: int = 512
    """CPU units of a task; 1024 are one processor."""
    pooler_memory_mb: int = 1024
    """Memory of a task, which also decides how many clients it takes."""
    private_zone: str = "payments.internal"
    """Domain known inside the two VPCs only: the application connects to ``db.`` below it, the
    pooler to ``primary.``"""
    primary_ttl_seconds: int = 5
    """How long the VPC's resolver may keep the answer for ``primary.`` after the workflow moved
    it."""

    # --- workflow -------------------------------------------------------------------------
    max_lag_seconds: int = 5
    quiet_samples: int = 3
    """Consecutive samples at or below ``max_lag_seconds`` before replication counts as ready."""
    poll_seconds: int = 60
    full_load_timeout_hours: int = 24
    validation_concurrency: int = 4
    """Parts compared at the same time, each by a function with a session on either database; not
    more than ``reserved_concurrency`` of ``data_validator``."""
    validation_workers: int = 2
    """Processes of each database that read one part at a time; 1: the session's own only."""
    validation_pace: float = 1.0
    """Share of the time that is spent reading; at 0.5 the source rests as long as it worked."""
    validation_part_rows: int = 20_000_000
    """Most rows of a part. A function has 15 minutes; at a cautious 100,000 rows a second it reads
    20 million in less than a quarter of them: the rest is for wide rows, busy databases, rows that
    differ and a slower pace."""
    validation_repair_limit: int = 0
    """Most rows that a validation may copy from the source over rows of the target that differ,
    once, before it compares them again; 0: none, ever."""
    validation_excluded_columns: tuple[str, ...] = ()
    """``schema.table.column``, with ``*`` and ``?``: left out of the comparison, and named in the
    report as not covered."""
    validation_masked_columns: tuple[str, ...] | None = None
    """Likewise: compared, but no value of them leaves the database. None: the names under which
    card numbers are commonly kept; a list replaces these."""
    validation_column_types: Mapping[str, str] = field(default_factory=_no_types)
    """Likewise → a type to which both sides are cast before they are compared, such as
    ``numeric(28,6)`` for a column that DMS rounds."""
    traffic_weights: tuple[int, ...] = (5, 25, 50, 100)
    """Percent of the payments that go to the application in AWS, one step after another."""
    bake_minutes: int = 10
    """How long each weight must hold, alarms well, before the next."""
    bake_timeout_minutes: int = 60
    """How long a weight may wait for quiet alarms and enough payments; then it has failed."""
    bake_min_requests: int = 100
    """Payments the application in AWS must have taken at a weight: fewer prove nothing."""
    approval_hours: int = 24
    """How long a request for approval is good."""
    write_pause_seconds: int = 30
    """Most that writes may wait in the cutover; over it the source takes them again."""
    soak_hours: int = 24
    """How long alarms must stay quiet on the target before the way back may be given up."""
    completion_days: int = 14
    """How long the workflow waits for the operator's ``complete``; the way back stays open."""

    # --- functions and logs ---------------------------------------------------------------
    reserved_concurrency: Mapping[str, int] = field(default_factory=_empty)
    """Function (``data_validator`` …) → reserved concurrent executions; absent: unreserved."""
    log_retention_days: int = 30
    log_level: str = "INFO"

    # --- API ------------------------------------------------------------------------------
    create_api_logging_role: bool = True
    """False adopts the account's API Gateway logging role: an account and region has one."""
    backend_url: str = "https://payments.onprem.internal"
    """Where POST /payment is proxied to, without a trailing slash: the application on premises."""
    aws_backend_url: str = "https://payments.aws.internal"
    """The application in AWS, to which the workflow shifts the payments; likewise."""
    throttle_rate: int = 1000
    """Requests a second."""
    throttle_burst: int = 2000
    quota_per_day: int = 10_000_000
    waf_rate_limit: int = 2000
    """Requests from one address in five minutes."""
    token_max_age_seconds: int = 300
    clock_skew_seconds: int = 30
    key_cache_seconds: int = 60

    # --- observability --------------------------------------------------------------------
    alarm_emails: tuple[str, ...] = ()
    monthly_budget_usd: int = 2500
    aurora_connections_alarm: int = 1300
    """Connections to an instance before the alarm: three quarters of what ``db.r6g.large`` admits,
    LEAST(memory / 9531392, 5000). Set it with ``aurora_instance_class``."""
    wal_retained_alarm_gb: int = 20
    """WAL that a replication slot holds on the source before the alarm."""

    def __post_init__(self) -> None:
        if problems := broken_rules(self):
            raise SettingsError(problems)

    @property
    def source_host(self) -> str:
        """Host of ``source_endpoint``: a name or an IPv4 address."""
        return self.source_endpoint.rpartition(":")[0]

    @property
    def database_port(self) -> int:
        """Port of both databases."""
        return int(self.source_endpoint.rpartition(":")[2])

    @property
    def admitted_connections(self) -> int:
        """Connections that source and target both admit.

        Raises:
            ValueError: ``aurora_instance_class`` is of unknown memory.
        """
        low, high = self.aurora_serverless_min_acu, self.aurora_serverless_max_acu
        target = (
            admitted_by_class(self.aurora_instance_class)
            if low is None or high is None
            else admitted_by_capacity(low, high)
        )
        return min(self.source_max_connections, target)

    @property
    def source_ca_path(self) -> Path | None:
        """``source_ca_file``, wherever the process was started."""
        return None if self.source_ca_file is None else PROJECT / self.source_ca_file

    @property
    def tags(self) -> dict[str, str]:
        """Cost allocation tags that every taggable resource carries."""
        return {
            "Environment": self.environment_suffix,
            "Owner": self.owner,
            "Project": self.project,
            "migration-phase": self.migration_phase,
            "cutover-date": self.cutover_date,
        }
