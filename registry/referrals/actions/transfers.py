"""Noting where a whole examination is: asked for, sent, received."""

from __future__ import annotations

from registry import audit, codes
from registry.access import Viewer
from registry.dates import PartialDate
from registry.db import db, now
from registry.errors import Conflict, Invalid
from registry.language import gettext as _
from registry.referrals.models import Referral, StudyTransfer

SLIDES = "slides"


def note_transfer(
    referral: Referral,
    *,
    by: Viewer,
    modality: str,
    state: str,
    dated: PartialDate | None = None,
    link: str = "",
    note: str = "",
) -> StudyTransfer:
    """Note an examination, or slides, of a referral that was fetched for the viewer. Raises
    Invalid."""
    if modality != SLIDES and modality not in codes.codes("imaging_modality"):
        raise Invalid(_("Choose what travels."), field="modality")
    _check(state, link)
    made = StudyTransfer(
        referral_id=referral.id,
        modality=modality,
        dated=dated,
        state=state,
        link=link.strip(),
        note=note.strip()[:200],
        entered_by=by.person_id,
        changed_by=by.person_id,
        organisation_id=by.organisation_id,
    )
    db.session.add(made)
    db.session.flush()
    _record(made, referral, by, [None, state])
    return made


def move_transfer(
    found: StudyTransfer,
    referral: Referral,
    *,
    by: Viewer,
    version: int | None,
    state: str,
    link: str = "",
) -> None:
    """Say where it is now; either side may. Raises Conflict on an old copy."""
    if version != found.version:
        raise Conflict(_("This was changed by somebody else while you were working on it."))
    _check(state, link)
    before = found.state
    found.state, found.link = state, link.strip() or found.link
    found.changed_at, found.changed_by = now(), by.person_id
    db.session.flush()
    _record(found, referral, by, [before, state])


def _check(state: str, link: str) -> None:
    if state not in codes.codes("transfer_status"):
        raise Invalid(_("Choose where it is."), field="state")
    link = link.strip()
    if link and (not link.startswith("https://") or len(link) > 500 or " " in link):
        raise Invalid(_("Enter an address that begins with https://"), field="link")


def _record(made: StudyTransfer, referral: Referral, by: Viewer, change: list[str | None]) -> None:
    audit.record(
        "noted where an examination is",
        by=by,
        subject=("referral", referral.id),
        patient_id=referral.patient_id,
        changes={"transfer": change, "modality": [None, made.modality]},
    )
