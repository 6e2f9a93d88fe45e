"""The digest of one whole table, as a test reads it."""

from __future__ import annotations

from migration import digest
from migration.catalogue import Table
from migration.field import fields_of
from migration.row_hash import Method


def statement(source: Table, target: Table, read: Table, method: Method) -> str:
    """The query that reads table ``read`` (either of the two), for ``digest.parse``.

    Raises:
        Incomparable: naming every column that has no common form.
    """
    return digest.grouped(f"from {read.sql}", fields_of(source, target), source.key, method)
