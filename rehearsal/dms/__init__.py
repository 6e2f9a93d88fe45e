"""DMS's stand-in: declared tasks that really replicate between two PostgreSQL servers.

``service.Dms`` is what a rehearsal uses. A running task is a process of its own (``worker``) that
reads the source as DMS does, through a logical slot with the plugin test_decoding, and writes each
transaction to the target. What DMS is known to do it does too: it moves rows and nothing else (no
sequences, indexes, keys, triggers, defaults, no DDL), it loses updates and deletes of tables
without a key, it cuts large objects in limited LOB mode, squeezes a numeric without scale into
numeric(28,6), cannot truncate a table that a foreign key refers to, cannot insert into a column
that is always generated, gives up tables and tasks by the task's error policies, and a task that
has stopped or failed leaves its slot on the source.

tests/integration/rehearsal/dms has a test of each of these. What differs is listed in
docs/rehearsal.md, "DMS".
"""
