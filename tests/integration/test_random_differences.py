"""For random schemas, rows and edits, the differences reported are those that were made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pg8000.native import Connection

from migration.postgres import identifier
from migration.validator import access, divide
from migration.validator.results import Difference, Kind, Verdict
from tests.support.pair import Pair, differences, only
from tests.support.random_tables import Case, Edits, Row, cases, edits, identity

pytest_plugins = ("tests.support.postgres", "tests.support.pair")
pytestmark = pytest.mark.integration

EXAMPLES = 100

Texts = Mapping[tuple[str | None, ...], Row]


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
@given(case=cases(), divided=st.booleans())
def test_the_differences_reported_are_those_made(shop: Pair, case: Case, divided: bool) -> None:
    shop.both(f"drop schema public cascade; create schema public; {case.create}")
    case.fill(shop.source, case.source)
    case.fill(shop.target, case.target)
    with pytest.MonkeyPatch.context() as patch:
        if divided:
            divide_into_little(patch)
        validation = shop.validate()
    wanted = edits(case)
    texts = printed(case, shop)
    found: Edits = Counter()
    for each in differences(validation):
        found[reported(case, each, texts)] += missing_or_extra(each)
    assert found == wanted, validation
    assert only(validation).verdict is (Verdict.MISMATCH if wanted else Verdict.MATCH), validation


def divide_into_little(patch: pytest.MonkeyPatch) -> None:
    """Has a table of a dozen rows several segments, which are divided further."""
    patch.setattr(divide, "ROWS", 3)
    patch.setattr(divide, "power_of_two", lambda rows: 8)
    for kind in (access.Keyed, access.Multiset):
        patch.setattr(kind, "at_once", 2)


def printed(case: Case, pair: Pair) -> Texts:
    """The rows of both sides by how they are printed."""
    found: dict[tuple[str | None, ...], Row] = {}
    columns = ", ".join(f"{identifier(name)}::text" for name in case.types)
    for database, rows in zip(pair.databases(), (case.source, case.target), strict=True):
        session: Connection = database.connect()
        # A new table's rows lie in the order in which they came.
        answer = session.run(f"select {columns} from public.t order by ctid")  # noqa: S608 - quoted.
        found |= {tuple(texts): row for texts, row in zip(answer, rows, strict=True)}
        session.close()
    return found


def reported(
    case: Case, difference: Difference, texts: Texts
) -> tuple[str, tuple[Hashable, ...], tuple[str, ...]]:
    """``difference`` as ``edits`` has it."""
    if case.key:
        rows = {tuple(text[place] for place in case.places): row for text, row in texts.items()}
        row = rows[difference.key]
    else:
        row = texts[tuple((difference.source or difference.target).values())]
    return difference.kind.name.lower(), identity(case, row), difference.columns


def missing_or_extra(difference: Difference) -> int:
    """How many rows it is about."""
    if difference.copies is None:
        return 1
    here, there = difference.copies
    assert (here > there) == (difference.kind is Kind.MISSING)
    return abs(here - there)
