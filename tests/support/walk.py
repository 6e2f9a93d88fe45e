"""Walks every path through a state machine and looks for a broken invariant on each.

A path is a run in which every state does its work, or children of a Map fail, or one state ends
badly: with every error its
Retry or Catch names, with an error nobody named, with a timeout, each before its effect and after
it. From there the machine goes on by its own Catch rules, and the rollback and the notifications
may end badly too. Loops are taken once and twice. What a state does to the world is declared beside
it (``Phase.effects``); what must hold is in section 3 of the design: I1 one writer, I4 always an
exit, I5 a bounded pause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from lib.workflow.effects import BrokenInvariant, Effect, World, apply, difference, rolled_back
from lib.workflow.time_limit import state_seconds

UNKNOWN = "SomethingNobodyNamed"
UNCAUGHT = ("States.Runtime", "States.DataLimitExceeded")
"""What States.ALL does not cover (Step Functions developer guide, "Error handling")."""
# A loop's states are entered at most so often on one path; what a third round would do to the
# world, the second has done.
_ROUNDS = 2


@dataclass(frozen=True)
class Outcome:
    """How a state's attempt ended: ``error`` None is well; ``acted``: after its effect."""

    error: str | None = None
    acted: bool = True
    in_part: bool = False
    """A Map is done and tolerates that children of it failed."""

    def __str__(self) -> str:
        if self.error is None:
            return "done, but for children that failed" if self.in_part else "done"
        return f"{self.error} {'after' if self.acted else 'before'} its effect"


@dataclass
class Findings:
    """What a walk found: paths by how they ended, and a timeline for every broken invariant."""

    endings: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    @property
    def paths(self) -> int:
        return self.endings.total()


@dataclass(frozen=True)
class _Path:
    """A run so far: where it is, the world, and how it got here."""

    state: str
    world: World
    steps: tuple[str, ...] = ()
    visits: Mapping[str, int] = field(default_factory=dict)
    faults: int = 0
    rollback_failed: bool = False


