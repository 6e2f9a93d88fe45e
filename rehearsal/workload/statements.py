"""The statements of the application. Each may be sent twice: the second time changes nothing.

``side`` is the name of the database that runs them (its setting ``cluster_name``), read in the
statement that writes. One that waits for an earlier attempt of itself to end does so by the row's
key, or by an advisory lock where there is no key.
"""

from __future__ import annotations

from collections.abc import Mapping

INSERTS: Mapping[str, str] = {
    "accounts": """
insert into public.accounts (number, holder, opened) values (%(number)s, %(holder)s, %(opened)s)
on conflict (number) do update set number = excluded.number
returning current_setting('cluster_name'), id""",
    "payments": """
insert into public.payments
  (reference, account, amount, currency, rate, status, details, application, paid)
values (%(reference)s, %(account)s, %(amount)s, %(currency)s, %(rate)s, %(status)s, %(details)s,
  %(application)s, %(paid)s)
on conflict (reference) do update set reference = excluded.reference
returning current_setting('cluster_name'), id""",
    "postings": """
with made as (
  insert into public.postings (reference, line, account, amount, booked)
  values (%(reference)s, %(line)s, %(account)s, %(amount)s, %(booked)s)
  on conflict (reference, line) do nothing)
select current_setting('cluster_name')""",
    "receipts": """
insert into public.receipts (reference, document, seal, issued)
values (%(reference)s, %(document)s, %(seal)s, %(issued)s)
on conflict (reference) do update set reference = excluded.reference
returning current_setting('cluster_name'), number""",
    "events": """
select pg_advisory_xact_lock(hashtext(%(reference)s || %(kind)s));
with found as (
  select number from public.events where reference = %(reference)s and kind = %(kind)s
), made as (
  insert into public.events (reference, kind, amount, noted)
  select %(reference)s, %(kind)s, %(amount)s, %(noted)s where not exists (select from found)
  returning number)
select current_setting('cluster_name'), number from (table found union all table made) either""",
}
"""Table → inserting a row; the answer: side, and the number that a sequence gave it, if any."""

SET_STATUS = """
with done as (
  update public.payments set status = %(status)s where reference = %(reference)s returning 1)
select current_setting('cluster_name'), count(*) from done"""

PURGE = """
delete from public.receipts where reference = %(reference)s;
delete from public.postings where reference = %(reference)s;
with done as (delete from public.payments where reference = %(reference)s returning 1)
select current_setting('cluster_name'), count(*) from done"""
