"""Those who write to SQLite stand in a queue: threads, processes, and none after it died."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sqlite3
import threading
import time

import pytest
import sqlalchemy as sa
from flask import g

from registry import one_writer
from registry.db import begin_writing, db, own_transaction, table_of
from registry.people.models import Organisation
from tests import make

TURNS = 40


def open_(path) -> one_writer.Connection:
    """A connection as the product has it, and as patient as a test."""
    made = sqlite3.connect(path, factory=one_writer.Connection, isolation_level=None, timeout=5.0)
    assert isinstance(made, one_writer.Connection)
    return made


def begin(connection) -> None:
    """Begin to write, in one's turn."""
    connection.take_turn()
    connection.execute("BEGIN IMMEDIATE")


@pytest.fixture
def path(tmp_path):
    where = str(tmp_path / "writers.sqlite3")
    made = open_(where)
    made.execute("PRAGMA journal_mode=WAL")
    made.execute("CREATE TABLE turn (who integer, asked real, got real)")
    made.close()
    return where


def take_turns(path, who, together) -> None:
    """Write a row, so many times, each in a transaction that takes a moment."""
    connection = open_(path)
    together.wait(timeout=60)
    for _turn in range(TURNS):
        asked = time.monotonic()
        begin(connection)
        row = (who, asked, time.monotonic())
        connection.execute("INSERT INTO turn VALUES (?, ?, ?)", row)
        time.sleep(0.001)
        connection.commit()
    connection.close()


def turns(path) -> list[tuple[int, float, float]]:
    """Who wrote, since when they waited, and when their turn came."""
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT who, asked, got FROM turn ORDER BY rowid").fetchall()


def overtaken(found) -> int:
    """How often somebody asked later than another who waited, and came first."""
    return sum(
        later > asked and earlier < got
        for (_who, asked, got), (_other, later, earlier) in itertools.permutations(found, 2)
    )


def test_two_processes_take_turns(path):
    """SQLite alone lets whoever comes again at once go before who sleeps: whole runs of one."""
    apart = multiprocessing.get_context("forkserver")
    together = apart.Barrier(2)
    both = [apart.Process(target=take_turns, args=(path, who, together)) for who in (1, 2)]
    for one in both:
        one.start()
    for one in both:
        one.join(30)
    found = turns(path)
    assert sorted(who for who, _asked, _got in found) == [1] * TURNS + [2] * TURNS
    # a few: who is stopped by the machine between asking and standing in the queue
    assert overtaken(found) < TURNS / 4


def test_two_threads_take_turns(path):
    together = threading.Barrier(2)
    both = [threading.Thread(target=take_turns, args=(path, who, together)) for who in (1, 2)]
    for one in both:
        one.start()
    for one in both:
        one.join(30)
    assert overtaken(turns(path)) < TURNS / 4


def hold(path, ready) -> None:
    """Write for longer than anybody should wait."""
    begin(open_(path))
    ready.set()
    time.sleep(60)


def test_who_dies_leaves_the_queue(path):
    apart = multiprocessing.get_context("forkserver")
    ready = apart.Event()
    holder = apart.Process(target=hold, args=(path, ready))
    holder.start()
    assert ready.wait(10)
    killed = threading.Timer(0.2, os.kill, (holder.pid, signal.SIGKILL))
    killed.start()
    writer = open_(path)
    begin(writer)  # would wait a minute for one who lives
    assert killed.finished.is_set()
    writer.rollback()
    holder.join(10)


def test_who_waits_for_oneself_is_told(path, monkeypatch):
    monkeypatch.setattr(one_writer, "PATIENCE_SECONDS", 0.05)
    first, second = open_(path), open_(path)
    second.execute("PRAGMA busy_timeout=50")
    begin(first)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        begin(second)
    first.rollback()
    begin(second)
    second.rollback()


def test_a_page_that_reads_first_writes_when_it_says_so(app):
    make.hospital("HOSP-A", "Hospital A")
    db.session.commit()
    rename = sa.update(Organisation).values(name="Hospital B")
    with app.test_request_context(method="POST"):
        g.reads_first = True
        assert db.session.scalar(sa.select(Organisation.name)) == "Hospital A"
        if db.engine.dialect.name == "sqlite":
            with pytest.raises(sa.exc.OperationalError, match="readonly"):
                db.session.execute(rename)
        with own_transaction() as connection:  # nobody is held up by who reads
            connection.execute(sa.update(table_of(Organisation)).values(city="Adorp"))
        begin_writing()
        assert db.session.scalar(sa.select(table_of(Organisation).c.city)) == "Adorp"
        db.session.execute(rename)
        db.session.commit()
    assert db.session.scalar(sa.select(table_of(Organisation).c.name)) == "Hospital B"
