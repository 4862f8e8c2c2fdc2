"""A PDF is opened by this program, in a process of its own with little memory and time.

A PDF of one megabyte can unpack to gigabytes or make its reader fail; here that ends the reading
and not the product. The file comes through standard input, never from a disk; one word of
`WORDS` is the answer. It imports nothing of the product.
"""

from __future__ import annotations

import io
import sys
from typing import Any

#: no page, locked by a password, cannot be read, plain, holds what could act when it is opened
WORDS = ("empty", "locked", "damaged", "plain", "active")
MEMORY = 400 * 1024 * 1024
SECONDS = 20
_ACTING = {"/JavaScript", "/Launch", "/ImportData", "/SubmitForm"}
_HOLDING = ("/JS", "/EF", "/XFA")


def read(data: bytes) -> str:
    """The word for a PDF."""
    import pikepdf

    try:
        with pikepdf.open(io.BytesIO(data)) as found:
            if len(found.pages) == 0:
                return "empty"
            return "active" if any(_acts(one) for one in found.objects) else "plain"
    except pikepdf.PasswordError:
        return "locked"
    except Exception:  # whatever a hostile file does to its reader: it is not kept
        return "damaged"


def _acts(one: Any) -> bool:
    """Is an object a script, a file of its own, or an order to start something?"""
    import pikepdf

    if isinstance(one, pikepdf.Stream) or not isinstance(one, pikepdf.Dictionary):
        return False
    if str(one.get("/S")) in _ACTING or any(name in one for name in _HOLDING):
        return True
    return any(_orders(one.get(name)) for name in ("/OpenAction", "/A"))


def _orders(part: Any) -> bool:
    import pikepdf

    return isinstance(part, pikepdf.Dictionary) and (
        str(part.get("/S")) in _ACTING or "/JS" in part
    )


def _main() -> None:
    import resource

    import pikepdf  # noqa: F401 - before the limits hold

    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.write(read(sys.stdin.buffer.read()))


if __name__ == "__main__":
    _main()
