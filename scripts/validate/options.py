"""The options of the command, and the job that they make."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import click

from migration.validator.limits import Limits
from scripts.validate import patterns
from scripts.validate.job import Job
from scripts.validate.option_types import CAST, COLUMN, DSN, TABLE, NumberRange
from scripts.validate.settling import Replication

_AGAIN = "May be given again."
_DAY = 86_400

_OPTIONS = (
    click.option(
        "--source", type=DSN, required=True, metavar="DSN",
        help="postgresql://user@host:5432/database?sslmode=… or 'host=… port=… dbname=… user=…'. "
        "Leave the password to PGPASSWORD or ~/.pgpass: others can see a command line.",
    ),
    click.option(
        "--target", type=DSN, required=True, metavar="DSN", help="The database to compare it with."
    ),
    click.option(
        "--table", "tables", type=TABLE, multiple=True, metavar="PATTERN",
        help=f"Only these tables: name or schema.name, with * and ?. {_AGAIN}",
    ),
    click.option(
        "--schema", "schemas", multiple=True, metavar="NAME",
        help=f"A schema to compare; by default those that --table names, else public. {_AGAIN}",
    ),
    click.option(
        "--exclude", type=COLUMN, multiple=True, metavar="COLUMN",
        help="Columns to leave out: column, table.column or schema.table.column, with * and ?. "
        f"{_AGAIN}",
    ),
    click.option(
        "--mask", type=COLUMN, multiple=True, metavar="COLUMN",
        help="Columns whose values are compared but never shown, besides those that are named like "
        f"a card number. {_AGAIN}",
    ),
    click.option(
        "--as", "casts", type=CAST, multiple=True, metavar="COLUMN=TYPE",
        help=f"Compare a column as this type, such as amount=numeric(28,6). {_AGAIN}",
    ),
    click.option(
        "--workers", type=click.IntRange(1, 64), default=2,
        help="Processes of each database that read one table.",
    ),
    click.option(
        "--pace", type=NumberRange(0, 1, min_open=True), default=1.0,
        help="Share of the time that is spent reading: at 0.5 the databases rest half of it.",
    ),
    click.option(
        "--max-lag", type=NumberRange(0, _DAY), default=10.0, metavar="SECONDS",
        help="The longest replication lag to be reckoned with: a difference counts only if it has "
        "outlasted it.",
    ),
    click.option(
        "--watermark", is_flag=True,
        help="Instead of waiting for --max-lag, write rows into migration_control.marker of the "
        "source and wait until they arrive on the target.",
    ),
    click.option(
        "--quiesced", is_flag=True,
        help="Nothing is being replicated: one pass, and every difference counts at once.",
    ),
    click.option(
        "--limit", type=click.IntRange(0), default=1000,
        help="Differences listed of each table; the totals are exact all the same.",
    ),
    click.option(
        "--timeout", type=NumberRange(1, 7 * _DAY), default=6 * 3600.0, metavar="SECONDS",
        help="The longest that one statement, such as the scan of a table, may take.",
    ),
    click.option(
        "--json", "report", is_flag=False, flag_value="-", metavar="[FILE]",
        help="Write the full report as JSON, to standard output unless a file is named.",
    ),
    click.option("--quiet", is_flag=True, help="Show no progress bar."),
)  # fmt: skip


def options(command: Callable[..., int]) -> Callable[..., int]:
    """Gives ``command`` the options, in this order."""
    return reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), command)


def job(given: dict[str, Any]) -> Job:
    """What the options ask for. Raises click.UsageError where they contradict one another."""
    if given["quiesced"] and given["watermark"]:
        raise click.UsageError(
            "--watermark is for while something is replicated and --quiesced for when nothing is: "
            "give one of them."
        )
    tables = given["tables"]
    try:
        compared = patterns.schemas(given["schemas"], tables)
    except patterns.InvalidPattern as error:
        raise click.UsageError(f"--table {error}.") from None
    return Job(
        source=given["source"],
        target=given["target"],
        schemas=compared,
        rules=patterns.rules(
            compared, tables, given["exclude"], given["mask"], dict(given["casts"])
        ),
        limits=Limits(given["workers"], given["pace"], listed=given["limit"]),
        replication=Replication(given["max_lag"], given["watermark"], given["quiesced"]),
        timeout=given["timeout"],
    )
