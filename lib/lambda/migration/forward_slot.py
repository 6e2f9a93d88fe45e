"""The slots that DMS makes on the source for the forward task.

DMS names them itself and drops them only with the task. Which are its own is known by remembering
what was there before the task ran for the first time.
"""

from __future__ import annotations

import os

from pg8000.native import Connection

from migration import checkpoints

_SLOTS = """
select slot_name::text from pg_replication_slots
 where plugin = 'test_decoding' and database = current_database() order by 1
"""
_IDLE = """
select slot_name::text from pg_replication_slots
 where plugin = 'test_decoding' and database = current_database() and not active order by 1
"""


def key() -> str:
    """Where the note is: one for each forward task, since a new one makes a slot of its own."""
    task = os.environ["FORWARD_TASK_ARN"].rpartition(":")[2]
    return f"slots/before-{task}.json"


def remember_others(source: Connection) -> None:
    """Note the slots that are there before the forward task first starts; the first note stays,
    because a second attempt may find the task's own slot."""
    others = [row[0] for row in source.run(_SLOTS)]
    checkpoints.create(os.environ["CHECKPOINT_BUCKET"], key(), {"slots": others})


def drop(source: Connection) -> tuple[list[str], list[str]]:
    """Drop the idle slots that appeared since; (dropped, left because nobody knows whose)."""
    stored = checkpoints.read(os.environ["CHECKPOINT_BUCKET"], key())
    idle = [row[0] for row in source.run(_IDLE)]
    if stored is None:
        return [], idle
    own = [name for name in idle if name not in stored[0]["slots"]]
    for name in own:
        source.run("select pg_drop_replication_slot(:name)", name=name)
    return own, []
