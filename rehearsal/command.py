"""The command: which rehearsals are asked for, and what they came to as an exit code."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol

import click
from rich.console import Console

from lib.settings import SettingsError
from rehearsal import evidence
from rehearsal.machine import MachineLacks
from rehearsal.options import Options
from rehearsal.progress import Planned, Progress
from rehearsal.record import Record
from rehearsal.tidy import Interrupted
from scripts.operator_error import OperatorError
from scripts.system_packages import PackageMissingError

HELD, BROKEN, WRONG_USAGE, COULD_NOT_RUN, INTERRUPTED = 0, 1, 2, 3, 130
USUAL = "happy-path"
"""What is rehearsed where nothing else is asked for."""
_NAME = "pipenv run rehearse"
_SETTINGS = {"help_option_names": ["-h", "--help"], "show_default": True}


class Director(Protocol):
    """What rehearses: ``perform.Director``, or a test's."""

    def scenarios(self) -> Mapping[str, Planned]:
        """Every scenario there is, by name; one of many in a file is called ``file/State``."""

    def drawn(self) -> Sequence[Planned]:
        """Random plans as scenarios, as many as were asked for."""

    def perform(self, chosen: Sequence[Any], progress: Progress) -> list[Record]:
        """Rehearses one after another, and writes the reports."""


def _director(options: Options) -> Director:
    # Imported here because it takes seconds: wrong usage is told at once.
    from rehearsal.perform import Director as Rehearsing

    return Rehearsing(options)


@click.group(invoke_without_command=True, context_settings=_SETTINGS)
@click.option(
    "--scenario",
    "names",
    multiple=True,
    metavar="NAME",
    help=f"Rehearse this; FILE alone stands for every FILE/State. [default: {USUAL}]",
)
@click.option("--all", "everything", is_flag=True, help="Rehearse every scenario.")
@click.option("--seed", type=click.IntRange(min=0), help="Repeat the random plan of this seed.")
@click.option("--faults", type=click.IntRange(min=1), help="Draw so many random plans.")
@click.option("--environment", default=Options.environment, help="The overlay in config/.")
@click.option("--rate", type=click.IntRange(min=1), help="Requests a second.")
@click.option(
    "--synthesized",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Rehearse this synthesis instead of a fresh one.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Options.output,
    help="Where the reports go.",
)
@click.option("--keep-going", is_flag=True, help="Go on with the rest after one has failed.")
@click.option("--list", "listing", is_flag=True, help="Name every scenario, and rehearse none.")
@click.pass_context
def cli(
    ctx: click.Context, names: Sequence[str], everything: bool, seed: int | None,
    faults: int | None, environment: str, rate: int | None, synthesized: Path | None, output: Path,
    keep_going: bool, listing: bool,
) -> int:  # fmt: skip
    """Run the whole migration on this machine, under live traffic, and prove that nothing is lost.

    Exits with 0 where every invariant held, 1 where one broke or a rehearsal ended otherwise than
    it should, 2 where it was asked for something that there is not, 3 where it could not run, and
    130 after Ctrl-C.
    """
    if ctx.invoked_subcommand:
        return HELD
    if everything and names:
        raise click.UsageError("--all and --scenario exclude each other: give one of them.")
    count = faults or (0 if seed is None else 1)
    options = Options(environment, seed, count, rate, synthesized, output, keep_going)
    director: Director = (ctx.obj or _director)(options)
    there = director.scenarios()
    if listing:
        for name, scenario in there.items():
            click.echo(f"{name}: {scenario.summary}")
        return HELD
    chosen = list(there.values()) if everything else _chosen(there, names, usual=not count)
    if count:
        chosen += director.drawn()
    with Progress(Console(), len(chosen)) as progress:
        records = director.perform(chosen, progress)
        progress.summary(records)
    return HELD if records and all(record.passed for record in records) else BROKEN


def _chosen(there: Mapping[str, Planned], names: Sequence[str], *, usual: bool) -> list[Planned]:
    """The scenarios of these names, each once; without a name the usual one, if so."""
    found: dict[str, Planned] = {}
    for name in names or ([USUAL] if usual else []):
        meant = {n: s for n, s in there.items() if n == name or n.startswith(f"{name}/")}
        if not meant:
            near = get_close_matches(name, {*there, *(n.partition("/")[0] for n in there)})
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise click.UsageError(f"There is no scenario {name}.{hint}")
        found |= meant
    return list(found.values())


@cli.command()
@click.argument("pack", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--head", help="The head that was printed; another pack is refused.")
def verify(pack: Path, head: str | None) -> int:
    """Check an evidence pack: its chain, every file, and the order of the journal."""
    if problems := evidence.verify(pack, head):
        click.echo(f"{pack} is wrong: {problems[0]}", err=True)
        for problem in problems[1:]:
            click.echo(f"also: {problem}", err=True)
        return BROKEN
    click.echo(f"{pack} holds: chain, files and journal are what they say.")
    return HELD


@cli.result_callback()
def _code(code: int, **given: object) -> int:
    return code


def main(arguments: Sequence[str], director: Callable[[Options], Director] | None = None) -> int:
    """Runs the command; its exit code."""
    try:
        return int(cli.main(list(arguments), _NAME, standalone_mode=False, obj=director))
    except click.UsageError as error:
        click.echo(f"{error.format_message()} See '{_NAME} --help'.", err=True)
        return WRONG_USAGE
    except (MachineLacks, PackageMissingError, OperatorError, SettingsError, OSError) as error:
        click.echo(str(error), err=True)
    except click.Abort as abort:
        # What click makes of a Ctrl-C.
        click.echo("Interrupted; nothing is left running.", err=True)
        cause = abort.__cause__
        return cause.exit_code if isinstance(cause, Interrupted) else INTERRUPTED
    except Exception as error:
        # Not 1, as Python has it: that says that an invariant broke.
        traceback.print_exception(error)
    return COULD_NOT_RUN
