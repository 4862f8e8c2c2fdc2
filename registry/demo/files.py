"""Reports and examinations of a few open referrals of the demonstration, and somebody's texts."""

from __future__ import annotations

import io

import sqlalchemy as sa

from registry.dates import PartialDate
from registry.db import db
from registry.demo.story import Cast
from registry.patients.documents import actions as documents
from registry.referrals import actions, rules
from registry.referrals.models import Referral

#: How many open referrals have a report; it costs a tenth of a second each.
REPORTS = 4
_TEXTS = (
    ("PRRT?", "Progression under a somatostatin analogue: is PRRT suitable?"),
    ("First treatment", "Newly diagnosed: which treatment should come first?"),
)


def add(cast: Cast) -> None:
    """A pathology report and a CT on its way with the newest open referrals."""
    newest = sa.select(Referral).where(Referral.state.in_([rules.SUBMITTED, rules.ACCEPTED]))
    for sent in db.session.scalars(newest.order_by(Referral.id.desc()).limit(REPORTS)).all():
        if sent.referrer_id is None:
            continue
        by = cast.at(sent.from_organisation.code, "referrer")
        made = documents.add(
            sent.patient,
            by=by,
            data=_report(sent.patient.pseudonym),
            name="Pathology report.pdf",
            kind="pathology_report",
        )
        made.referral_id = sent.id
        actions.note_transfer(
            sent,
            by=by,
            modality="CT_MULTIPHASE",
            state="sent",
            dated=PartialDate.of(sent.submitted_at.date()) if sent.submitted_at else None,
            link="https://archive.example/studies/made-up",
            note="Sent to the image archive of the centre.",
        )
    for label, text in _TEXTS:
        actions.keep_text(by=cast.viewer("referrer@demo.example"), label=label, text=text)
    db.session.flush()


def _report(pseudonym: str) -> bytes:
    """A page that says what it is."""
    import pikepdf

    lines = ("Pathology report (synthetic, made up for the demonstration)", pseudonym)
    text = "BT /F 14 Tf 60 760 Td 22 TL " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
    out = io.BytesIO()
    with pikepdf.new() as made:
        page = made.add_blank_page()
        font = pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
        page.obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=font))
        page.obj.Contents = made.make_stream(text.encode("ascii"))
        made.save(out)
    return out.getvalue()
