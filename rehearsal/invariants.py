"""Whether the invariants of the design (section 3) held in one rehearsal.

I1 one writer, I2 nothing acknowledged is lost, I3 retryable, I4 always an exit, I5 a bounded pause,
I6 honest verdicts. Each is judged by what was observed from outside: the ledger, the observer, the
databases at the end; the product's journal is believed only where it speaks against itself.
I7 (Terraform and the workflow never fight) is proven with Terraform, in
``tests/integration/test_terraform_lifecycle.py``.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rehearsal.observer import Look
from rehearsal.record import LedgerResult, Message, Pause, Side, Span, Struck, Verdict

_SLACK_MS = 1000
"""By how much a pause that was measured at its end may be over the budget that was checked."""

_WAY_BACK_MS = 60_000
"""What it may take until the source is open again once the budget is over."""


@dataclass(frozen=True)
class End:
    """How things stood when all was over. ``flows``: requests were acknowledged afterwards;
    ``leads_to``: where the database's record and the routing parameter lead."""

    source_open: bool
    target_open: bool
    flows: bool
    routing: str
    record: str
    poolers_paused: int


@dataclass(frozen=True)
class Watched:
    """Signals that a wait looks at: in the state ``waits``, before any of the states ``then``.
    ``alarms`` are named without the environment's suffix."""

    waits: str
    then: tuple[str, ...]
    alarms: frozenset[str]
    counts_from: str | None = None
    """Silence of the API holds it too, if it was silent before this state: requests count from
    there on."""

    def concerns(self, struck: Struck) -> bool:
        """Whether the fault is one of these signals."""
        alarm = re.match(r"alarm \((.+?)\)", struck.fault)
        if alarm:
            return alarm[1] in self.alarms
        return self.counts_from is not None and struck.fault.startswith("no-traffic")

    def since(self, struck: Struck, states: Sequence[Span]) -> float:
        """From when on the signal is all that a wait can see; infinite where it never is."""
        if struck.fault.startswith("alarm"):
            return struck.at
        fresh = (s for s in states if s.name == self.counts_from and not s.error)
        return next((s.ended for s in fresh if s.began > struck.at), math.inf)


@dataclass(frozen=True)
class Observed:
    """Everything that is judged. Moments as in ``record``."""

    looks: Sequence[Look]
    overlaps: Sequence[str]
    """Sentences, one for each pair of databases that acknowledged writes in the same time."""
    ledger: LedgerResult
    ending: str
    states: Sequence[Span]
    journal: Sequence[Mapping[str, Any]]
    messages: Sequence[Message]
    pause: Pause
    held: bool
    """Whether clients were held at all."""
    struck: Sequence[Struck]
    end: End
    watched: Sequence[Watched]
    reached_target: bool
    """Whether writes were ever opened on the target."""

    def steps(self) -> list[str]:
        return [str(entry["step"]) for entry in self.journal]

    def detail(self, step: str) -> Mapping[str, Any]:
        """What the journal has of ``step``; empty where it has not happened."""
        found: Mapping[str, Any] = next(
            (entry["detail"] for entry in self.journal if entry["step"] == step), {}
        )
        return found


def judge(observed: Observed) -> list[Verdict]:
    """A verdict for each invariant."""
    verdicts = []
    for (name, title), check in _CHECKS.items():
        broken, figures = check(observed)
        verdicts.append(Verdict(name, title, not broken, tuple(broken or figures)))
    return verdicts


Found = tuple[list[str], list[str]]
"""What is wrong, and the figures that are told where nothing is."""


def _one_writer(seen: Observed) -> Found:
    both = [look for look in seen.looks if look.both]
    wrong = list(seen.overlaps)
    if both:
        wrong.insert(
            0,
            f"source and target both took writes of an application role in {len(both)} looks, "
            f"first {both[0].at:.2f} s after the beginning",
        )
    return wrong, [f"{len(seen.looks)} looks at both databases, never both open"]


def _nothing_lost(seen: Observed) -> Found:
    result = seen.ledger
    counts = f"lost {result.lost}, duplicated {result.duplicated}, changed {result.changed}"
    looked_up = f"{result.acknowledged} acknowledged requests looked up on the {result.primary}"
    return (
        [] if result.is_clean else [f"{looked_up}: {counts}", *result.examples],
        [f"{looked_up}: {counts}"],
    )


def _retryable(seen: Observed) -> Found:
    twice = [step for step, count in Counter(seen.steps()).items() if count > 1]
    wrong = [f"the journal has {step} more than once" for step in twice]
    again = sum(span.error is not None for span in seen.states)
    struck = len(seen.struck)
    return wrong, [f"{struck} faults struck, {again} states ended in an error; every step once"]


