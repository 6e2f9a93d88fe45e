"""The time, in one place, so that tests can set it."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds since some moment; it never goes back."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)
