"""The worklist: what it can be narrowed by, its columns, what is done to many cases at once, and
its keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from registry.language import lazy_gettext as _l
from registry.referrals.rules.steps import STEP_NAMES

#: Rows on a page: what fits on two screens, and no name is opened that is not looked at.
PAGE = 25
#: The filters, as they stand in the address and in a saved view.
FILTERS = ("state", "site", "grade", "assignee", "overdue")
#: The columns one may leave out; urgency, deadline, patient and steps always stand there.
COLUMNS = {
    "site": _l("Primary site, syndrome"),
    "grade": _l("Grade"),
    "stage": _l("Stage"),
    "hospital": _l("Referring hospital"),
    "waiting": _l("Waiting"),
    "state": _l("State, assigned to"),
    "question": _l("Question"),
}
USUAL = ("site", "grade", "stage", "hospital", "waiting", "state")
#: What can be done to many cases at once, as far as the table of steps has it.
BULK = tuple(
    name for name in ("assign", "list_for_board", "request_information") if name in STEP_NAMES
)
MOST_AT_ONCE = 100
#: What a single key does on the worklist.
KEYS = {
    "j": _l("Next case"),
    "k": _l("Case before"),
    "o": _l("Open the case"),
    "a": _l("Accept the case"),
    "r": _l("Ask for information"),
    "x": _l("Choose the case for several at once"),
    "n": _l("Show what is new"),
    "?": _l("Show these keys"),
}


def columns(chosen: Iterable[str]) -> tuple[str, ...]:
    """The columns that are shown, in their own order; the usual ones where none is chosen."""
    wanted = set(chosen) & set(COLUMNS)
    return tuple(name for name in COLUMNS if name in (wanted or USUAL))


def filters(said: Mapping[str, Any]) -> dict[str, str]:
    """The filters among what was said, as they are kept: only ours, only what narrows."""
    return {name: str(said[name])[:60] for name in FILTERS if said.get(name)}
