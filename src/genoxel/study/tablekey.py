"""One hash for the content of a table: rows, column records and every bit of every value."""

from __future__ import annotations

import hashlib

import numpy as np

from genoxel.core.table import Table
from genoxel.io import plainjson
from genoxel.io.parquet import column_record


def table_key(table: Table) -> str:
    """Return the SHA-256 of a table's content (missing values are one and the same, whatever their bits).

    >>> import numpy as np
    >>> from genoxel.core.table import Column
    >>> one = Table(np.array([[1.0]]), ("P1",), (Column("a"),))
    >>> table_key(one) == table_key(Table(np.array([[2.0]]), ("P1",), (Column("a"),)))
    False
    """
    head = plainjson.dumps([table.kind, [list(row) for row in table.rows], [column_record(c) for c in table.columns]])
    values = np.where(np.isnan(table.values), np.nan, table.values)
    return hashlib.sha256(head.encode() + np.ascontiguousarray(values).tobytes()).hexdigest()
