"""What a preflight check reports: one thing found, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error forbids the migration; a warning is for the operator to weigh."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """``object`` is what it is about, ``got`` what was found, ``allowed`` what may be there."""

    severity: Severity
    object: str
    got: str
    allowed: str
    fix: str

    def __str__(self) -> str:
        return f"{self.object}: {self.got}; allowed: {self.allowed}; fix: {self.fix}"


def error(thing: str, got: str, allowed: str, fix: str) -> Finding:
    """A finding that forbids the migration."""
    return Finding(Severity.ERROR, thing, got, allowed, fix)


def warning(thing: str, got: str, allowed: str, fix: str) -> Finding:
    """A finding to weigh."""
    return Finding(Severity.WARNING, thing, got, allowed, fix)
