"""Every text a user sees, as one catalogue: from code, templates and the tables of codes.

English is the source. `netreg words extract` writes the catalogue that a translator starts from.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir

from config import ROOT

_METHODS = [("registry/**.py", "python"), ("templates/**.html", "jinja2")]
_OPTIONS = {
    "templates/**.html": {
        "extensions": "jinja2.ext.do",
        "trimmed": "false",
        "silent": "false",
    }
}
_KEYWORDS = {"_": None, "_l": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
#: Columns of the clinical tables that hold words for the reader.
_WORDS = ("label", "display_name", "name", "reason", "text", "why", "display_grade")


def _of_tables() -> Iterator[tuple[str, str]]:
    data = Path(str(resources.files("registry.clinical") / "data"))
    for path in sorted(data.rglob("*.csv")):
        with path.open(encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                for column in _WORDS:
                    if row.get(column):
                        yield f"{path.relative_to(ROOT)}", row[column]


def catalogue() -> Catalog:
    """Collect every text."""
    found = Catalog(project="NET Registry", charset="utf-8")
    for folder in ("registry", "templates"):
        methods = [(p.split("/", 1)[1], m) for p, m in _METHODS if p.startswith(folder)]
        options = {p.split("/", 1)[1]: o for p, o in _OPTIONS.items() if p.startswith(folder)}
        for name, line, message, comments, context in extract_from_dir(
            str(ROOT / folder),
            method_map=methods,
            options_map=options,
            keywords=_KEYWORDS,
            comment_tags=("Translators:",),
        ):
            found.add(message, locations=[(f"{folder}/{name}", line)], context=context)
            del comments
    for place, text in _of_tables():
        found.add(text, locations=[(place, 0)])
    return found
