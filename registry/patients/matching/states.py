"""What becomes of a pair: who is asked, what can be answered, and what follows."""

from __future__ import annotations

from collections.abc import Mapping

from registry.language import lazy_gettext as _l

OPEN, SAME, APART, JOINED, LAPSED = "open", "same", "apart", "joined", "lapsed"
STATES = {
    OPEN: _l("To look at"),
    SAME: _l("To be joined"),
    APART: _l("Two people"),
    JOINED: _l("Joined"),
    LAPSED: _l("No longer alike"),
}

#: Who is asked: a centre entitled to both records; the side that knew its patient longer; each.
TOGETHER, ONE_SIDE, EACH_SIDE = "together", "one_side", "each_side"
ASKED = (TOGETHER, ONE_SIDE, EACH_SIDE)

FIRST, SECOND, BOTH = "first", "second", "both"
SIDES = (FIRST, SECOND, BOTH)

IS_SAME, IS_APART, UNSURE = "same", "apart", "unsure"
ANSWERS = {
    IS_SAME: _l("The same person"),
    IS_APART: _l("Two people"),
    UNSURE: _l("Not sure, ask the other side"),
}


def follows(asked: str, newest: Mapping[str, str]) -> tuple[str, str]:
    """(state, asked) after the newest answer of each side.

    `newest` maps first, second or both to an answer. Whoever sees both records may say that they
    are one. Where nobody does, it takes both sides; one that says *two people* ends it. The other
    side hears of a pair only when the side that was asked first did not say that it is none.
    """
    if IS_APART in newest.values():
        return APART, asked
    if newest.get(BOTH) == IS_SAME:
        return SAME, asked
    if newest.get(FIRST) == IS_SAME and newest.get(SECOND) == IS_SAME:
        return SAME, EACH_SIDE
    return OPEN, EACH_SIDE if newest else asked
