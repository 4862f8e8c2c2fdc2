"""Suggested centres in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask_babel import ngettext

from registry import codes
from registry.language import gettext as _
from registry.people.models import Organisation
from registry.referrals.rules.suggesting import Reason, Suggestion


@dataclass(frozen=True)
class Shown:
    """A suggested centre: its name, whether it is the one chosen, and why it stands there."""

    id: UUID
    name: str
    fits: bool
    chosen: bool
    reasons: list[tuple[str, bool]]


def shown(ranked: Sequence[Suggestion], places: Sequence[Organisation], chosen: str) -> list[Shown]:
    """Suggestions in words, of the centres that can be chosen; `chosen` is the id of one."""
    names = {one.id: one.name for one in places}
    return [
        Shown(
            one.id,
            names[one.id],
            one.fits,
            str(one.id) == chosen,
            [(in_words(reason), reason.good) for reason in one.reasons],
        )
        for one in ranked
        if one.id in names
    ]


def in_words(reason: Reason) -> str:
    """One reason, for or against."""
    value = reason.value
    if reason.code == "site":
        site = codes.label("triage_group", value)
        text = _("takes: %(site)s") if reason.good else _("does not take: %(site)s")
        return str(text % {"site": site})
    if reason.code == "service":
        service = codes.label("service", value)
        text = _("has: %(service)s") if reason.good else _("does not have: %(service)s")
        return str(text % {"service": service})
    if reason.code == "country_not_taken":
        country = codes.label("country", value)
        return str(_("does not take patients from %(country)s", country=country))
    if reason.code == "same_country":
        return str(_("in the same country"))
    if reason.code == "distance":
        return str(_("%(km)s km away", km=value))
    if reason.code == "waiting":
        return str(ngettext("advice after %(num)s day", "advice after %(num)s days", int(value)))
    return str(_("%(weeks)s weeks of cases waiting", weeks=value))
