"""Puts a table of the source beside its counterpart on the target."""

from __future__ import annotations

from migration.canonical import Incomparable
from migration.catalogue import Table
from migration.field import Field, check
from migration.validator.plan import Pairing
from migration.validator.results import Finding, Verdict
from migration.validator.rules import Rules


def pair(source: Table, target: Table, rules: Rules) -> Pairing | Finding:
    """What is compared of a table on both sides, or why it can be judged without reading it.

    A column on one side only is a mismatch, unless it is excluded. Columns without a common
    form make it inconclusive. Raises ValueError for a cast in ``rules`` that is no known type.
    """
    here, there = ({c.name: c for c in table.columns} for table in (source, target))
    excluded = tuple(name for name in here | there if rules.excludes(source, name))
    missing = [
        f"column {name} missing on the {side}"
        for side, extra in (("target", here.keys() - there), ("source", there.keys() - here))
        for name in sorted(extra.difference(excluded))
    ]
    if missing:
        return Finding(source.label, Verdict.MISMATCH, "; ".join(missing))
    fields = tuple(
        Field(
            name, here[name].type, there[name].type,
            required=here[name].required or there[name].required,
            masked=rules.masks(source, name),
            compared_as=rules.cast_of(source, name),
        )
        for name in here
        if name not in excluded
    )  # fmt: skip
    if not fields:
        return Finding(source.label, Verdict.INCONCLUSIVE, "no column is left to compare")
    try:
        check(fields)
    except Incomparable as problem:
        return Finding(source.label, Verdict.INCONCLUSIVE, str(problem))
    return Pairing(source, target, fields, _key(source, target, fields), excluded=excluded)


def _key(source: Table, target: Table, fields: tuple[Field, ...]) -> tuple[str, ...]:
    """The source's key, if both sides enforce it: one row a key is what it is used for.

    Rows are not named by values that must not be shown, or that are not compared.
    """
    shown = {field.name for field in fields if not field.masked}
    same = set(source.key) == set(target.key)
    return source.key if same and shown.issuperset(source.key) else ()
