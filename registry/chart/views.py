"""The patient's page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template

from registry import audit, codes, web
from registry.access import Right
from registry.chart import queries
from registry.course import wording
from registry.referrals import rules as referral_rules

room = web.Room("chart", __name__)


@room.page("/patients/<uuid:patient_id>/chart", right=Right.READ_RECORD)
def chart(patient_id: UUID) -> Any:
    """One page that tells the case."""
    found = queries.chart(web.viewer(), patient_id)
    subject = ("patient", patient_id)
    audit.opened("opened chart", by=web.viewer(), subject=subject, patient_id=patient_id)
    return render_template(
        "chart/chart.html", chart=found, states=referral_rules.STATES, taken=referral_rules.TAKEN,
        word=codes.label,
        born=wording.date(found.identity.birth_date),
    )  # fmt: skip
