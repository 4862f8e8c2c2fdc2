"""A worker of gunicorn in which somebody on a slow line holds no thread.

gunicorn's own worker gives a connection to a thread as soon as its first byte is there, and the
thread then waits for the rest: eight slow uploads would hold all eight threads. Here a request is
put together beside the threads, and a thread takes it when all of it has come. How much is held so
is bounded; beyond that a request is handed over as gunicorn does it.
"""

from __future__ import annotations

import re
import threading
import time
from typing import Any

from gunicorn.workers import gthread

#: The longest request that is put together: a file of 40 MB and the words that come with it.
LARGEST = 42 * 1024 * 1024
#: All requests of a process that are put together at the same time.
HELD_IN_ALL = 160 * 1024 * 1024
LONGEST_HEAD = 64 * 1024
#: Somebody who sends nothing for so long is gone.
PATIENCE_SECONDS = 60.0
_PIECE = 1 << 18

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,12})[ \t]*\r\n", re.IGNORECASE)
#: Sent in pieces of unknown length, or waiting to be told that it may send.
_OTHERWISE = re.compile(rb"\r\n(?:transfer-encoding|expect|upgrade):", re.IGNORECASE)


class Gathered:
    """What has come of one request."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.wanted: int | None = None  # bytes of head and body; None until the head is whole

    def is_whole(self) -> bool:
        """Has all of it come, or is it one that is not put together?"""
        if self.wanted is None:
            end = self.data.find(b"\r\n\r\n", 0, LONGEST_HEAD + 4)
            if end < 0:
                return len(self.data) > LONGEST_HEAD
            head = bytes(self.data[: end + 2])
            length = _LENGTH.search(head)
            body = 0 if length is None or _OTHERWISE.search(head) else int(length[1])
            self.wanted = end + 4 + body
            if body > LARGEST:
                self.wanted = 0
        return len(self.data) >= self.wanted


class Held:
    """How many bytes of unfinished requests this process holds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.bytes = 0

    def add(self, count: int) -> bool:
        """Count more, or fewer; gives whether there is room."""
        with self._lock:
            self.bytes += count
            return self.bytes <= HELD_IN_ALL


class Worker(gthread.ThreadWorker):
    """gunicorn's threads, which take whole requests."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.held = Held()

    def handle(self, conn: Any) -> Any:
        """Take what has come; go on when it is whole, else leave the connection to be watched."""
        if self.cfg.is_ssl or conn.is_http2:
            return super().handle(conn)
        try:
            whole = self._gather(conn)
        except OSError:  # the line broke
            self._let_go(conn)
            return False
        if whole is None and self.alive:
            return gthread._DEFER
        data = bytes(conn.gathered.data)
        self._let_go(conn)
        if not data or whole is False:
            return False
        conn.data_ready = True
        conn.init()
        conn.parser.unreader.unread(data)
        return super().handle(conn)

    def _gather(self, conn: Any) -> bool | None:
        """Take what is there. True when it can be handed over, None while more is to come, False
        when whoever sent it went away in the middle."""
        gathered: Gathered | None = getattr(conn, "gathered", None)
        if gathered is None:
            gathered = conn.gathered = Gathered()
            if conn.parser is not None:  # what was read ahead of the last request on this line
                gathered.data += conn.parser.unreader.take_buffered()
                self.held.add(len(gathered.data))
        conn.sock.setblocking(False)
        while not gathered.is_whole():
            try:
                piece = conn.sock.recv(_PIECE)
            except (BlockingIOError, InterruptedError):
                return None
            if not piece:
                return False
            gathered.data += piece
            if not self.held.add(len(piece)):
                break
        return True

    def _let_go(self, conn: Any) -> None:
        gathered: Gathered | None = getattr(conn, "gathered", None)
        if gathered is not None:
            self.held.add(-len(gathered.data))
            conn.gathered = None

    def finish_request(self, conn: Any, fs: Any) -> None:
        """A connection that is still sending is watched for longer than an idle one."""
        super().finish_request(conn, fs)
        if getattr(conn, "gathered", None) is not None and conn.gathered.data:
            conn.timeout = time.monotonic() + PATIENCE_SECONDS

    def murder_pending(self) -> None:
        """Close lines on which nothing came; what they held is free again."""
        before = list(self.pending_conns)
        now = time.monotonic()
        # The first of them may have been given longer than those behind it.
        self.pending_conns.clear()
        self.pending_conns.extend(sorted(before, key=lambda one: one.timeout))
        super().murder_pending()
        for conn in before:
            if conn.timeout <= now:
                self._let_go(conn)
