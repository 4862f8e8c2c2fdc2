"""A request is put together before a thread takes it; what is not put together is handed over."""

from __future__ import annotations

import pytest

from registry.slow_clients import HELD_IN_ALL, LARGEST, Gathered, Held


def gathered(*pieces: bytes) -> list[bool]:
    """Whether the request was whole after each piece."""
    found, whole = Gathered(), []
    for piece in pieces:
        found.data += piece
        whole.append(found.is_whole())
    return whole


def test_a_page_is_asked_for_when_its_head_is_there():
    assert gathered(b"GET / HT", b"TP/1.1\r\nHost: x\r\n", b"\r\n") == [False, False, True]


def test_a_body_is_waited_for_to_its_last_byte():
    head = b"POST / HTTP/1.1\r\nHost: x\r\ncontent-LENGTH: 10\r\n\r\n"
    assert gathered(head, b"12345", b"6789", b"0") == [False, False, False, True]


@pytest.mark.parametrize(
    "line",
    [
        b"Transfer-Encoding: chunked",
        b"Expect: 100-continue\r\nContent-Length: 10",
        f"Content-Length: {LARGEST + 1}".encode(),
        b"Content-Length: ten",
    ],
)
def test_what_is_not_put_together_is_handed_over_with_its_head(line):
    assert gathered(b"POST / HTTP/1.1\r\n" + line + b"\r\n\r\n") == [True]


def test_a_head_without_end_is_handed_over():
    assert gathered(b"GET / HTTP/1.1\r\n" + b"a" * 70_000) == [True]


def test_what_is_held_is_bounded():
    held = Held()
    assert held.add(HELD_IN_ALL)
    assert not held.add(1)
    assert held.add(-1)