class Walker:
    """``effects`` by state; ``pause_bound``: most seconds one state may take while clients are
    held; ``faults``: how many states of one path may end badly."""

    def __init__(
        self,
        machine: Mapping[str, Any],
        effects: Mapping[str, Effect],
        *,
        pause_bound: int,
        faults: int = 2,
    ) -> None:
        self._start, self._states = machine["StartAt"], machine["States"]
        self._effects, self._pause_bound, self._faults = effects, pause_bound, faults

    def walk(self) -> Findings:
        """Every path from the start."""
        findings = Findings()
        left = [_Path(self._start, World())]
        while left:
            path = left.pop()
            kind = self._states[path.state]["Type"]
            if kind == "Choice":
                left += self._choices(path)
            elif kind in ("Succeed", "Fail"):
                with _noted(findings, path, "ended"):
                    _check_end(path)
                    findings.endings[path.state] += 1
            else:
                for outcome in self._outcomes(path):
                    with _noted(findings, path, str(outcome)):
                        left.append(self._take(path, outcome))
        return findings

    def _choices(self, path: _Path) -> list[_Path]:
        """Every way on, but a loop no oftener than ``_ROUNDS``."""
        state = self._states[path.state]
        names = dict.fromkeys([*(choice["Next"] for choice in state["Choices"]), state["Default"]])
        needed = self._effects.get(path.state, Effect()).first
        if any(getattr(path.world, name) != value for name, value in needed.items()):
            names.pop(next(iter(names)))
        return [_to(path, n) for n in names if path.visits.get(n, 0) < _ROUNDS]

    def _outcomes(self, path: _Path) -> Iterator[Outcome]:
        yield Outcome()
        state = self._states[path.state]
        if state["Type"] not in ("Task", "Map") or path.faults >= self._faults:
            return
        if state.get("ToleratedFailurePercentage"):
            yield Outcome(in_part=True)
        rules = (*state.get("Retry", ()), *state.get("Catch", ()))
        named = {error for rule in rules for error in rule["ErrorEquals"]} - {"States.ALL"}
        for error in sorted(named | {UNKNOWN, "States.Timeout"}):
            yield Outcome(error, acted=False)
            yield Outcome(error, acted=True)

    def _take(self, path: _Path, outcome: Outcome) -> _Path:
        """The path after one state, wherever its outcome leads."""
        state, error = self._states[path.state], outcome.error
        before = path.world
        world = self._act(path.state, before, outcome.in_part) if outcome.acted else before
        if self._publishes(path.state):
            # Trying is all that can be asked: with SNS away the ending is the same.
            world = replace(world, told=True)
        if error and outcome.acted and _retried(state, error):
            # The next attempt acts on what this one has done: it must come to the same.
            again = self._act(path.state, world)
            if again != world:
                raise BrokenInvariant(f"a retry changes {difference(world, again)} once more")
        if "held" in (before.clients, world.clients):
            self._check_pause(path.state)
        then = state["Next"] if error is None else _caught(state, error)
        changed = difference(before, world)
        line = f"{path.state}: {outcome}" + (f" [{changed}]" if changed else "")
        return _to(
            replace(
                path,
                world=world,
                steps=(*path.steps, line),
                faults=path.faults + (error is not None or outcome.in_part),
                rollback_failed=path.rollback_failed
                or (path.state == "ExecuteRollback" and error is not None),
            ),
            then,
        )

    def _act(self, name: str, world: World, in_part: bool = False) -> World:
        if name == "ExecuteRollback":
            return rolled_back(world)
        effect = self._effects.get(name)
        if effect and in_part:
            effect = replace(effect, sets=effect.in_part)
        return apply(world, effect) if effect else world

    def _publishes(self, name: str) -> bool:
        return bool(self._states[name].get("Resource") == "arn:aws:states:::sns:publish")

    def _check_pause(self, name: str) -> None:
        """I5: whoever works while clients wait knows until when, and cannot take for ever."""
        state = self._states[name]
        if name == "ExecuteRollback" or state["Type"] != "Task" or self._publishes(name):
            return
        payload = state["Parameters"]["Payload"]
        if "deadline.$" not in payload and "budget_seconds" not in payload:
            raise BrokenInvariant("clients are held and it does not know the deadline")
        if (longest := state_seconds(state)) > self._pause_bound:
            raise BrokenInvariant(f"it may hold clients for {longest} s, over {self._pause_bound}")


@contextmanager
def _noted(findings: Findings, path: _Path, how: str) -> Iterator[None]:
    """Keeps the timeline up to a broken invariant: the counter-example."""
    try:
        yield
    except BrokenInvariant as broken:
        findings.endings["broken"] += 1
        findings.broken.append("\n".join([*path.steps, f"{path.state}: {how}: {broken}"]))


def _to(path: _Path, name: str) -> _Path:
    visits = {**path.visits, name: path.visits.get(name, 0) + 1}
    return replace(path, state=name, visits=visits)


def _matches(rule: Mapping[str, Any], error: str) -> bool:
    named = rule["ErrorEquals"]
    return error in named or ("States.ALL" in named and error not in UNCAUGHT)


def _retried(state: Mapping[str, Any], error: str) -> bool:
    rule = next((r for r in state.get("Retry", ()) if _matches(r, error)), None)
    return rule is not None and rule.get("MaxAttempts", 3) > 0


def _caught(state: Mapping[str, Any], error: str) -> str:
    for rule in state.get("Catch", ()):
        if _matches(rule, error):
            return str(rule["Next"])
    raise BrokenInvariant(f"nothing catches {error}: the execution ends here")


def _check_end(path: _Path) -> None:
    """I4: service runs on one side, and the operators know."""
    world = path.world
    if not world.told:
        raise BrokenInvariant("it ends without a word to the operators")
    if path.rollback_failed:
        return  # Nothing more can be done here: the notification names the runbook's section.
    if (world.source == "open") == (world.target == "open"):
        raise BrokenInvariant(f"it ends with source {world.source} and target {world.target}")
    if world.clients != "flowing":
        raise BrokenInvariant("it ends with clients held")
    if (world.target == "open") != (world.primary == "target"):
        raise BrokenInvariant(f"it ends leading clients to the {world.primary}, which is closed")
