"""Carries out scenarios one after another on one site, and writes down what they came to."""

from __future__ import annotations

import dataclasses
import json
import logging
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from lib.settings import Settings
from lib.settings_loader import load_settings
from rehearsal import evidence, outcome, plans, report, scenario, synthesis
from rehearsal.moments import Definition
from rehearsal.options import Options
from rehearsal.progress import Progress
from rehearsal.record import Record
from rehearsal.run import Rehearsal
from rehearsal.scenario import Scenario
from rehearsal.schema import ROLES
from rehearsal.site import Site
from rehearsal.synthesized import Synthesized
from rehearsal.tidy import Scratch
from scripts import system_packages
from scripts.operator_error import OperatorError

_SHRINKING = 12
"""Rehearsals that looking for a smaller failing plan may take."""


class Director:
    """Rehearses one synthesized environment; each method may be called more than once."""

    def __init__(self, options: Options) -> None:
        self.options = options

    @cached_property
    def settings(self) -> Settings:
        """Of the environment that is rehearsed.

        Raises:
            OperatorError: the demo application's roles are not among its application_roles.
        """
        found = load_settings({"ENVIRONMENT": self.options.environment})
        if missing := sorted(set(ROLES) - set(found.application_roles)):
            raise OperatorError(
                f"The application of a rehearsal writes as {', '.join(ROLES)}, and "
                f"application_roles of environment {self.options.environment} lacks "
                f"{', '.join(missing)}: rehearse a copy of config/{self.options.environment}.json "
                "that names them."
            )
        return found

    @cached_property
    def folder(self) -> Path:
        """Of what was synthesized."""
        return self.options.synthesized or synthesis.fresh(self.options.environment)

    @cached_property
    def synthesized(self) -> Synthesized:
        """The stack that is rehearsed."""
        return Synthesized.read(self.folder)

    @cached_property
    def definition(self) -> Definition:
        """The state machine's definition, references and all."""
        found: Definition = json.loads(self.synthesized.definition)
        return found

    def scenarios(self) -> Mapping[str, Scenario]:
        """Every scenario of this state machine, by name."""
        return scenario.load(self.definition)

    def drawn(self) -> list[Scenario]:
        """Random plans, of as many seeds in a row as were asked for."""
        first = secrets.randbelow(10**9) if self.options.seed is None else self.options.seed
        return [self._plan(first + number) for number in range(self.options.faults)]

    @contextmanager
    def site(self) -> Iterator[Site]:
        """Where rehearsals are held, for as long as the block lasts.

        Raises:
            MachineLacks, PackageMissingError: a program is missing here.
        """
        system_packages.ensure()
        # moto's interpreter logs what the timeline tells better.
        logging.getLogger("moto").setLevel(logging.CRITICAL)
        with Scratch() as scratch, Site(self.synthesized, self.settings, scratch) as site:
            yield site

    def perform(self, chosen: Sequence[Scenario], progress: Progress) -> list[Record]:
        """Rehearse, and write a report of each; the first failure ends it unless told to go on.

        Raises:
            MachineLacks, PackageMissingError: a program is missing here.
        """
        pages: list[tuple[Record, Path]] = []
        with self.site() as site:
            for each in chosen:
                record, page = self.rehearse(site, each, progress)
                pages.append((record, page))
                if not record.passed:
                    pages += self._shrunk(site, each, progress)
                    if not self.options.keep_going:
                        break
        if len(pages) > 1:
            report.write_index(pages, self.options.output / "index.html")
        return [record for record, _ in pages]

    def _plan(self, seed: int) -> Scenario:
        faults = plans.plan(seed, self.definition)
        drawn = plans.scenario(faults, self.definition, f"plan-{seed}")
        return dataclasses.replace(drawn, seed=seed)

    def rehearse(self, site: Site, each: Scenario, progress: Progress) -> tuple[Record, Path]:
        """One rehearsal, on a site of this director's or of another's of the same environment; its
        record and the page of its report."""
        progress.planned(each)
        with site.stage(self.synthesized) as stage:
            rehearsal = Rehearsal(site, stage, each, self.options.rate, progress)
            rehearsal.run()
            record = outcome.record(rehearsal)
            documents = outcome.documents(rehearsal)
        folder = self.options.output / each.name.replace("/", "-")
        folder.mkdir(parents=True, exist_ok=True)
        head = evidence.pack(
            record, self.folder, documents, folder / "evidence.zip", secrets=site.secrets()
        )
        record = dataclasses.replace(record, evidence=head)
        page, _ = report.write(record, folder)
        progress.ended(record)
        progress.evidence(folder / "evidence.zip", head)
        return record, page

    def _shrunk(
        self, site: Site, failing: Scenario, progress: Progress
    ) -> list[tuple[Record, Path]]:
        """The smallest part of a random plan that fails too, rehearsed; nothing of a scenario."""
        if failing.seed is None or len(failing.faults) < 2:
            return []
        made: dict[plans.Plan, tuple[Record, Path]] = {}

        def fails(faults: plans.Plan) -> bool:
            name = f"{failing.name}-smaller-{len(made) + 1}"
            smaller = plans.scenario(faults, self.definition, name)
            smaller = dataclasses.replace(smaller, seed=failing.seed)
            made[faults] = self.rehearse(site, smaller, progress)
            return not made[faults][0].passed

        smallest = plans.shrink(failing.faults, fails, _SHRINKING)
        return [made[smallest]] if smallest in made else []
