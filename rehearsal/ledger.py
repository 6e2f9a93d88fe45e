"""The ledger: every request that was sent and every answer, outside both databases.

It is read when everything is over, or after whoever wrote it was killed. What it says was
acknowledged is then looked up (:meth:`Ledger.reconcile`), and its times say which database took
writes when (:meth:`Ledger.writing`, :meth:`Ledger.overlaps`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from psycopg2.extensions import connection as Session  # noqa: N812 - a class, whatever its name.

from rehearsal import reconciliation
from rehearsal.ledger_values import Row
from rehearsal.ledger_writer import Given
from rehearsal.record import LedgerResult, Side, Writing

# Seconds without an acknowledgement that end a stretch of writing.
_GAP = 0.5
_SHOWN = 5


@dataclass(frozen=True)
class Acknowledgement:
    """When the attempt that succeeded began and ended, and which database committed it."""

    began: float
    ended: float
    side: Side
    given: Given


@dataclass(frozen=True)
class Request:
    """One request. ``doubts``: why attempts ended without an answer; ``refused``: the final error.

    Without acknowledgement and refusal its outcome is unknown: it is in doubt, or it was not over
    when the ledger ended.
    """

    label: str
    at: float
    kind: str
    role: str
    rows: tuple[Row, ...]
    acknowledgement: Acknowledgement | None = None
    refused: str | None = None
    doubts: tuple[str, ...] = ()

    @property
    def is_unknown(self) -> bool:
        """Whether nobody can say if it was done."""
        return self.acknowledgement is None and self.refused is None

    @property
    def may_be_there(self) -> bool:
        """Whether it may have been done although it was not acknowledged."""
        return self.is_unknown or (self.acknowledgement is None and bool(self.doubts))


@dataclass
class Ledger:
    """What was found before, and the requests in the order in which they were sent."""

    found: list[Row] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    @classmethod
    def read(cls, file: Path, *more: Path) -> Ledger:
        """Of ``file``, and of those that other writers kept, who shared no row with its writer.

        A last line that is torn is left out: its writer was killed while it wrote.
        """
        ledger = cls()
        for number, each in enumerate((file, *more)):
            ledger._add(each, f"{each.stem} " if number else "")
        return ledger

    def _add(self, file: Path, prefix: str) -> None:
        sent: dict[int, Request] = {}
        for line in _lines(file):
            if "found" in line:
                self.found += map(Row.of_json, line["found"])
            elif "sent" in line:
                sent[line["sent"]] = _request(line, prefix)
            else:
                number = next(line[name] for name in _OUTCOMES if name in line)
                sent[number] = _answered(sent[number], line)
        self.requests += sent.values()

    def reconcile(
        self, session: Session | str, primary: Side, beside: str | None = None
    ) -> LedgerResult:
        """Looks everything up in the database that is primary, by a session or a DSN.

        ``beside``: how keys begin of rows that are in no ledger.
        """
        return reconciliation.reconcile(self, session, primary, beside)

    @property
    def acknowledged(self) -> list[tuple[Request, Acknowledgement]]:
        """The requests that were, in the order of their acknowledgements."""
        done = [(r, r.acknowledgement) for r in self.requests if r.acknowledgement]
        return sorted(done, key=lambda pair: pair[1].ended)

    @property
    def first(self) -> float:
        """When the first request was sent; 0 without any."""
        return min((request.at for request in self.requests), default=0.0)

    def writing(self, began: float) -> list[Writing]:
        """The stretches in which each database acknowledged writes, in seconds since ``began``.

        One ends where that database acknowledged nothing for half a second.
        """
        stretches = []
        sides: tuple[Side, ...] = ("source", "target")
        for side in sides:
            ends = [ack.ended - began for _, ack in self.acknowledged if ack.side == side]
            cuts = [n for n, (one, next_) in enumerate(pairwise(ends), 1) if next_ - one > _GAP]
            for start, stop in pairwise([0, *cuts, len(ends)]):
                if stop > start:
                    stretch = Writing(side, ends[start], ends[stop - 1], stop - start)
                    stretches.append(stretch)
        return sorted(stretches, key=lambda stretch: stretch.began)

    def overlaps(self, moves: int = 2) -> list[str]:
        """Where both databases took writes (invariant I1), one sentence for each change too many.

        ``moves``: how often the primary may have changed; to the target and back are two. When
        between its beginning and its end a write was committed is not known: counted are the
        fewest changes that any order allows, so what this says is certain. What it does not say
        may still be wrong, for shorter than a request takes.
        """
        changes = min((self._changes(side) for side in ("source", "target")), key=len)
        told = [_told(change, self.first) for change in changes]
        return [
            told[number]
            + (f", begun after {told[number - 1]}" if number else "")
            + f": change {number + 1} of the database that takes writes, {moves} may be"
            for number in range(moves, len(changes))
        ][:_SHOWN]

    def _changes(self, side: str) -> list[tuple[Request, Acknowledgement]]:
        """The write that shows each change, the first one to ``side``.

        A database is given all the time there is: it changes at the last moment at which the write
        of the other that ends first can have been committed, and of the writes that began before
        then none needs another change.
        """
        changes: list[tuple[Request, Acknowledgement]] = []
        for request, ack in self.acknowledged:
            if ack.side == side and (not changes or ack.began >= changes[-1][1].ended):
                changes.append((request, ack))
                side = "target" if side == "source" else "source"
        return changes

    def longest_ms(self) -> float | None:
        """The longest time that a request took until it was acknowledged, its retries included."""
        return max(self._latencies(), default=None)

    def usual_p99_ms(self) -> float | None:
        """The 99th percentile of the requests that were over before the longest began, or began
        when it had ended: in a pause many wait as long as one."""
        spans = [(request.at, ack.ended) for request, ack in self.acknowledged]
        began, ended = max(spans, key=lambda span: span[1] - span[0], default=(0.0, 0.0))
        usual = sorted(1000 * (to - at) for at, to in spans if to <= began or at >= ended)
        return usual[int(0.99 * (len(usual) - 1))] if usual else None

    def requests_per_second(self) -> float:
        """Acknowledgements a second, from the first request sent to the last acknowledgement."""
        done = self.acknowledged
        seconds = done[-1][1].ended - self.first if done else 0.0
        return len(done) / seconds if seconds > 0 else 0.0

    def failures(self) -> dict[str, int]:
        """Why requests were refused → how many."""
        reasons = [request.refused for request in self.requests if request.refused]
        return {reason: reasons.count(reason) for reason in sorted(set(reasons))}

    def _latencies(self) -> Iterator[float]:
        return (1000 * (ack.ended - request.at) for request, ack in self.acknowledged)


_OUTCOMES = ("acknowledged", "refused", "unknown")


def _lines(file: Path) -> Iterable[dict[str, Any]]:
    *lines, torn = file.read_bytes().split(b"\n")
    del torn  # Empty, unless its writer was killed.
    return map(json.loads, lines)


def _request(line: dict[str, Any], prefix: str) -> Request:
    by = f"{line['kind']} of {line['role']}, {line['client']}"
    return Request(
        label=f"{prefix}request {line['sent']} ({by})",
        at=line["at"],
        kind=line["kind"],
        role=line["role"],
        rows=tuple(map(Row.of_json, line["rows"])),
    )


def _answered(request: Request, line: dict[str, Any]) -> Request:
    if "acknowledged" in line:
        ack = Acknowledgement(line["began"], line["ended"], line["side"], line["given"])
        return replace(request, acknowledgement=ack)
    if "refused" in line:
        return replace(request, refused=line["why"])
    return replace(request, doubts=(*request.doubts, line["why"]))


def _told(done: tuple[Request, Acknowledgement], first: float) -> str:
    request, ack = done
    return f"the {ack.side} acknowledged {request.label} at {ack.ended - first:.3f} s"
