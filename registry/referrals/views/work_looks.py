"""The rows of the worklist as HTML. Most rows look like one that was shown before, but for their
values: what a row can look like is rendered once, and the values are put in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple

from flask import get_template_attribute
from flask_babel import get_locale
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from registry import kit
from registry.clinical import urgency
from registry.language import in_each_language
from registry.language import lazy_gettext as _l
from registry.referrals import rules
from registry.referrals.rules import worklist as known
from registry.referrals.views.work_rows import Shown

URGENCIES = {
    urgency.URGENT: _l("Urgent"),
    urgency.SOON: _l("Soon"),
    urgency.ROUTINE: _l("Routine"),
}
#: The values of a row; everything else it shows is in its look.
_VALUES = (
    "id", "version", "pseudonym", "why", "deadline", "left", "look", "url", "name", "about", "site",
    "syndrome", "grade", "stage", "hospital", "waiting", "question", "assignee", "missing", "token",
)  # fmt: skip
_GAPS = SimpleNamespace(**{name: kit.gap(name) for name in _VALUES})


class Look(NamedTuple):
    """All that rows can differ in besides their values."""

    language: str
    columns: tuple[str, ...]
    choosing: bool
    mark: str
    urgency: str
    why: bool
    left_kind: str
    look: bool
    site: bool
    syndrome: bool
    grade_status: str
    stage: bool
    stage_stated: bool
    question: bool
    state: str
    assigned: bool
    missing: bool
    steps: tuple[tuple[str, bool], ...]  # the name of each, and whether it is taken at once


class Words(NamedTuple):
    """What the page says of its own, in one language."""

    states: dict[str, str]
    steps: dict[str, str]
    columns: dict[str, str]
    keys: dict[str, str]
    urgencies: dict[str, str]
    phases: dict[str, str]
    grades: dict[str, str]


@in_each_language
def words() -> Words:
    """The words of the page in the reader's language."""
    tables = (
        rules.STATES, rules.SHORT_LABELS, known.COLUMNS, known.KEYS, URGENCIES, rules.PHASES,
        rules.GRADE_GROUPS,
    )  # fmt: skip
    return Words(*({name: str(word) for name, word in table.items()} for table in tables))


def language() -> str:
    """The reader's language."""
    return str(get_locale() or "en")


def drawn(rows: Sequence[Shown], columns: tuple[str, ...], *, choosing: bool) -> Markup:
    """The rows of the table with these columns, with boxes to choose them by or without."""
    token, here = generate_csrf(), language()
    html = "".join(_row(one, here, columns, choosing, token) for one in rows)
    return Markup(html)  # noqa: S704 - of the template, its values escaped


def _row(shown: Shown, here: str, columns: tuple[str, ...], choosing: bool, token: str) -> str:
    one = shown.row
    look = Look(
        here, columns, choosing, shown.mark, one.urgency, bool(shown.why), shown.left_kind,
        bool(shown.look), bool(shown.site), bool(shown.syndrome), one.grade_status,
        bool(shown.stage), bool(one.stage and not one.stage_derived), bool(shown.question),
        one.state,
        bool(one.assignee), bool(shown.missing),
        tuple((step.name, not step.needs) for step in one.steps),
    )  # fmt: skip
    return _stencil(look).filled(
        {
            "id": one.id, "version": one.version, "pseudonym": one.identity.pseudonym,
            "why": shown.why, "deadline": shown.deadline, "left": shown.left, "look": shown.look,
            "url": shown.url, "name": one.identity.name or one.identity.pseudonym,
            "about": shown.about, "site": shown.site, "syndrome": shown.syndrome,
            "grade": shown.grade, "stage": shown.stage, "hospital": one.hospital,
            "waiting": shown.waiting, "question": shown.question,
            "assignee": one.assignee, "missing": shown.missing, "token": token,
        }
    )  # fmt: skip


@lru_cache(maxsize=2_000)
def _stencil(look: Look) -> kit.Stencil:
    macro: Any = get_template_attribute("referrals/_work_row.html", "work_row")
    return kit.Stencil.cut(str(macro(look, _GAPS, words())))
