-- What the source holds before the rehearsal begins, for the full load to carry.

insert into public.accounts (number, holder, opened)
select 'account-' || n, 'Holder ' || n || ' Ørsted', timestamptz '2020-01-01 00:00:00+00' + n * interval '1 hour'
  from generate_series(1, 50) n;

insert into public.payments
  (reference, account, amount, currency, rate, status, details, application, paid)
select 'history-' || n, 'account-' || 1 + n % 50, n * 0.37 + 0.01, 'EUR', 1.000001 + n, 'new',
       jsonb_build_object('purpose', 'invoice ' || n, 'fee', n * 0.01, 'tags', jsonb_build_array('old', n)),
       'direct', timestamptz '2025-06-01 12:00:00.123456+02' + n * interval '61.7 seconds'
  from generate_series(1, 500) n;

insert into public.postings (reference, line, account, amount, booked)
select 'history-' || n, line, 'account-' || 1 + (n + line) % 50, (n * 0.37 + 0.01) * line,
       timestamptz '2025-06-01 12:00:00+00' + n * interval '1 minute'
  from generate_series(1, 500) n, generate_series(1, 2) line where n % 2 = 0;

insert into public.receipts (reference, document, seal, issued)
select 'history-' || n, repeat('Receipt ' || n || E' – paid in full.\n', 20 + n * 60),
       decode(md5(n::text), 'hex'), timestamptz '2025-06-02 00:00:00+00' + n * interval '1 minute'
  from generate_series(10, 500, 10) n;

insert into public.events (reference, kind, amount, noted)
select 'history-' || n, 'imported', n * 0.37 + 0.01,
       timestamptz '2025-06-03 00:00:00+00' + n * interval '1 second'
  from generate_series(1, 500) n;
