"""``status`` on a terminal: the progress as a table, once or until the execution is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from migration import clock
from scripts.migration.progress import Mark, Progress

MARKS: Mapping[Mark, tuple[str, str]] = {
    "done": ("✔", "green"),
    "now": ("▶", "bold cyan"),
    "stopped": ("✘", "bold red"),
    "left": ("·", "dim"),
}
"""How a phase is shown: a sign, so that it is told without colours too, and a style."""
BAR_WIDTH = 60
REFRESH_SECONDS = 10


def view(progress: Progress) -> RenderableType:
    """The phases with a bar, and what is known, a line each."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in _lines(progress):
        table.add_row(name, Text(text))
    bar = Table.grid()
    # A bar ends no line by itself.
    bar.add_row(ProgressBar(total=1.0, completed=progress.fraction, width=BAR_WIDTH))
    return Group(_phases(progress), bar, table)


def watch(look: Callable[[], Progress], console: Console) -> None:
    """Show the progress again and again, until it is over. The time is ``migration.clock``'s."""
    progress = look()
    with Live(view(progress), console=console, auto_refresh=False) as live:
        while not progress.over:
            clock.sleep(REFRESH_SECONDS)
            progress = look()
            live.update(view(progress), refresh=True)


def _phases(progress: Progress) -> Text:
    text = Text()
    for name, mark in progress.phases.items():
        sign, style = MARKS[mark]
        text.append(f"{sign} {name}  ", style=style)
    return text


def _lines(progress: Progress) -> Iterator[tuple[str, str]]:
    run = progress.run
    yield (
        "execution",
        f"{run.name}, started {run.started:%F %T %Z} by {run.started_by or 'somebody unnamed'}",
    )
    ended = f" at {run.stopped:%F %T %Z}" if run.stopped else ""
    yield "status", f"{run.status}{ended}"
    yield "phase", progress.phase or "all done"
    yield "step", progress.step or "none entered yet"
    if run.error:
        yield "error", f"{run.error}: {run.cause or 'no cause given'}"
    yield from _asked_of_the_operator(progress)
    yield from _figures(progress)
    yield from _way_back(progress)


def _asked_of_the_operator(progress: Progress) -> Iterator[tuple[str, str]]:
    name = progress.run.name
    if paused := progress.paused:
        yield (
            "paused",
            f"by {paused['by']} at {paused['at']}; 'pipenv run migration resume {name}'",
        )
    if awaited := progress.awaited:
        verbs = "approve or reject" if awaited.kind == "approval" else "complete or rollback"
        yield "waits for", f"{awaited.kind} until {awaited.expires}: {verbs}"


def _figures(progress: Progress) -> Iterator[tuple[str, str]]:
    if progress.primary:
        yield "primary database", progress.primary
    if traffic := progress.traffic:
        yield "traffic", f"source {traffic['source']:g} %, AWS {traffic['aws']:g} %"
    if lag := progress.replication:
        yield "replication lag", f"{lag.seconds:g} s ({lag.task}, {lag.at})"
    if pause := progress.write_pause:
        state = "over" if pause.over else "writes are held NOW"
        yield "write pause", f"{pause.milliseconds} ms since {pause.held_at}, {state}"
    if loss := progress.rollback_loss:
        seconds = "unknown" if loss.seconds is None else f"{loss.seconds:g}"
        size = "unknown" if loss.bytes is None else f"{loss.bytes:g}"
        yield "rollback loss", f"{seconds} s, {size} bytes to bring back ({loss.at})"
    if seen := progress.validation:
        yield "validation", f"{seen['verdict']}, {seen['tables']} tables, {seen['at']}"


def _way_back(progress: Progress) -> Iterator[tuple[str, str]]:
    if progress.going_back:
        yield "rollback", "the watchdog is taking it back"
    if progress.rolled_back_at:
        yield "rollback", f"rolled back at {progress.rolled_back_at}"
    yield "lock", f"held by {progress.lock_holder}" if progress.lock_holder else "free"
