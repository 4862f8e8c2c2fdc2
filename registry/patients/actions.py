"""Registering patients, sealing who they are, consent, and care relations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from registry import audit
from registry.access import Viewer
from registry.dates import PartialDate
from registry.db import Moment, db, new_id, now, table_of
from registry.driver import add_rows
from registry.errors import Conflict, Invalid
from registry.keys import ring
from registry.language import gettext as _
from registry.patients import queries, rules
from registry.patients.documents import arriving
from registry.patients.matching.models import IdentityChange, MatchDue
from registry.patients.models import (
    CareRelation,
    Consent,
    LocalIdentifier,
    NameIndex,
    Patient,
    Restriction,
)

_IDENTIFYING = ("family_name", "given_names", "national_number", "telephone", "address")
_PLAIN = ("sex_at_birth", "birth_date", "country", "region")


def register(
    *,
    by: Viewer,
    facts: dict[str, Any],
    absent: dict[str, Any] | None = None,
    hospital_number: str = "",
    relation: str,
    why: str = "",
    provisional: bool = False,
    source: str = "",
    patient_id: UUID | None = None,
) -> Patient:
    """Make a patient known, with the relation of the viewer's organisation to them.

    `facts` holds identifying and other columns by name. Raises Invalid when the hospital number
    already belongs to another patient of that organisation.
    """
    made = Patient(
        id=patient_id or new_id(),
        pseudonym=rules.new_pseudonym(),
        provisional=provisional,
        created_by=by.person_id,
        created_at_organisation=by.organisation_id,
        source=source,
        absent=absent or {},
    )
    _write_facts(made, facts)
    db.session.add(made)
    db.session.flush()
    if not provisional:
        to_be_compared(made.id)
    if hospital_number:
        set_hospital_number(made, hospital_number, by=by)
    _add_prints(made, queries.fingerprints(**_named(made), organisations=()))
    relate(made.id, by.organisation_id, relation, by=by, why=why)
    audit.record(
        "registered patient",
        by=by,
        subject=("patient", made.id),
        patient_id=made.id,
        changes={"provisional": [None, provisional], "source": [None, source]},
    )
    return made


def _write_facts(patient: Patient, facts: dict[str, Any]) -> dict[str, Any]:
    """Set what changed; returns the changes, without identifying values."""
    changes: dict[str, Any] = {}
    for name in _IDENTIFYING:
        if name in facts and (facts[name] or "").strip() != patient.reveal(name):
            patient.hide(name, facts[name])
            changes[name] = "changed"
    for name in _PLAIN:
        if name in facts and facts[name] != getattr(patient, name):
            before = getattr(patient, name)
            setattr(patient, name, facts[name])
            hidden = name == "birth_date"
            changes[name] = "changed" if hidden else [before, facts[name]]
    return changes


def change(
    patient: Patient,
    *,
    by: Viewer,
    facts: dict[str, Any],
    absent: dict[str, Any] | None = None,
    kind: str = "corrected",
) -> None:
    """Correct who a patient is. The audit names the columns, never the values; what they were is
    kept sealed, to be put back (`restore`). `kind` says why: corrected, restored, joined or taken
    apart."""
    before = {name: _as_text(patient, name) for name in (*_IDENTIFYING, *_PLAIN)}
    changes = _write_facts(patient, facts)
    _keep_before(patient, before, sorted(changes), by=by, kind=kind)
    if absent is not None and absent != patient.absent:
        patient.absent = absent
        changes["absent"] = "changed"
    if not changes:
        return
    db.session.flush()
    index(patient)
    if not patient.provisional:
        to_be_compared(patient.id)
    audit.record(
        "changed patient",
        by=by,
        subject=("patient", patient.id),
        patient_id=patient.id,
        changes=changes,
    )


def _as_text(patient: Patient, name: str) -> str | None:
    if name in _IDENTIFYING:
        return patient.reveal(name) or None
    found = getattr(patient, name)
    return found.iso if isinstance(found, PartialDate) else found


def _keep_before(
    patient: Patient, before: dict[str, str | None], names: list[str], *, by: Viewer, kind: str
) -> None:
    """Keep, sealed, what the changed columns of a patient said."""
    if not names or patient.provisional:
        return
    kept = IdentityChange(
        id=new_id(), patient_id=patient.id, kind=kind, names=names,
        at=now(), by=by.person_id, organisation_id=by.organisation_id,
    )  # fmt: skip
    kept.hide({name: before[name] for name in names})
    db.session.add(kept)


def restore(patient: Patient, earlier: IdentityChange, *, by: Viewer, names: list[str]) -> None:
    """Put back what some columns said before a change; that is a change itself, and can be undone
    in the same way."""
    was = earlier.reveal()
    facts: dict[str, Any] = {}
    for name in names:
        if name in was:
            text = was[name]
            born = name == "birth_date" and text
            facts[name] = PartialDate(str(text)) if born else text
    change(patient, by=by, facts=facts, kind="restored")


def to_be_compared(patient_id: UUID) -> None:
    """Have the worker's next round look for others who may be the same person."""
    db.session.connection().execute(_due(), {"patient": patient_id, "moment": now()})


