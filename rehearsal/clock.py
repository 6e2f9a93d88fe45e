"""The time of a rehearsal: real time, plus all that waiting has skipped.

A Wait of an hour takes no hour: the clock jumps. Between two jumps it runs with real time, so what
is measured then, the write pause above all, is what this machine took. Every process of a
rehearsal but databases and poolers reads the same clock through one small file.
"""

from __future__ import annotations

import mmap
import struct
import time
from datetime import UTC, datetime
from pathlib import Path

_SKIPPED = struct.Struct("<d")


class Clock:
    """Reads, and with :meth:`skip` moves, the clock kept in ``file`` (eight bytes: the seconds
    skipped so far, a little-endian double). One process skips, any number read."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.write_bytes(_SKIPPED.pack(0.0))
        with file.open("r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), _SKIPPED.size)
        self.file = file

    @property
    def skipped(self) -> float:
        """Seconds skipped so far."""
        seconds: float = _SKIPPED.unpack_from(self._shared)[0]
        return seconds

    def skip(self, seconds: float) -> None:
        """Jump ahead."""
        _SKIPPED.pack_into(self._shared, 0, self.skipped + seconds)

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    def time(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.skipped

    def monotonic(self) -> float:
        """Seconds since some moment; it never goes back."""
        return time.monotonic() + self.skipped
