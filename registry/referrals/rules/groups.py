"""What the worklist groups by."""

from __future__ import annotations

from registry.clinical import tables
from registry.language import lazy_gettext as _l

GRADE_GROUPS = {
    "carcinoma": _l("Carcinoma (NEC)"),
    "high": _l("High grade, differentiation open"),
    "3": _l("Grade 3 (NET)"),
    "2": _l("Grade 2"),
    "1": _l("Grade 1"),
    "other": _l("Other or mixed"),
    "open": _l("Grade not known"),
}


def grade_group(category: str, grade: str) -> str:
    """The group of a derived grade, for filtering. `grade` is 1, 2, 3, HIGH, LOW or empty."""
    row = tables.by_key("grade_categories", "category").get(category)
    kind = row["kind"] if row else "open"
    if kind == "carcinoma":
        return "carcinoma"
    if kind == "open_high":
        return "high"
    if grade in ("1", "2", "3"):
        return grade
    return "open" if kind == "open" or category == "CARCINOID_NOS" else "other"
