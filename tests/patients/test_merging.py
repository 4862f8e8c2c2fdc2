"""Two records joined and taken apart: each is as it would have been."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from registry.access import Role
from registry.course import actions as course
from registry.course.models import BY_NAME
from registry.dates import PartialDate
from registry.db import db, metadata
from registry.errors import Conflict, Invalid, NotFound
from registry.patients import actions, queries, rules
from registry.patients.matching import asking, finding, merging, moving
from registry.patients.matching.models import IdentityChange
from registry.patients.models import CareRelation, Consent, NameIndex, Patient
from tests import make, make_course

SECRETS = ("Zonneveld", "Sonnenfeld", "Maanlicht")


def network():
    """Alice of centre 1 and Bob of centre 2, each with a record of Anna."""
    alice = make.viewer(make.person(make.centre(), Role.CLINICIAN, name="Alice Adler"))
    bob = make.viewer(make.person(make.centre("CENTRE-2"), Role.CLINICIAN, name="Bob Brandt"))
    kept = make.patient(alice, telephone="0612345678")
    moved = make.patient(bob, family_name="Sonnenfeld", given_names="Anna", region="Utrecht")
    actions.set_hospital_number(kept, "A-1", by=alice)
    actions.set_hospital_number(moved, "B-2", by=bob)
    return alice, bob, kept, moved


def pathology(patient, by, tumour_id, ki67):
    values = {"ki67_percent": ki67, "date": PartialDate("2025-03-01")}
    return course.add("pathology", patient, by=by, values=values, tumour_id=tumour_id)


def with_tumour(patient, by, ki67):
    tumour = make_course.tumour(patient, by)
    report = pathology(patient, by, tumour.id, ki67)
    return tumour, report


def record(patient_id):
    """Everything a record says, without ids, versions and times."""
    said = {}
    for entity, model in BY_NAME.items():
        rows = db.session.scalars(sa.select(model).where(model.patient_id == patient_id))
        said[entity] = sorted(
            str({c.key: str(getattr(row, c.key)) for c in sa.inspect(model).column_attrs
                 if c.key in model.__table__.c and "variable" in model.__table__.c[c.key].info
                 and model.__table__.c[c.key].info["variable"] is not None})
            for row in rows
        )  # fmt: skip
    patient = db.session.get_one(Patient, patient_id)
    said["patient"] = {name: str(merging.value_of(patient, name)) for name in merging.IDENTITY}
    said["numbers"] = sorted(one.reveal() for one in patient.local_identifiers)
    said["consent"] = sorted(
        (c.purpose, c.answer, c.ended_at is None)
        for c in db.session.scalars(sa.select(Consent).where(Consent.patient_id == patient_id))
    )
    said["places"] = sorted(
        (str(r.organisation_id), r.kind, r.until_at is None)
        for r in db.session.scalars(
            sa.select(CareRelation).where(CareRelation.patient_id == patient_id)
        )
    )
    said["found by"] = sorted(
        (n.kind, n.value)
        for n in db.session.scalars(sa.select(NameIndex).where(NameIndex.patient_id == patient_id))
    )
    return said


def join(kept, moved, by, **more):
    made = merging.join(kept, moved, by=by, because="Rung the hospital.", take=(), **more)
    db.session.commit()
    return made


def apart(merge, by):
    merging.take_apart(merge, by=by, because="Two sisters.")
    db.session.commit()


def test_every_table_that_points_to_a_patient_is_foreseen(app):
    assert moving.unforeseen() == []
    assert {one.table.name for one in moving.owned()} >= {"tumour", "referral", "document"}


def test_joined_there_is_one_record_with_everything(app):
    alice, bob, kept, moved = network()
    with_tumour(kept, alice, "2")
    with_tumour(moved, bob, "15")
    join(kept, moved, alice)
    assert queries.patient(bob, kept.id).id == kept.id
    with pytest.raises(NotFound):
        queries.patient(bob, moved.id)
    assert finding.search(bob, "Zonneveld") == [kept.id]
    assert moving.counted(moved.id) == {}
    assert moving.counted(kept.id)["tumour"] == 2
    assert kept.region == "Utrecht"  # only the other knew it
    assert kept.reveal("family_name") == "Zonneveld"
    assert sorted(one.reveal() for one in kept.local_identifiers) == ["A-1", "B-2"]
    assert queries.now_known_as(bob, moved.id) == kept.id
    assert not db.session.scalars(sa.select(Consent).where(Consent.patient_id == moved.id)).all()


def edits(alice, bob, mine, theirs, my_report, their_report):
    """What somebody does to either record, joined or not."""
    for report, by, ki67 in ((my_report, alice, "3"), (their_report, bob, "18")):
        values = {"ki67_percent": ki67}
        course.change(report, by=by, version=report.version, values=values, absent={})
    pathology(theirs, bob, their_report.tumour_id, "22")
    make_course.entry("biomarker", mine, alice, analyte="CGA_MASS", value="310")
    actions.change(mine, by=alice, facts={"address": "Dorpsstraat 1"})
    db.session.commit()


def test_join_edit_and_take_apart_gives_both_records_as_they_would_have_been(app):
    alice, bob, kept, moved = network()
    _tumour, mine = with_tumour(kept, alice, "2")
    _tumour, theirs = with_tumour(moved, bob, "15")
    alone_alice, alone_bob, one, other = (alice, bob, *_twins(alice, bob))
    _tumour, my_own = with_tumour(one, alone_alice, "2")
    _tumour, their_own = with_tumour(other, alone_bob, "15")
    db.session.commit()

    edits(alone_alice, alone_bob, one, other, my_own, their_own)  # never joined
    made = join(kept, moved, alice)
    edits(alice, bob, kept, kept, mine, theirs)  # the same, while they are one
    apart(made, alice)

    assert without(record(kept.id)) == without(record(one.id))
    assert without(record(moved.id)) == without(record(other.id))
    with pytest.raises(NotFound):
        queries.patient(bob, kept.id)
    assert queries.patient(bob, moved.id).id == moved.id
    for table in metadata.sorted_tables:  # nothing points across
        for link in ("tumour_id", "therapy_id", "review_of_id"):
            if link in table.c and "patient_id" in table.c:
                target = next(iter(table.c[link].foreign_keys)).column.table.alias()
                crossing = sa.select(table.c.id).join(target, target.c.id == table.c[link])
                crossing = crossing.where(target.c.patient_id != table.c.patient_id)
                assert db.session.execute(crossing).all() == []


def _twins(alice, bob):
    """The same two patients once more, under other numbers."""
    one = make.patient(alice, telephone="0612345678")
    other = make.patient(bob, family_name="Sonnenfeld", given_names="Anna", region="Utrecht")
    actions.set_hospital_number(one, "A-3", by=alice)
    actions.set_hospital_number(other, "B-4", by=bob)
    return one, other


def without(said):
    return {name: value for name, value in said.items() if name != "numbers"}


def test_a_chosen_name_is_given_back_and_a_later_correction_stays(app):
    alice, _bob, kept, moved = network()
    made = merging.join(kept, moved, by=alice, because="Same.", take=["family_name", "given_names"])
    assert kept.full_name == "Sonnenfeld, Anna"
    actions.change(kept, by=alice, facts={"given_names": "Annemarie"})
    db.session.commit()
    apart(made, alice)
    assert kept.reveal("family_name") == "Zonneveld"
    assert kept.reveal("given_names") == "Annemarie"
    assert kept.region is None
    assert moved.full_name == "Sonnenfeld, Anna"
    assert finding.search(alice, "Sonnenfeld") == [kept.id]  # it sounds alike; the other is not
    kinds = list(db.session.scalars(sa.select(IdentityChange.kind).order_by(IdentityChange.id)))
    assert kinds == ["joined", "corrected", "taken apart"]


def test_of_two_consents_the_stricter_holds_and_each_has_its_own_again(app):
    alice, bob, kept, moved = network()
    actions.answer_consent(moved.id, "research_use", "no", by=bob)
    db.session.commit()
    assert ("research_use", "yes", "no", "no") in [
        (str(next(k for k, v in rules.PURPOSES.items() if v is label)), a, b, holds)
        for label, a, b, holds in merging.consents_of_both(kept.id, moved.id)
    ]
    made = join(kept, moved, alice)
    assert queries.consents(alice, kept.id)["research_use"].answer == "no"
    assert queries.consents(alice, kept.id)["registry"].answer == "yes"
    actions.answer_consent(kept.id, "registry", "no", by=alice)
    db.session.commit()
    apart(made, alice)
    assert queries.consents(alice, kept.id)["research_use"].answer == "yes"
    assert queries.consents(bob, moved.id)["research_use"].answer == "no"
    # Whoever said no while they were one: it holds for both until they are asked again.
    assert queries.consents(alice, kept.id)["registry"].answer == "no"
    assert queries.consents(bob, moved.id)["registry"].answer == "no"


@pytest.mark.parametrize("both", [False, True])
def test_who_restricts_the_use_of_one_record_restricts_the_joined_one(app, both):
    alice, bob, kept, moved = network()
    day = PartialDate("2026-05-04")
    actions.restrict(moved.id, "objection", "", by=bob, asked_on=day)
    if both:
        actions.restrict(kept.id, "accuracy", "", by=alice, asked_on=day)
    db.session.commit()
    made = join(kept, moved, alice)
    assert kept.id in set(db.session.scalars(queries.restricted()))
    apart(made, alice)
    alone = set(db.session.scalars(queries.restricted()))
    assert alone == ({kept.id, moved.id} if both else {moved.id})


def test_no_to_sharing_for_care_is_not_got_round_by_joining(app):
    alice, bob, kept, moved = network()
    actions.answer_consent(moved.id, "care", "no", by=bob)
    with pytest.raises(Invalid, match="sharing for care"):
        merging.join(kept, moved, by=alice, because="Same.", take=())


def test_dead_in_one_and_alive_later_in_the_other_has_to_be_chosen(app):
    alice, bob, kept, moved = network()
    alive = make_course.entry("follow_up", kept, alice, date="2026-06-01", vital_status="alive")
    make_course.entry(
        "follow_up", moved, bob, date="2025-02-01", vital_status="dead", death_date="2025-02-01"
    )
    [question] = asking.questions(kept.id, moved.id)
    assert question.key == "vital_status"
    made = join(kept, moved, alice, chosen={"vital_status": "moved"})
    assert db.session.get_one(type(alive), alive.id).error_at is not None
    assert asking.questions(kept.id, moved.id) == []
    apart(made, alice)
    assert db.session.get_one(type(alive), alive.id).error_at is None


def test_a_relation_of_both_ends_as_it_did_and_a_new_one_goes_where_it_belongs(app):
    alice, bob, kept, moved = network()
    actions.relate(moved.id, alice.organisation_id, rules.TREATING, by=alice)
    actions.relate(moved.id, bob.organisation_id, rules.ADDRESSED, by=bob)
    db.session.commit()
    before = {one: record(one)["places"] for one in (kept.id, moved.id)}
    made = join(kept, moved, alice)
    assert queries.relation(alice, kept.id) == {rules.TREATING}
    assert queries.relation(alice, moved.id) == frozenset()
    apart(made, alice)
    assert {one: record(one)["places"] for one in (kept.id, moved.id)} == before
    again = join(kept, moved, alice)
    actions.relate(
        kept.id, bob.organisation_id, rules.REFERRING, by=bob
    )  # of the moved one's centre
    db.session.commit()
    apart(again, alice)
    assert queries.relation(bob, kept.id) == frozenset()
    assert rules.REFERRING in queries.relation(bob, moved.id)


def test_what_was_written_while_they_were_joined_is_not_left_behind(app):
    alice, bob, kept, moved = network()
    made = join(kept, moved, alice)
    late = make_course.tumour(moved, bob)  # begun before, kept after
    db.session.commit()
    assert merging.gather(made) > 0
    assert merging.gather(made) == 0
    db.session.commit()
    assert db.session.get_one(type(late), late.id).patient_id == kept.id
    apart(made, alice)
    assert db.session.get_one(type(late), late.id).patient_id == moved.id


def test_of_three_the_last_is_taken_apart_first(app):
    alice, bob, kept, moved = network()
    third = make.patient(bob, family_name="Maanlicht")
    first = join(kept, moved, alice)
    last = join(third, kept, alice)
    assert queries.joined_into(third.id) == [kept.id, moved.id]
    assert queries.now_known_as(bob, moved.id) == third.id
    with pytest.raises(Conflict):
        merging.take_apart(first, by=alice, because="Two.")
    with pytest.raises(Conflict):
        join(kept, moved, alice)
    db.session.rollback()
    apart(last, alice)
    apart(first, alice)
    assert queries.patient(bob, moved.id).id == moved.id
    with pytest.raises(Conflict):
        merging.take_apart(first, by=alice, because="Again.")


def test_joined_a_record_is_found_by_the_names_of_both_and_apart_by_its_own(app):
    alice, bob, kept, moved = network()
    actions.change(moved, by=bob, facts={"family_name": "Kastanje"})
    made = join(kept, moved, alice)
    for text in ("Zonneveld", "Kastanje", "kastanye"):
        assert finding.search(alice, text) == [kept.id], text
    apart(made, alice)
    assert finding.search(alice, "Kastanje") == []
    assert finding.search(bob, "Kastanje") == [moved.id]


def test_earlier_names_are_sealed_and_can_be_put_back(app):
    alice, _bob, kept, _moved = network()
    actions.change(
        kept, by=alice, facts={"family_name": "Maanlicht", "birth_date": PartialDate("1960")}
    )
    db.session.flush()
    [change] = db.session.scalars(
        sa.select(IdentityChange).where(IdentityChange.patient_id == kept.id)
    )
    stored = str(db.session.execute(sa.select(IdentityChange.__table__)).all())
    assert not any(secret in stored for secret in SECRETS)
    assert "1961" not in stored
    assert change.reveal() == {"family_name": "Zonneveld", "birth_date": "1961-03-27"}
    actions.restore(kept, change, by=alice, names=["family_name"])
    assert kept.reveal("family_name") == "Zonneveld"
    assert kept.birth_date == PartialDate("1960")
    assert finding.search(alice, "Zonneveld") == [kept.id]
