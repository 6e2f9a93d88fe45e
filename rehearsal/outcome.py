"""What a rehearsal came to: everything that was seen, put together and judged."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from rehearsal import disturbances
from rehearsal.invariants import End, Observed, Watched, judge
from rehearsal.ledger import Acknowledgement, Ledger, Request
from rehearsal.observer import Look
from rehearsal.record import LedgerResult, Pause, Record, Side
from rehearsal.run import Rehearsal
from rehearsal.site import DATABASE


def record(done: Rehearsal) -> Record:
    """The record of a rehearsal that has run; its databases and account are still there."""
    ledger = Ledger.read(done.ledger_file)
    everybody = _with_disturbances(done, ledger)
    journal = done.stage.account.journal(done.world.execution)
    steps = [str(entry["step"]) for entry in journal]
    end = _end(done, steps)
    primary: Side = "target" if end.target_open else "source"
    result = _reconciled(done, ledger, primary)
    pause = _pause(done, ledger, journal)
    verdicts = judge(
        Observed(
            looks=_looks(done) if "StartReplication" in steps else [],
            overlaps=everybody.overlaps(_moves(steps)),
            ledger=result,
            ending=done.ending,
            states=done.timeline.states,
            journal=journal,
            messages=done.messages,
            pause=pause,
            held="HoldWritesBegun" in steps,
            struck=done.struck,
            end=end,
            watched=_watched(done),
            reached_target="ReleaseWrites" in steps,
        )
    )
    return Record(
        scenario=done.scenario.name,
        summary=done.scenario.summary,
        environment=done.site.settings.environment_suffix,
        seed=done.scenario.seed,
        started=done.started.isoformat(),
        seconds=done.timeline.at(),
        skipped_seconds=done.skipped_seconds,
        ending=done.ending,
        expected=done.scenario.expect,
        primary=primary,
        cause=done.cause,
        phases=done.timeline.phases(),
        states=done.timeline.states,
        samples=done.sampler.samples,
        faults=done.struck,
        planned_faults=[str(fault) for fault in done.scenario.faults],
        writing=everybody.writing(done.timeline.began),
        pause=pause,
        ledger=result,
        verdicts=verdicts,
        messages=done.messages,
        journal=journal,
        expected_primary=done.scenario.primary_after(done.ending),
        # A random plan may end before one of its moments.
        unstruck=[str(f) for f in done.injector.unstruck() if done.scenario.seed is None],
    )


def documents(done: Rehearsal) -> dict[str, bytes]:
    """What else belongs to the evidence: the settings, the scenario, the validation's report."""
    kept: dict[str, Any] = {
        "settings.json": {
            each.name: getattr(done.site.settings, each.name)
            for each in dataclasses.fields(done.site.settings)
        },
        "scenario.json": done.scenario.to_json(),
        "validation.json": done.stage.account.document(
            f"validation/{done.world.execution}/report.json"
        ),
    }
    return {
        name: json.dumps(content, default=dict, indent=1).encode()
        for name, content in kept.items()
        if content is not None
    }


def _looks(done: Rehearsal) -> list[Look]:
    """Those since the target was closed: before, replication has not begun, and nobody is led to
    what could be written there."""
    closed = next((s.ended for s in done.timeline.states if s.name == "StartReplication"), None)
    looks = [dataclasses.replace(x, at=done.timeline.at(x.at)) for x in done.observer.looks]
    return [x for x in looks if closed is not None and x.at > closed]


def _end(done: Rehearsal, steps: Sequence[str]) -> End:
    look: Look = done.observer.look()
    # It had been stopped: what this look has opened is closed.
    done.observer.stop()
    account = done.stage.account
    hosts: Mapping[str, Side] = {
        account.variable("PRIMARY_SOURCE"): "source",
        account.variable("PRIMARY_TARGET"): "target",
    }
    return End(
        source_open=look.source,
        target_open=look.target and "StartReplication" in steps,
        flows=done.flows,
        routing=account.routing,
        record=hosts[str(account.primary_host)],
        poolers_paused=done.stage.poolers.paused(),
    )


def _with_disturbances(done: Rehearsal, ledger: Ledger) -> Ledger:
    """With what the source acknowledged round the pooler: it took writes then."""
    beside = [
        Request(
            each.reference, each.began, "direct", done.site.roles[0], (),
            Acknowledgement(each.began, each.ended, "source", ()),
        )
        for each in done.injector.disturbances.acknowledged
    ]  # fmt: skip
    return dataclasses.replace(ledger, requests=[*ledger.requests, *beside])


def _watched(done: Rehearsal) -> list[Watched]:
    """What the bake and the soak of this environment look at."""
    account = done.stage.account
    suffix = f"-{account.variable('ENVIRONMENT_SUFFIX')}"

    def alarms(variable: str) -> frozenset[str]:
        names = account.variable(variable).split(",")
        return frozenset(name.removesuffix(suffix) for name in names)

    return [
        Watched(
            "Bake", ("SetTrafficWeight", "AwaitApproval"), alarms("GATE_ALARMS"),
            counts_from="SetTrafficWeight",
        ),
        Watched("Soak", ("AwaitCompletion",), alarms("SOAK_ALARMS")),
    ]  # fmt: skip


def _moves(steps: Sequence[str]) -> int:
    """How often the primary may have changed, by what the product says it did."""
    to_target = "OpenTargetBegun" in steps
    return to_target + (to_target and "ExecuteRollback" in steps)


def _reconciled(done: Rehearsal, ledger: Ledger, primary: Side) -> LedgerResult:
    """The ledger's result, with what was acknowledged round the pooler."""
    result = ledger.reconcile(done.site.reach(primary), primary, disturbances.PREFIX)
    with closing(done.site.servers[primary].connect(DATABASE)) as session:
        beside = done.injector.disturbances.reconcile(session)
    if not beside:
        return result
    return dataclasses.replace(
        result, lost=result.lost + len(beside), examples=(*beside, *result.examples)
    )


def _pause(done: Rehearsal, ledger: Ledger, journal: Sequence[Mapping[str, Any]]) -> Pause:
    """What the product says of the write pause, and what the clients saw."""
    released = [entry["detail"] for entry in journal if entry["step"] == "ReleaseWrites"]
    definition = json.loads(done.stage.account.definition)
    held = definition["States"]["HoldWrites"]["Parameters"]["Payload"]
    return Pause(
        reported_ms=released[0]["pause_ms"] if released else None,
        longest_ms=ledger.longest_ms(),
        usual_ms=ledger.usual_p99_ms(),
        budget_ms=1000.0 * held["budget_seconds"],
    )
