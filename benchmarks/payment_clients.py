"""The application's clients: they pay through the pooler at a steady rate, and note every answer.

They are a process of their own (``python -m benchmarks.payment_clients``), so that neither they
nor the cutover wait for the other's turn at the interpreter. Both read the same monotonic clock.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain, pairwise

from pg8000.exceptions import DatabaseError, InterfaceError
from pg8000.native import Connection

from scripts.synthesized import ROOT

CLIENTS = 4
# A client that fell behind makes up for no more than this: one that was held does not storm.
_MOST_BEHIND = 0.05
_END_SECONDS = 60

# One statement, so one transaction; no parameters, which pg8000 sends apart from the statement:
# a pooler that pools transactions may give the two to different connections.
_PAY = "insert into public.payments (account, amount, reference) values ({0}, {0} * 0.01, '{1}')"


@dataclass(frozen=True)
class Plan:
    """Through which pooler to pay, as whom, and how many times a second in all."""

    port: int
    database: str
    user: str
    password: str = field(repr=False)
    rate: float


@dataclass(frozen=True)
class Paid:
    """What the clients saw: for each, when every acknowledged request began and ended (seconds of
    the monotonic clock); and why those failed that were not acknowledged."""

    answers: tuple[tuple[tuple[float, float], ...], ...] = ()
    failures: tuple[str, ...] = ()

    def references(self) -> set[str]:
        """Of every acknowledged payment."""
        return {
            _reference(client, number)
            for client, answers in enumerate(self.answers)
            for number in range(len(answers))
        }

    def rate(self, since: float, until: float) -> float:
        """Acknowledgements a second between two moments."""
        ends = (ended for _, ended in chain(*self.answers))
        return sum(since <= ended < until for ended in ends) / (until - since)

    def longest_gap_ms(self) -> float:
        """The longest time in which no client got an acknowledgement."""
        ends = sorted(ended for _, ended in chain(*self.answers))
        return 1000 * max((later - earlier for earlier, later in pairwise(ends)), default=0.0)

    def longest_request_ms(self) -> float:
        """The longest time that one client waited for one acknowledgement."""
        return 1000 * max((ended - began for began, ended in chain(*self.answers)), default=0.0)


@dataclass
class Clients:
    """The running process; none where no payments were wanted."""

    process: subprocess.Popen[str] | None = None

    def stop(self) -> Paid:
        """Each client makes one payment more, and ends; the longest request is among them even
        where all of them are held until now."""
        if self.process is None:
            return Paid()
        told, _ = self.process.communicate(timeout=_END_SECONDS)
        report = json.loads(told)
        answers = tuple(tuple((a, b) for a, b in client) for client in report["answers"])
        return Paid(answers, tuple(report["failures"]))


@contextmanager
def paying(plan: Plan) -> Iterator[Clients]:
    """Clients that pay, each of which has had an answer; their process ends with the block."""
    if not plan.rate:
        yield Clients()
        return
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.payment_clients"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True,  # A Ctrl-C is for the process that measures.
    )  # fmt: skip
    with process:
        try:
            print(json.dumps(asdict(plan)), file=process.stdin, flush=True)
            if next(iter(process.stdout or ()), None) is None:
                raise RuntimeError(f"the clients ended at once, with code {process.wait()}")
            yield Clients(process)
        finally:
            process.kill()


class _Client(threading.Thread):
    """One connection, one payment after another."""

    def __init__(self, number: int, plan: Plan, ends: threading.Event) -> None:
        super().__init__(daemon=True)
        self.answers: list[tuple[float, float]] = []
        self.failure = ""
        self.flows = threading.Event()
        self._number, self._plan, self._ends = number, plan, ends

    def run(self) -> None:
        try:
            with closing(_connect(self._plan)) as session:
                due = time.monotonic()
                while not self._ends.is_set():
                    self._pay(session)
                    due = max(due + CLIENTS / self._plan.rate, time.monotonic() - _MOST_BEHIND)
                    self._ends.wait(due - time.monotonic())
                self._pay(session)
        except (DatabaseError, InterfaceError, OSError) as error:
            self.failure = f"client {self._number}, request {len(self.answers)}: {error}"
            self.flows.set()

    def _pay(self, session: Connection) -> None:
        number = len(self.answers)
        began = time.monotonic()
        session.run(_PAY.format(number + 1, _reference(self._number, number)))
        self.answers.append((began, time.monotonic()))
        self.flows.set()


def _reference(client: int, number: int) -> str:
    return f"{client}-{number}"


def _connect(plan: Plan) -> Connection:
    # Encrypted, unverified: the pooler's certificate is its own.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return Connection(
        plan.user, host="127.0.0.1", port=plan.port, database=plan.database,
        password=plan.password, ssl_context=context,
    )  # fmt: skip


def main() -> None:
    """Pay from the first line of the standard input, a plan, until its end; then report."""
    plan = Plan(**json.loads(sys.stdin.readline()))
    ends = threading.Event()
    clients = [_Client(number, plan, ends) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.flows.wait()
    print("paying", flush=True)
    sys.stdin.read()
    ends.set()
    for client in clients:
        client.join()
    failures = [client.failure for client in clients if client.failure]
    json.dump({"answers": [client.answers for client in clients], "failures": failures}, sys.stdout)


if __name__ == "__main__":
    main()
