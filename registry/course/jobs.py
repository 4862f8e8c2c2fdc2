"""The worker's part of the course: plans that are missing or old, drafts nobody came back to."""

from __future__ import annotations

import time

from registry.course.actions import plans
from registry.db import db
from registry.jobs import job
from registry.patients.models import Patient

#: So long one run may take; the next one goes on.
SECONDS = 20
AT_ONCE = 200
#: So many plans are written together: people at work wait no longer for the one writer of SQLite.
TOGETHER = 4


@job("course.follow_up_plans", sweep=True)
def make_plans() -> None:
    """Make plans until none is old or the time is over; a run that is killed loses a few."""
    db.session.rollback()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        ids = plans.outdated(AT_ONCE)
        for start in range(0, len(ids), TOGETHER):
            for patient_id in ids[start : start + TOGETHER]:
                if db.session.get(Patient, patient_id) is not None:
                    plans.make(patient_id)
            db.session.commit()
        if len(ids) < AT_ONCE:
            break
    plans.drop_old_drafts()
    db.session.commit()
