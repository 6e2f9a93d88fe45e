"""Rehearsals for tests: a site that several share, and what was wrong with one in words."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from rehearsal.options import Options
from rehearsal.perform import Director
from rehearsal.progress import Progress
from rehearsal.record import Record
from rehearsal.scenario import Scenario
from rehearsal.site import Site

SLOW = 60
"""Requests a second where it does not matter how many."""


@dataclass(frozen=True)
class Rehearsed:
    """What one came to; ``folder`` holds its report and its evidence."""

    record: Record
    folder: Path

    @property
    def wrong(self) -> list[str]:
        """Why it did not pass, one sentence each; none where it did."""
        record = self.record
        found = [
            f"{v.invariant} {line}" for v in record.verdicts if not v.held for line in v.because
        ]
        if record.ending not in record.expected:
            found.append(f"it ended {record.ending}, not {' or '.join(record.expected)}")
        if record.expected_primary not in (None, record.primary):
            found.append(f"the {record.primary} serves, not the {record.expected_primary}")
        assert record.passed == (not found)
        return [f"{record.scenario}: {each} ({record.cause})" for each in found]

    @property
    def unstruck(self) -> set[str]:
        """The faults that were planned and never struck: nothing was shown of them."""
        return set(self.record.planned_faults) - {struck.fault for struck in self.record.faults}

    @property
    def told(self) -> str:
        """Its figures."""
        record, ledger = self.record, self.record.ledger
        return (
            f"{record.scenario}: {record.ending} in {record.seconds:.1f} s, "
            f"{ledger.acknowledged} requests acknowledged ({self.rate:.0f} a second), "
            f"pause {record.pause.reported_ms or 0:.0f} ms, "
            f"longest request {record.pause.longest_ms or 0:.0f} ms"
        )

    @property
    def rate(self) -> float:
        """Acknowledged requests a second, from the first to the last."""
        samples = self.record.samples
        return self.record.ledger.acknowledged / (samples[-1].at - samples[0].at)


class Rehearsing:
    """Rehearses on one site; reports go below ``output``."""

    def __init__(self, director: Director, site: Site, output: Path) -> None:
        self.director, self._site, self._output = director, site, output

    def scenario(self, name: str) -> Scenario:
        """The scenario of that name."""
        return self.director.scenarios()[name]

    def __call__(
        self, scenario: Scenario, *, rate: int | None = SLOW, synthesized: Path | None = None
    ) -> Rehearsed:
        """One rehearsal. ``rate``: None for the usual; ``synthesized``: another synthesis."""
        options = self.director.options
        output = self._output / (synthesized.parent.name if synthesized else "product")
        options = dataclasses.replace(
            options, rate=rate, output=output, synthesized=synthesized or options.synthesized
        )
        with Progress(Console(file=io.StringIO())) as progress:
            record, page = Director(options).rehearse(self._site, scenario, progress)
        return Rehearsed(record, page.parent)


@contextmanager
def rehearsing(output: Path) -> Iterator[Rehearsing]:
    """A site for as long as the block lasts, which begins in seconds."""
    director = Director(Options())
    with director.site() as site:
        yield Rehearsing(director, site, output)
