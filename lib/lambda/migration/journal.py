"""The journal: which steps of an execution are finished.

One object per execution in the checkpoint bucket. Rollback reads it to know how far the
migration came, so a step is recorded only after its effect.
"""

import os
from dataclasses import dataclass
from typing import Any

from migration import checkpoints, clock
from migration.errors import ConcurrentChange

# A collision needs two functions of one execution at work at the same moment (a rollback that an
# operator starts while a step runs): more than a few in a row mean something is wrong.
_ATTEMPTS = 5


@dataclass(frozen=True)
class Journal:
    """The journal of one execution: ``journal/{execution}.json`` in ``bucket``."""

    bucket: str
    execution: str
    environment: str

    @classmethod
    def of(cls, execution: str) -> "Journal":
        """The execution's journal in the bucket and environment this function works for."""
        return cls(os.environ["CHECKPOINT_BUCKET"], execution, os.environ["ENVIRONMENT_SUFFIX"])

    @property
    def key(self) -> str:
        return f"journal/{self.execution}.json"

    def entries(self) -> list[dict[str, Any]]:
        """The finished steps, oldest first: {"step", "phase", "at", "detail"}. Empty if none."""
        stored = checkpoints.read(self.bucket, self.key)
        return stored[0]["entries"] if stored else []

    def has(self, step: str) -> bool:
        """Whether ``step`` is recorded as finished."""
        return any(entry["step"] == step for entry in self.entries())

    def detail(self, step: str) -> dict[str, Any]:
        """What was recorded with ``step``; empty where it is not finished."""
        found: list[dict[str, Any]] = [e["detail"] for e in self.entries() if e["step"] == step]
        return found[0] if found else {}

    def record(self, step: str, phase: str, detail: dict[str, Any] | None = None) -> None:
        """Record that ``step`` of ``phase`` is finished. A step already recorded stays as it is.

        Raises:
            ConcurrentChange: others kept writing the same journal.
        """
        for _ in range(_ATTEMPTS):
            if self._recorded(step, phase, detail or {}):
                return
        raise ConcurrentChange(
            f"journal {self.key} changed {_ATTEMPTS} times while {step!r} was being recorded; "
            "run the step again"
        )

    def _recorded(self, step: str, phase: str, detail: dict[str, Any]) -> bool:
        stored = checkpoints.read(self.bucket, self.key)
        entries = stored[0]["entries"] if stored else []
        if any(entry["step"] == step for entry in entries):
            return True
        entry = {"step": step, "phase": phase, "at": clock.now().isoformat(), "detail": detail}
        document = {
            "execution": self.execution,
            "environment": self.environment,
            "entries": [*entries, entry],
        }
        if stored is None:
            return checkpoints.create(self.bucket, self.key, document)
        return checkpoints.replace(self.bucket, self.key, document, stored[1])
