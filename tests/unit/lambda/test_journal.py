"""The journal tells which steps are finished, once each, whoever writes at the same moment."""

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from migration.clients import client
from migration.errors import ConcurrentChange, Superseded
from migration.journal import NEVER_BEGAN, Journal
from tests.support.functions import VirtualClock
from tests.support.migration_account import (
    BUCKET,
    Call,
    MigrationAccount,
    fail_call,
    watched_calls,
)


@pytest.fixture
def journal(account: MigrationAccount, virtual: VirtualClock) -> Journal:
    return Journal.of("run-1")


def test_an_execution_that_did_nothing_has_no_entries(journal: Journal) -> None:
    assert journal.entries() == []
    assert not journal.has("Initialize")


def test_steps_are_kept_in_order_with_phase_time_and_detail(
    journal: Journal, virtual: VirtualClock
) -> None:
    journal.record("Initialize", "Prepare", {"stop_after": "Prepare"})
    virtual.sleep(90)
    journal.record("Preflight", "Prepare")
    assert journal.entries() == [
        {
            "step": "Initialize",
            "phase": "Prepare",
            "at": "2026-11-21T12:00:00+00:00",
            "detail": {"stop_after": "Prepare"},
        },
        {"step": "Preflight", "phase": "Prepare", "at": "2026-11-21T12:01:30+00:00", "detail": {}},
    ]
    assert journal.has("Preflight")


def test_the_detail_of_a_step_is_what_was_first_recorded_with_it(journal: Journal) -> None:
    assert journal.detail("ArmReverse") == {}
    journal.record("Initialize", "Prepare", {"stop_after": "Prepare"})
    assert journal.detail("ArmReverse") == {}
    journal.record("ArmReverse", "CutOver", {"lsn": "0/16B3748"})
    journal.record("ArmReverse", "CutOver", {"lsn": "0/FFFFFFF"})
    journal.record("SwitchPrimary", "CutOver")
    assert journal.detail("ArmReverse") == {"lsn": "0/16B3748"}
    assert journal.detail("SwitchPrimary") == {}


def test_the_object_names_its_execution_and_environment(
    journal: Journal, account: MigrationAccount
) -> None:
    journal.record("Initialize", "Prepare")
    document = account.document("journal/run-1.json")
    assert document
    assert (document["execution"], document["environment"]) == ("run-1", "dev")


def test_recording_a_step_twice_changes_nothing(journal: Journal, virtual: VirtualClock) -> None:
    journal.record("Initialize", "Prepare", {"stop_after": "Prepare"})
    versions = _versions()
    virtual.sleep(60)
    journal.record("Initialize", "Prepare", {"stop_after": "something else"})
    assert _versions() == versions


def test_executions_have_journals_of_their_own(journal: Journal) -> None:
    journal.record("Initialize", "Prepare")
    assert Journal.of("run-2").entries() == []


def test_of_the_first_step_and_the_word_that_it_never_comes_one_is_recorded(
    journal: Journal,
) -> None:
    assert journal.close("it ended ABORTED")
    with pytest.raises(Superseded, match="start a new one"):
        journal.begin("Initialize", "Prepare", {})
    assert [entry["step"] for entry in journal.entries()] == [NEVER_BEGAN]
    other = Journal.of("run-2")
    other.begin("Initialize", "Prepare", {"stop_after": "Soak"})
    assert not other.close("it ended ABORTED")
    other.begin("Initialize", "Prepare", {})
    assert [(e["step"], e["detail"]) for e in other.entries()] == [
        ("Initialize", {"stop_after": "Soak"})
    ]


@pytest.mark.parametrize("already", [[], ["Initialize"]], ids=["first entry", "later entry"])
def test_a_step_recorded_by_another_function_meanwhile_is_not_lost(
    journal: Journal, already: list[str]
) -> None:
    for step in already:
        journal.record(step, "Prepare")
    with watched_calls(_meanwhile(lambda: journal.record("ExecuteRollback", "Rollback"))):
        journal.record("Preflight", "Prepare")
    assert [entry["step"] for entry in journal.entries()] == [
        *already,
        "ExecuteRollback",
        "Preflight",
    ]


def test_a_journal_that_never_stops_changing_is_reported(journal: Journal) -> None:
    journal.record("Initialize", "Prepare")
    count = 0

    def meddle(call: Call) -> None:
        nonlocal count
        if call.operation == "s3:GetObject" and call.after:
            count += 1
            _overwrite("journal/run-1.json", count)

    with watched_calls(meddle), pytest.raises(ConcurrentChange, match=r"changed 5 times"):
        journal.record("Preflight", "Prepare")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", [0, 1], ids=["read", "write"])
def test_recording_again_after_a_crash_gives_the_same_journal(
    journal: Journal, number: int, after: bool
) -> None:
    journal.record("Initialize", "Prepare")
    with watched_calls(fail_call(number, after=after)), pytest.raises(ClientError):
        journal.record("Preflight", "Prepare")
    journal.record("Preflight", "Prepare")
    assert [entry["step"] for entry in journal.entries()] == ["Initialize", "Preflight"]


def test_a_journal_that_cannot_be_read_is_not_taken_for_an_empty_one(journal: Journal) -> None:
    journal.record("Initialize", "Prepare")
    with watched_calls(fail_call(0, after=False)), pytest.raises(ClientError):
        journal.entries()


def _meanwhile(action: Callable[[], None]) -> Callable[[Call], None]:
    """Do ``action`` once, between our reading of the journal and our writing of it."""
    done = False

    def fault(call: Call) -> None:
        nonlocal done
        if call.operation == "s3:PutObject" and not call.after and not done:
            done = True
            action()

    return fault


def _overwrite(key: str, number: int) -> None:
    client("s3").put_object(Bucket=BUCKET, Key=key, Body=b'{"entries": [], "number": %d}' % number)


def _versions() -> list[str]:
    answer = client("s3").list_object_versions(Bucket=BUCKET)
    return [version["VersionId"] for version in answer["Versions"]]
