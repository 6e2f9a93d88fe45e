"""A task between two real servers: what it carries, in which order, and in which form."""

from __future__ import annotations

import psycopg2
import pytest

from rehearsal.dms.job import Endpoint
from rehearsal.waiting import until
from tests.integration.rehearsal.dms.conftest import CAPTURE, Stage, mappings, settings

pytestmark = pytest.mark.integration

PAID = "create table public.paid (id int primary key, what text)"
VALUES = """
create type public.mood as enum ('good', 'it''s bad');
create table public."Odd ""name"" [1]: INSERT: " (
  "Key [1]" int, "select" text, "old-key: " text, primary key ("Key [1]", "select"));
create table public.everything (
  id int8 primary key, flag bool, small int2, money numeric(20, 4), free numeric, f4 float4,
  f8 float8, words text, short varchar(80), fixed char(5), bytes bytea, j json, jb jsonb,
  at timestamptz, local timestamp(3), day date, clock time, span interval, u uuid, net inet,
  bits bit varying(8), feeling public.mood, list text[], numbers int[], r int4range);
"""
ROW = r"""
insert into public.everything values ({key}, true, -1, 1.2300, 1.50, 1.1, 'NaN',
  E'a''b\\c\nd\t%s é "q"',
  'new-tuple: x[text]:''1''', 'ab', '\x00ff27', '{{"a":  1}}', '{{"b": [1, null]}}',
  '2026-03-29 01:59:59.123456+02', '2026-01-01 00:00:00.123', '0044-03-15 BC', '23:59:59.999999',
  '-1 mon 3 days 04:05:06.7', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '10.0.0.1/8', B'0101',
  'it''s bad', array['a', null, 'b"c', '{{}}', ''], array[[1, 2], [3, 4]], '[1,5)');
insert into public.everything (id, f4, f8, free) values ({key} + 1, '-Infinity', 1e-300, 'NaN');
insert into public.everything (id, words, bytes)
  values ({key} + 2, repeat('long ''text'' \ é', 20000), decode(repeat('00ff', 50000), 'hex'));
insert into public."Odd ""name"" [1]: INSERT: " values ({key}, 'a b', 'new-tuple: ');
"""


def same(replicated: Stage, table: str, order: str = "1") -> int:
    """Both sides have the same rows, as PostgreSQL prints them; how many."""
    sql = f"select t::text from {table} t order by {order}"  # noqa: S608 - tests' own
    there = replicated.run(replicated.target, sql)
    assert there == replicated.run(replicated.source, sql)
    return len(there)


def test_what_was_there_and_what_is_written_afterwards_arrives(replicated: Stage) -> None:
    replicated.both(PAID)
    before = "insert into paid select n, 'before' from generate_series(1, 100) n"
    replicated.run(replicated.source, before)
    arn = replicated.started(replicated.declare())
    assert replicated.describe(arn)["ReplicationTaskStats"]["FullLoadProgressPercent"] == 100
    replicated.run(replicated.source, "insert into paid values (101, 'it''s')")
    replicated.run(replicated.source, "update paid set what = 'changed' where id = 1")
    replicated.run(replicated.source, "update paid set id = 1000 where id = 3")
    replicated.run(replicated.source, "delete from paid where id = 2")
    replicated.dms.settle(0)
    assert same(replicated, "paid") == 100
    table = replicated.tables(arn)["paid"]
    assert table["TableState"] == "Table completed"
    counts = ("FullLoadRows", "Inserts", "Updates", "Deletes")
    assert [table[count] for count in counts] == [100, 1, 2, 1]


def test_every_type_and_name_arrives_as_it_was_loaded_and_streamed(replicated: Stage) -> None:
    replicated.both(VALUES)
    for name, value in {
        "timezone": "Asia/Kolkata",
        "datestyle": "German",
        "bytea_output": "escape",
        "intervalstyle": "sql_standard",
        "extra_float_digits": "0",
    }.items():
        replicated.run(replicated.source, f"alter database payments set {name} = '{value}'")
    replicated.run(replicated.source, ROW.format(key=1))
    replicated.started(replicated.declare())
    replicated.run(replicated.source, ROW.format(key=11))
    replicated.run(replicated.source, "update everything set flag = false where id in (3, 13)")
    replicated.dms.settle(0)
    assert same(replicated, "public.everything", "id") == 6
    assert same(replicated, '''public."Odd ""name"" [1]: INSERT: "''') == 2


