"""What a policy is: a rule with its reason and remedy, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from lib.policies.template import Template
from lib.settings import Settings

Severity = Literal["critical", "high", "medium"]
Violation = tuple[str, str]
"""Address of the resource (or part of the template), and what is wrong with it."""
Check = Callable[[Template, Settings], Iterator[Violation]]


@dataclass(frozen=True)
class Finding:
    """One place that breaks one rule."""

    rule: Rule
    address: str
    problem: str

    def __str__(self) -> str:
        return (
            f"{self.address}: {self.problem}. {self.rule.reason} Fix: {self.rule.remedy} "
            f"[{self.rule.id}, {self.rule.severity}]"
        )


@dataclass(frozen=True)
class Rule:
    """A policy every stack must satisfy: a pure function over the synthesized template."""

    id: str
    severity: Severity
    reason: str
    """Why it matters: one sentence."""
    remedy: str
    """What to write instead: one sentence in the imperative."""
    check: Check

    def findings(self, template: Template, settings: Settings) -> Iterator[Finding]:
        """Everything in ``template`` that breaks this rule."""
        for address, problem in self.check(template, settings):
            yield Finding(self, address, problem)


def rule(*, id: str, severity: Severity, reason: str, remedy: str) -> Callable[[Check], Rule]:
    """Makes the function it decorates the check of a ``Rule``."""

    def make(check: Check) -> Rule:
        return Rule(id, severity, reason, remedy, check)

    return make
