"""DMS's recovery table on the target: up to where a task has applied, noted with each transaction.

With it (TaskRecoveryTableEnabled) a task that runs again after any end goes on exactly where it
was; without, from the source's slot, and what it had applied since comes again.
"""

from __future__ import annotations

from psycopg2.extensions import connection

from rehearsal.dms import capture
from rehearsal.dms.job import Job

_LOCK = 0x646D73  # "dms" in ASCII


class Recovery:
    """The table awsdms_txn_state in the task's control schema."""

    def __init__(self, job: Job) -> None:
        metadata = job.settings.get("TargetMetadata", {})
        self._enabled = bool(metadata.get("TaskRecoveryTableEnabled"))
        control = job.settings.get("ControlTablesSettings", {}).get("ControlSchema") or "public"
        self._schema = '"' + control.replace('"', '""') + '"'
        self._task = job.task
        self._from = job.position

    @property
    def note_sql(self) -> str:
        """The statement that notes a position, ``{}`` in it."""
        if not self._enabled:
            return "select"
        return (
            f"update {self._schema}.awsdms_txn_state set checkpoint = '{{}}' "  # noqa: S608
            f"where task_name = '{self._task}'"
        )

    def install(self, target: connection) -> None:
        """Make the table, and note where the job begins, if it says so."""
        if not self._enabled:
            return
        with target.cursor() as cursor:
            # What a process before had sent when it was killed is written first, or never.
            cursor.execute("select pg_advisory_lock(%s, hashtext(%s))", [_LOCK, self._task])
            cursor.execute("select to_regclass(%s)", [f"{self._schema}.awsdms_txn_state"])
            if cursor.fetchone() == (None,):
                cursor.execute(f"create schema if not exists {self._schema}")
                cursor.execute(
                    f"create table {self._schema}.awsdms_txn_state "
                    "(task_name text primary key, checkpoint pg_lsn not null)"
                )
        if self._from:
            self.begin_at(target, self._from)
            self._from = ""  # A second connection goes on where the first was.

    def begin_at(self, target: connection, position: str) -> None:
        """Note where the stream begins, whatever was noted before."""
        if self._enabled:
            with target.cursor() as cursor:
                cursor.execute(
                    f"insert into {self._schema}.awsdms_txn_state "  # noqa: S608
                    "values (%s, %s) on conflict (task_name) do update "
                    "set checkpoint = excluded.checkpoint",
                    [self._task, position],
                )

    def position(self, target: connection) -> int:
        """Up to where the task has applied; 0 where nothing is noted."""
        if not self._enabled:
            return 0
        with target.cursor() as cursor:
            cursor.execute(
                f"select checkpoint::text from {self._schema}.awsdms_txn_state "  # noqa: S608
                "where task_name = %s",
                [self._task],
            )
            row = cursor.fetchone()
        return capture.number(row[0]) if row else 0
