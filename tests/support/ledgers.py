"""Ledgers made by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rehearsal.ledger import Acknowledgement, Ledger, Request
from rehearsal.ledger_values import Row
from rehearsal.ledger_writer import LedgerWriter
from rehearsal.record import Side


@dataclass(frozen=True)
class Told:
    """A write of one row that was acknowledged by ``side``, or ended in another way."""

    began: float
    ended: float
    side: Side


def ledger_of(*told: Told) -> Ledger:
    """A ledger of acknowledgements alone."""
    return Ledger(
        requests=[
            Request(
                f"request {number}", one.began, "pay", "payments_api", (),
                Acknowledgement(one.began, one.ended, one.side, ()),
            )
            for number, one in enumerate(told)
        ]
    )  # fmt: skip


def account(number: str, holder: str = "Ada") -> Row:
    """A row of the smallest table."""
    opened = "2026-01-01T00:00:00.000000+00:00"
    return Row("accounts", (number,), {"holder": holder, "opened": opened})


def written(file: Path) -> LedgerWriter:
    """A writer with one request acknowledged, one refused, one in doubt and one not over."""
    writer = LedgerWriter(file)
    writer.acknowledged(_sent(writer, 1.0, "one"), 1.0, 1.5, "source", [{"id": "1"}])
    writer.refused(_sent(writer, 2.0, "two"), 2.5, "42501 permission denied")
    writer.unknown(_sent(writer, 3.0, "three"), 3.5, "hung up")
    _sent(writer, 4.0, "four")
    return writer


def _sent(writer: LedgerWriter, at: float, number: str) -> int:
    return writer.sent(at, "c0", "account", "payments_api", [account(number)])
