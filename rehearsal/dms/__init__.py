"""DMS's stand-in: declared tasks that really replicate between two PostgreSQL servers.

``service.Dms`` is what a rehearsal uses. A running task is a process of its own (``worker``) that
reads the source as DMS does, through a logical slot with the plugin test_decoding, and writes each
transaction to the target. What DMS is known to do it does too: it moves rows and nothing else (no
sequences, indexes, keys, triggers, defaults, no DDL), it loses updates and deletes of tables
without a key, it cuts large objects in limited LOB mode, squeezes a numeric without scale into
numeric(28,6), cannot truncate a table that a foreign key refers to, cannot insert into a column
that is always generated, gives up tables and tasks by the task's error policies, and a task that
has stopped or failed leaves its slot on the source.

Differences from DMS; tests/integration/rehearsal/dms has a test of each behaviour claimed here.

Time
- A task that starts replicates within a fraction of a second and one that stops has stopped so
  soon; both are shown as ``starting`` or ``stopping`` for a minute of the rehearsal's clock, and
  to one describe at least.
- Before the clock skips, running tasks catch up (``settle``): the time skipped would have let
  them. To know that they have, a task writes a logical message to its source, as DMS's WAL
  heartbeat writes a row; awsdms_control's heartbeat table is not written.
- A lost database is tried again every tenth of a second, not every five; as often as
  RecoverableErrorCount says, without throttling.
- The lag is one figure, from commit on the source to commit on the target; a sample a minute, in
  the minutes skipped.

Loading
- All tables are copied from one snapshot, taken with the slot, one after the other; DMS reads each
  at its own time and applies the changes it cached meanwhile, ignoring conflicts.
- A task that failed before its load was complete loads everything again when it is resumed.
- TargetTablePrepMode DROP_AND_CREATE is refused, a missing table is an error and not created.

Values
- In full LOB mode a large object travels with its row, as it was when the row was written. DMS
  writes the row first (so the column must be nullable) and looks the value up afterwards, newer
  perhaps; and needs a key for it.
- A numeric that fits numeric(28,6) keeps its form (1.5 stays 1.5).
- LOB limits count characters of what PostgreSQL prints, bytes of bytea.
- Generated columns are left out; MapBooleanAsBoolean makes no difference.

Applying
- Changes counted as captured are those applied. A conflict or a table error that stops the task
  shows the table as in error; resumed, the table has another chance.
- Of the control tables only awsdms_txn_state exists (TaskRecoveryTableEnabled).
- Table mappings know selection without filters and LOB settings, BatchApplyEnabled and
  TargetSchema are refused: what has no stand-in is an error when the task is declared.
- Whether a task may start with start-replication for a second time is taken from the API reference:
  only one that captures changes, with a position.
"""