def test_a_transaction_arrives_whole_after_its_commit_and_in_the_order_of_commits(
    replicated: Stage,
) -> None:
    replicated.both(PAID)
    replicated.both("create table seen (at serial primary key, id int)")
    replicated.run(
        replicated.target,
        """create function note() returns trigger language plpgsql as
           $$ begin insert into seen (id) values (new.id); return null; end $$;
           create trigger noted after insert on paid for each row execute function note();
           alter table paid enable always trigger noted""",
    )
    replicated.started(replicated.declare(mappings=_only("paid")))
    with psycopg2.connect(replicated.dsn("source")) as early, early.cursor() as cursor:
        cursor.execute("insert into paid values (1, 'began first')")
        replicated.run(replicated.source, "insert into paid values (2, 'committed first')")
        replicated.dms.settle(0)
        assert replicated.run(replicated.target, "select id from paid") == [(2,)]
        cursor.execute("insert into paid values (3, 'with the first')")
    early.close()
    replicated.dms.settle(0)
    assert replicated.run(replicated.target, "select id from seen order by at") == [
        (2,),
        (1,),
        (3,),
    ]


def test_nothing_but_rows_is_carried(replicated: Stage) -> None:
    replicated.both("create table made (id serial primary key, at timestamptz default now())")
    replicated.started(replicated.declare())
    replicated.run(replicated.source, "insert into made default values")
    replicated.run(replicated.source, "alter table made add column more int")
    replicated.run(replicated.source, "create table later (id int primary key)")
    replicated.run(replicated.source, "insert into later values (1)")
    replicated.run(replicated.source, "create index on made (at)")
    replicated.dms.settle(0)
    assert replicated.run(replicated.target, "select count(*) from made") == [(1,)]
    assert replicated.run(replicated.target, "select last_value, is_called from made_id_seq") == [
        (1, False)
    ]
    assert replicated.run(replicated.target, "select to_regclass('later')") == [(None,)]
    columns = "select count(*) from pg_attribute where attrelid = 'made'::regclass and attnum > 0"
    assert replicated.run(replicated.target, columns) == [(2,)]
    assert replicated.status(replicated.account.forward_task) == "running"


def test_a_truncate_is_carried_as_the_settings_say(replicated: Stage) -> None:
    replicated.both(PAID)
    replicated.run(replicated.source, "insert into paid values (1, 'x')")
    arn = replicated.started(replicated.declare())
    replicated.run(replicated.source, "truncate paid")
    replicated.dms.settle(0)
    assert replicated.run(replicated.target, "select id from paid") == [(1,)]
    replicated.stopped(arn)
    carried = settings()
    carried["ChangeProcessingDdlHandlingPolicy"]["HandleSourceTableTruncated"] = True
    replicated.started(replicated.declare(settings=carried))
    replicated.run(replicated.source, "insert into paid values (2, 'x')")
    replicated.run(replicated.source, "truncate paid")
    replicated.dms.settle(0)
    assert replicated.run(replicated.target, "select id from paid") == []


def test_tables_outside_the_mapping_stay_where_they_are(replicated: Stage) -> None:
    replicated.both(PAID)
    replicated.both("create schema other; create table other.paid (id int primary key)")
    replicated.run(replicated.source, "insert into other.paid values (1)")
    replicated.started(replicated.declare())
    replicated.run(replicated.source, "insert into other.paid values (2)")
    replicated.run(replicated.source, "insert into paid values (1)")
    replicated.dms.settle(0)
    assert replicated.run(replicated.target, "select * from other.paid") == []
    assert same(replicated, "paid") == 1


def test_without_a_table_to_carry_the_task_fails(replicated: Stage) -> None:
    replicated.both(PAID)
    arn = replicated.declare(mappings=mappings(schema="other"))
    replicated.start(arn)
    replicated.until_status(arn, "failed")
    assert "No tables were found" in replicated.describe(arn)["LastFailureMessage"]


