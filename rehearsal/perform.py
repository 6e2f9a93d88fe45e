"""Carries out scenarios, one after another, on one site."""

from __future__ import annotations

from rehearsal import outcome
from rehearsal.progress import Progress
from rehearsal.record import Record
from rehearsal.run import Options, Rehearsal
from rehearsal.scenario import Scenario
from rehearsal.site import Site


def rehearse(site: Site, scenario: Scenario, options: Options, progress: Progress) -> Record:
    """One scenario, and what it came to."""
    progress.planned(scenario)
    with site.stage() as stage:
        rehearsal = Rehearsal(site, stage, scenario, options, progress)
        rehearsal.run()
        record = outcome.record(rehearsal)
    progress.ended(record)
    return record
