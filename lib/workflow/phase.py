"""What a phase of the workflow is: some states, where they begin, and how often they repeat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lib.workflow.effects import Effect
from lib.workflow.states import State
from lib.workflow.timings import FUNCTION_SECONDS, Timings


@dataclass(frozen=True, kw_only=True)
class Context:
    """What every phase is built with.

    ``functions``: ARN of each function. ``phases``: the names of all phases, in order.
    """

    functions: Mapping[str, str]
    topic_arn: str
    timings: Timings
    phases: tuple[str, ...]

    def task_seconds(self, function: str) -> int:
        """The time limit of a Task: the function's own and half a minute for the call."""
        return FUNCTION_SECONDS[function] + 30


@dataclass(frozen=True)
class Phase:
    """The states of one phase, in the order they run when all goes well.

    Errors leave to ``ExecuteRollback``; success leaves to the state the phase was built to end at.
    ``visits`` counts states that a bounded loop enters more than once; ``effects`` says what a
    state does to the world, for the proof of the invariants (a state without one changes nothing).
    """

    states: Mapping[str, State]
    visits: Mapping[str, int] = field(default_factory=dict)
    effects: Mapping[str, Effect] = field(default_factory=dict)

    @property
    def entry(self) -> str:
        """The first state."""
        return next(iter(self.states))


PhaseBuilder = Callable[[Context, str], Phase]
"""Builds a phase that ends at the named state."""
