"""How far a validation is, on a terminal: a bar by rows, and what is being read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
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
from migration.validator.report import taken_together
from migration.validator.results import PartResult, Validation
from scripts.validate.interruption import Interrupted, Interruption
from scripts.validate.values import plain


@dataclass
class Watched:
    """Keeps what is found for when the rest never comes, and tells Ctrl-C to whoever reads.

    ``plan`` is None until it is made. ``ended_parts``: what became of the parts until now.
    """

    interruption: Interruption
    bar: Bar
    plan: Plan | None = None
    ended_parts: list[PartResult] = field(default_factory=list)

    def planned(self, plan: Plan) -> None:
        """Raises Interrupted."""
        self.plan = plan
        self.bar.begin(sum(part.rows for part in plan.parts))
        self._go_on()

    def began(self, part: Part) -> None:
        """Raises Interrupted."""
        self._go_on()
        self.bar.name(part.table)

    def read(self, rows: int) -> None:
        """Is called by any thread."""
        self.bar.advance(rows)

    def ended(self, result: PartResult) -> None:
        """Raises Interrupted."""
        if self.interruption.pressed:
            # A statement that was cancelled would be told as one that took too long.
            result = replace(result, reason="interrupted")
        self.ended_parts.append(result)
        self._go_on()

    def until_now(self, listed: int) -> Validation:
        """What is known where the rest will not come. ``listed``: differences of each part."""
        if self.plan is None:
            return Validation(problems=("interrupted before there was a plan",))
        most = listed * len(self.plan.parts)
        return taken_together(self.plan, self.ended_parts, trouble="interrupted", listed=most)

    def _go_on(self) -> None:
        if self.interruption.pressed:
            raise Interrupted


class Bar:
    """The bar; shows nothing where ``console`` is no terminal or ``quiet``.

    The whole is what the catalogue estimates.
    """

    def __init__(self, console: Console, quiet: bool) -> None:
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

    def begin(self, rows: int) -> None:
        """There are about so many ``rows``."""
        self._update(total=rows)

    def name(self, table: str) -> None:
        """``table`` is being read."""
        self._update(description=plain(table))

    def advance(self, rows: int) -> None:
        """So many more ``rows`` have been read."""
        self._update(advance=rows)

    def _update(self, **change: Any) -> None:
        if self._task is not None:
            self._progress.update(self._task, **change)
