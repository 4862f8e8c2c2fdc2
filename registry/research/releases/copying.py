"""Rows from PostgreSQL by COPY, as CSV.

The rows that have arrived are taken from libpq at once. The driver's own way goes through all its
layers for each row, which costs more than the row does.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.waiting import Wait


def copied(connection: sa.Connection, query: str, most: int) -> Generator[bytearray]:
    """The rows of a query, in pieces of whole rows of `most` bytes or a row more. Raises
    psycopg.Error."""
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)"):
        server = cursor.connection.pgconn
        while server.transaction_status == TransactionStatus.ACTIVE:
            if held := cursor.connection.wait(_arrived(server, most)):
                yield held


def _arrived(server: Any, most: int) -> Generator[Any, Any, bytearray]:
    """The next rows. It gives out what it waits for, as the driver asks of a generator."""
    held, take = bytearray(), server.get_copy_data
    while len(held) < most:
        size, row = take(1)
        if size > 0:
            held += row
        elif size == 0:
            yield from _more(server)
        else:
            yield from _ended(server)
            break
    return held


def _more(server: Any) -> Generator[Any, Any, None]:
    while not (yield Wait.R):
        pass
    server.consume_input()


def _ended(server: Any) -> Generator[Any, Any, None]:
    failed = False
    while True:
        while server.is_busy():
            yield from _more(server)
        result = server.get_result()
        if result is None:
            break
        failed = failed or result.status != ExecStatus.COMMAND_OK
    if failed:  # its words may be those of a record
        raise psycopg.DatabaseError("the server did not end a COPY well")
