"""All rules."""

from __future__ import annotations

from collections.abc import Iterator

from lib.policies import (
    alarms,
    backend,
    containers,
    encryption,
    exposure,
    lifecycle,
    logs,
    names,
    permissions,
    replication,
    secrets,
    tags,
    transport,
)
from lib.policies.finding import Finding, Rule
from lib.policies.template import Template
from lib.settings import Settings

RULES: tuple[Rule, ...] = (
    *encryption.RULES,
    *transport.RULES,
    *exposure.RULES,
    *logs.RULES,
    *replication.RULES,
    *alarms.RULES,
    *permissions.RULES,
    *secrets.RULES,
    *containers.RULES,
    *names.RULES,
    *tags.RULES,
    *lifecycle.RULES,
    *backend.RULES,
)


def findings(template: Template, settings: Settings) -> Iterator[Finding]:
    """Everything in ``template`` that breaks a rule."""
    for rule in RULES:
        yield from rule.findings(template, settings)
