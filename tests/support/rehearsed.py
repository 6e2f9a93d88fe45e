"""Records of rehearsals that never were, for what draws them: good, bad and odd ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rehearsal.record import (
    LedgerResult,
    Message,
    Pause,
    Record,
    Span,
    Struck,
    Verdict,
    Writing,
)
from tests.support.rehearsed_traffic import samples, with_failures

TITLES = {
    "I1": "One writer",
    "I2": "Nothing acknowledged is lost",
    "I3": "Retryable",
    "I4": "Always an exit",
    "I5": "Bounded pause",
    "I6": "Honest verdicts",
}
_PHASES = {
    "Prepare": (0.4, 21.3),
    "ShiftTraffic": (21.3, 36.2),
    "Approve": (36.2, 36.7),
    "CutOver": (36.7, 39.4),
    "Soak": (39.4, 57.0),
    "Complete": (57.0, 58.6),
}
_CUT_OVER = (
    ("ConfirmReplication", 0.12),
    ("HoldWrites", 0.21),
    ("FenceSource", 0.34),
    ("DrainReplication", 0.18),
    ("VerifyCutover", 0.42),
    ("SyncSequences", 0.09),
    ("ArmReverse", 0.13),
    ("SwitchPrimary", 0.16),
    ("OpenTarget", 0.08),
    ("ReleaseWrites", 0.11),
)
_HELD, _RELEASED = 36.95, 38.24


def happy() -> Record:
    """The whole way, and all is well."""
    return Record(
        scenario="happy-path",
        summary="From Initialize to NotifySuccess under live traffic; nothing goes wrong.",
        environment="rehearsal",
        seed=None,
        started="2026-03-14T09:26:53+00:00",
        seconds=60.2,
        skipped_seconds=4_264.0,
        ending="Succeeded",
        expected=("Succeeded",),
        primary="target",
        cause=None,
        phases=[
            Span(name, began, ended, skipped=3600.0 if name == "Soak" else 0.0)
            for name, (began, ended) in _PHASES.items()
        ],
        states=_states(),
        samples=samples(60.2, _HELD, _RELEASED),
        faults=(),
        planned_faults=(),
        writing=[
            Writing("source", 0.6, _HELD, 6_120),
            Writing("target", _RELEASED, 60.1, 3_702),
        ],
        pause=Pause(reported_ms=1_268.0, longest_ms=1_294.0, usual_ms=9.4, budget_ms=30_000.0),
        ledger=LedgerResult("target", 14_388, 14_388, 0, 0, 0, 0, 0),
        verdicts=_verdicts(),
        messages=[
            Message(36.3, "Migration: approval wanted", "Validation matched: 41,822 rows."),
            Message(58.5, "Migration: phase finished", "rehearsal-1 finished phase Complete."),
        ],
        journal=[
            _entry("initialize", "Prepare", {"started_by": "alice"}),
            _entry("hold_writes", "CutOver", {"poolers": ["10.0.1.5", "10.0.2.7"]}),
            _entry("release_writes", "CutOver", {"pause_ms": 1268}),
        ],
        expected_primary="target",
        evidence="5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
    )


def astray() -> Record:
    """It ended as it should, and the other database serves."""
    return replace(happy(), primary="source")


def failed() -> Record:
    """The fence missed a role: both databases took writes, and some were lost."""
    told = (
        "payments_ledger wrote to the source at 37.900 s, after the target had acknowledged its "
        "first write at 37.655 s.",
        "38 writes were acknowledged by the source while the target acknowledged writes.",
    )
    lost = "38 acknowledged payments are not in the target, which is primary."
    record = happy()
    return replace(
        record,
        scenario="mutant/fence-misses-a-role",
        summary="The fence leaves one application role its privileges.",
        seed=4711,
        ending="Failed",
        expected=("Succeeded", "RolledBack"),
        cause="VerifyCutover: WriteAfterFence: 38 rows of public.ledger_entries are newer than the "
        "marker that ended the source's writes",
        states=[
            replace(s, error="WriteAfterFence") if s.name == "VerifyCutover" else s
            for s in record.states
        ],
        faults=[
            Struck(36.9, "second-writer enter:HoldWrites", "payments_ledger, round the pooler"),
            Struck(37.1, "kill after:fence", "FenceSource, 1 container of the cutover handler"),
        ],
        planned_faults=("second-writer enter:HoldWrites", "kill after:fence"),
        samples=with_failures(record.samples, 36.5, 40.0),
        writing=[
            Writing("source", 0.6, 38.9, 6_158),
            Writing("target", 37.655, 60.1, 3_664),
        ],
        pause=Pause(reported_ms=705.0, longest_ms=1_930.0, usual_ms=11.2, budget_ms=30_000.0),
        ledger=LedgerResult(
            "target", 14_388, 14_299, 78, 11, 38, 2, 1,
            ("payment 8f0c… acknowledged by the source at 37.912 s is in no database",
             "entry 5512/3 is there twice", "payment 77aa…: amount 10.50 became 10.5"),
        ),
        verdicts=_verdicts(I1=told, I2=(lost, "2 are there twice, 1 was changed.")),
    )  # fmt: skip


def rolled_back() -> Record:
    """An alarm during the soak: back to the source, as it should be."""
    record = happy()
    back = [
        Span("Prepare", 0.4, 14.0),
        Span("ShiftTraffic", 14.0, 24.0, skipped=360.0),
        Span("Approve", 24.0, 24.2),
        Span("CutOver", 24.2, 26.4),
        Span("Soak", 26.4, 31.0, skipped=600.0),
        Span("Rollback", 31.0, 36.0),
    ]
    return replace(
        record,
        scenario="roll-back-after-cutover",
        summary="The latency alarm rings while the migration soaks.",
        seconds=37.5,
        ending="RolledBack",
        expected=("RolledBack",),
        primary="source",
        expected_primary="source",
        cause="AlarmInSoak: api-latency is in ALARM",
        phases=back,
        states=[
            Span("GetSoakStatus", 30.2, 31.0, error="AlarmInSoak"),
            Span("ExecuteRollback", 31.0, 34.8),
            Span("ReturnTraffic", 34.8, 35.6),
            Span("NotifyRollback", 35.6, 36.0),
        ],
        samples=samples(37.5, 24.6, 25.6, back=(31.6, 33.1)),
        faults=[Struck(29.8, "alarm (api-latency) enter:Soak", "api-latency-rehearsal in ALARM")],
        planned_faults=("alarm (api-latency) enter:Soak",),
        writing=[
            Writing("source", 0.5, 24.6, 4_010),
            Writing("target", 25.6, 31.6, 1_010),
            Writing("source", 33.1, 37.4, 702),
        ],
        ledger=LedgerResult("source", 8_900, 8_898, 0, 2, 0, 0, 0),
    )


def empty() -> Record:
    """It ended before anything happened."""
    return replace(
        happy(),
        scenario="start-refused",
        summary="",
        seconds=0.0,
        skipped_seconds=0.0,
        ending="ABORTED",
        primary="source",
        expected_primary="source",
        phases=(),
        states=(),
        samples=(),
        writing=(),
        pause=Pause(None, None, None, 30_000.0),
        ledger=LedgerResult("source", 0, 0, 0, 0, 0, 0, 0),
        verdicts=(),
        messages=(),
        journal=(),
    )


def hostile() -> Record:
    """Every text in it wants to be markup, to turn the page round or to be wider than it."""
    nasty = (
        "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
        "</title></style>-->]]>&amp;\x00\x1b[31m\u202eevil\ud800 " + "wide" * 90
    )
    record = failed()
    return replace(
        record,
        scenario=nasty,
        summary=nasty,
        environment=nasty,
        started=nasty,
        ending=nasty,
        expected=(nasty,),
        cause=nasty,
        phases=[replace(p, name=nasty) for p in record.phases],
        states=[replace(s, name=nasty, error=nasty) for s in record.states],
        faults=[replace(f, fault=nasty, what=nasty) for f in record.faults],
        planned_faults=(nasty,),
        ledger=replace(record.ledger, examples=(nasty,)),
        verdicts=[
            replace(v, invariant=nasty, title=nasty, because=(nasty,)) for v in record.verdicts
        ],
        messages=[Message(1.0, nasty, nasty)],
        journal=[
            {nasty: nasty, "step": nasty, "phase": nasty, "at": nasty, "detail": {nasty: nasty}}
        ],
        evidence=nasty,
    )  # fmt: skip


def one_sample() -> Record:
    """A rehearsal of a quarter of a second."""
    record = happy()
    return replace(
        record,
        seconds=0.25,
        phases=[Span("Prepare", 0.0, 0.25)],
        states=[Span("Initialize", 0.0, 0.25)],
        samples=record.samples[:1],
        writing=[Writing("source", 0.1, 0.1, 1)],
        ledger=LedgerResult("source", 60, 60, 0, 0, 0, 0, 0),
        messages=(),
    )


def long() -> Record:
    """10,000 samples, 60 strikes of three faults, and hundreds of states."""
    seconds = 2_500.0
    record = happy()
    states = [
        Span(name, at * 5.0, at * 5.0 + 5.0, skipped=30.0)
        for at in range(500)
        for name in ("WaitForReplication", "GetReplicationStatus")
    ]
    kinds = ("throttle before:soak_status every time", "kill after:fence", "abort enter:Bake")
    faults = [Struck(40.0 * n, kinds[n % 3], f"strike {n}") for n in range(60)]
    return replace(
        record,
        scenario="long",
        seconds=seconds,
        phases=[replace(p, began=p.began * 41, ended=p.ended * 41) for p in record.phases],
        states=states,
        samples=samples(seconds, 1_515.0, 1_519.0),
        faults=faults,
        planned_faults=sorted({f.fault for f in faults}),
        writing=[
            Writing("source", 0.6, 1_515.0, 300_000),
            Writing("target", 1_519.0, 2_499.0, 180_000),
        ],
    )


def _states() -> list[Span]:
    states = [
        Span("Initialize", 0.4, 1.1),
        Span("Preflight", 1.1, 3.0),
        Span("StartReplication", 3.0, 4.6),
    ]
    states += [
        Span(name, 4.6 + n, 5.1 + n + 0.5, skipped=30.0 if name.startswith("Wait") else 0.0)
        for n in range(8)
        for name in ("WaitForReplication", "GetReplicationStatus")
    ]
    at = _PHASES["CutOver"][0]
    for name, took in _CUT_OVER:
        states.append(Span(name, at, at + took))
        at += took
    return [*states, Span("Soak", 40.0, 41.0, skipped=3600.0), Span("NotifySuccess", 58.0, 58.6)]


def _verdicts(**broken: Sequence[str]) -> list[Verdict]:
    figures = {
        "I1": ("No two databases acknowledged writes at one time.",),
        "I2": ("14,388 acknowledged, 0 lost, 0 duplicated, 0 changed.",),
        "I5": ("The pause was 1,268 ms of 30,000 ms.",),
    }
    return [
        Verdict(name, title, name not in broken, broken.get(name, figures.get(name, ())))
        for name, title in TITLES.items()
    ]


def _entry(step: str, phase: str, detail: dict[str, object]) -> dict[str, object]:
    return {"step": step, "phase": phase, "at": "2026-03-14T09:27:00+00:00", "detail": detail}
