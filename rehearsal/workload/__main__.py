"""The process: a plan on the first line of standard input, then commands, one JSON line each.

``{"do": "silence-api"}``, ``{"do": "resume-api"}``, ``{"do": "stop"}``. It ends at once when its
input does: whoever started it is gone. It says ``ready`` when each client has had an answer, then
what it counted (:meth:`Figures.take`) four times a second, and a last line with ``final`` true.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from pathlib import Path

from rehearsal.clock import Clock
from rehearsal.ledger_values import Row
from rehearsal.ledger_writer import LedgerWriter
from rehearsal.reconciliation import rows_of
from rehearsal.schema import TABLES
from rehearsal.workload.application import Application, Earlier
from rehearsal.workload.client import Client, Desk, Switches
from rehearsal.workload.figures import Figures
from rehearsal.workload.gateway import Gate, StageWatch
from rehearsal.workload.plan import Plan
from rehearsal.workload.requests import Payment
from rehearsal.workload.session import Session

_LANES = Path(__file__).with_name("clients.json")
_API_ROLE, _API_CLIENTS = "payments_api", 4
_EVERY_SECONDS = 0.25
_END_SECONDS = 20.0


def main() -> None:
    """Works through the plan until it is stopped."""
    plan = Plan.of_json(sys.stdin.readline())
    desk = Desk(
        LedgerWriter(plan.ledger),
        Figures(),
        Earlier(),
        Switches(threading.Event(), threading.Event()),
    )
    threading.Thread(target=_obey, args=(desk.switches,), daemon=True).start()
    clock = Clock(plan.clock)
    _take_stock(plan, desk)
    clients = [*_clients(plan, desk, clock), *_api_clients(plan, desk, clock)]
    for client in clients:
        client.start()
    threading.Thread(target=_tell_when_ready, args=(clients, desk.figures), daemon=True).start()
    desk.switches.ends.wait()
    ends = time.monotonic() + _END_SECONDS
    for client in clients:
        client.join(max(0.0, ends - time.monotonic()))
    used = resource.getrusage(resource.RUSAGE_SELF)
    _tell(desk.figures.take() | {"final": True, "cpu_seconds": used.ru_utime + used.ru_stime})
    # Clients that still wait for an answer would hold the process; their outcome is unknown.
    os._exit(0)


def _take_stock(plan: Plan, desk: Desk) -> None:
    """What is there before the first request must stay, and can be worked on."""
    rows: dict[str, list[Row]] = {}
    with Session(plan, _API_ROLE, 0).opened() as connection:
        for table in TABLES.values():
            rows[table.name] = list(rows_of(connection, table))
    for found in rows.values():
        desk.ledger.found(found)
    receipts = {row.key[0]: row for row in rows["receipts"]}
    postings: dict[str, list[Row]] = {}
    for row in rows["postings"]:
        postings.setdefault(row.key[0], []).append(row)
    for row in rows["payments"]:
        reference = row.key[0]
        values = {name: (row.values or {})[name] for name in TABLES["payments"].values}
        payment = Row(row.table, row.key, values)
        booked = tuple(postings.get(reference, ()))
        desk.earlier.leave(Payment(payment, booked, receipts.get(reference)))


def _clients(plan: Plan, desk: Desk, clock: Clock) -> list[Client]:
    """Those who come directly to the pooler."""
    lanes = json.loads(_LANES.read_text(encoding="utf-8"))
    rate = plan.rate * (1 - plan.api.share if plan.api else 1) / sum(at["share"] for at in lanes)
    clients: list[Client] = []
    for lane in lanes:
        for _ in range(lane["clients"]):
            name = f"c{len(clients)}"
            clients.append(
                Client(
                    Application(name, plan.seed, clock, desk.earlier),
                    Session(plan, lane["role"], len(clients)),
                    desk,
                    name=name,
                    role=lane["role"],
                    pace=lane["clients"] / (rate * lane["share"]),
                    mix=lane["mix"],
                )
            )
    return clients


def _api_clients(plan: Plan, desk: Desk, clock: Clock) -> list[Client]:
    """Those who come through the API."""
    if plan.api is None:
        return []
    watch = StageWatch(plan.api)
    watch.start()
    names = [f"a{number}" for number in range(_API_CLIENTS)]
    return [
        Client(
            Application(name, plan.seed, clock, desk.earlier),
            Session(plan, _API_ROLE, number),
            desk,
            name=name,
            role=_API_ROLE,
            pace=_API_CLIENTS / (plan.rate * plan.api.share),
            mix={},
            gate=Gate(watch, clock, f"{plan.seed} {name}"),
        )
        for number, name in enumerate(names)
    ]


def _obey(switches: Switches) -> None:
    for line in sys.stdin:
        match json.loads(line)["do"]:
            case "silence-api":
                switches.silent.set()
            case "resume-api":
                switches.silent.clear()
            case "stop":
                switches.ends.set()
    if not switches.ends.is_set():
        os._exit(1)


def _tell_when_ready(clients: list[Client], figures: Figures) -> None:
    for client in clients:
        client.flows.wait()
    print("ready", flush=True)
    due = time.monotonic()
    while True:
        due += _EVERY_SECONDS
        time.sleep(max(0.0, due - time.monotonic()))
        _tell(figures.take())


def _tell(line: object) -> None:
    # In one piece: two threads tell.
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
