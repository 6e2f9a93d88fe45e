"""Writing the ledger: each request before it is sent, each outcome when it is known.

One JSON line each, written at once and in one piece, so that a ledger whose writer was killed ends
with at most one torn line. All moments are seconds of the machine's monotonic clock.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rehearsal.ledger_values import Row
from rehearsal.record import Side

Given = Sequence[Mapping[str, str | None]]
"""For each row of a request, the columns that the database filled."""


class LedgerWriter:
    """Appends to ``file``; many threads may use one."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._turn = threading.Lock()
        self._number = 0

    def found(self, rows: Iterable[Row]) -> None:
        """Rows that were there before anything was sent, and must stay."""
        self._write({"found": [row.as_json() for row in rows]})

    def sent(self, at: float, client: str, kind: str, role: str, rows: Sequence[Row]) -> int:
        """A request that is about to be sent: the state it asks for. Its number."""
        with self._turn:
            self._number += 1
            number = self._number
            self._write(
                {
                    "sent": number, "at": at, "client": client, "kind": kind, "role": role,
                    "rows": [row.as_json() for row in rows],
                }
            )  # fmt: skip
        return number

    def acknowledged(
        self, number: int, began: float, ended: float, side: Side, given: Given
    ) -> None:
        """The database called ``side`` has committed it; ``began``: the attempt that succeeded."""
        line = {"acknowledged": number, "began": began, "ended": ended, "side": side}
        self._write(line | {"given": list(given)})

    def refused(self, number: int, ended: float, why: str) -> None:
        """It was answered by an error (a SQLSTATE, an HTTP status), which is final."""
        self._write({"refused": number, "ended": ended, "why": why})

    def unknown(self, number: int, ended: float, why: str) -> None:
        """An attempt may or may not have been committed. Final, unless another line follows."""
        self._write({"unknown": number, "ended": ended, "why": why})

    def close(self) -> None:
        """No more."""
        os.close(self._file)

    def _write(self, line: Mapping[str, Any]) -> None:
        os.write(self._file, (json.dumps(line, separators=(",", ":")) + "\n").encode())
