"""The least a page can cost: its own SQL over the bare driver, and a Flask page that says one word.

The statements are those the page itself sends, in its order and with its parameters, transactions
and the audit of the reading included, sent again over the driver's connection with every row
fetched. What SQLAlchemy, the rules, the drawing and the templates do is not in it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Flask

from registry.db import db


@dataclass(frozen=True)
class Sent:
    """One statement as the driver got it."""

    text: str
    values: Any
    many: bool = False  # of several rows at once

    @property
    def writes(self) -> bool:
        """Does it change something?"""
        return self.text.lstrip()[:6].upper() in {"INSERT", "UPDATE", "DELETE"}


def statements(app: Flask, ask: Callable[[], Any]) -> list[Sent]:
    """What a page sends to the database."""
    seen: list[Sent] = []

    def note(_c: Any, _k: Any, text: str, values: Any, _x: Any, many: bool) -> None:
        seen.append(Sent(text, values, many and isinstance(values, list)))

    with app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    return seen


class Replay:
    """The statements of a page over one bare connection of the driver."""

    def __init__(self, app: Flask, sent: Sequence[Sent]) -> None:
        with app.app_context():
            self._pooled = db.engine.raw_connection()
        self._raw: Any = self._pooled.driver_connection
        self._sqlite = isinstance(self._raw, sqlite3.Connection)
        self._sent = sent

    def once(self) -> None:
        """Everything once: reading, its end, and what is written with its commit."""
        raw = self._raw
        cursor = raw.cursor()
        writing: bool | None = None
        for one in self._sent:
            if one.text.startswith("BEGIN"):  # as here, where it writes
                continue
            # The reading transaction ends before the one that writes begins.
            if one.writes is not writing:
                self._end(writes=writing)
                self._begin(writes=one.writes)
            writing = one.writes
            (cursor.executemany if one.many else cursor.execute)(one.text, one.values)
            if cursor.description:
                cursor.fetchall()
        self._end(writes=writing)

    def _begin(self, *, writes: bool) -> None:
        if not self._sqlite:
            self._raw.read_only = not writes
            return
        self._raw.execute(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
        self._raw.execute("BEGIN IMMEDIATE" if writes else "BEGIN")

    def _end(self, *, writes: bool | None) -> None:
        if writes:
            self._raw.commit()
        elif writes is not None:
            self._raw.rollback()

    def close(self) -> None:
        """Give the connection back."""
        self._pooled.close()


def bare_page() -> Callable[[], Any]:
    """A Flask application with one page, asked as the product is."""
    bare = Flask("bare")
    bare.add_url_rule("/", "word", lambda: "word")
    client = bare.test_client()
    return lambda: client.get("/").data


def measured(ask: Callable[[], Any]) -> float:
    """Milliseconds one call takes."""
    start = time.perf_counter()
    ask()
    return (time.perf_counter() - start) * 1000


def quantile(times: Sequence[float], share: float) -> float:
    """The time within which so large a share of the calls was done."""
    ordered = sorted(times)
    return ordered[min(round(share * (len(ordered) - 1)), len(ordered) - 1)]
