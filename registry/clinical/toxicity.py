"""Side effects by CTCAE v5.0: the terms, how to find one, and which grades a term has.

Lists: `data/codes/ctcae_term.csv` (837 terms with the grades that exist, S93, a work of the US
government; no MedDRA codes, no sentences of the grades), `data/codes/ctcae_soc.csv`,
`data/ctcae_words.csv` (words people use for a term). Not every term has all grades (S70).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from registry.clinical import tables
from registry.clinical.results import N_, Reason

DEATH = 5
MOST_FOUND = 20

# One spelling for both: diarrhoea is diarrhea, oedema edema, tumour tumor, localised localized.
_BRITISH = ((re.compile("[ao]+e"), "e"), (re.compile("our"), "or"))
_IZED = re.compile(r"is(?=(?:ed|ation)\b)")
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Term:
    """One term: its code, label, system organ class (code of ctcae_soc) and its grades."""

    code: str
    label: str
    organ_class: str
    grades: tuple[int, ...]


@cache
def terms() -> Mapping[str, Term]:
    """Every term by its code, in alphabetical order."""
    return {
        row["code"]: Term(
            row["code"],
            row["label"],
            row["soc"],
            tuple(int(grade) for grade in row["grades"].split(";")),
        )
        for row in tables.rows("codes/ctcae_term")
    }


def term(code: str) -> Term:
    """One term. Raises ValueError for an unknown code."""
    found = terms().get(code)
    if found is None:
        raise ValueError(N_("term: unknown code %(value)s") % {"value": code[:40]})
    return found


def folded(text: str) -> str:
    """`text` without capitals, accents and British spelling, its words one space apart."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    for british, other in _BRITISH:
        plain = british.sub(other, plain)
    return " ".join(_WORD.findall(_IZED.sub("iz", plain)))


def find(text: str, most: int = MOST_FOUND) -> tuple[Term, ...]:
    """The terms that hold every word of `text`, each as the beginning of a word.

    Best first: the term itself, then terms that begin so, then the rest, then terms known by
    another word ("thrombocytopenia"), each by name. Nothing for a blank text.
    """
    wanted = folded(text)
    if not wanted:
        return ()
    ranked = sorted(
        (rank, code) for code, label in _folded().items() if (rank := _rank(wanted, label)) < 3
    )
    found = dict.fromkeys(code for _, code in ranked)
    found.update(dict.fromkeys(_by_other_words(wanted)))
    return tuple(terms()[code] for code in list(found)[:most])


def grade_problem(code: str, grade: int) -> Reason | None:
    """Why a grade does not exist for a term, or None. Raises ValueError for an unknown term."""
    known = term(code)
    if grade in known.grades:
        return None
    values = {
        "grade": str(grade),
        "term": known.label,
        "grades": ", ".join(str(one) for one in known.grades),
    }
    return Reason(N_("Grade %(grade)s does not exist for %(term)s: grades %(grades)s."), values)


def worst(events: Sequence[tuple[str, int]]) -> Mapping[str, int]:
    """The highest grade of each term among (code, grade), gravest first, then by name."""
    highest: dict[str, int] = {}
    for code, grade in events:
        highest[code] = max(grade, highest.get(code, grade))
    order = sorted(highest, key=lambda code: (-highest[code], code))
    return {code: highest[code] for code in order}


@cache
def _folded() -> Mapping[str, str]:
    return {code: folded(found.label) for code, found in terms().items()}


def _rank(wanted: str, label: str) -> int:
    """0 the term itself, 1 begins with it, 2 holds every word, 3 does not."""
    if label == wanted:
        return 0
    if label.startswith(wanted):
        return 1
    return 2 if _holds(wanted, label) else 3


def _holds(wanted: str, label: str) -> bool:
    words = label.split()
    return all(any(word.startswith(part) for word in words) for part in wanted.split())


def _by_other_words(wanted: str) -> list[str]:
    rows = tables.rows("ctcae_words")
    return sorted({row["code"] for row in rows if _holds(wanted, folded(row["word"]))})
