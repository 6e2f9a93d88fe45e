"""The query that reads a table's digest, and how its method is agreed."""

import pytest

from migration import digest, row_hash
from migration.canonical import Incomparable
from migration.catalogue import Column, Table, Type
from migration.digest import HASH, NOTHING, Digest
from migration.field import fields_of
from migration.row_hash import Method
from tests.support.digests import statement

INT, TEXT = Type("integer", "int4"), Type("text", "text")


def table(*columns: Column, key: tuple[str, ...] = (), partitioned: bool = False) -> Table:
    return Table("public", "t", columns, key, partitioned)


KEYED = table(Column("id", INT), Column("name", TEXT), key=("id",))


def native(read: Table, same_encoding: bool = False) -> str:
    return row_hash.native(fields_of(read, read), read.key, same_encoding)


def test_a_single_integer_key_seeds_the_hash_of_its_row() -> None:
    assert native(KEYED, True) == (
        'hashtextextended(coalesce("name"::text, \'\') collate "C", (("id"::int4)::int8 # '
        '(case when "name"::text is null then 3622009729038561421 else 0 end)::int8))'
    )


def test_text_is_recoded_where_encodings_differ() -> None:
    assert (
        native(KEYED)
        == 'hash_array_extended(array[textsend("name"::text)]::bytea[], ("id"::int4)::int8)'
    )


def test_a_required_column_needs_no_stand_in_for_null() -> None:
    columns = Column("d", Type("date", "date")), Column("n", INT, required=True)
    seed = 'hash_array_extended(array[date_send("d")]::bytea[], 0)'
    assert native(table(*columns, key=("d",))) == f'hashint4extended("n"::int4, {seed})'


def test_in_a_table_without_key_no_hash_is_ever_null() -> None:
    assert "coalesce(" in native(table(Column("n", INT, required=True)))


def test_both_halves_of_a_bigint_are_hashed() -> None:
    big = table(Column("n", Type("bigint", "int8"), required=True), key=("n",))
    assert native(big) == (
        'hashint8extended("n"::int8, hashint4extended(("n"::int8 >> 32)::int4, 0))'
    )


def test_columns_that_were_only_added_up_are_hashed_once_more() -> None:
    """Or values of one column, swapped between two rows, would leave the total as it was."""
    dates = table(Column("a", Type("date", "date")), Column("b", Type("date", "date")))
    assert native(dates) == (
        'hashtextextended((hash_array_extended(array[date_send("a"), date_send("b")]::bytea[], 0))'
        "::text, 0)"
    )


def test_a_table_of_nothing_but_its_key_is_hashed() -> None:
    alone = table(Column("id", INT, required=True), key=("id",))
    assert native(alone) == 'hashint4extended("id"::int4, 0)'


def test_rows_without_columns_are_counted() -> None:
    assert (
        native(table()) == "hashtextextended((hash_array_extended(array[]::bytea[], 0))::text, 0)"
    )


def test_both_sides_are_read_in_the_sources_order_of_columns() -> None:
    turned = table(*reversed(KEYED.columns), key=("id",))
    assert statement(KEYED, turned, turned, Method.NATIVE) == statement(
        KEYED, turned, KEYED, Method.NATIVE
    )


def test_the_portable_method_keeps_all_128_bits_of_md5() -> None:
    query = statement(KEYED, KEYED, KEYED, Method.PORTABLE)
    assert "md5(record_send(row(" in query
    assert "left(hash, 16)" in query
    assert "right(hash, 16)" in query


def test_a_partitioned_table_is_read_through_its_root() -> None:
    root = table(*KEYED.columns, partitioned=True)
    query = statement(KEYED, root, root, Method.NATIVE)
    assert ' from "public"."t" group' in query
    assert ' from only "public"."t" group' in statement(KEYED, root, KEYED, Method.NATIVE)


def test_names_are_quoted() -> None:
    odd = Table('s"x', "T b", (Column('a"b', INT),))
    query = statement(odd, odd, odd, Method.NATIVE)
    assert ' from only "s""x"."T b" group' in query
    assert '"a""b"::int4' in query


def test_every_column_without_a_common_form_is_named() -> None:
    other = table(Column("id", TEXT), Column("name", INT))
    with pytest.raises(Incomparable) as refused:
        statement(KEYED, other, other, Method.NATIVE)
    assert '"id"' in str(refused.value)
    assert '"name"' in str(refused.value)


@pytest.mark.parametrize(
    ("source", "target", "method"),
    [
        ("{1,2}", "{1,2}", Method.NATIVE),
        ("{1,2}", "{1,3}", Method.PORTABLE),
        (None, "{1,2}", Method.PORTABLE),
        (None, None, Method.PORTABLE),
    ],
)
def test_the_native_hash_is_used_where_both_servers_compute_the_same(
    source: str | None, target: str | None, method: Method
) -> None:
    assert row_hash.choose(source, target) is method


@pytest.mark.parametrize(("version", "has"), [(130022, False), (140000, True), (180004, True)])
def test_the_native_hash_is_built_in_from_14(version: int, has: bool) -> None:
    assert row_hash.has_native_hash(version) is has


def test_rows_become_digests() -> None:
    assert digest.parse([[0, 3, "-17"]]) == Digest(3, "-17")
    assert digest.parse([]) == NOTHING
    assert digest.by_group([[4, 3, "-17"], [7, 1, "5"]]) == {4: Digest(3, "-17"), 7: Digest(1, "5")}


@pytest.mark.parametrize("method", Method)
def test_rows_can_be_grouped_by_their_own_hash(method: Method) -> None:
    fields = fields_of(KEYED, KEYED)
    query = digest.grouped("from t", fields, (), method, by=f"{HASH} & 7")
    assert query.startswith("select hash & 7, count(*)")
    assert query.count("from t ") == 1