@cache
def _due() -> sa.Insert:
    patient_id = sa.bindparam("patient", type_=sa.Uuid())
    due = sa.select(patient_id, sa.bindparam("moment", type_=Moment())).where(
        ~sa.exists().where(MatchDue.patient_id == patient_id)
    )
    return sa.insert(table_of(MatchDue)).from_select(["patient_id", "at"], due)


def index(patient: Patient) -> None:
    """Bring the blind indexes up to what the row says."""
    wanted = queries.fingerprints(
        **_named(patient),
        organisations=db.session.scalars(
            sa.select(CareRelation.organisation_id)
            .where(CareRelation.patient_id == patient.id)
            .distinct()
        ).all(),
        before=queries.earlier_names([patient.id]).get(patient.id, ()),
    )
    have = {
        (row.kind, row.value): row.id
        for row in db.session.scalars(
            sa.select(NameIndex).where(NameIndex.patient_id == patient.id)
        )
    }
    stale = [row_id for key, row_id in have.items() if key not in wanted]
    if stale:
        db.session.execute(sa.delete(NameIndex).where(NameIndex.id.in_(stale)))
    _add_prints(patient, wanted - set(have))


def _named(patient: Patient) -> dict[str, Any]:
    """What a patient is found by, opened."""
    return {
        "family_name": patient.reveal("family_name"),
        "given_names": patient.reveal("given_names"),
        "birth_date": patient.birth_date,
        "national_number": patient.reveal("national_number"),
    }


def _index_for(patient: Patient, organisation_id: UUID) -> None:
    """Let the people of an organisation that had nothing to do with a patient find the patient."""
    # Who is known from a draft alone has had no other name and is joined with nobody.
    ids = [] if patient.provisional else [patient.id]
    before = queries.earlier_names(ids).get(patient.id, ())
    words = queries.findable(**_named(patient)) | queries.by_earlier_names(before)
    _add_prints(patient, queries.fingerprints_for(organisation_id, words))


def _add_prints(patient: Patient, prints: Iterable[tuple[str, str]]) -> None:
    rows = [
        {"patient_id": patient.id, "kind": kind, "value": value} for kind, value in sorted(prints)
    ]
    add_rows(NameIndex, rows)


def set_hospital_number(patient: Patient, number: str, *, by: Viewer) -> None:
    """Keep the number the viewer's organisation knows the patient by. Raises Invalid if taken."""
    number = number.strip()
    index = queries.number_index(by.organisation_id, number)
    mine = next(
        (one for one in patient.local_identifiers if one.organisation_id == by.organisation_id),
        None,
    )
    if mine is not None and rules.plain_number(mine.reveal()) == rules.plain_number(number):
        return
    _one_number_at_a_time(by.organisation_id, number)
    taken = Invalid(_("Another patient of your hospital has this number."), field="hospital_number")
    if queries.number_is_taken(by, number):
        raise taken
    try:
        with db.session.begin_nested():
            if mine is None:
                mine = LocalIdentifier(
                    id=new_id(), patient=patient, organisation_id=by.organisation_id
                )
                db.session.add(mine)
            mine.number_index = index
            mine.hide(number)
    except IntegrityError as error:  # somebody gave it to another patient at this moment
        raise taken from error
    audit.record(
        "changed patient",
        by=by,
        subject=("patient", patient.id),
        patient_id=patient.id,
        changes={"hospital_number": "changed"},
    )


