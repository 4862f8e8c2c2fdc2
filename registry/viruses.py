"""Asking ClamAV about a file: the INSTREAM command of clamd, over its socket.

The file is sent as it is read, decrypted, and lies nowhere. Settings: NETREG_CLAMD is the path of
the socket, or host:port.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable

from flask import current_app

#: What is known of a file.
NOT_SCANNED, CLEAN, INFECTED = "not_scanned", "clean", "infected"
SECONDS = 120
_LARGEST_PIECE = 1 << 18


def is_configured() -> bool:
    """Is there a scanner to ask?"""
    return bool(current_app.extensions["netreg_settings"].clamd)


def scan(pieces: Iterable[bytes]) -> str:
    """What the scanner says of a file. *Not scanned* where there is none, or where it does not
    answer as it should: it is asked again later."""
    address = current_app.extensions["netreg_settings"].clamd
    if not address:
        return NOT_SCANNED
    try:
        with _connected(address) as line:
            return _verdict(_sent(line, pieces))
    except OSError as problem:
        current_app.logger.warning("the virus scanner did not answer: %s", type(problem).__name__)
        return NOT_SCANNED


def _connected(address: str) -> socket.socket:
    host, colon, port = address.rpartition(":")
    if colon and port.isdigit():
        return socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS)
    line = socket.socket(socket.AF_UNIX)
    try:
        line.settimeout(SECONDS)
        line.connect(address)
    except OSError:
        line.close()
        raise
    return line


def _sent(line: socket.socket, pieces: Iterable[bytes]) -> bytes:
    """Send the file in pieces, each after its length; gives the answer."""
    line.sendall(b"zINSTREAM\0")
    for piece in pieces:
        for at in range(0, len(piece), _LARGEST_PIECE):
            part = piece[at : at + _LARGEST_PIECE]
            line.sendall(len(part).to_bytes(4, "big") + part)
    line.sendall(bytes(4))
    answer = b""
    while piece := line.recv(4096):
        answer += piece
        if answer.endswith(b"\0"):
            break
    return answer.rstrip(b"\0").strip()


def _verdict(answer: bytes) -> str:
    """`stream: OK`, `stream: Name FOUND`, or an error such as a limit of size."""
    if answer.endswith(b" OK"):
        return CLEAN
    if answer.endswith(b" FOUND"):
        return INFECTED
    current_app.logger.warning("the virus scanner could not look at a file")
    return NOT_SCANNED
