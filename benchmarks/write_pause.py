"""How long a cutover makes the application's writes wait: two real servers, live payments.

Prints, for each rate of payments, the pause as the product reports it and as the clients saw it
(median and worst of all rounds), what each operation took, and whether a payment was lost or a
request failed, which must not be. What AWS itself takes is not in it: the calls of its APIs, the
state machine's steps from one function to the next, and Route 53's copying of the moved record.
"""

from __future__ import annotations

import os
import signal
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

import click
import pytest
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import cutover_round
from benchmarks.cutover_round import Round
from scripts.system_packages import ensure
from tests.conftest import FOREIGN
from tests.support import postgres
from tests.support.migration_account import simulated_aws

RATES = (0, 100, 1000)
"""Transactions a second."""
MAJORS = (16, 18)
"""PostgreSQL of the source and of the target."""


@click.command()
@click.option("--rounds", default=5, help="Cutovers at each rate.", show_default=True)
@click.option(
    "--rate", "rates", multiple=True, type=float, default=RATES, show_default=True,
    help="Payments a second; may be given several times.",
)  # fmt: skip
@click.option("--rows", default=100_000, help="Payments made before.", show_default=True)
@click.option(
    "--seconds", default=2.0, show_default=True, help="Of payments, before and after each cutover."
)
def main(rounds: int, rates: Sequence[float], rows: int, seconds: float) -> None:
    """Measure the write pause of the cutover; 1 where a payment was lost or a request failed."""
    console = Console()
    # As Ctrl-C, which all that was started is cleaned up after.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ensure()
    loads = [_load()]
    measured: dict[float, list[Round]] = {rate: [] for rate in rates}
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name in FOREIGN:
            patch.delenv(name, raising=False)
        source, target = (_started(stack, major) for major in MAJORS)
        stack.enter_context(simulated_aws())
        # In turn, so that whatever else keeps the machine busy slows all rates alike.
        for number in range(rounds):
            for rate in measured:
                console.print(f"round {number + 1} of {rounds}, {rate:g} a second", style="dim")
                measured[rate].append(
                    cutover_round.measure(source, target, rate=rate, rows=rows, seconds=seconds)
                )
    loads.append(_load())
    console.print(_pauses(measured), _operations(measured))
    console.print(
        f"{rounds} rounds a rate, {rows:,} rows, {os.cpu_count()} processors; load average "
        f"{' before, '.join(loads)} after. What AWS takes is not included."
    )
    failures = [failure for each in measured.values() for r in each for failure in r.failures]
    for failure in failures:
        console.print(f"failed: {failure}", style="red")
    sys.exit(bool(failures or any(r.lost for each in measured.values() for r in each)))


def _started(stack: ExitStack, major: int) -> postgres.Server:
    server = postgres.start(major)
    stack.callback(server.stop)
    return server


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


def _pauses(measured: Mapping[float, Sequence[Round]]) -> Table:
    table = Table(
        title="Payments/s wanted (reached). Write pause in ms, median (worst): as the product "
        "reports it, the longest time without an answer to any client, the longest request",
        box=SIMPLE_HEAD,
    )
    for heading in (
        "payments/s", "reported", "no answer", "request", "paid", "lost", "failed",
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for rate, rounds in measured.items():
        table.add_row(
            f"{rate:g} ({statistics.median(r.rate for r in rounds):.0f})",
            _middle(rounds, lambda r: r.pause_ms),
            _middle(rounds, lambda r: r.gap_ms) if rate else "",
            _middle(rounds, lambda r: r.request_ms) if rate else "",
            f"{sum(r.acknowledged for r in rounds)}",
            f"{sum(r.lost for r in rounds)}",
            f"{sum(len(r.failures) for r in rounds)}",
        )
    return table


def _operations(measured: Mapping[float, Sequence[Round]]) -> Table:
    table = Table(title="Operations in ms, median (worst)", box=SIMPLE_HEAD)
    table.add_column("payments/s", justify="right")
    for rate in measured:
        table.add_column(f"{rate:g}", justify="right")
    for name in next(iter(measured.values()))[0].operations_ms:
        table.add_row(name, *(_middle(r, _operation(name)) for r in measured.values()))
    return table


def _operation(name: str) -> Callable[[Round], float]:
    return lambda r: r.operations_ms[name]


def _middle(rounds: Sequence[Round], figure: Callable[[Round], float]) -> str:
    figures = [figure(r) for r in rounds]
    return f"{statistics.median(figures):.0f} ({max(figures):.0f})"


if __name__ == "__main__":
    main()