def test_updates_and_deletes_of_a_table_without_a_key_are_lost(replicated: Stage) -> None:
    replicated.both("create table keyless (id int, what text)")
    replicated.run(replicated.source, "insert into keyless values (1, 'a'), (2, 'b')")
    arn = replicated.started(replicated.declare())
    replicated.run(replicated.source, "insert into keyless values (3, 'c')")
    replicated.run(replicated.source, "update keyless set what = 'changed' where id = 1")
    replicated.run(replicated.source, "delete from keyless where id = 2")
    replicated.dms.settle(0)
    rows = replicated.run(replicated.target, "select * from keyless order by id")
    assert rows == [(1, "a"), (2, "b"), (3, "c")]
    assert replicated.status(arn) == "running"


def test_with_replica_identity_full_they_are_not_and_equal_rows_stay_apart(
    replicated: Stage,
) -> None:
    replicated.both("create table keyless (id int, ratio float4, j json)")
    replicated.run(replicated.source, "alter table keyless replica identity full")
    replicated.run(
        replicated.source,
        """insert into keyless select 1, 1.1, '{"a": 1}' from generate_series(1, 2);
           insert into keyless values (2, null, null)""",
    )
    replicated.started(replicated.declare())
    replicated.run(replicated.source, "update keyless set ratio = 2.2 where id = 2")
    one = "ctid = (select min(ctid) from keyless where id = 1)"
    replicated.run(replicated.source, f"delete from keyless where {one}")  # noqa: S608
    replicated.dms.settle(0)
    assert same(replicated, "keyless") == 2


def test_triggers_and_foreign_keys_act_only_without_the_endpoints_script(
    replicated: Stage,
) -> None:
    replicated.both(PAID)
    replicated.run(replicated.source, "insert into paid values (1, 'no account')")
    replicated.run(
        replicated.target,
        """create table account (id int primary key);
           alter table paid add foreign key (id) references account""",
    )
    bare = Endpoint(replicated.dsn("target"))
    arn = replicated.declare(mappings=_only("paid"), target=bare)
    replicated.start(arn)
    replicated.until_status(arn, "failed")
    assert "foreign key" in replicated.describe(arn)["LastFailureMessage"]
    replicated.started(replicated.declare(mappings=_only("paid")))
    assert same(replicated, "paid") == 1


def test_a_table_that_a_foreign_key_refers_to_cannot_be_truncated_before_the_load(
    replicated: Stage,
) -> None:
    replicated.both(PAID)
    replicated.run(replicated.target, "create table item (id int references paid)")
    emptied = settings()
    emptied["FullLoadSettings"]["TargetTablePrepMode"] = "TRUNCATE_BEFORE_LOAD"
    arn = replicated.declare(settings=emptied, mappings=_only("paid"))
    replicated.start(arn)
    replicated.until_status(arn, "failed")
    assert "foreign key" in replicated.describe(arn)["LastFailureMessage"]


def test_an_identity_that_is_always_generated_takes_loaded_rows_and_no_others(
    replicated: Stage,
) -> None:
    replicated.both("create table made (id int generated always as identity primary key)")
    replicated.run(replicated.source, "insert into made default values")
    arn = replicated.started(replicated.declare())
    assert same(replicated, "made") == 1
    replicated.run(replicated.source, "insert into made default values")
    replicated.until_status(arn, "failed")
    assert "cannot insert" in replicated.describe(arn)["LastFailureMessage"]


def test_generated_columns_are_left_to_the_target(replicated: Stage) -> None:
    replicated.both(
        "create table made (id int primary key, twice int generated always as (2 * id) stored)"
    )
    replicated.run(replicated.source, "insert into made values (1)")
    replicated.started(replicated.declare())
    replicated.run(replicated.source, "insert into made values (2)")
    replicated.dms.settle(0)
    assert same(replicated, "made") == 2


@pytest.mark.parametrize("when", ["loaded", "streamed"])
def test_a_numeric_without_scale_keeps_six_decimals(replicated: Stage, when: str) -> None:
    replicated.both("create table rates (id int primary key, rate numeric, exact numeric(12, 8))")
    row = "insert into rates values (1, 1.23456789, 1.23456789), (2, 1.50, 0)"
    if when == "loaded":
        replicated.run(replicated.source, row)
    replicated.started(replicated.declare())
    if when == "streamed":
        replicated.run(replicated.source, row)
        replicated.dms.settle(0)
    rows = replicated.run(
        replicated.target, "select rate::text, exact::text from rates order by id"
    )
    assert rows == [("1.234568", "1.23456789"), ("1.50", "0.00000000")]


