"""The journal: which steps of an execution are finished.

One object per execution in the checkpoint bucket. Rollback reads it to know how far the
migration came, so a step is recorded only after its effect.
"""

import os
from dataclasses import dataclass
from typing import Any

from migration import checkpoints, clock
from migration.errors import ConcurrentChange, Superseded

# A collision needs two functions of one execution at work at the same moment (a rollback that an
# operator starts while a step runs): more than a few in a row mean something is wrong.
_ATTEMPTS = 5

NEVER_BEGAN = "NeverBegan"
"""The only entry of an execution that was over before its first step was recorded."""


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

    def begin(self, step: str, phase: str, detail: dict[str, Any]) -> None:
        """Record the execution's first step, as :meth:`record`.

        Raises:
            Superseded: :meth:`close` came first; nothing is recorded.
        """
        if not checkpoints.create(self.bucket, self.key, self._document([], step, phase, detail)):
            if self.has(NEVER_BEGAN):
                raise Superseded(
                    f"{self.execution} was over before it began, and does nothing any more; start "
                    "a new one"
                )
            self.record(step, phase, detail)

    def close(self, why: str) -> bool:
        """Record that the execution was over before it began; False, and no change, if it began.

        The function of its first step may outlive it: of that step and this entry, whichever
        comes first keeps the other out.
        """
        document = self._document([], NEVER_BEGAN, "Rollback", {"reason": why})
        return checkpoints.create(self.bucket, self.key, document)

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
        document = self._document(entries, step, phase, detail)
        if stored is None:
            return checkpoints.create(self.bucket, self.key, document)
        return checkpoints.replace(self.bucket, self.key, document, stored[1])

    def _document(
        self, before: list[dict[str, Any]], step: str, phase: str, detail: dict[str, Any]
    ) -> dict[str, Any]:
        entry = {"step": step, "phase": phase, "at": clock.now().isoformat(), "detail": detail}
        return {
            "execution": self.execution,
            "environment": self.environment,
            "entries": [*before, entry],
        }
