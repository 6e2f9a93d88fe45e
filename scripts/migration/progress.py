"""What ``status`` tells: how far an execution is, put together from what AWS knows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from migration import checkpoints, clock, cutover, lock, pausing, routing, soak
from migration.journal import Journal
from migration.rollback import STEP
from migration.way_back import Stage, stage
from scripts.migration import decisions, figures
from scripts.migration.decisions import WAITING
from scripts.migration.deployment import Deployment
from scripts.migration.executions import Run, last_state
from scripts.workflow_map import Workflow

# Much longer than the rollback handler runs with all its retries: after that it has failed.
WATCHDOG_TIME = timedelta(hours=1)

Mark = Literal["done", "now", "stopped", "left"]
"""A phase is over, being worked on, where an execution that ended stopped, or not reached."""


@dataclass(frozen=True)
class WritePause:
    """Since when writes were held, for how long, and whether they still are."""

    held_at: str
    milliseconds: int
    over: bool


@dataclass(frozen=True)
class Awaited:
    """What the execution waits for an operator to say, and until when."""

    kind: decisions.Kind
    expires: str


@dataclass(frozen=True)
class Progress:
    """Everything ``status`` shows; None where there is nothing to show (yet)."""

    run: Run
    step: str | None
    phases: Mapping[str, Mark]
    fraction: float
    """Of all states of all phases that are to run, in order; a loop counts once."""
    primary: str | None
    """Where the routing parameter leads: source or target."""
    traffic: Mapping[str, float] | None
    """Percent of the payments that each application answers."""
    replication: figures.Lag | None
    write_pause: WritePause | None
    rollback_loss: figures.RollbackLoss | None
    validation: Mapping[str, Any] | None
    paused: Mapping[str, str] | None
    awaited: Awaited | None
    lock_holder: str | None
    rolled_back_at: str | None
    going_back: bool
    """It was stopped, and the watchdog is taking it back."""

    @property
    def phase(self) -> str | None:
        """The phase that is under way, or in which the execution stopped."""
        return next((p for p, mark in self.phases.items() if mark in ("now", "stopped")), None)

    @property
    def over(self) -> bool:
        """Whether nothing of it moves any more by itself."""
        return not self.run.running and not self.going_back

    def as_json(self) -> dict[str, Any]:
        """One JSON object; times in ISO 8601."""
        run = asdict(self.run)
        rest = asdict(replace(self, run=None))  # type: ignore[arg-type]
        del rest["run"]
        return {
            **{k: v.isoformat() if isinstance(v, datetime) else v for k, v in run.items()},
            "phase": self.phase,
            **rest,
        }


def gather(deployment: Deployment, run: Run) -> Progress:
    """How far ``run`` is, now."""
    entries = Journal(deployment.bucket, run.name, deployment.naming.suffix).entries()
    workflow = Workflow.of(deployment.settings)
    step = last_state(deployment, run)
    marks = _marks(workflow, run, step, entries)
    holder = lock.holder(deployment.bucket)
    reached = stage(entry["step"] for entry in entries)
    turned = reached is Stage.OPENED
    rolled_back = _entry(entries, STEP)
    paused = checkpoints.read(deployment.bucket, pausing.key(run.name)) if run.running else None
    return Progress(
        run=run,
        step=step,
        phases=marks,
        fraction=_fraction(workflow, marks, step),
        primary=routing.current(deployment.routing_parameter),
        traffic=figures.traffic(deployment),
        replication=figures.replication_lag(deployment, "reverse" if turned else "forward"),
        write_pause=_write_pause(entries),
        rollback_loss=figures.rollback_loss(deployment) if turned else None,
        validation=figures.last_validation(deployment, run),
        paused={name: str(paused[0][name]) for name in ("by", "at")} if paused else None,
        awaited=_awaited(deployment, run, step),
        lock_holder=holder,
        rolled_back_at=rolled_back["at"] if rolled_back else None,
        going_back=_going_back(run, holder, entries),
    )


def _marks(
    workflow: Workflow, run: Run, step: str | None, entries: Sequence[Mapping[str, Any]]
) -> dict[str, Mark]:
    """Each phase's mark, in order; those after ``stop_after`` stay out of it."""
    names = list(workflow.phases)
    if run.stop_after in names:
        names = names[: names.index(run.stop_after) + 1]
    if step in workflow.good_endings:
        return dict.fromkeys(names, "done")
    # An ending other than that belongs to no phase: the journal tells how far it came.
    phases = [step and workflow.phase_of(step), *(entry["phase"] for entry in entries)]
    at = max((names.index(phase) for phase in phases if phase in names), default=0)
    here: Mark = "now" if run.running and step not in workflow.endings else "stopped"
    return {name: "done" if i < at else here if i == at else "left" for i, name in enumerate(names)}


def _fraction(workflow: Workflow, marks: Mapping[str, Mark], step: str | None) -> float:
    states = [state for phase in marks for state in workflow.phases[phase]]
    passed = sum(len(workflow.phases[phase]) for phase, mark in marks.items() if mark == "done")
    return (states.index(step) if step in states else passed) / len(states)


def _write_pause(entries: Sequence[Mapping[str, Any]]) -> WritePause | None:
    if (begun := _entry(entries, cutover.HOLDING)) is None:
        return None
    held_at = str(begun["detail"]["held_at"])
    if released := _entry(entries, "ReleaseWrites"):
        return WritePause(held_at, int(released["detail"]["pause_ms"]), over=True)
    # A rollback lets the clients go on before it is recorded: no longer than until then.
    back = _entry(entries, STEP)
    until = datetime.fromisoformat(back["at"]) if back else clock.now()
    held = until - datetime.fromisoformat(held_at)
    return WritePause(held_at, round(held.total_seconds() * 1000), over=back is not None)


def _awaited(deployment: Deployment, run: Run, step: str | None) -> Awaited | None:
    for kind, state in WAITING.items():
        if run.running and step == state and (asked := decisions.read(deployment, kind, run.name)):
            return Awaited(kind, asked.expires.isoformat())
    return None


def _going_back(run: Run, holder: str | None, entries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the watchdog is at work: see ``migration.rollback.Rollback.is_due``."""
    return (
        run.status in ("ABORTED", "TIMED_OUT")
        and holder == run.name
        and _entry(entries, soak.SOAKED) is None
        and run.stopped is not None
        and clock.now() - run.stopped < WATCHDOG_TIME
    )


def _entry(entries: Sequence[Mapping[str, Any]], step: str) -> Mapping[str, Any] | None:
    return next((entry for entry in entries if entry["step"] == step), None)
