"""The form each type is compared in, and what has no common form."""

import pytest

from migration.canonical import Incomparable, Kind, form
from migration.catalogue import Type


def scalar(base: str, scale: int | None = None) -> Type:
    return Type(base, base, scale=scale)


INTEGER, BIG, TEXT, BINARY = Kind.INTEGER, Kind.BIG, Kind.TEXT, Kind.BINARY


@pytest.mark.parametrize(
    ("source", "target", "kind", "sent"),
    [
        (scalar("int4"), scalar("int4"), INTEGER, '"c"::int4'),
        (scalar("int2"), scalar("int4"), INTEGER, '"c"::int4'),
        (scalar("int8"), scalar("int8"), BIG, 'int8send("c"::int8)'),
        (scalar("int4"), scalar("int8"), BIG, 'int8send("c"::int8)'),
        (scalar("bool"), scalar("bool"), Kind.BOOLEAN, '"c"::bool'),
        (scalar("uuid"), scalar("uuid"), Kind.UUID, '"c"::uuid'),
        (scalar("varchar"), scalar("text"), TEXT, 'textsend("c"::text)'),
        (scalar("bpchar"), scalar("bpchar"), Kind.PADDED, 'textsend("c"::bpchar::text)'),
        (scalar("timestamptz"), scalar("timestamptz"), BINARY, 'timestamptz_send("c")'),
        (scalar("date"), scalar("date"), BINARY, 'date_send("c")'),
        (scalar("numeric", 2), scalar("numeric", 2), BINARY, 'numeric_send("c"::numeric)'),
        (scalar("bit"), scalar("bit"), BINARY, 'bit_send("c")'),
        (scalar("float8"), scalar("float8"), TEXT, 'textsend("c"::text)'),
        (scalar("jsonb"), scalar("jsonb"), TEXT, 'textsend("c"::text)'),
        (Type("mood", "s.mood", "enum"), Type("mood", "s.mood", "enum"), TEXT,
         'textsend("c"::text)'),
        (Type("int4[]", "_int4", "array"), Type("int4[]", "_int4", "array"), TEXT,
         'textsend("c"::text)'),
    ],
)  # fmt: skip
def test_types_are_fed_in_a_form_that_loses_nothing(
    source: Type, target: Type, kind: Kind, sent: str
) -> None:
    found = form('"c"', source, target)
    assert (found.kind, found.sent) == (kind, sent)


@pytest.mark.parametrize("scales", [(None, None), (2, None), (None, 2), (2, 4)])
def test_numerics_without_one_declared_scale_lose_their_trailing_zeros(
    scales: tuple[int | None, int | None],
) -> None:
    found = form('"c"', scalar("numeric", scales[0]), scalar("numeric", scales[1]))
    assert found.kind is Kind.TEXT
    assert "rtrim(rtrim(" in found.sql


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (scalar("timestamp"), scalar("timestamptz")),
        (scalar("json"), scalar("jsonb")),
        (scalar("float4"), scalar("float8")),
        (scalar("bpchar"), scalar("text")),
        (scalar("int4"), scalar("numeric")),
        (Type("e", "a.e", "enum"), Type("e", "b.e", "enum")),
    ],
)
def test_types_without_a_common_form_are_refused_by_name(source: Type, target: Type) -> None:
    with pytest.raises(Incomparable) as refused:
        form('"c"', source, target)
    assert (
        str(refused.value)
        == f'column "c": {source.name} on the source, {target.name} on the target'
    )


@pytest.mark.parametrize("side", ["source", "target"])
def test_an_unknown_type_on_either_side_is_refused(side: str) -> None:
    known, odd = scalar("text"), Type("odd[]", "_odd", "array", unknown="public.odd")
    pair = (odd, known) if side == "source" else (known, odd)
    with pytest.raises(Incomparable, match=r"nothing is known of type public\.odd"):
        form('"c"', *pair)
