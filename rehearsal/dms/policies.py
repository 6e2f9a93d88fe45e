"""ErrorBehavior of a task's settings: what DMS does with a change that cannot be applied."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from rehearsal.dms.decoding import Kind


class Action(StrEnum):
    """What follows from an error."""

    SKIP = "skip"
    INSERT = "insert the row instead"
    UPDATE = "update the row instead"
    SUSPEND = "suspend the table"
    STOP = "stop the task"


_ACTIONS = {
    "IGNORE_RECORD": Action.SKIP,
    "LOG_ERROR": Action.SKIP,
    "INSERT_RECORD": Action.INSERT,
    "UPDATE_RECORD": Action.UPDATE,
    "SUSPEND_TABLE": Action.SUSPEND,
    "STOP_TASK": Action.STOP,
}
# Defaults: DMS user guide, "Error handling task settings".
_DEFAULTS = {
    "DataErrorPolicy": "LOG_ERROR",
    "DataTruncationErrorPolicy": "LOG_ERROR",
    "TableErrorPolicy": "SUSPEND_TABLE",
    "ApplyErrorDeletePolicy": "IGNORE_RECORD",
    "ApplyErrorInsertPolicy": "LOG_ERROR",
    "ApplyErrorUpdatePolicy": "LOG_ERROR",
}


class Policies:
    """The policies of one task.

    Raises:
        ValueError: a policy is none of DMS's.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        behaviour = {**_DEFAULTS, **settings.get("ErrorBehavior", {})}
        if unknown := [name for name in _DEFAULTS if behaviour[name] not in _ACTIONS]:
            raise ValueError(f"unknown error policies: {', '.join(unknown)}")
        self._actions = {name: _ACTIONS[behaviour[name]] for name in _DEFAULTS}
        self.retries = int(behaviour.get("RecoverableErrorCount", -1))
        """How often a lost connection is tried again; -1: for ever."""

    @property
    def table(self) -> Action:
        """A table that cannot be read or written at all."""
        return self._actions["TableErrorPolicy"]

    def data(self, *, truncated: bool) -> Action:
        """A value that cannot be carried."""
        return self._actions["DataTruncationErrorPolicy" if truncated else "DataErrorPolicy"]

    def conflict(self, kind: Kind) -> Action:
        """A row to insert that is there already, one to update or to delete that is not."""
        return self._actions[f"ApplyError{kind.capitalize()}Policy"]
