"""The worker's part of the course: plans that are missing or old, what older rules derived, drafts
nobody came back to."""

from __future__ import annotations

import time

from registry.access import the_house
from registry.course.actions import derived, plans
from registry.db import db
from registry.jobs import job
from registry.patients.models import Patient

#: So long one run may take; the next one goes on.
SECONDS = 20
AT_ONCE = 200
#: So many plans are written together: people at work wait no longer for the one writer of SQLite.
TOGETHER = 4

HOUSE = the_house("rules")
#: Whether this process has seen that no response is left which other rules derived.
_all_derived = False


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


@job("course.responses", sweep=True)
def derive_responses() -> None:
    """Derive anew what another version of the rules derived, until none is left or the time is
    over. They do not change while a process runs: then it looks no more."""
    global _all_derived
    db.session.rollback()
    end = time.monotonic() + SECONDS
    while not _all_derived and time.monotonic() < end:
        found = derived.outdated_series(AT_ONCE)
        for number, (patient_id, baseline_id) in enumerate(found, 1):
            derived.derive_series(patient_id, baseline_id, by=HOUSE)
            if number % TOGETHER == 0:
                db.session.commit()
        db.session.commit()
        _all_derived = len(found) < AT_ONCE