def _always_an_exit(seen: Observed) -> Found:
    end, wrong = seen.end, []
    if end.source_open == end.target_open:
        both = "both databases take" if end.source_open else "no database takes"
        wrong.append(f"{both} writes at the end")
    open_side: Side = "target" if end.target_open else "source"
    if end.routing != open_side:
        wrong.append(f"the routing parameter leads to the {end.routing}")
    if end.record != open_side:
        wrong.append(f"the database's record leads to the {end.record}")
    if end.poolers_paused:
        wrong.append(f"{end.poolers_paused} poolers still hold their clients")
    if not end.flows:
        wrong.append("no request was acknowledged after the end")
    # Who stops an execution before it has begun, or after the soak, has left nothing to tell of.
    if not seen.messages and not (seen.ending == "ABORTED" and _is_at_rest(seen.steps())):
        wrong.append("the operators were told nothing")
    return wrong, [f"ended {seen.ending}, writes on the {open_side}, {len(seen.messages)} messages"]


def _is_at_rest(steps: Sequence[str]) -> bool:
    return "Initialize" not in steps or "Soak" in steps


def _bounded_pause(seen: Observed) -> Found:
    """Where the target was opened, the pause was within the budget; where it was over, it was not.
    Whoever waited, waited no longer than that."""
    pause, wrong = seen.pause, []
    if not seen.held:
        return [], ["clients were never held"]
    if seen.reached_target and (pause.reported_ms or 0) > pause.budget_ms + _SLACK_MS:
        wrong.append(
            f"the target was opened after {pause.reported_ms:.0f} ms, over the budget of "
            f"{pause.budget_ms:.0f} ms: the source should have been opened again"
        )
    if (pause.longest_ms or 0) > pause.budget_ms + _WAY_BACK_MS:
        wrong.append(
            f"a request took {pause.longest_ms:.0f} ms: the budget of {pause.budget_ms:.0f} ms was "
            "over, and writes were not let go on where they had been"
        )
    told = "unknown" if pause.reported_ms is None else f"{pause.reported_ms:.0f} ms"
    longest = "unknown" if pause.longest_ms is None else f"{pause.longest_ms:.0f} ms"
    return wrong, [f"pause {told} of {pause.budget_ms:.0f} ms, longest request {longest}"]


_AFTER_VALIDATION = ("SetTrafficWeight", "AwaitApproval", "HoldWrites", "SwitchPrimary")
_SPOILS_DATA = ("truncate-lob", "table-error")


def _honest_verdicts(seen: Observed) -> Found:
    wrong = []
    names = [span.name for span in seen.states]
    verdict = seen.detail("ValidateData").get("verdict")
    passed = [name for name in _AFTER_VALIDATION if name in names]
    if passed and verdict != "match":
        wrong.append(f"the validation said {verdict!r}, and {passed[0]} came after it")
    spoilt = [s for s in seen.struck if s.fault.startswith(_SPOILS_DATA)]
    validated = next((s.began for s in seen.states if s.name == "PlanValidation"), None)
    before = [s for s in spoilt if validated is not None and s.at < validated]
    if before and verdict == "match":
        wrong.append(f"the validation said match after {before[0].fault}: {before[0].what}")
    wrong += dict.fromkeys(_advanced_in_the_dark(seen))
    return wrong, [f"validation: {verdict or 'not reached'}"]


def _advanced_in_the_dark(seen: Observed) -> Iterator[str]:
    """What went on although its alarm rang, or although no request came."""
    for struck in seen.struck:
        for watch in seen.watched:
            if not watch.concerns(struck):
                continue
            since = watch.since(struck, seen.states)
            looked = [s for s in seen.states if s.name == watch.waits and s.ended > since]
            later = [
                s.name
                for s in seen.states
                if looked and s.began > looked[0].ended and s.name in watch.then and not s.error
            ]
            if later:
                yield f"{later[0]} came after {struck.fault}"


_CHECKS: Mapping[tuple[str, str], Callable[[Observed], Found]] = {
    ("I1", "One writer"): _one_writer,
    ("I2", "Nothing acknowledged is lost"): _nothing_lost,
    ("I3", "Retryable"): _retryable,
    ("I4", "Always an exit"): _always_an_exit,
    ("I5", "Bounded pause"): _bounded_pause,
    ("I6", "Honest verdicts"): _honest_verdicts,
}
