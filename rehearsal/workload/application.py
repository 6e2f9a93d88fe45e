"""What the application asks for: requests of every kind, with values drawn from a seed."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from rehearsal.clock import Clock
from rehearsal.ledger_values import Row
from rehearsal.workload.requests import Payment, Request, Step, gone, inserted
from rehearsal.workload.statements import PURGE, SET_STATUS

ACCOUNTS = 50
"""Those of the schema's history."""
_STATUSES = ("authorised", "settled", "refunded", "disputed")
_PAUSE = 0.033
_LARGE_EVERY = 12
_LETTERS = "abcdefghij klmnopqrstuvwxyz äöüß € ∑ 漢字\n"


@dataclass
class Earlier:
    """Acknowledged payments that no request is at work on. Whoever takes one owns it until it is
    left here again; when there are many, the oldest are left alone for good."""

    payments: deque[Payment] = field(default_factory=lambda: deque(maxlen=3000))

    def take(self) -> Payment | None:
        """The one that waits longest."""
        try:
            return self.payments.popleft()
        except IndexError:
            return None

    def leave(self, payment: Payment) -> None:
        """For others to work on."""
        self.payments.append(payment)


class Application:
    """Makes one client's requests; ``name`` begins all its references."""

    def __init__(self, name: str, seed: int, clock: Clock, earlier: Earlier) -> None:
        self._name, self._clock, self._earlier = name, clock, earlier
        self._random = random.Random(f"{seed} {name}")  # noqa: S311 - not a secret.
        self._prefix, self._number = f"{seed}-{name}", 0
        self._kinds: Mapping[str, Callable[[], Request | None]] = {
            "pay": self.pay,
            "order": self.order,
            "receipt": self.receipt,
            "account": self.account,
            "settle": self.settle,
            "purge": self.purge,
            "batch": self.batch,
            "post": self.post,
            "note": self.note,
        }

    def draw(self, mix: Mapping[str, float]) -> Request | None:
        """A request of a kind drawn from ``mix`` (kind → weight); None: it has nothing to do."""
        (kind,) = self._random.choices(list(mix), list(mix.values()))
        return self._kinds[kind]()

    def chance(self, share: float) -> bool:
        """True in ``share`` of the times."""
        return self._random.random() < share

    def pay(self, application: str = "direct") -> Request:
        """One row."""
        row, step = inserted("payments", self._payment(application), 0)
        return Request("pay", (row,), (step,), (Payment(row),))

    def order(self) -> Request:
        """A short transaction over several tables."""
        columns = self._payment("direct")
        payment, first = inserted("payments", columns, 0)
        booked = [inserted("postings", self._posting(columns, line), line) for line in (1, 2)]
        event, last = inserted("events", self._event(columns["reference"], "ordered"), 3)
        postings = tuple(row for row, _ in booked)
        return Request(
            "order",
            (payment, *postings, event),
            (first, *(step for _, step in booked), last),
            (Payment(payment, postings),),
        )

    def receipt(self) -> Request:
        """A payment with large values, now and then beyond 64 KB."""
        columns = self._payment("direct")
        payment, first = inserted("payments", columns, 0)
        is_large = self._random.randrange(_LARGE_EVERY) == 0
        size = self._random.randint(*((70_000, 120_000) if is_large else (200, 3000)))
        letters = "".join(self._random.choices(_LETTERS, k=100))
        issued = {
            "reference": columns["reference"],
            "document": (letters * (1 + size // 100))[:size],
            "seal": self._random.randbytes(size if is_large and self.chance(0.5) else 64),
            "issued": self._clock.now(),
        }
        receipt, second = inserted("receipts", issued, 1)
        leaves = (Payment(payment, receipt=receipt),)
        return Request("receipt", (payment, receipt), (first, second), leaves)

    def account(self) -> Request:
        """A new account."""
        number = self._next()
        columns = {"number": number, "holder": f"Holder {number} Łódź", "opened": self._clock.now()}
        row, step = inserted("accounts", columns, 0)
        return Request("account", (row,), (step,))

    def settle(self) -> Request | None:
        """An earlier payment's status."""
        return self._statuses("settle", 1)

    def batch(self) -> Request | None:
        """A longer transaction: about a tenth of a second, for some earlier payments."""
        return self._statuses("batch", 3, _PAUSE)

    def purge(self) -> Request | None:
        """An earlier payment is deleted, with all that belongs to it but its events."""
        payment = self._earlier.take()
        if payment is None:
            return None
        rows = [payment.row, *payment.postings]
        rows += [payment.receipt] if payment.receipt else []
        step = Step(PURGE, {"reference": payment.reference}, is_counted=True)
        return Request("purge", gone(rows), (step,))

    def post(self) -> Request | None:
        """One posting more for an earlier payment."""
        payment = self._earlier.take()
        if payment is None:
            return None
        line = 1 + max((int(row.key[1]) for row in payment.postings), default=0)
        columns = {"reference": payment.reference, "account": self._account(), "amount": 1}
        row, step = inserted("postings", self._posting(columns, line), 0)
        left = replace(payment, postings=(*payment.postings, row))
        return Request("post", (row,), (step,), (left,))

    def note(self) -> Request:
        """A row of the table without a key."""
        row, step = inserted("events", self._event(self._next(), "noted"), 0)
        return Request("note", (row,), (step,))

    def _statuses(self, kind: str, most: int, pause: float = 0.0) -> Request | None:
        taken = [payment for _ in range(most) if (payment := self._earlier.take())]
        if not taken:
            return None
        rows, steps, leaves = [], [], []
        for payment in taken:
            status = self._random.choice(_STATUSES)
            named = {"reference": payment.reference, "status": status}
            row = Row("payments", payment.row.key, {**(payment.row.values or {}), "status": status})
            rows.append(row)
            steps.append(Step(SET_STATUS, named, is_counted=True, pause=pause))
            leaves.append(replace(payment, row=row))
        return Request(kind, tuple(rows), tuple(steps), tuple(leaves))

    def _payment(self, application: str) -> dict[str, Any]:
        draw = self._random
        return {
            "reference": self._next(),
            "account": self._account(),
            "amount": Decimal(draw.randint(1, 10_000_000)) / 100,
            "currency": draw.choice(("EUR", "USD", "JPY")),
            # Six places: what DMS makes of a numeric without scale.
            "rate": Decimal(draw.randint(1, 10**9)).scaleb(-6),
            "status": "new",
            "details": {
                "purpose": f"invoice {draw.randrange(10**6)} ñ ¿…?",
                "fee": draw.randrange(1000) / 8,
                "tags": ["a", None, {"deep": [draw.random(), True]}],
            },
            "application": application,
            "paid": self._clock.now(),
        }

    def _posting(self, payment: Mapping[str, Any], line: int) -> dict[str, Any]:
        return {
            "reference": payment["reference"],
            "line": line,
            "account": payment["account"],
            "amount": payment["amount"] * line,
            "booked": self._clock.now(),
        }

    def _event(self, reference: str, kind: str) -> dict[str, Any]:
        amount = Decimal(self._random.randint(0, 10**6)) / 100
        return {"reference": reference, "kind": kind, "amount": amount, "noted": self._clock.now()}

    def _account(self) -> str:
        return f"account-{self._random.randint(1, ACCOUNTS)}"

    def _next(self) -> str:
        self._number += 1
        return f"{self._prefix}-{self._number}"
