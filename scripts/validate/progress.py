"""How far a validation is, on a terminal: a bar by rows, and what is being read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from migration.validator.plan import Part, Plan
from migration.validator.results import PartResult
from scripts.validate.interruption import Interrupted, Interruption


@dataclass
class Watched:
    """What is known so far, kept for when the rest never comes; tells Ctrl-C to whoever reads.

    ``plan`` is None until it is made. ``ended``: the parts that were read.
    """

    interruption: Interruption
    bar: Bar
    plan: Plan | None = None
    ended_parts: list[PartResult] = field(default_factory=list)

    def planned(self, plan: Plan) -> None:
        """Raises Interrupted."""
        self.plan = plan
        self.bar.begin({part.number: part.rows for part in plan.parts})
        self._go_on()

    def began(self, part: Part) -> None:
        """Raises Interrupted."""
        self._go_on()
        self.bar.name(part.table)

    def ended(self, result: PartResult) -> None:
        """Raises Interrupted: the statement that was cancelled is not told as a timeout."""
        if self.interruption.pressed and not result.mismatched:
            raise Interrupted
        self.ended_parts.append(result)
        self.bar.advance(result.part)
        self._go_on()

    def _go_on(self) -> None:
        if self.interruption.pressed:
            raise Interrupted


class Bar:
    """The bar; shows nothing where ``console`` is no terminal or ``quiet``.

    The whole is what the catalogue estimates; a part counts when it has been read.
    """

    def __init__(self, console: Console, quiet: bool) -> None:
        self._rows: dict[int, int] = {}
        self._task: TaskID | None = None
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("rows"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
            transient=True,
        )

    def __enter__(self) -> Bar:
        self._progress.start()
        self._task = self._progress.add_task("planning", total=None)
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def begin(self, rows: dict[int, int]) -> None:
        """``rows`` of each part, as estimated."""
        self._rows = rows
        self._update(total=sum(rows.values()))

    def name(self, table: str) -> None:
        """``table`` is being read."""
        self._update(description=table)

    def advance(self, part: int) -> None:
        """``part`` has been read."""
        self._update(advance=self._rows.get(part, 0))

    def _update(self, **change: Any) -> None:
        if self._task is not None:
            self._progress.update(self._task, **change)
