"""What is measured: each section runs its contenders in turn and yields what each run took."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.validator import contenders
from benchmarks.validator.contenders import Contender
from benchmarks.validator.measure import Measured, measure
from benchmarks.validator.plant import TABLE, Planted, planted
from benchmarks.validator.servers import Servers

EQUAL = "equal"
PLANTED = 100
SPREAD = (1, 10, 100, 1000)
"""How many differences the section "segments" plants."""
SHARES = (0.1, 0.3, 1.0)
"""Of the rows, in the section "growth"."""
WIDTHS = {"narrow": 3.0, "wide": 0.02}
"""Table → its rows for each payment, so that both have about as many bytes as the payments."""


@dataclass(frozen=True)
class Scope:
    """``rows``: of the payments. ``rounds``: how often each contender runs. ``peers``: whether
    reladiff and data-diff run too."""

    rows: int = 10_000_000
    rounds: int = 3
    peers: bool = True

    @property
    def floors(self) -> list[Contender]:
        """What cannot be faster: reading everything out, and only counting."""
        return [contenders.copy_binary(), contenders.count()]

    def against(self, *peers: Contender) -> list[Contender]:
        """Ours first, then the peers, where they run."""
        return [contenders.ours(), *(peers if self.peers else ())]


Run = tuple[str, Measured]
"""A scenario's name and one run of it."""


def equal(servers: Servers, scope: Scope) -> Iterator[Run]:
    """Equal tables: everyone."""
    everyone = [
        *scope.against(contenders.reladiff(), contenders.data_diff()),
        *scope.floors,
    ]
    yield from _in_turn(EQUAL, everyone, servers, scope)


def differences(servers: Servers, scope: Scope) -> Iterator[Run]:
    """A hundred differences: everyone who looks for them."""
    factor = contenders.small_segments(scope.rows)
    everyone = scope.against(
        contenders.reladiff(factor=factor), contenders.data_diff(factor=factor)
    )
    with planted(servers, PLANTED, scope.rows) as there:
        yield from _in_turn(differing(PLANTED), everyone, servers, scope, there)


def segments(servers: Servers, scope: Scope) -> Iterator[Run]:
    """One to a thousand differences, each far from the next: ours."""
    for number in SPREAD:
        with planted(servers, number, scope.rows) as there:
            yield from _in_turn(spread(number), scope.against()[:1], servers, scope, there)


def growth(servers: Servers, scope: Scope) -> Iterator[Run]:
    """Tables of a tenth of the rows to all, and one without rows, which is what starting takes."""
    sizes = [0, *(int(scope.rows * share) for share in SHARES)]
    for size in sizes:
        servers.like(sized_table(size), TABLE, size)
    for size in sizes:
        yield from _in_turn(
            sized(size), scope.against()[:1], servers, scope, table=sized_table(size)
        )
    for size in sizes:
        servers.drop(sized_table(size))


def widths(servers: Servers, scope: Scope) -> Iterator[Run]:
    """A table of 3 narrow columns and one of 100 columns with 8 KB of jsonb."""
    for table, share in WIDTHS.items():
        servers.make(table, max(1, int(scope.rows * share)))
        everyone = [*scope.against(contenders.reladiff()), scope.floors[0]]
        yield from _in_turn(table, everyone, servers, scope, table=table)
        servers.drop(table)


SECTIONS = {
    "equal": equal,
    "differences": differences,
    "segments": segments,
    "growth": growth,
    "widths": widths,
}


def differing(number: int) -> str:
    """The scenario of ``number`` differences, with peers."""
    return f"{number:,} differences"


def spread(number: int) -> str:
    """The scenario of ``number`` differences, ours alone."""
    return f"{number:,} differing segments"


def sized(rows: int) -> str:
    """The scenario of a table of ``rows`` rows."""
    return f"{rows:,} rows"


def sized_table(rows: int) -> str:
    """The name of a copy of the first ``rows`` payments."""
    return f"{TABLE}_{rows}"


def _in_turn(
    scenario: str,
    everyone: Sequence[Contender],
    servers: Servers,
    scope: Scope,
    there: Collection[Planted] = (),
    table: str = TABLE,
) -> Iterator[Run]:
    """Everyone once a round, another one first each time: whatever else keeps the machine busy,
    and who left the caches how, is shared out."""
    measure(contenders.count(), servers, table)  # both caches warm
    for number in range(scope.rounds):
        first = number % len(everyone)
        for contender in (*everyone[first:], *everyone[:first]):
            yield scenario, measure(contender, servers, table, there)
