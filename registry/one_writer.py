"""SQLite has one writer at a time: those who want to write stand in a queue.

SQLite itself has none. Who finds the database taken sleeps, longer each time, and whoever asks when
it is free is served: with eight people sending, the last waited for seconds. Here the threads of a
process wait for each other, and the first of them in the kernel for the other processes: whoever
comes next is woken, and the place of a process that dies is free. SQLite's own lock stays what
keeps the data whole; who does not stand in the queue only waits as before.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections import deque

#: Nobody waits longer for a thread of the same process, as for SQLite's own lock.
PATIENCE_SECONDS = 30.0


class _Threads:
    """The threads of this process, in the order in which they came: a lock by itself goes to
    whoever asks at the right moment."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    def enter(self, seconds: float) -> bool:
        """Wait for one's turn, no longer than this; gives whether it came."""
        with self._mutex:
            if not self._taken:
                self._taken = True
                return True
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        if gate.acquire(timeout=seconds):
            return True
        with self._mutex:
            if gate not in self._waiting:  # it came at this moment
                return True
            self._waiting.remove(gate)
            return False

    def leave(self) -> None:
        """It is the next one's turn."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


class _Queue:
    """Those who want to write to one file."""

    def __init__(self, path: str) -> None:
        self._here = _Threads()
        how = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._writer = os.open(f"{path}-writer", how, 0o600)
        self._next = os.open(f"{path}-next", how, 0o600)

    def enter(self) -> bool:
        """Wait for one's turn; gives whether it came."""
        if not self._here.enter(PATIENCE_SECONDS):
            return False
        # Who has just written finds the second place taken, and cannot be first again.
        fcntl.flock(self._next, fcntl.LOCK_EX)
        fcntl.flock(self._writer, fcntl.LOCK_EX)
        fcntl.flock(self._next, fcntl.LOCK_UN)
        return True

    def leave(self) -> None:
        """Let the next one write."""
        fcntl.flock(self._writer, fcntl.LOCK_UN)
        self._here.leave()


_queues: dict[str, _Queue] = {}
_making = threading.Lock()
# A process that was forked stands in the queue for itself.
os.register_at_fork(after_in_child=_queues.clear)


def _queue(path: str) -> _Queue:
    with _making:
        if path not in _queues:
            _queues[path] = _Queue(path)
        return _queues[path]


class Connection(sqlite3.Connection):
    """A connection that stands in the queue while it writes."""

    _turn: _Queue | None = None
    _path: str | None = None

    def take_turn(self) -> None:
        """Wait until it is one's turn to begin a transaction that writes; it ends with that
        transaction. Who waits for too long goes on without, and is told so by SQLite."""
        if self._path is None:
            self._path = self.execute("PRAGMA database_list").fetchone()[2]
        if self._path and self._turn is None:  # else it is in memory
            queue = _queue(self._path)
            if queue.enter():
                self._turn = queue

    def give_up_turn(self) -> None:
        """Let the next one write."""
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.leave()

    def commit(self) -> None:
        """As ever; then it is the next one's turn."""
        try:
            super().commit()
        finally:
            if not self.in_transaction:
                self.give_up_turn()

    def rollback(self) -> None:
        """As ever; then it is the next one's turn."""
        try:
            super().rollback()
        finally:
            self.give_up_turn()

    def close(self) -> None:
        """As ever; then it is the next one's turn."""
        try:
            super().close()
        finally:
            self.give_up_turn()
