"""The people of a rehearsal: two, who answer when they were asked, once."""

from __future__ import annotations

from typing import Any

import pytest

from lib.settings import Settings
from migration import checkpoints
from rehearsal.operators import Operators
from scripts.migration import decisions


class Office:
    """Where the two work: ``asked`` is whether the request is there, ``done`` what they did."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.state: str | None = None
        self.asked = True
        self.done: list[tuple[str, str]] = []
        for verb in ("approve", "reject", "complete"):
            patch.setattr(decisions, verb, self._note(verb))
        patch.setattr("rehearsal.operators.find", lambda _who, name: name)
        patch.setattr(checkpoints, "read", lambda _bucket, _key: {} if not self.asked else {"a": 1})
        self.operators = Operators(Settings(), "123456789012", lambda: self.state)

    def _note(self, verb: str) -> Any:
        def noted(deployment: Any, _run: Any, _reason: str = "") -> None:
            self.done.append((verb, deployment.caller.rpartition("/")[2]))

        return noted

    def answer(self, state: str, times: int = 1) -> list[tuple[str, str]]:
        self.state = state
        for _ in range(times):
            self.operators.answer("migration-1")
        return self.done


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return Office(monkeypatch)


def test_somebody_else_than_the_starter_approves_at_once_and_once(office: Office) -> None:
    assert office.answer("AwaitApproval", 3) == [("approve", "grace")]
    assert office.answer("AwaitCompletion", 3)[1:] == [("complete", "ada")]


def test_nobody_answers_before_they_were_asked(office: Office) -> None:
    office.asked = False
    assert office.answer("AwaitApproval") == []
    assert office.answer("Bake") == []


@pytest.mark.parametrize("answer", ["reject", None])
def test_or_what_the_scenario_says(office: Office, answer: Any) -> None:
    office.operators.approval = answer
    assert [verb for verb, _ in office.answer("AwaitApproval")] == [answer] * bool(answer)
