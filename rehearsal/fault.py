"""What can be made to go wrong in a rehearsal, and when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    # A function: its invocation fails. See "when" for before and after its effect.
    "fail",  # it raises
    "throttle",  # Lambda refuses the invocation; only before
    "time-out",  # it answers too late: the Task ends with States.Timeout
    "kill",  # its process is killed (SIGKILL), and AWS reports an error
    # Databases, pooler, replication.
    "restart-source",
    "restart-target",
    "kill-pooler",
    "stop-replication",  # the task that runs ends with status failed
    "lag-spike",  # value: for how many (virtual) seconds nothing is applied
    "table-error",  # value: the table that DMS gives up on
    "truncate-lob",  # DMS cuts one large value, silently
    "long-transaction",  # value: seconds a write transaction stays open, round the pooler
    "second-writer",  # an application role writes to the source, round the pooler, for ever
    # People, alarms, traffic.
    "reject",  # the approval is refused
    "no-answer",  # nobody approves: it expires
    "alarm",  # value: the alarm's name without the environment's suffix; it stays in ALARM
    "no-traffic",  # no request reaches the application in AWS any more
    "abort",  # the operator stops the execution
    "roll-back",  # the operator runs `migration rollback`: stops the execution, starts the rollback
]
KINDS: tuple[str, ...] = get_args(Kind)
OF_A_FUNCTION = ("fail", "throttle", "time-out", "kill")

_WHEN = re.compile(r"(before|after):[a-z_]+|enter:[A-Za-z0-9]+|start")


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    ``when``: ``before:fence`` or ``after:fence`` (the function's operation, before its code runs or
    after all its effects), ``enter:Bake`` (the state machine enters a state), or ``start`` (before
    the execution begins). ``times``: how many of these moments are struck, in a row from the first;
    0 means every one. ``value``: what the kind says; None for its default.

    Raises:
        ValueError: naming what is wrong with it.
    """

    kind: Kind
    when: str
    times: int = 1
    value: str | float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"fault kind {self.kind!r} is not one of {', '.join(KINDS)}")
        if not _WHEN.fullmatch(self.when):
            raise ValueError(
                f"when {self.when!r} of {self.kind} is not before:…, after:…, enter:… or start"
            )
        if self.times < 0:
            raise ValueError(f"times of {self.kind} is {self.times}; it is 0 (every time) or more")
        if self.kind in OF_A_FUNCTION and not self.when.startswith(("before:", "after:")):
            raise ValueError(f"{self.kind} strikes a function: when is before:… or after:…")
        if self.kind == "throttle" and not self.when.startswith("before:"):
            raise ValueError("throttle happens before a function runs: when is before:…")

    def __str__(self) -> str:
        often = {0: " every time", 1: ""}.get(self.times, f" {self.times} times")
        value = "" if self.value is None else f" ({self.value})"
        return f"{self.kind}{value} {self.when}{often}"
