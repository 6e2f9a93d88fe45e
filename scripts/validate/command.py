"""The command: options in, report and exit code out."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.console import Console

from migration.validator.results import Verdict
from scripts.validate import report_file, view
from scripts.validate.document import document
from scripts.validate.errors import CouldNotRun
from scripts.validate.job import carry_out
from scripts.validate.options import job, options
from scripts.validate.progress import Bar

CODES: Mapping[Verdict, int] = {
    Verdict.MATCH: 0,
    Verdict.MISMATCH: 1,
    Verdict.INCONCLUSIVE: 2,
}
COULD_NOT_RUN = 3
INTERRUPTED = 130

_NAME = "pipenv run validate"
# A URL, or a keyword of libpq's.
_SECRET = re.compile(r"://|password\s*=")
_SETTINGS = {
    "help_option_names": ["-h", "--help"],
    "show_default": True,
    # They are refused here, without being repeated.
    "allow_extra_args": True,
}


@click.command(context_settings=_SETTINGS)
@options
@click.pass_context
def cli(ctx: click.Context, /, **given: Any) -> int:
    """Compare every row of two PostgreSQL databases; one may be replicated to the other meanwhile.

    Exits with 0 where they match, 1 where they differ, 2 where that cannot be said of every table,
    and 3 where it could not run.
    """
    if ctx.args:
        raise click.UsageError(f"{len(ctx.args)} more words are given than the options take.")
    asked = job(given)
    where = given["report"]
    report_file.check(where)
    # What is for people is kept apart from what is for programs.
    console = Console(stderr=where == report_file.STANDARD_OUTPUT)
    outcome = carry_out(asked, Bar(console, given["quiet"]))
    report_file.write(where, document(outcome, asked))
    view.show(outcome, console)
    return INTERRUPTED if outcome.interrupted else CODES[outcome.validation.verdict]


def main(arguments: Sequence[str]) -> int:
    """Runs the command; its exit code. An error is one sentence on standard error, and no error
    holds a password."""
    try:
        return int(cli.main(list(arguments), _NAME, standalone_mode=False))
    except click.UsageError as error:
        click.echo(f"{_without_secrets(error, arguments)} See '{_NAME} --help'.", err=True)
    except CouldNotRun as error:
        click.echo(str(error), err=True)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted before anything was compared.", err=True)
        return INTERRUPTED
    except Exception as error:
        # Not 1, as Python has it: that says mismatch. Where it happened, but not the message,
        # which may hold anything.
        traceback.print_tb(error.__traceback__)
        click.echo(f"The command itself failed ({type(error).__name__}).", err=True)
    return COULD_NOT_RUN


def _without_secrets(error: click.UsageError, arguments: Sequence[str]) -> str:
    """What click says, unless it repeats what may be a connection string gone astray."""
    message = error.format_message()
    for argument in arguments:
        given = {argument, argument.partition("=")[2]} - {""}
        if _SECRET.search(argument) and any(repr(each)[1:-1] in message for each in given):
            param = error.param if isinstance(error, click.BadParameter) else None
            where = param.opts[0] if param else "an option"
            return f"The value of {where} is wrong. It may hold a password and is not repeated."
    return message