def _one_number_at_a_time(organisation_id: UUID | None, number: str) -> None:
    """While keys are rotated a number may stand under an older fingerprint, which the table's own
    uniqueness does not see: who gives the same number waits. SQLite has one writer anyway."""
    if db.session.connection().dialect.name == "postgresql":
        same = ring().blind(f"hospital number {organisation_id}", rules.plain_number(number))
        db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(int(same[:15], 16))))


def confirm(patient: Patient, *, by: Viewer) -> None:
    """A patient known from a draft alone becomes one of the registry."""
    if patient.provisional:
        patient.provisional = False
        to_be_compared(patient.id)
        audit.record(
            "confirmed patient", by=by, subject=("patient", patient.id), patient_id=patient.id
        )


def forget(patient: Patient, *, by: Viewer) -> None:
    """Remove who a provisional patient was: nothing was sent, so nobody needs to know it."""
    if not patient.provisional:
        raise ValueError("only a provisional patient can be forgotten")
    for name in _IDENTIFYING:
        patient.hide(name, None)
    for name in _PLAIN:
        setattr(patient, name, None)
    patient.absent = {}
    for model in (LocalIdentifier, NameIndex):
        db.session.execute(sa.delete(model).where(model.patient_id == patient.id))
    arriving.forget(patient_id=patient.id)
    db.session.flush()
    audit.record("forgot patient", by=by, subject=("patient", patient.id), patient_id=patient.id)


# -- care relations ----------------------------------------------------------------------------


def relate(
    patient_id: UUID, organisation_id: UUID | None, kind: str, *, by: Viewer, why: str = ""
) -> None:
    """Give an organisation a reason to see a patient, or renew one that had ended."""
    if organisation_id is None:
        raise Invalid(_("Choose the organisation."))
    here = {"patient_id": patient_id, "organisation_id": organisation_id}
    theirs = db.session.execute(_relations(), here).all()
    existing = next((one for one in theirs if one.kind == kind), None)
    if existing is not None and existing.until_at is None:
        return
    if existing is not None:
        db.session.get_one(CareRelation, existing.id).until_at = None
        db.session.flush()
    else:
        add_rows(CareRelation, [{**here, "kind": kind, "why": why}])
    if not theirs:  # its people find the patient from now on
        _index_for(db.session.get_one(Patient, patient_id), organisation_id)
    audit.record(
        "gave access",
        by=by,
        subject=("organisation", organisation_id),
        patient_id=patient_id,
        changes={"relation": [None, kind], "why": [None, why]},
    )


@cache
def _relations() -> sa.Select[Any]:
    one = table_of(CareRelation).c
    return sa.select(one.id, one.kind, one.until_at).where(
        one.patient_id == sa.bindparam("patient_id"),
        one.organisation_id == sa.bindparam("organisation_id"),
    )


def end_relation(
    patient_id: UUID,
    organisation_id: UUID | None,
    kind: str,
    *,
    by: Viewer,
    after: timedelta = timedelta(0),
) -> None:
    """End an organisation's reason to see a patient, now or after a time."""
    existing = db.session.scalar(
        sa.select(CareRelation).where(
            CareRelation.patient_id == patient_id,
            CareRelation.organisation_id == organisation_id,
            CareRelation.kind == kind,
        )
    )
    if existing is None or (existing.until_at and existing.until_at <= now() + after):
        return
    existing.until_at = now() + after
    db.session.flush()
    audit.record(
        "ended access",
        by=by,
        subject=("organisation", organisation_id),
        patient_id=patient_id,
        changes={"relation": [kind, None], "until": [None, existing.until_at.isoformat()]},
    )


# -- consent -----------------------------------------------------------------------------------


