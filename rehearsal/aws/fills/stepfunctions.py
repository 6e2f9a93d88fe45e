"""Step Functions.

Gaps closed: ValidateStateMachineDefinition and ListStateMachineVersions are missing, and the
provider calls the first while it plans and the second while it reads. The first checks what AWS
calls errors in the shape of a definition; ``asl-validator`` checks the rest in a unit test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto.core.responses import ActionResult
from moto.stepfunctions.responses import StepFunctionResponse


def install(patch: pytest.MonkeyPatch) -> None:
    """Installs the fill."""
    for action in (validate_state_machine_definition, list_state_machine_versions):
        patch.setattr(StepFunctionResponse, action.__name__, action, raising=False)


def validate_state_machine_definition(self: Any) -> ActionResult:
    """ValidateStateMachineDefinition."""
    problems = [
        {"severity": "ERROR", "code": code, "message": message, "location": location}
        for code, message, location in _problems(self._get_param("definition"))
    ]
    return ActionResult({"result": "FAIL" if problems else "OK", "diagnostics": problems})


def list_state_machine_versions(self: Any) -> ActionResult:
    """ListStateMachineVersions of a machine none of whose versions was published."""
    self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
    return ActionResult({"stateMachineVersions": []})


def _problems(definition: str) -> Iterator[tuple[str, str, str]]:
    try:
        machine = json.loads(definition)
    except ValueError as error:
        yield "INVALID_JSON_DESCRIPTION", str(error), "/"
        return
    states = machine.get("States") or {}
    if machine.get("StartAt") not in states:
        yield "MISSING_TRANSITION_TARGET", "StartAt names no state", "/StartAt"
    for name, state in states.items():
        branches = [state, *state.get("Choices", []), *state.get("Catch", [])]
        targets = [
            branch[key] for branch in branches for key in ("Next", "Default") if key in branch
        ]
        for target in targets:
            if target not in states:
                yield "MISSING_TRANSITION_TARGET", f"no state {target!r}", f"/States/{name}"
