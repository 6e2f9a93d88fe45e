"""The people of a rehearsal: one starts the migration, another approves it.

They use the operator's own commands (``scripts.migration``), each with credentials of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from lib.settings import Settings
from migration import approval, checkpoints
from scripts.migration import decisions, going_back, starting
from scripts.migration.deployment import Deployment
from scripts.migration.executions import find

Decision = Literal["approve", "reject"]


class Operators:
    """``approval``: what is answered when an approval is asked for, None: nothing; ``completes``:
    whether somebody gives up the way back when asked. ``state`` tells where the execution is."""

    def __init__(self, settings: Settings, account: str, state: Callable[[], str | None]) -> None:
        self.approval: Decision | None = "approve"
        self.completes = True
        self._starter, self._approver = (
            Deployment(settings, f"arn:aws:sts::{account}:assumed-role/Operators/{who}", account)
            for who in ("ada", "grace")
        )
        self._state = state
        self._answered: set[str] = set()

    def start(self, stop_after: str | None = None) -> str:
        """Start a migration; the execution's name."""
        return starting.start(self._starter, stop_after)

    def answer(self, execution: str) -> None:
        """Answer what ``execution`` waits for, if it does and it is to be answered."""
        state = self._state()
        if state == decisions.WAITING["approval"] and self.approval:
            self._once("approval", execution, self._decide)
        elif state == decisions.WAITING["completion"] and self.completes:
            self._once("completion", execution, self._complete)

    def roll_back(self, execution: str) -> None:
        """Go back to the source, as ``migration rollback`` does.

        Raises:
            OperatorError: there is nothing to go back from.
        """
        run = find(self._starter, execution)
        going_back.carry_out(self._starter, going_back.intend(self._starter, run))

    def stop(self, execution: str) -> None:
        """Stop the execution in the console, without another word."""
        self._starter.states.stop_execution(
            executionArn=self._starter.execution_arn(execution), error="Stopped", cause="by hand"
        )

    def _once(self, kind: decisions.Kind, execution: str, act: Callable[[str], None]) -> None:
        if kind in self._answered:
            return
        # The state was entered; whether its function has asked is another thing.
        if checkpoints.read(self._starter.bucket, approval.key(kind, execution)):
            self._answered.add(kind)
            act(execution)

    def _decide(self, execution: str) -> None:
        run = find(self._approver, execution)
        if self.approval == "reject":
            decisions.reject(self._approver, run, "rehearsed")
        else:
            decisions.approve(self._approver, run)

    def _complete(self, execution: str) -> None:
        decisions.complete(self._starter, find(self._starter, execution))
