"""What a run of the command has to tell."""

from __future__ import annotations

from dataclasses import dataclass

from migration.validator.plan import Plan
from migration.validator.results import Validation


@dataclass(frozen=True)
class Outcome:
    """``plan`` is None where it was interrupted before there was one. ``seconds``: the whole."""

    validation: Validation
    plan: Plan | None
    seconds: float
    interrupted: bool = False
