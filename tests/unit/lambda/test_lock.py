"""The lock: exactly one migration at a time in an environment."""

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from migration import lock
from migration.errors import ConcurrentChange, MigrationInProgress
from migration.lock import Holder
from tests.support.migration_account import (
    BUCKET,
    Call,
    MigrationAccount,
    fail_call,
    watched_calls,
)

FIRST = Holder("run-1", "arn:1", "2026-11-21T12:00:00Z")
SECOND = Holder("run-2", "arn:2", "2026-11-21T13:00:00Z")


def test_a_free_lock_is_taken(account: MigrationAccount) -> None:
    lock.take(BUCKET, FIRST)
    assert account.document("lock.json") == {
        "execution": "run-1",
        "arn": "arn:1",
        "since": "2026-11-21T12:00:00Z",
    }


def test_the_holder_may_take_it_again(account: MigrationAccount) -> None:
    lock.take(BUCKET, FIRST)
    lock.take(BUCKET, FIRST)
    assert account.lock_holder == "run-1"


def test_who_holds_it_is_known_to_all(account: MigrationAccount) -> None:
    assert lock.holder(BUCKET) is None
    lock.take(BUCKET, FIRST)
    assert lock.holder(BUCKET) == "run-1"
    assert (lock.is_held_by(BUCKET, "run-1"), lock.is_held_by(BUCKET, "run-2")) == (True, False)
    lock.release(BUCKET, "run-1")
    assert lock.holder(BUCKET) is None


def test_another_is_refused_with_holder_since_when_and_fix(account: MigrationAccount) -> None:
    lock.take(BUCKET, FIRST)
    with pytest.raises(MigrationInProgress) as refusal:
        lock.take(BUCKET, SECOND)
    assert str(refusal.value) == (
        "run-2 was refused and changed nothing: run-1 has been migrating this environment since "
        "2026-11-21T12:00:00Z. Wait until it ends; if it was aborted, roll it back first "
        "('pipenv run migration rollback run-1'), which releases the lock"
    )
    assert account.lock_holder == "run-1"


def test_of_two_that_find_it_free_one_gets_it(account: MigrationAccount) -> None:
    with (
        watched_calls(_first("s3:PutObject", lambda: lock.take(BUCKET, SECOND))),
        pytest.raises(MigrationInProgress, match="run-2 has been"),
    ):
        lock.take(BUCKET, FIRST)
    assert account.lock_holder == "run-2"


def test_released_between_refusal_and_look_it_is_taken(account: MigrationAccount) -> None:
    lock.take(BUCKET, SECOND)
    with watched_calls(_first("s3:GetObject", lambda: lock.release(BUCKET, "run-2"))):
        lock.take(BUCKET, FIRST)
    assert account.lock_holder == "run-1"


def test_a_lock_that_keeps_changing_hands_is_reported(account: MigrationAccount) -> None:
    def contended(call: Call) -> None:
        if call.operation == "s3:PutObject" and not call.after:
            raise ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "PutObject")

    with watched_calls(contended), pytest.raises(ConcurrentChange, match="3 times in a row"):
        lock.take(BUCKET, FIRST)


def test_released_it_can_be_taken_by_another(account: MigrationAccount) -> None:
    lock.take(BUCKET, FIRST)
    lock.release(BUCKET, "run-1")
    assert account.lock_holder is None
    lock.take(BUCKET, SECOND)
    assert account.lock_holder == "run-2"


def test_another_cannot_release_it(account: MigrationAccount) -> None:
    lock.take(BUCKET, FIRST)
    lock.release(BUCKET, "run-2")
    assert account.lock_holder == "run-1"


def test_releasing_a_free_lock_changes_nothing(account: MigrationAccount) -> None:
    lock.release(BUCKET, "run-1")
    assert account.lock_holder is None


def test_a_late_release_leaves_the_next_holder_alone(account: MigrationAccount) -> None:
    """Two rollbacks of run-1 at once: the slower must not delete the lock run-2 took meanwhile."""
    lock.take(BUCKET, FIRST)

    def overtake() -> None:
        lock.release(BUCKET, "run-1")
        lock.take(BUCKET, SECOND)

    with watched_calls(_first("s3:DeleteObject", overtake)):
        lock.release(BUCKET, "run-1")
    assert account.lock_holder == "run-2"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_taking_it_again_after_a_crash_is_the_same(account: MigrationAccount, after: bool) -> None:
    with watched_calls(fail_call(0, after=after)), pytest.raises(ClientError):
        lock.take(BUCKET, FIRST)
    lock.take(BUCKET, FIRST)
    assert account.lock_holder == "run-1"


def _first(operation: str, action: Callable[[], None]) -> Callable[[Call], None]:
    """Do ``action`` just before the first call of ``operation``."""
    done = False

    def fault(call: Call) -> None:
        nonlocal done
        if call.operation == operation and not call.after and not done:
            done = True
            action()

    return fault
