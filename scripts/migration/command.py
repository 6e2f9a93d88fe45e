"""The verbs: each finds the environment and the execution, and has its concern do the rest."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

import click
from rich.console import Console

from lib.settings_loader import load_settings
from lib.workflow.definition import PHASES
from migration.errors import MigrationError
from scripts.migration import decisions, going_back, pauses, plan, progress, progress_view, starting
from scripts.migration.deployment import Deployment
from scripts.migration.executions import find, found
from scripts.operator_error import OperatorError, run

PHASE = click.Choice(list(PHASES))
WHICH = click.argument("execution", required=False)
EXECUTION = click.argument("execution")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """The payments migration. ENVIRONMENT names the environment (default dev).

    EXECUTION is the name that start prints; docs/runbook has a page for every phase.
    """


@cli.command()
@click.option("--stop-after", type=PHASE, help="End after this phase instead of the last.")
def start(stop_after: str | None) -> None:
    """Start a migration."""
    name = starting.start(Deployment.connect(), stop_after)
    click.echo(f"{name} is started: 'pipenv run migration status {name} --watch' follows it.")


@cli.command()
@WHICH
@click.option("--watch", is_flag=True, help="Show it again every 10 s until it has ended.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(execution: str | None, watch: bool, as_json: bool) -> None:
    """Show how far an execution is; without a name, the latest."""
    if watch and as_json:
        raise OperatorError("--watch shows and --json prints once: give one of them.")
    deployment = Deployment.connect()
    name = found(deployment, execution).name

    def look() -> progress.Progress:
        return progress.gather(deployment, find(deployment, name))

    if as_json:
        click.echo(json.dumps(look().as_json(), indent=2))
    elif watch:
        progress_view.watch(look, Console())
    else:
        Console().print(progress_view.view(look()))


@cli.command()
@EXECUTION
def approve(execution: str) -> None:
    """Let the cutover begin. Not for whoever started the migration."""
    deployment = Deployment.connect()
    click.echo(decisions.approve(deployment, find(deployment, execution)))


@cli.command()
@EXECUTION
@click.option("--reason", required=True, help="Why; the notification repeats it.")
def reject(execution: str, reason: str) -> None:
    """Refuse the cutover: the migration is rolled back."""
    deployment = Deployment.connect()
    click.echo(decisions.reject(deployment, find(deployment, execution), reason))


@cli.command()
@EXECUTION
def pause(execution: str) -> None:
    """Finish the step that runs, then hold. While writes are held nothing is paused."""
    deployment = Deployment.connect()
    click.echo(pauses.pause(deployment, find(deployment, execution)))


@cli.command()
@EXECUTION
def resume(execution: str) -> None:
    """Let a paused execution go on."""
    deployment = Deployment.connect()
    click.echo(pauses.resume(deployment, find(deployment, execution)))


@cli.command()
@WHICH
@click.option("--yes", is_flag=True, help="Do not ask.")
def rollback(execution: str | None, yes: bool) -> None:
    """Go back to the source; without a name, the migration that holds the lock, else the latest."""
    deployment = Deployment.connect()
    intent = going_back.intend(deployment, going_back.choose(deployment, execution))
    click.echo(intent.meaning)
    if not yes and not click.confirm("Go back to the source?"):
        raise OperatorError("Nothing was changed, because you did not confirm.")
    if intent.invoke:
        click.echo("The rollback handler is at work; it may take a quarter of an hour.")
    click.echo(going_back.carry_out(deployment, intent))


@cli.command()
@EXECUTION
def complete(execution: str) -> None:
    """Give up the way back and take replication down. This cannot be undone."""
    deployment = Deployment.connect()
    click.echo(decisions.complete(deployment, find(deployment, execution)))


@cli.command(name="plan")
@click.option("--stop-after", type=PHASE, help="Up to this phase instead of the last.")
def show_plan(stop_after: str | None) -> None:
    """Print every step and every call a migration would make. Calls nothing."""
    plan.show(load_settings(os.environ), stop_after, Console())


def main(arguments: Sequence[str]) -> None:
    """The command; exits with one sentence where it cannot be carried out."""
    run(lambda: _cli(arguments))


def _cli(arguments: Sequence[str]) -> None:
    try:
        cli(list(arguments), prog_name="pipenv run migration")
    except MigrationError as error:
        # What the workflow's own code says of the same mistakes.
        raise OperatorError(str(error)) from None
