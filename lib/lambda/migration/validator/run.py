"""A whole validation in one process: the functions of the workflow in a loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Protocol

from migration.postgres import Database
from migration.reader import Reader
from migration.validator import planning
from migration.validator.compare import compare
from migration.validator.limits import Limits
from migration.validator.plan import Part, Plan
from migration.validator.report import taken_together
from migration.validator.results import PartResult, Validation
from migration.validator.rules import Rules
from migration.validator.settle import Settling


class Progress(Protocol):
    """Is told how far a validation is."""

    def planned(self, plan: Plan) -> None: ...
    def began(self, part: Part) -> None: ...
    def read(self, rows: int) -> None: ...
    def ended(self, result: PartResult) -> None: ...


class Silent:
    """Shows nothing."""

    def planned(self, plan: Plan) -> None: ...
    def began(self, part: Part) -> None: ...
    def read(self, rows: int) -> None: ...
    def ended(self, result: PartResult) -> None: ...


def validate(
    source: Database,
    target: Database,
    schemas: Sequence[str],
    *,
    rules: Rules,
    limits: Limits,
    settling: Callable[[Reader, Reader], Settling] | None = None,
    remaining: Callable[[], float],
    progress: Progress | None = None,
) -> Validation:
    """Compares every table of ``schemas``. Never raises for what a database does.

    ``settling`` makes what decides whether a difference is only on its way; None where nothing is
    being replicated. ``remaining`` gives the seconds left; what there is no time for is not
    covered.
    """
    progress = progress or Silent()
    with closing(Reader(source)) as here, closing(Reader(target)) as there:
        plan = planning.make(here, there, schemas, rules, limits)
        progress.planned(plan)
        settled = settling(here, there) if settling else None
        results = []
        for part in plan.parts:
            progress.began(part)
            result = compare(
                part, plan, here, there,
                settling=settled, limits=limits, remaining=remaining, seen=progress.read,
            )  # fmt: skip
            results.append(result)
            progress.ended(result)
    return taken_together(plan, results, listed=limits.listed * len(plan.parts))
