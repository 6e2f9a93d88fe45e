"""Rules every stack must satisfy, checked while it is synthesized.

A rule is a pure function over the synthesized JSON (``finding.Rule``); ``catalog.RULES`` has them
all. ``enforce`` is the thin adapter that makes cdktf run them.
"""

from __future__ import annotations

from typing import Any

import jsii
from cdktf import App, Aspects, IAspect, TerraformStack
from constructs import IConstruct, IValidation

from lib.policies.catalog import findings
from lib.policies.template import Template
from lib.settings import Settings

# How cdktf begins its error where a validation answered something (cdktf 0.21, App.synth).
_REFUSED = "Validation failed with the following errors:"


class PolicyError(Exception):
    """A stack breaks a policy; the message has every finding of that stack."""


def synthesize(app: App) -> None:
    """Writes the JSON of every stack of ``app``.

    Raises:
        PolicyError: a stack breaks a policy; neither it nor the stacks after it are written.
    """
    try:
        app.synth()
    except RuntimeError as error:
        _, refused, problems = str(error).partition(_REFUSED)
        if not refused:
            raise
        raise PolicyError(f"The stack breaks policies (lib/policies):{problems}") from None


def enforce(stack: TerraformStack, settings: Settings) -> None:
    """Stops the synthesis of ``stack`` where a policy is broken, listing every finding at once.

    Call it for each stack: an aspect on the app is never visited (cdktf 0.21 starts at stacks).
    """
    Aspects.of(stack).add(_PolicyAspect(settings))


@jsii.implements(IAspect)
class _PolicyAspect:
    """Has the stack validated after all aspects have run, before anything is written."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._attached = False

    def visit(self, node: IConstruct) -> None:
        # Every synthesis visits the stack again; one validation is enough.
        if isinstance(node, TerraformStack) and not self._attached:
            node.node.add_validation(_PolicyValidation(node, self._settings))
            self._attached = True


@jsii.implements(IValidation)
class _PolicyValidation:
    def __init__(self, stack: TerraformStack, settings: Settings) -> None:
        self._stack = stack
        self._settings = settings

    def validate(self) -> list[str]:
        template = Template(_without_metadata(self._stack.to_terraform()))
        return [str(finding) for finding in findings(template, self._settings)]


def _without_metadata(value: Any) -> Any:
    """``value`` without cdktf's ``//`` comments, which Terraform does not read."""
    if isinstance(value, dict):
        return {key: _without_metadata(each) for key, each in value.items() if key != "//"}
    return value
