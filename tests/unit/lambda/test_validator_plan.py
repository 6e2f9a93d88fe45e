"""A plan is written as JSON and read back the same."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from migration.catalogue import Column, Table, Type
from migration.row_hash import Method
from migration.validator.plan import Field, Pairing, Part, Plan
from migration.validator.results import Finding, Verdict

TEXTS = st.text(max_size=5)
NAMES = st.lists(TEXTS, max_size=3).map(tuple)
TYPES = st.builds(
    Type, name=TEXTS, base=TEXTS, kind=TEXTS, scale=st.none() | st.integers(0, 9),
    unknown=st.none() | TEXTS,
)  # fmt: skip
COLUMNS = st.builds(
    Column, name=TEXTS, type=TYPES, generated=st.booleans(), identity=TEXTS,
    filled=st.booleans(), required=st.booleans(),
)  # fmt: skip
TABLES = st.builds(
    Table, schema=TEXTS, name=TEXTS, columns=st.lists(COLUMNS, max_size=2).map(tuple), key=NAMES,
    partitioned=st.booleans(),
)  # fmt: skip
FIELDS = st.builds(
    Field, name=TEXTS, source=TYPES, target=TYPES, required=st.booleans(), masked=st.booleans(),
    compared_as=st.none() | TYPES,
)  # fmt: skip
PAIRINGS = st.builds(
    Pairing, source=TABLES, target=TABLES, fields=st.lists(FIELDS, max_size=2).map(tuple),
    key=NAMES, ordered=st.booleans(), rows=st.integers(0), bytes=st.integers(0), excluded=NAMES,
)  # fmt: skip
PARTS = st.builds(
    Part, number=st.integers(0), table=TEXTS, lower=st.none() | NAMES, upper=st.none() | NAMES,
    rows=st.integers(0),
)  # fmt: skip
FINDINGS = st.builds(Finding, table=TEXTS, verdict=st.sampled_from(Verdict), reason=TEXTS)
PLANS = st.builds(
    Plan, method=st.sampled_from(Method), same_encoding=st.booleans(),
    pairings=st.lists(PAIRINGS, max_size=2).map(tuple),
    parts=st.lists(PARTS, max_size=2).map(tuple),
    findings=st.lists(FINDINGS, max_size=2).map(tuple), problems=NAMES,
)  # fmt: skip


@given(PLANS)
def test_a_plan_is_read_back_from_its_json(plan: Plan) -> None:
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
