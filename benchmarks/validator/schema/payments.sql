-- Payments as a card processor keeps them: 11 columns, some 160 bytes a row, keyed by a sequence.
-- psql's variable "rows" says how many are made; every value follows from the row's number.
create table payments (
  id bigint primary key,
  account_id integer not null,
  merchant uuid not null,
  amount numeric(12, 2) not null,
  currency char(3) not null,
  status text not null,
  reference varchar(40) not null,
  created_at timestamptz not null,
  settled_at timestamptz,
  metadata jsonb not null,
  pan_token text
);
insert into payments
select n,
       (n * 7919) % 1000000,
       md5((n % 50000)::text)::uuid,
       (n * 104729 % 10000000) / 100.0,
       (array['EUR', 'USD', 'GBP', 'CHF'])[1 + n % 4],
       (array['authorized', 'captured', 'settled', 'refunded'])[1 + n / 4 % 4],
       case when n % 5 = 0 then 'Überweisung ' else 'inv-' end || n,
       timestamptz '2024-01-01 00:00+00' + n * interval '1.700001 s',
       case when n / 4 % 4 > 1
         then timestamptz '2024-01-02 00:00+00' + n * interval '1.700001 s' end,
       jsonb_build_object('channel', (array['web', 'pos', 'app'])[1 + n % 3], 'attempt', n % 4),
       case when n % 3 = 0 then 'tok_' || md5('pan' || n) end
  from generate_series(1, :rows::bigint) n;
