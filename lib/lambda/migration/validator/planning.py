"""Makes the plan of a validation from both catalogues, before any row is compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from migration import row_hash
from migration.catalogue import Table
from migration.reader import Reader, Unreadable
from migration.row_hash import Method
from migration.validator import bounds
from migration.validator.bounds import Cut
from migration.validator.limits import Limits
from migration.validator.pairing import pair
from migration.validator.plan import Pairing, Part, Plan
from migration.validator.results import Finding, Verdict
from migration.validator.rules import Rules
from migration.validator.sizes import Size, TableName, correlated, sizes

# Below this many rows the order in which they lie makes no difference worth a thought.
_SMALL = 20_000

_ENCODING = "select current_setting('server_encoding')"


def make(
    source: Reader, target: Reader, schemas: Sequence[str], rules: Rules, limits: Limits
) -> Plan:
    """Plans the comparison of every table of ``schemas`` that ``rules`` cover.

    What cannot be read is a problem of the plan: it never raises for what a database does.
    Raises ValueError for a cast in ``rules`` that is no known type.
    """
    if not schemas:
        return _nothing("no schema was named: nothing was compared")
    try:
        return _make(source, target, schemas, rules, limits)
    except Unreadable as problem:
        return _nothing(str(problem))


def _nothing(problem: str) -> Plan:
    return Plan(Method.PORTABLE, problems=(problem,))


def _make(
    source: Reader, target: Reader, schemas: Sequence[str], rules: Rules, limits: Limits
) -> Plan:
    here, source_schemas = source.tables(schemas)
    there, target_schemas = target.tables(schemas)
    pairings, findings = _survey(here, there, rules)
    problems = [
        f"schema {schema} does not exist on the {side}"
        for schema in schemas
        for side, names in (("source", source_schemas), ("target", target_schemas))
        if schema not in names
    ]
    everything = {**there, **here}
    if everything:
        unmatched = rules.unmatched(everything.values())
        problems += [f"no table matches {pattern}" for pattern in unmatched]
    if not pairings and not findings and not problems:
        problems = [f"no table in {', '.join(schemas)}: nothing was compared"]
    measured = sizes(source, schemas)
    pairings = _measured(source, target, pairings, measured)
    cuts, uncut = _cut(source, target, pairings, measured, limits)
    return Plan(
        row_hash.choose(source.probe(), target.probe()),
        source.read(_ENCODING) == target.read(_ENCODING),
        tuple(pairing for pairing in pairings if pairing.label in cuts),
        tuple(_parts(cuts)),
        tuple(sorted([*findings, *uncut], key=lambda finding: finding.table)),
        tuple(problems),
    )


def _survey(
    here: Mapping[str, Table], there: Mapping[str, Table], rules: Rules
) -> tuple[list[Pairing], list[Finding]]:
    """What can be compared, and what is known of the other tables."""
    pairings, findings = [], []
    for label, table in sorted({**there, **here}.items()):
        if not rules.covers(table):
            continue
        if label not in here or label not in there:
            side = "target" if label in here else "source"
            findings.append(Finding(label, Verdict.MISMATCH, f"missing on the {side}"))
            continue
        paired = pair(here[label], there[label], rules)
        if isinstance(paired, Finding):
            findings.append(paired)
        else:
            pairings.append(paired)
    return pairings, findings


def _measured(
    source: Reader,
    target: Reader,
    pairings: Sequence[Pairing],
    measured: Mapping[TableName, Size],
) -> list[Pairing]:
    """The pairings with their sizes, and whether their rows lie in the order of the key.

    For that both sides must have the same key, in the same order of columns, all of which can
    be put into ranges: else one of them has no index to read a range by. That the sides may
    order its values differently does no harm (see ``bounds``).
    """
    keyed = [
        each
        for each in pairings
        if each.key and each.target.key == each.key and bounds.ranged(each) == each.key
    ]
    in_order = correlated(source, [each.source for each in keyed])
    in_order &= correlated(target, [each.target for each in keyed])
    rangeable = {each.label for each in keyed}
    found = []
    for each in pairings:
        size = measured.get(_name(each), Size())
        lies_so = _name(each) in in_order or size.rows < _SMALL
        ordered = each.label in rangeable and lies_so
        found.append(replace(each, ordered=ordered, rows=size.rows, bytes=size.bytes))
    return found


def _cut(
    source: Reader,
    target: Reader,
    pairings: Sequence[Pairing],
    measured: Mapping[TableName, Size],
    limits: Limits,
) -> tuple[dict[str, Cut], list[Finding]]:
    """Where each table is cut, by label. One that could not be sampled is too large to be read
    as a whole: it is not covered."""
    cuts, findings = {}, []
    for each in pairings:
        size = measured.get(_name(each), Size())
        if limits.part_rows is None:
            cuts[each.label] = Cut((), size.rows)
            continue
        try:
            cuts[each.label] = bounds.cut(source, target, each, size, limits.part_rows)
        except Unreadable as problem:
            findings.append(Finding(each.label, Verdict.INCONCLUSIVE, str(problem)))
    return cuts, findings


def _parts(cuts: Mapping[str, Cut]) -> Iterator[Part]:
    number = 0
    for label, cut in cuts.items():
        edges = (None, *cut.bounds, None)
        for lower, upper in pairwise(edges):
            yield Part(number, label, lower, upper, cut.rows // (len(edges) - 1))
            number += 1


def _name(pairing: Pairing) -> TableName:
    return pairing.source.schema, pairing.source.name
