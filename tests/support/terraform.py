"""Runs the real Terraform on a copy of a synthesized stack."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The provider's waiters sleep up to 40 s a resource: with Terraform's default of 10 at once they
# would queue behind each other.
PARALLELISM = 60
TIMEOUT_SECONDS = 900
# Where ``plan`` keeps what it decided, for ``apply``.
_PLAN = "tfplan"
# Go collects garbage when the heap has grown by so many percent (default 100). Each command builds
# the provider's 1,500 schemas anew: seldomer takes a fifth less of the processors' time.
_GOGC = "400"
NOTHING_TO_DO, FAILED, CHANGES = 0, 1, 2
"""``terraform plan -detailed-exitcode``."""


class TerraformError(AssertionError):
    """A Terraform command ended badly; the message has the command and what it printed."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended, what it printed and how long it took in seconds."""

    code: int
    output: str
    seconds: float


class Terraform:
    """One working directory of Terraform.

    ``directory``: where a stack was synthesized (with its ``cdk.tf.json``); it is copied, so that
    Terraform's own files stay out of it. ``environment``: added to this process's environment,
    from which every ``AWS_*`` variable is left out, so that no real account is ever touched.
    """

    def __init__(self, directory: Path, work: Path, environment: Mapping[str, str]) -> None:
        self._binary = _find_terraform()
        # As deep as the synthesized one: the bootstrap stack's state has a path relative to it.
        self.directory = work / "stacks" / directory.name
        # The provider is a link to 740 MB in the mirror.
        shutil.copytree(directory, self.directory, symlinks=True)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        self._environment = inherited | {
            "CHECKPOINT_DISABLE": "true",
            "TF_CLI_ARGS": "-no-color",
            "TF_IN_AUTOMATION": "true",
            "GOGC": _GOGC,
            **environment,
        }

    def copy(self, work: Path) -> Terraform:
        """A second working directory on the same state: another operator's clone."""
        return Terraform(self.directory, work, self._environment)

    def use(self, directory: Path) -> None:
        """Puts another synthesis of the same stack in the place of this one."""
        shutil.copytree(directory, self.directory, dirs_exist_ok=True)

    def run(self, *arguments: str) -> Outcome:
        """Runs ``terraform`` with ``arguments``, whatever its exit code; keeps what it printed."""
        started = time.monotonic()
        done = subprocess.run(
            [self._binary, *arguments],
            cwd=self.directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        with (self.directory / "terraform.log").open("a", encoding="utf-8") as log:
            log.write(f"$ terraform {' '.join(arguments)}\n{done.stdout}\n")
        return Outcome(done.returncode, done.stdout, time.monotonic() - started)

    def init(self) -> Outcome:
        """Configures the backend and links the provider from the mirror where there is one."""
        done = self.run("init", "-input=false")
        if "Failed to query available provider packages" in done.output or (
            "Failed to install provider" in done.output
        ):
            raise TerraformError(
                "Terraform found no hashicorp/aws provider of the pinned version: let it reach "
                "the registry, or point TF_CLI_CONFIG_FILE at a configuration with a mirror.\n"
                + done.output
            )
        return _good(done, "init")

    def plan(self) -> Outcome:
        """Validates too; ``code`` is NOTHING_TO_DO or CHANGES."""
        done = self.run(
            "plan", "-input=false", "-detailed-exitcode", f"-parallelism={PARALLELISM}",
            f"-out={_PLAN}",
        )  # fmt: skip
        return done if done.code == CHANGES else _good(done, "plan")

    def apply(self) -> Outcome:
        """Does what the last ``plan`` said."""
        done = self.run("apply", "-input=false", f"-parallelism={PARALLELISM}", _PLAN)
        return _good(done, "apply")

    def apply_known(self) -> Outcome:
        """An apply that trusts the state, which the plan just before compared with the account."""
        return _good(self.try_apply("-refresh=false"), "apply")

    def try_apply(self, *options: str) -> Outcome:
        """An apply that may be refused."""
        run = ("apply", "-input=false", "-auto-approve", f"-parallelism={PARALLELISM}")
        return self.run(*run, *options)

    def destroy(self) -> Outcome:
        """Removes everything in the state, which is trusted: a plan or an apply came before."""
        run = ("destroy", "-input=false", "-auto-approve", "-refresh=false")
        done = self.run(*run, f"-parallelism={PARALLELISM}")
        return _good(done, "destroy")

    def state_list(self) -> list[str]:
        """Addresses in the state, data sources included."""
        return _good(self.run("state", "list"), "state list").output.split()

    def state(self) -> dict[str, Any]:
        """The state as the backend stores it."""
        pulled: dict[str, Any] = json.loads(_good(self.run("state", "pull"), "state pull").output)
        return pulled


def _find_terraform() -> str:
    binary = shutil.which("terraform")
    if binary is None:
        raise TerraformError(
            "terraform is not on PATH: run 'make test', which fetches it, "
            "or install Terraform 1.11 or later"
        )
    return binary


def _good(outcome: Outcome, command: str) -> Outcome:
    if outcome.code != NOTHING_TO_DO:
        raise TerraformError(
            f"terraform {command} ended with {outcome.code} after {outcome.seconds:.0f} s:\n"
            f"{outcome.output[-20_000:]}"
        )
    return outcome
