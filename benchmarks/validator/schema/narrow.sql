-- The narrow end: 3 columns, some 50 bytes a row, most of it PostgreSQL's own.
create table narrow (
  id bigint primary key,
  account_id integer not null,
  balance numeric(12, 2)
);
insert into narrow
select n, (n * 7919) % 1000000, (n * 104729 % 10000000) / 100.0
  from generate_series(1, :rows::bigint) n;