def answer_consent(
    patient_id: UUID,
    purpose: str,
    answer: str,
    *,
    by: Viewer,
    given_on: PartialDate | None = None,
    form_version: str = rules.CONSENT_VERSION,
) -> None:
    """Record an answer for a purpose; the answer before it ends and stays in the history."""
    _answer(patient_id, {purpose: (answer, given_on)}, by=by, form_version=form_version)


def answer_consents(
    patient_id: UUID,
    answers: Mapping[str, str],
    *,
    by: Viewer,
    given_on: PartialDate,
    only_new: bool = False,
) -> None:
    """Record the answers for several purposes, given on one day; what was not asked has none.
    `only_new`: an answer that says the same as before is none, nor is *not asked* after one."""
    dated = {
        purpose: (answer, None if answer == "not_asked" else given_on)
        for purpose, answer in answers.items()
    }
    _answer(patient_id, dated, by=by, form_version=rules.CONSENT_VERSION, only_new=only_new)


def _answer(
    patient_id: UUID,
    answers: Mapping[str, tuple[str, PartialDate | None]],
    *,
    by: Viewer,
    form_version: str,
    only_new: bool = False,
) -> None:
    for purpose, (answer, _given_on) in answers.items():
        if purpose not in rules.PURPOSES or answer not in rules.CONSENT_ANSWERS:
            raise Invalid(_("Choose one of the options."), field=f"consent_{purpose}")
    current = {
        one.purpose: one for one in db.session.execute(_in_force(), {"patient_id": patient_id})
    }
    about: list[tuple[tuple[str, Any], UUID, dict[str, Any]]] = []
    made, ended = [], []
    for purpose, (answer, given_on) in answers.items():
        before = current.get(purpose)
        if before is not None:
            if only_new and answer in (before.answer, "not_asked"):
                continue
            same = (before.answer, before.given_on, before.form_version)
            if same == (answer, given_on, form_version):
                continue
            ended.append(before.id)
        made.append(
            {
                "patient_id": patient_id,
                "purpose": purpose,
                "answer": answer,
                "given_on": given_on,
                "form_version": form_version,
                "recorded_by": by.person_id,
            }
        )
        change = {purpose: [before.answer if before else None, answer]}
        about.append((("consent", purpose), patient_id, change))
    if not made:
        return
    for consent_id in ended:  # one answer for a purpose holds at a time: the one before ends first
        db.session.get_one(Consent, consent_id).ended_at = now()
    if ended:
        db.session.flush()
    add_rows(Consent, made)
    audit.record_many("recorded consent", by=by, about=about)


@cache
def _in_force() -> sa.Select[Any]:
    one = table_of(Consent).c
    return sa.select(one.id, one.purpose, one.answer, one.given_on, one.form_version).where(
        one.patient_id == sa.bindparam("patient_id"), one.ended_at.is_(None)
    )


def restrict(
    patient_id: UUID, ground: str, note: str, *, by: Viewer, asked_on: PartialDate
) -> None:
    """Let a patient's data be used for their care alone, on one of `rules.GROUNDS`. What research
    counts and the next release leave them out. Raises Conflict where that is so already."""
    if ground not in rules.GROUNDS:
        raise Invalid(_("Choose one of the options."), field="ground")
    made = Restriction(
        patient_id=patient_id, ground=ground, note=note, asked_on=asked_on, recorded_by=by.person_id
    )
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except IntegrityError as error:
        raise Conflict(_("Somebody has restricted the use of these data already.")) from error
    audit.record(
        "restricted use",
        by=by,
        subject=("patient", patient_id),
        patient_id=patient_id,
        changes={"ground": [None, ground]},
    )


def lift_restriction(patient_id: UUID, because: str, *, by: Viewer) -> None:
    """End the restriction in force; it stays in the history with why. Raises Conflict where there
    is none."""
    held = db.session.scalar(
        sa.select(Restriction)
        .where(Restriction.patient_id == patient_id, Restriction.ended_at.is_(None))
        .with_for_update()
    )
    if held is None:
        raise Conflict(_("Somebody has lifted the restriction already."))
    held.ended_at, held.ended_because, held.ended_by = now(), because, by.person_id
    audit.record(
        "lifted restriction", by=by, subject=("patient", patient_id), patient_id=patient_id
    )
