"""The query that reads a table's digest, and how its method is agreed."""

import pytest

from migration import digest
from migration.canonical import Incomparable
from migration.catalogue import Column, Table, Type
from migration.digest import Digest, Method

INT, TEXT = Type("integer", "int4"), Type("text", "text")


def table(*columns: Column, key: tuple[str, ...] = (), partitioned: bool = False) -> Table:
    return Table("public", "t", columns, key, partitioned)


KEYED = table(Column("id", INT), Column("name", TEXT), key=("id",))


def test_the_key_seeds_the_hash_of_its_row() -> None:
    assert digest.statement(KEYED, KEYED, KEYED, Method.NATIVE) == (
        "select count(*), coalesce(sum(hash_record_extended("
        'row("id"::int4, textsend("name"::text)), coalesce("id"::int8, 0))), 0)::text'
        ' from only "public"."t" where true'
    )


@pytest.mark.parametrize("method", Method)
def test_a_condition_narrows_the_rows_that_are_read(method: Method) -> None:
    query = digest.statement(KEYED, KEYED, KEYED, method, '"id" in (1, 2)')
    assert query.count(' from only "public"."t" where "id" in (1, 2)') == 1
    assert "where true" not in query


def test_a_key_that_is_no_integer_is_hashed_into_the_seed() -> None:
    both = table(Column("id", INT), Column("name", TEXT), key=("name", "id"))
    assert 'hash_record_extended(row(textsend("name"::text), "id"::int4), 0)' in digest.statement(
        both, both, both, Method.NATIVE
    )


def test_without_a_key_the_whole_row_is_the_seed() -> None:
    plain = table(Column("id", INT))
    row = 'row("id"::int4)'
    assert f"hash_record_extended({row}, hash_record_extended({row}, 0))" in digest.statement(
        plain, plain, plain, Method.NATIVE
    )


def test_both_sides_are_read_in_the_sources_order_of_columns() -> None:
    turned = table(*reversed(KEYED.columns), key=("id",))
    assert digest.statement(KEYED, turned, turned, Method.NATIVE) == digest.statement(
        KEYED, turned, KEYED, Method.NATIVE
    )


def test_the_portable_method_keeps_all_128_bits_of_md5() -> None:
    query = digest.statement(KEYED, KEYED, KEYED, Method.PORTABLE)
    assert "md5(record_send(row(" in query
    assert "left(hash, 16)" in query
    assert "right(hash, 16)" in query


def test_a_partitioned_table_is_read_through_its_root() -> None:
    root = table(*KEYED.columns, partitioned=True)
    query = digest.statement(KEYED, root, root, Method.NATIVE)
    assert ' from "public"."t" where' in query
    assert ' from only "public"."t" where' in digest.statement(KEYED, root, KEYED, Method.NATIVE)


def test_names_are_quoted() -> None:
    odd = Table('s"x', "T b", (Column('a"b', INT),))
    query = digest.statement(odd, odd, odd, Method.NATIVE)
    assert ' from only "s""x"."T b" where' in query
    assert '"a""b"::int4' in query


def test_every_column_without_a_common_form_is_named() -> None:
    other = table(Column("id", TEXT), Column("name", INT))
    with pytest.raises(Incomparable) as refused:
        digest.statement(KEYED, other, other, Method.NATIVE)
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
    assert digest.choose(source, target) is method


@pytest.mark.parametrize(("version", "has"), [(130022, False), (140000, True), (180004, True)])
def test_the_native_hash_is_built_in_from_14(version: int, has: bool) -> None:
    assert digest.has_native_hash(version) is has


def test_a_row_becomes_a_digest() -> None:
    assert digest.parse([3, "-17"]) == Digest(3, "-17")