@pytest.mark.parametrize("when", ["loaded", "streamed"])
def test_one_too_great_for_28_digits_stops_the_task(replicated: Stage, when: str) -> None:
    replicated.both("create table rates (id int primary key, rate numeric)")
    row = "insert into rates values (1, 1e22)"
    if when == "loaded":
        replicated.run(replicated.source, row)
        arn = replicated.declare()
        replicated.start(arn)
    else:
        arn = replicated.started(replicated.declare())
        replicated.run(replicated.source, row)
    replicated.until_status(arn, "failed")


LIMITED = {
    "rule-type": "table-settings",
    "object-locator": {"schema-name": "public", "table-name": "notes"},
    "lob-settings": {"mode": "limited", "bulk-max-size": "1"},
}
NOTES = "create table notes (id int primary key, words text, bytes bytea)"
NOTE = "insert into notes values (1, repeat('x', 1025), decode(repeat('00', 1025), 'hex'))"


@pytest.mark.parametrize("when", ["loaded", "streamed"])
def test_limited_lob_mode_cuts_large_objects(replicated: Stage, when: str) -> None:
    replicated.both(NOTES)
    if when == "loaded":
        replicated.run(replicated.source, NOTE)
    silent = Endpoint(replicated.dsn("source"), {"fail_tasks_on_lob_truncation": False})
    arn = replicated.started(replicated.declare(mappings=mappings(LIMITED), source=silent))
    if when == "streamed":
        replicated.run(replicated.source, NOTE)
        replicated.dms.settle(0)
    lengths = "select length(words), length(bytes) from notes"
    assert replicated.run(replicated.target, lengths) == [(1024, 1024)]
    assert replicated.status(arn) == "running"


@pytest.mark.parametrize("when", ["loaded", "streamed"])
def test_or_stops_the_task_where_the_endpoint_says_so(replicated: Stage, when: str) -> None:
    replicated.both(NOTES)
    arn = replicated.declare(mappings=mappings(LIMITED))
    assert CAPTURE["fail_tasks_on_lob_truncation"]
    if when == "loaded":
        replicated.run(replicated.source, NOTE)
        replicated.start(arn)
    else:
        replicated.started(arn)
        replicated.run(replicated.source, NOTE)
    replicated.until_status(arn, "failed")
    assert "truncated" in replicated.describe(arn)["LastFailureMessage"]
    assert replicated.run(replicated.target, "select * from notes") == []


def test_a_large_value_travels_with_its_row(replicated: Stage) -> None:
    """DMS writes the row first and looks the value up by the key: NOT NULL or no key is refused."""
    replicated.both("create table letters (id int not null, words text not null)")
    replicated.started(replicated.declare())
    replicated.run(replicated.source, "insert into letters values (1, repeat('x', 70000))")
    replicated.dms.settle(0)
    assert replicated.run(replicated.target, "select length(words) from letters") == [(70000,)]


def test_all_tables_are_loaded_as_they_were_at_one_moment(replicated: Stage) -> None:
    replicated.both("create table first (id int primary key)")
    replicated.both("create table second (id int primary key)")
    replicated.run(replicated.source, "insert into first values (1)")
    arn = replicated.declare()
    with psycopg2.connect(replicated.dsn("target")) as held, held.cursor() as cursor:
        cursor.execute("lock table second")
        replicated.start(arn)
        until(lambda: replicated.run(replicated.target, "select id from first"))
        replicated.run(replicated.source, "insert into second values (1)")
    held.close()
    replicated.until_status(arn, "running")
    replicated.dms.settle(0)
    second = replicated.tables(arn)["second"]
    assert (second["FullLoadRows"], second["Inserts"]) == (0, 1)
    assert same(replicated, "second") == 1


def test_of_the_control_tables_only_that_of_recovery_is_written(replicated: Stage) -> None:
    replicated.both(PAID)
    replicated.started(replicated.declare())
    control = "select tablename from pg_tables where tablename like 'awsdms%'"
    assert replicated.run(replicated.target, control) == [("awsdms_txn_state",)]
    assert replicated.run(replicated.source, control) == []


def _only(table: str) -> dict[str, object]:
    document = mappings()
    document["rules"][0]["object-locator"]["table-name"] = table
    return document
