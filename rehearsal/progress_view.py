"""How a rehearsal looks on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lib.workflow.definition import PHASES
from rehearsal.record import Record, Sample, Struck
from scripts.migration.progress import Mark
from scripts.migration.progress_view import BAR_WIDTH, MARKS

ROLLBACK = "Rollback"
"""What stands in for a phase on the way back."""
_WAY_BACK = ("ExecuteRollback", "ReturnTraffic", "NotifyTrafficLeft", "NotifyRollback")
_GOOD, _BAD = Text("held", style="green"), Text("BROKEN", style="bold red")


@dataclass
class Now:
    """The rehearsal that runs. ``skipped``: seconds of waiting that took no time."""

    name: str
    summary: str
    number: str
    phase: str | None = None
    reached: int = 0
    """The place of the last phase on the way forward."""
    state: str = "not started"
    skipped: float = 0.0
    last: Sample | None = None

    def enter(self, state: str, phase: str | None, skipped: float) -> None:
        """A state was entered."""
        self.state, self.phase, self.skipped = state, phase or self.phase, skipped
        if phase in PHASES:
            self.reached = tuple(PHASES).index(phase)

    def see(self, sample: Sample, skipped: float) -> None:
        """Something was measured."""
        self.last, self.skipped = sample, skipped


def after_the_phases(state: str) -> str | None:
    """What stands in for the phase of a state that belongs to none; None: the last one's."""
    return ROLLBACK if state in _WAY_BACK else None


def title(now: Now) -> Text:
    """The line over a rehearsal."""
    return Text.assemble((f"{now.number} {now.name}", "bold"), f"  {now.summary}")


def view(now: Now) -> RenderableType:
    """The lines that change: phases, bar, and what happens now."""
    names = list(PHASES)
    going_back = now.phase == ROLLBACK
    here: Mark = "stopped" if going_back else "now"
    phases = Text()
    for i, name in enumerate(names):
        _mark(phases, name, "done" if i < now.reached else here if i == now.reached else "left")
    if going_back:
        _mark(phases, ROLLBACK, "now")
    bar = ProgressBar(total=len(names), completed=now.reached, width=BAR_WIDTH)
    # A bar by itself does not end its line; a row of a table does.
    row = Table.grid()
    row.add_row(bar)
    return Group(phases, row, line(now))


def _mark(text: Text, name: str, mark: Mark) -> None:
    sign, style = MARKS[mark]
    text.append(f"{sign} {name}  ", style=style)


def line(now: Now) -> Text:
    """One line of what happens now."""
    return Text("  ".join(_facts(now)), overflow="ellipsis", no_wrap=True)


def _facts(now: Now) -> Iterator[str]:
    yield f"{now.phase or 'Start'}: {now.state}"
    yield f"skipped {_duration(now.skipped)}"
    if (seen := now.last) is None:
        return
    yield f"{seen.acknowledged_rate:.0f} req/s"
    yield f"p99 {_milliseconds(seen.p99_ms)}"
    if seen.failed:
        yield f"{seen.failed} FAILED"
    yield "lag unknown" if seen.lag_seconds is None else f"lag {seen.lag_seconds:.1f} s"
    yield f"AWS {seen.aws_percent:g} %"
    yield f"writes: {_writers(seen)}"


def _writers(seen: Sample) -> str:
    sides = (("source", seen.source_writes), ("target", seen.target_writes))
    return " AND ".join(side for side, writes in sides if writes) or "nobody"


def fault(struck: Struck) -> Text:
    """A fault as it strikes."""
    return Text.assemble(
        (f"⚡ {struck.at:.1f} s  {struck.fault}", "bold yellow"), f"  {struck.what}"
    )


def outcome(record: Record) -> RenderableType:
    """What a rehearsal came to: a line, and where something broke, why."""
    if record.passed:
        return _headline(record)
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for verdict in record.verdicts:
        because = Text("\n".join(verdict.because))
        held = _GOOD if verdict.held else _BAD
        table.add_row(f"  {verdict.invariant} {verdict.title}", held, because)
    if record.ending not in record.expected:
        table.add_row("  ending", _BAD, Text(_ended(record)))
    if record.expected_primary not in (None, record.primary):
        because = Text(f"{record.primary} serves instead of {record.expected_primary}")
        table.add_row("  primary", _BAD, because)
    if record.unstruck:
        table.add_row("  faults", _BAD, Text(f"never struck: {'; '.join(record.unstruck)}"))
    return Group(_headline(record), table)


def _headline(record: Record) -> Text:
    sign, style = ("✔", "green") if record.passed else ("✘", "bold red")
    ledger, pause = record.ledger, record.pause
    facts = [
        f"{sign} {record.scenario}: {record.ending} in {record.seconds:.1f} s "
        f"(skipped {_duration(record.skipped_seconds)})",
        f"{ledger.acknowledged:,} acknowledged, {ledger.lost} lost, {ledger.duplicated} "
        f"duplicated, {ledger.changed} changed, {ledger.failed} failed",
    ]
    if pause.reported_ms is not None:
        facts.append(f"write pause {_milliseconds(pause.reported_ms)}")
    if pause.longest_ms is not None:
        facts.append(f"longest request {_milliseconds(pause.longest_ms)}")
    return Text(", ".join(facts), style=style)


def _ended(record: Record) -> str:
    because = f": {record.cause}" if record.cause else ""
    return f"{record.ending} instead of {' or '.join(record.expected)}{because}"


def evidence(file: Path, head: str) -> Text:
    """Where the evidence is, and the digest it ends with."""
    return Text(f"  evidence {file}, head {head}")


def together(records: Sequence[Record]) -> Text:
    """One line for several rehearsals."""
    broken = [record for record in records if not record.passed]
    seconds = sum(record.seconds for record in records)
    said = f"{len(records)} rehearsals in {_duration(seconds)}: "
    if not broken:
        return Text(f"{said}every invariant held.", style="green")
    names = ", ".join(record.scenario for record in broken)
    return Text(f"{said}{len(broken)} failed: {names}.", style="bold red")


def _milliseconds(value: float | None) -> str:
    return "none" if value is None else f"{value:,.0f} ms"


def _duration(seconds: float) -> str:
    """``45 s``, ``3 min 20 s``, ``26 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
