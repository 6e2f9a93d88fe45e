"""A task as it was synthesized, and how DMS lets it be started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.dms.exceptions import InvalidParameterCombinationException

from rehearsal.dms.job import Endpoint, Job, task_settings
from rehearsal.dms.mapping import TableMappings
from rehearsal.dms.policies import Policies

# DMS API reference, StartReplicationTask; the sentences are DMS's own.
_FIRST_ONLY = "Start Type : START_REPLICATION, valid only for tasks running for the first time"
_NOT_FIRST = "Start Type : {}, not valid for tasks running for the first time"


@dataclass(frozen=True)
class Declared:
    """A task as it was synthesized.

    Raises:
        ValueError: it uses what has no stand-in.
    """

    arn: str
    source: Endpoint
    target: Endpoint
    migration_type: str
    settings: Mapping[str, Any]
    mappings: Mapping[str, Any]
    slot: str | None

    def __post_init__(self) -> None:
        if self.migration_type not in ("full-load-and-cdc", "cdc"):
            raise ValueError(f"no stand-in for the migration type {self.migration_type!r}")
        if self.slot and self.migration_type != "cdc":
            raise ValueError("no stand-in for a full load that streams from a slot made before")
        task_settings(self.settings)
        TableMappings(self.mappings)
        Policies(self.settings)

    @property
    def loads(self) -> bool:
        """Whether its first run loads the tables."""
        return self.migration_type == "full-load-and-cdc"

    def check_start(self, how: str, position: str | None, *, has_run: bool) -> None:
        """Whether DMS would start it so.

        Raises:
            InvalidParameterCombinationException: the start type does not fit its history.
        """
        is_cdc = not self.loads
        if how == "start-replication":
            # From a position of the caller's, a task that only captures may begin anew.
            if has_run and not (is_cdc and position):
                raise InvalidParameterCombinationException(_FIRST_ONLY)
        elif how not in ("resume-processing", "reload-target"):
            raise InvalidParameterCombinationException(f"Start Type : {how}, not valid")
        elif not has_run or (how == "reload-target" and is_cdc):
            kind = how.upper().replace("-", "_")
            raise InvalidParameterCombinationException(_NOT_FIRST.format(kind))

    def job(self, **run: Any) -> Job:
        """A run of it; the arguments are the fields that differ from run to run."""
        source, target = self.source.settings, self.target.settings
        return Job(
            task=self.arn.rpartition(":")[2],
            source=self.source.dsn,
            target=self.target.dsn,
            script=target.get("after_connect_script") or "",
            settings=self.settings,
            mappings=self.mappings,
            numeric_as_text=bool(source.get("map_unbounded_numeric_as_string")),
            fail_on_truncation=bool(source.get("fail_tasks_on_lob_truncation")),
            **run,
        )


@dataclass
class Armed:
    """Faults that wait for a task's start."""

    breaks: list[str] = field(default_factory=list)
    cut_one: bool = False
