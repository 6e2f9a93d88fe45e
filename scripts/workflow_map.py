"""The workflow as the settings make it: every state with its phase, order, effect and limits.

From the same pure function that synthesis uses (``lib.workflow.definition``), with the functions'
names in place of their ARNs. No AWS call, no synthesis.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from lib.naming import Naming
from lib.settings import Settings
from lib.workflow.definition import PHASES, definition
from lib.workflow.effects import Effect
from lib.workflow.endings import FINISH
from lib.workflow.phase import Context
from lib.workflow.states import State
from lib.workflow.timings import FUNCTION_SECONDS, Timings

ROLLBACK = "ExecuteRollback"
"""Where every error of every phase leads, until the way back is given up."""


@dataclass(frozen=True)
class Workflow:
    """The machine. ``phases``: name → its states, in order; ``visits``: how often a loop may enter
    a state; ``effects``: what a state does to the world."""

    states: Mapping[str, State]
    phases: Mapping[str, tuple[str, ...]]
    visits: Mapping[str, int]
    effects: Mapping[str, Effect]

    @classmethod
    def of(cls, settings: Settings) -> Workflow:
        """The workflow of an environment with these settings."""
        naming = Naming(settings.environment_suffix)
        context = Context(
            functions={name: naming.name(name.replace("_", "-")) for name in FUNCTION_SECONDS},
            topic_arn=naming.name("migration-notifications"),
            timings=Timings(**{f.name: getattr(settings, f.name) for f in fields(Timings)}),
            phases=tuple(PHASES),
        )
        built = {name: build(context, FINISH) for name, build in PHASES.items()}
        states = with_children(
            definition(
                functions=context.functions, topic_arn=context.topic_arn, timings=context.timings
            )["States"]
        )
        return cls(
            states=states,
            phases={
                name: (
                    *with_children(phase.states),
                    *(gate for gate in (f"StopAfter{name}",) if gate in states),
                )
                for name, phase in built.items()
            },
            visits={s: n for phase in built.values() for s, n in phase.visits.items()},
            effects={s: e for phase in built.values() for s, e in phase.effects.items()},
        )

    @property
    def endings(self) -> tuple[str, ...]:
        """The states that belong to no phase: how an execution ends, well or not."""
        in_phases = {name for names in self.phases.values() for name in names}
        return tuple(name for name in self.states if name not in in_phases)

    @property
    def happy(self) -> tuple[str, ...]:
        """The states of all phases, in order."""
        return tuple(name for names in self.phases.values() for name in names)

    def phase_of(self, state: str) -> str | None:
        """The phase a state belongs to; None for an ending."""
        return next((phase for phase, names in self.phases.items() if state in names), None)

    def reachable(self, *begin: str) -> set[str]:
        """The states that can be entered from these, these included."""
        found: set[str] = set()
        left = list(begin)
        while left:
            if (name := left.pop()) not in found:
                found.add(name)
                left += successors(self.states[name])
        return found

    @property
    def good_endings(self) -> set[str]:
        """From the last phase's end to success."""
        return self.reachable(FINISH)

    @property
    def way_back(self) -> set[str]:
        """The rollback and what follows it."""
        return self.reachable(ROLLBACK)

    def next_pausable(self, state: str) -> str | None:
        """The first state after ``state`` that the operator's pause holds; None: there is none."""
        order = self.happy
        after = order[order.index(state) + 1 :] if state in order else ()
        return next((name for name in after if is_pausable(self.states[name])), None)

    @property
    def longest_pause_seconds(self) -> int:
        """How long a step that is paused is asked again before that becomes an error."""
        rules = (rule for state in self.states.values() for rule in state.get("Retry", ()))
        return min(
            (
                rule["IntervalSeconds"] * rule["MaxAttempts"]
                for rule in rules
                if "MigrationPaused" in rule["ErrorEquals"]
            ),
            default=0,
        )


def with_children(states: Mapping[str, State]) -> dict[str, State]:
    """``states``, each Map followed by the states of its children."""
    found: dict[str, State] = {}
    for name, state in states.items():
        found[name] = state
        found |= state.get("ItemProcessor", {}).get("States", {})
    return found


def successors(state: State) -> Iterable[str]:
    """Every state that may follow, each once; after a Map also the first of its children's."""
    names = [state.get("Next"), *(c["Next"] for c in state.get("Choices", ()))]
    names.append(state.get("ItemProcessor", {}).get("StartAt"))
    names += [state.get("Default"), *(c["Next"] for c in state.get("Catch", ()))]
    return dict.fromkeys(name for name in names if name)


def is_pausable(state: State) -> bool:
    """Whether the operator's pause holds the workflow before this state."""
    return bool(payload(state).get("pausable"))


def payload(state: State) -> Mapping[str, object]:
    """What a Task gives its function; empty for any other state."""
    given: Mapping[str, object] = state.get("Parameters", {}).get("Payload", {})
    return given
