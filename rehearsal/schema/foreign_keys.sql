-- On the source only: DMS loads tables in any order, and cannot truncate one that others refer to
-- (docs/runbook/README.md, "Before the first start").

alter table public.payments add foreign key (account) references public.accounts (number);
alter table public.postings add foreign key (reference) references public.payments (reference);
alter table public.receipts add foreign key (reference) references public.payments (reference);
