"""The environment's lock: one migration at a time.

``lock.json`` in the checkpoint bucket is created with a conditional write, so of two starts at
the same moment exactly one gets it. A lock has no expiry: an execution that was aborted may have
left writes held, so only a rollback may let the next migration begin.
"""

from dataclasses import asdict, dataclass
from typing import Any

from migration import checkpoints
from migration.errors import ConcurrentChange, MigrationInProgress

KEY = "lock.json"
# Each round lost means the lock was taken and released between two requests of ours.
_ATTEMPTS = 3


@dataclass(frozen=True)
class Holder:
    """Who holds the lock: an execution's name, its ARN, and since when (ISO 8601)."""

    execution: str
    arn: str
    since: str


def take(bucket: str, holder: Holder) -> None:
    """Take the lock for ``holder``; holding it already is success.

    Raises:
        MigrationInProgress: another execution holds it.
        ConcurrentChange: it changed hands at each attempt.
    """
    for _ in range(_ATTEMPTS):
        if checkpoints.create(bucket, KEY, asdict(holder)):
            return
        stored = checkpoints.read(bucket, KEY)
        if stored is None:
            continue
        if stored[0]["execution"] == holder.execution:
            return
        raise MigrationInProgress(_refusal(holder.execution, stored[0]))
    raise ConcurrentChange(f"{KEY} changed hands {_ATTEMPTS} times in a row; start again")


def holder(bucket: str) -> str | None:
    """The execution that holds the lock now."""
    stored = checkpoints.read(bucket, KEY)
    return stored[0]["execution"] if stored else None


def is_held_by(bucket: str, execution: str) -> bool:
    """Whether ``execution`` holds the lock now."""
    return holder(bucket) == execution


def release(bucket: str, execution: str) -> None:
    """Make sure that ``execution`` does not hold the lock; another holder keeps it."""
    stored = checkpoints.read(bucket, KEY)
    if stored and stored[0]["execution"] == execution:
        checkpoints.delete(bucket, KEY, stored[1])


def _refusal(execution: str, held: dict[str, Any]) -> str:
    return (
        f"{execution} was refused and changed nothing: {held['execution']} has been migrating "
        f"this environment since {held['since']}. Wait until it ends; if it was aborted, roll it "
        f"back first ('pipenv run migration rollback {held['execution']}'), which releases the "
        "lock"
    )
