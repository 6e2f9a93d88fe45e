"""Runs a contender once, and measures it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from benchmarks.validator.contenders import Contender, Found, environment_of
from benchmarks.validator.plant import Planted
from benchmarks.validator.servers import Servers
from scripts.synthesized import ROOT

_STOPWATCH = Path(__file__).parent / "stopwatch.py"


class ContenderFailed(RuntimeError):
    """A contender did not complete its comparison; the message has the end of its output."""


@dataclass(frozen=True)
class Measured:
    """One run: seconds on the clock, seconds of processor time of the client and of both servers,
    the client's peak memory in MB (of its largest process), and how many of the planted
    differences were ``found`` (key, kind, and the columns where it names them), how many others
    were reported (``false``), and how many segments differed, where it says so."""

    contender: str
    seconds: float
    client_cpu: float
    server_cpu: float
    megabytes: float
    found: int = 0
    false: int = 0
    segments: int = 0


def measure(
    contender: Contender,
    servers: Servers,
    table: str,
    planted: Collection[Planted] = (),
) -> Measured:
    """Compares ``table`` once.

    Raises:
        ContenderFailed: it ended with a status that no comparison ends with.
    """
    busy = servers.busy_seconds()
    with tempfile.TemporaryDirectory() as folder:
        took, out, error = (Path(folder) / name for name in ("took", "out", "error"))
        command = [*contender.command(servers, table)]
        with out.open("wb") as output, error.open("wb") as errors:
            subprocess.run(  # noqa: S603 - our own command lines
                [sys.executable, "-I", "-S", str(_STOPWATCH), str(took), *command],
                stdout=output, stderr=errors, cwd=ROOT, env=environment_of(contender), check=True,
            )  # fmt: skip
        figures = json.loads(took.read_text())
        text = out.read_text()
        if figures["status"] not in contender.statuses:
            said = (text + error.read_text())[-2000:]
            raise ContenderFailed(f"{contender.name} ended with {figures['status']}: {said}")
    for side in servers.sides:
        side.wait_until_idle()
    found = contender.read(text) if contender.read else Found()
    right, false = judged(found.differences, planted, columns=contender.columns)
    return Measured(
        contender.name, figures["seconds"], figures["cpu_seconds"],
        servers.busy_seconds() - busy, figures["megabytes"], right, false, found.segments,
    )  # fmt: skip


def judged(
    found: Collection[Planted], planted: Collection[Planted], *, columns: bool
) -> tuple[int, int]:
    """How many of the planted were found, and how many found were not planted.

    With ``columns`` one that is named with other columns is neither found nor true.
    """
    if not columns:
        found, planted = ({Planted(e.key, e.kind) for e in each} for each in (found, planted))
    return len(set(found) & set(planted)), len(set(found) - set(planted))
