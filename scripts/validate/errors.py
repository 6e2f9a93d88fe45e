"""What keeps the command from running at all."""

from __future__ import annotations


class CouldNotRun(Exception):
    """The message is one sentence: what is wrong and what to do. It holds no password."""


class InvalidDsn(CouldNotRun):
    """A connection string that cannot be used. The message repeats nothing of it: where quoting
    went wrong, any piece may be a piece of the password."""
