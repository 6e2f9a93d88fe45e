"""A client: one request after the other, at its pace, each repeated until there is an answer."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from rehearsal.ledger_writer import LedgerWriter
from rehearsal.workload.application import Application, Earlier
from rehearsal.workload.figures import Figures
from rehearsal.workload.gateway import Gate
from rehearsal.workload.requests import Request
from rehearsal.workload.session import Lost, Refused, Session

# A client that fell behind makes up for no more than this: one that was held does not storm.
_MOST_BEHIND = 0.05
_GIVE_UP_SECONDS = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
# How often a client hangs up in the middle of a payment, and so has to ask again.
_HANG_UPS = 0.01


@dataclass
class Switches:
    """What is asked of all clients: to end, and those of the API to be silent."""

    ends: threading.Event
    silent: threading.Event


@dataclass(frozen=True)
class Desk:
    """What all clients share."""

    ledger: LedgerWriter
    figures: Figures
    earlier: Earlier
    switches: Switches


class Client(threading.Thread):
    """``pace``: seconds from one request to the next; ``mix``: kind of request → weight;
    ``gate``: where it comes through the API."""

    def __init__(
        self,
        application: Application,
        session: Session,
        desk: Desk,
        *,
        name: str,
        role: str,
        pace: float,
        mix: Mapping[str, float],
        gate: Gate | None = None,
    ) -> None:
        super().__init__(daemon=True, name=name)
        self.flows = threading.Event()
        """Set once it has had an answer (or has found that there is nothing for it to do)."""
        self._application, self._session, self._desk = application, session, desk
        self._role, self._pace, self._mix, self._gate = role, pace, mix, gate
        self._switches = desk.switches
        self._random = random.Random(name)  # noqa: S311 - not a secret.

    def run(self) -> None:
        """Until the end, and then once more."""
        due = time.monotonic() + self._pace * self._random.random()
        while not self._switches.ends.wait(max(0.0, due - time.monotonic())):
            self._turn()
            due = max(due + self._pace, time.monotonic() - _MOST_BEHIND)
        self._turn()
        self._session.close()

    def _turn(self) -> None:
        if self._gate is None:
            began = time.monotonic()
            request = self._application.draw(self._mix)
            if request is not None:
                self._desk.figures.sent()
                self._make(request, began)
            self.flows.set()
        elif not self._switches.silent.is_set():
            self._through(self._gate)
            self.flows.set()

    def _through(self, gate: Gate) -> None:
        """A payment through the API."""
        began, desk = time.monotonic(), self._desk
        desk.figures.sent()
        try:
            application, is_canary = gate.admit()
        except Refused as refused:
            desk.figures.called("refused")
            number = desk.ledger.sent(began, self.name, "call", self._role, ())
            self._refused(number, str(refused))
            return
        desk.figures.called(application, "canary" if is_canary else "stage")
        self._make(self._application.pay(application), began)

    def _make(self, request: Request, began: float) -> None:
        """Sends it until it is answered."""
        desk, pause, is_doubted = self._desk, _FIRST_PAUSE, False
        number = desk.ledger.sent(began, self.name, request.kind, self._role, request.rows)
        hangs_up = request.kind == "pay" and self._application.chance(_HANG_UPS)
        while True:
            attempt = time.monotonic()
            try:
                if hangs_up:
                    hangs_up = False
                    step = request.steps[0]
                    self._session.send_and_hang_up(step.statement, step.parameters)
                side, given = request.send(self._session, again=is_doubted)
            except Refused as refused:
                self._refused(number, str(refused))
                return
            except Lost as lost:
                if lost.is_sent:
                    is_doubted = True
                    desk.ledger.unknown(number, time.monotonic(), str(lost))
                if time.monotonic() - began > _GIVE_UP_SECONDS:
                    desk.figures.unknown()
                    return
                desk.figures.retried()
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                ended = time.monotonic()
                desk.ledger.acknowledged(number, attempt, ended, side, given)
                desk.figures.acknowledged(side, 1000 * (ended - began))
                # An attempt that was lost may arrive late: these rows are left alone for good.
                for payment in () if is_doubted else request.leaves:
                    desk.earlier.leave(payment)
                return

    def _refused(self, number: int, why: str) -> None:
        self._desk.ledger.refused(number, time.monotonic(), why)
        self._desk.figures.failed()
