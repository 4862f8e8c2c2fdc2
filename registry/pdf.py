"""Facts laid out as PDF pages.

A layout is a typst file of ours in `templates/`. What is to stand on the pages is handed over as
JSON and shown as text: no word of it is ever read as markup, whatever it holds. Nothing of the
machine or of the moment enters the file, so the same facts make the same bytes.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from config import ROOT

#: Scripts the vendored fonts have letters for (static/vendor/pdf-…).
SCRIPTS = ("LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW")
_SIGNS = "ªºµ"  # letters by their class, signs by their use


def pages(layout: str, facts: Mapping[str, Any]) -> bytes:
    """The facts as a PDF, laid out by `templates/<layout>`.

    The layout finds them as `json(bytes(sys.inputs.facts))`.
    """
    import typst  # here: the start of the product does not wait for it

    source: Any = (ROOT / "templates" / layout).read_bytes()
    made: bytes = typst.compile(
        source,
        root=str(ROOT / "templates"),
        font_paths=[str(path) for path in sorted((ROOT / "static" / "vendor").glob("pdf-*"))],
        ignore_system_fonts=True,
        sys_inputs={"facts": json.dumps(facts, ensure_ascii=False)},
    )
    return made


def without_letters(texts: Iterable[str]) -> str:
    """The letters among these texts that no vendored font has: they would print as empty boxes."""
    found = {
        letter
        for text in texts
        for letter in text
        if unicodedata.category(letter)[0] in "LM"
        and letter not in _SIGNS
        and not unicodedata.name(letter, "").startswith((*SCRIPTS, "COMBINING", "MODIFIER"))
    }
    return "".join(sorted(found))
