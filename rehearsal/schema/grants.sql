-- What each part of the application may do, alike on both databases. (Everybody may use the schema.)

grant select on all tables in schema public to payments_api, payments_batch, payments_ledger;

grant insert on
  public.accounts, public.payments, public.postings, public.receipts, public.events
  to payments_api;
grant update on public.accounts, public.payments, public.receipts to payments_api;
grant usage on all sequences in schema public to payments_api;

grant update, delete on public.payments, public.postings, public.receipts to payments_batch;

grant insert on public.postings, public.events to payments_ledger;
grant usage on sequence public.event_numbers to payments_ledger;
