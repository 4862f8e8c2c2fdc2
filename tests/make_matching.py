"""Builders of pairs that may be one patient, and of joined records."""

from __future__ import annotations

from typing import Any

from registry.access import Viewer
from registry.db import db
from registry.patients import actions as patients
from registry.patients.matching import merging, pairs, rules, states
from registry.patients.matching.models import IdentityChange, Match
from registry.patients.models import Patient
from tests import make


def pair(one: Patient, other: Patient, state: str = states.OPEN) -> Match:
    """A pair as the worker finds it, whatever the two are called."""
    compared = rules.Compared(dict.fromkeys(rules.FIELDS, rules.SAME), 30.0)
    made = pairs.pair_of(one, other, compared)
    made.state = state
    db.session.add(made)
    db.session.flush()
    return made


def a_centres(by: Viewer, patient: Patient, names: tuple[str, str] = ("Ζήτα", "Ήτα")) -> Any:
    """For the walk: a pair to be joined, joined records, and an earlier value of a patient."""
    family, given = names
    one, two, three = (
        make.patient(by, family_name=family, given_names=given, birth_date=f"196{n}-03-27")
        for n in range(3)
    )
    merge = merging.join(one, three, by=by, because="Περίπατος", take=())
    patients.change(patient, by=by, facts={"region": "Πεδίο"})
    change = db.session.query(IdentityChange).filter_by(patient_id=patient.id).one()
    return {
        "match_id": pair(one, two, states.SAME).id,
        "merge_id": merge.id,
        "change_id": change.id,
    }
