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
    made: bytes = _compile(layout, facts)
    return made


def pictures(layout: str, facts: Mapping[str, Any], *, dots_per_inch: float = 80) -> list[bytes]:
    """The same pages as PNG pictures, to look at them."""
    made = _compile(layout, facts, format="png", ppi=dots_per_inch)
    return made if isinstance(made, list) else [made]


def _compile(layout: str, facts: Mapping[str, Any], **how: Any) -> Any:
    import typst  # here: the start of the product does not wait for it

    return typst.compile(
        (ROOT / "templates" / layout).read_bytes(),
        root=str(ROOT / "templates"),
        font_paths=[str(path) for path in sorted((ROOT / "static" / "vendor").glob("pdf-*"))],
        ignore_system_fonts=True,
        sys_inputs={"facts": json.dumps(facts, ensure_ascii=False)},
        **how,
    )


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
