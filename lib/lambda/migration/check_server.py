"""Preflight: whether the servers can replicate. Rules of the source are those of DMS:
https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
"""

from __future__ import annotations

from pg8000.native import Connection

from migration.findings import Finding, error, warning

# A task holds one slot and one WAL sender: the forward task on the source, the reverse on the
# target.
_NEEDED = 1

# A task that is stopped for an hour leaves an hour of WAL to keep. Less than this is used up by a
# busy database within minutes, and a slot that lost its WAL means loading everything again.
MIN_SLOT_WAL_KEEP_MB = 10 * 1024

# DMS refuses a timeout under 10 s (0 switches it off).
_MIN_WAL_SENDER_TIMEOUT_MS = 10_000

_SETTINGS = """
select name, setting from pg_settings where name in ('wal_level', 'max_replication_slots',
  'max_wal_senders', 'max_slot_wal_keep_size', 'wal_sender_timeout')
"""
_USED = """
select (select count(*) from pg_replication_slots), (select count(*) from pg_stat_replication)
"""
_IDLE_SLOTS = """
select slot_name::text, database = current_database(),
       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::int8 / 1048576
  from pg_replication_slots where not active order by 1
"""
_MAY_REPLICATE = """
select rolname::text, rolsuper or rolreplication or exists (
         select from pg_roles g
          where g.rolname = 'rds_replication' and pg_has_role(current_user, g.oid, 'member'))
  from pg_roles where rolname = current_user
"""


def check_source(session: Connection) -> list[Finding]:
    """Settings, free slots and WAL senders, and the right to replicate."""
    if session.run("select pg_is_in_recovery()")[0][0]:
        return [
            error(
                "source server", "a read replica", "the primary server",
                "name the primary in SOURCE_ENDPOINT: DMS cannot make its slot on a replica",
            )
        ]  # fmt: skip
    settings = dict(session.run(_SETTINGS))
    return [
        *_wal_level("source", settings["wal_level"]),
        *_free(session, settings, "source"),
        *_slot_wal(int(settings.get("max_slot_wal_keep_size", -1))),
        *_sender_timeout(int(settings["wal_sender_timeout"])),
        *_may_replicate(session, "source"),
    ]


def check_target(session: Connection) -> list[Finding]:
    """After the cutover the target is the source of the reverse task. What keeps it from being
    that must be known before the first write is held (vitessio/vitess#16794)."""
    settings = dict(session.run(_SETTINGS))
    return [
        *_wal_level("target", settings["wal_level"]),
        *_free(session, settings, "target"),
        *_may_replicate(session, "target"),
    ]


def _wal_level(side: str, level: str) -> list[Finding]:
    if level == "logical":
        return []
    return [
        error(
            f"{side} setting wal_level", level, "logical",
            "set wal_level = logical (on RDS and Aurora rds.logical_replication = 1) and restart",
        )
    ]  # fmt: skip


def _free(session: Connection, settings: dict[str, str], side: str) -> list[Finding]:
    slots, senders = session.run(_USED)[0]
    idle = session.run(_IDLE_SLOTS)
    findings = [
        warning(
            f"{side} replication slot {name}", f"inactive, keeping {megabytes} MB of WAL",
            "slots that something reads",
            "drop it with pg_drop_replication_slot, unless it is the migration's own",
        )
        for name, _, megabytes in idle
    ]  # fmt: skip
    limits = (("max_replication_slots", slots), ("max_wal_senders", senders))
    for name, used in limits:
        limit = int(settings[name])
        if limit - used >= _NEEDED:
            continue
        # A migration that is started again finds the slot of its stopped task: that is no lack.
        own = name == "max_replication_slots" and any(here for _, here, _ in idle)
        findings.append(
            (warning if own else error)(
                f"{side} setting {name}", f"{limit}, of which {used} are in use",
                f"at least {used + _NEEDED}", f"raise {name} and restart, or free one",
            )
        )  # fmt: skip
    return findings


def _slot_wal(megabytes: int) -> list[Finding]:
    name = "source setting max_slot_wal_keep_size"
    allowed = f"at least {MIN_SLOT_WAL_KEEP_MB} MB, and less than the disk holds"
    fix = "set it to what an hour's outage of the task needs, below the free disk space"
    if megabytes < 0:
        return [warning(name, "-1 (a stopped task may fill the source's disk)", allowed, fix)]
    if megabytes < MIN_SLOT_WAL_KEEP_MB:
        return [error(name, f"{megabytes} MB", allowed, fix)]
    return []


def _sender_timeout(milliseconds: int) -> list[Finding]:
    if milliseconds == 0 or milliseconds >= _MIN_WAL_SENDER_TIMEOUT_MS:
        return []
    return [
        error(
            "source setting wal_sender_timeout", f"{milliseconds} ms",
            f"0 or at least {_MIN_WAL_SENDER_TIMEOUT_MS} ms", "set wal_sender_timeout = '60s'",
        )
    ]  # fmt: skip


def _may_replicate(session: Connection, side: str) -> list[Finding]:
    role, may = session.run(_MAY_REPLICATE)[0]
    if may:
        return []
    return [
        error(
            f"{side} role {role}", "may not replicate", "REPLICATION or rds_replication",
            f"alter role {role} replication (on RDS: grant rds_replication to {role})",
        )
    ]  # fmt: skip
