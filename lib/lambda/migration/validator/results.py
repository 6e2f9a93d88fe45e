"""What a validation finds: of one part of a table, of a table, and in all.

``match`` means that every row was read on both sides and was equal. A difference that stayed makes
it ``mismatch``. Anything that could not be read, or did not come to rest, makes it
``inconclusive``, unless there is a mismatch too. Nothing to compare is inconclusive (design,
invariant I6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """Of a part, a table, or a whole validation."""

    MATCH = "match"
    MISMATCH = "mismatch"
    INCONCLUSIVE = "inconclusive"


class Kind(StrEnum):
    """How a row differs."""

    MISSING = "missing on the target"
    EXTRA = "extra on the target"
    DIFFERENT = "different values"


@dataclass(frozen=True)
class Difference:
    """One row that differs and stayed so.

    ``key``: its key as text, empty in a table without one. ``columns``: those that differ, in the
    source's order; empty for a row on one side only. ``source`` and ``target``: the values of
    these columns (of all columns, for a row on one side only) as text, NULL as None, masked ones
    as ``***``; empty on the side that has no such row. ``copies``: how many equal rows there are
    on the source and the target, for a table without a key.
    """

    table: str
    kind: Kind
    key: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    source: Mapping[str, str | None] = field(default_factory=dict)
    target: Mapping[str, str | None] = field(default_factory=dict)
    copies: tuple[int, int] | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Difference:
        """The reverse of ``dataclasses.asdict`` through JSON."""
        copies = data["copies"]
        return cls(
            data["table"], Kind(data["kind"]), tuple(data["key"]), tuple(data["columns"]),
            data["source"], data["target"], (copies[0], copies[1]) if copies else None,
        )  # fmt: skip


@dataclass(frozen=True)
class PartResult:
    """What became of one part of the plan.

    ``reason``: why it is not covered, or not all of it. ``source_rows`` and ``target_rows``: as
    counted by the scan. ``rechecked``: keys that differed at first and were read again.
    ``missing``, ``extra`` and ``different`` are exact; ``differences`` lists the first of them.
    ``unsettled``: keys that kept changing. ``as_of``: the moment (ISO 8601) or the marker the
    verdict refers to. ``seconds``: how long it took.
    """

    part: int
    table: str
    reason: str = ""
    source_rows: int = 0
    target_rows: int = 0
    segments: int = 0
    segments_differing: int = 0
    rechecked: int = 0
    missing: int = 0
    extra: int = 0
    different: int = 0
    unsettled: int = 0
    differences: tuple[Difference, ...] = ()
    as_of: str = ""
    seconds: float = 0.0

    @property
    def mismatched(self) -> int:
        """Rows that differ and stayed so."""
        return self.missing + self.extra + self.different

    @property
    def verdict(self) -> Verdict:
        """See the module's docstring."""
        if self.mismatched:
            return Verdict.MISMATCH
        return Verdict.INCONCLUSIVE if self.reason or self.unsettled else Verdict.MATCH

    def to_json(self) -> dict[str, Any]:
        """As JSON data; :meth:`from_json` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PartResult:
        """Raises TypeError or KeyError for what no PartResult was written as."""
        listed = tuple(Difference.from_json(each) for each in data["differences"])
        return cls(**{**data, "differences": listed})


@dataclass(frozen=True)
class Finding:
    """A table that can be judged without reading it: it is on one side only, lacks a column
    (``mismatch``), or cannot be compared (``inconclusive``)."""

    table: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class TableResult:
    """A table's parts taken together, or its finding."""

    table: str
    verdict: Verdict
    reason: str = ""
    parts: tuple[PartResult, ...] = ()
    rows: int = 0
    target_rows: int = 0
    bytes: int = 0

    @property
    def mismatched(self) -> int:
        """Rows that differ and stayed so."""
        return sum(part.mismatched for part in self.parts)

    @property
    def seconds(self) -> float:
        """Time spent on it; parts read at the same time count each."""
        return sum(part.seconds for part in self.parts)


@dataclass(frozen=True)
class Validation:
    """The outcome. ``problems`` are what kept tables from even being listed."""

    results: tuple[TableResult, ...] = ()
    problems: tuple[str, ...] = ()
    method: str = ""

    @property
    def verdict(self) -> Verdict:
        """See the module's docstring."""
        found = {result.verdict for result in self.results}
        if Verdict.MISMATCH in found:
            return Verdict.MISMATCH
        if self.problems or found != {Verdict.MATCH}:
            return Verdict.INCONCLUSIVE
        return Verdict.MATCH

    def having(self, verdict: Verdict) -> list[TableResult]:
        """The tables with this verdict."""
        return [result for result in self.results if result.verdict is verdict]

    @property
    def parts(self) -> Iterable[PartResult]:
        """Every part that was read, table after table."""
        return (part for result in self.results for part in result.parts)
