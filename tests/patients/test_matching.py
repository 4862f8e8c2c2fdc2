"""Who may be the same person: the rule, what is found, who is asked, what nobody else learns."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from registry import rekeying
from registry.access import Role
from registry.audit import AuditEntry
from registry.dates import PartialDate
from registry.db import db
from registry.errors import Conflict, NotFound
from registry.keys import ring
from registry.patients import actions, bulk
from registry.patients import queries as patient_queries
from registry.patients import rules as relations
from registry.patients.matching import actions as deciding
from registry.patients.matching import finding, names, pairs, queries, rules, states
from registry.patients.matching.models import Match, MatchDue
from registry.patients.models import NameIndex, Patient
from registry.patients.rekeying import index_earlier_names
from registry.people.models import Notice
from tests import make
from tests.patients import alike, figures

# -- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        ("Zonneveld", "ZÓNNEVELD", "same"),
        ("O'Brien", "O Brien", "same"),
        ("O’Brien", "OBrien", "same"),
        ("Müller", "Mueller", "same"),
        ("van den Berg", "Berg", "same"),
        ("Šípková-Růžičková", "Ruzickova Sipkova", "same"),
        ("Иванов", "Ivanov", "same"),
        ("Zonneveld", "Sonnefeld", "near"),
        ("Zonneveld", "Zonneveldt", "near"),
        ("Mohammed", "Muhamad", "near"),
        ("محمد", "Mohammed", "near"),
        ("يوسف", "Youssef", "near"),
        ("العمراني", "Al-Amrani", "same"),
        ("García Lorca", "García", "part"),
        ("Anna Maria", "Anna", "part"),
        ("Anna", "A.", "initial"),
        ("Jansen", "Zonneveld", "other"),
        ("Anna", "Eva", "other"),
        ("Jan", "Jos", "other"),
        ("", "Anna", ""),
    ],
)
def test_names_agree(one, other, how):
    assert names.agree(one, other) == how
    assert names.agree(other, one) == how


def test_names_in_another_spelling_share_a_sound():
    for one, other in (("Mohammed", "محمد"), ("Hussein", "حسين"), ("Schröder", "Shroeder"),
                       ("Khalid", "خالد"), ("Hossein", "Husain")):  # fmt: skip
        assert names.sounds(one) & names.sounds(other), (one, other)


# -- the rule ----------------------------------------------------------------------------------

ANNA = rules.Person("Zonneveld", "Anna Maria", PartialDate("1961-03-07"), "female", "", "", "NL")


def but(**other):
    return rules.Person(**{**ANNA.__dict__, **{
        name: PartialDate(value) if name == "birth_date" else value
        for name, value in other.items()
    }})  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        but(family_name="Sonnefelt"),
        but(birth_date="1961-07-03"),
        but(given_names="Anna", telephone="0612345678"),
        but(family_name="Anna Maria", given_names="Zonneveld"),
        but(birth_date="1961-03-08"),
        but(birth_date="1961"),
    ],
)
def test_a_slip_is_found(other):
    assert rules.compare(ANNA, other, family_share=0.0001, given_share=0.001).alike


def test_a_changed_surname_is_found_by_the_number_or_the_telephone():
    married = but(family_name="Bakker")
    assert not rules.compare(ANNA, married).alike
    for known in ({"national_number": "123456782"}, {"telephone": "+31 6 12345678"}):
        assert rules.compare(but(**known), but(family_name="Bakker", **known)).alike


@pytest.mark.parametrize(
    "other",
    [
        but(given_names="Eva"),  # a twin
        but(given_names="Hanna", sex="male", telephone="0612345678"),  # a twin brother, mistyped
        but(birth_date="1989-03-07"),  # a mother and daughter of one name, on one day of the year
        but(birth_date="1961-11-23"),  # a namesake
        but(given_names="Eva", telephone="0612345678"),
    ],
)
def test_twins_and_namesakes_are_two_people(other):
    me = but(telephone="0612345678")
    assert not rules.compare(me, other, family_share=0.00001, given_share=0.00001).alike


def test_two_national_numbers_are_two_people_and_a_slip_of_one_is_not():
    me = but(national_number="123456782")
    assert not rules.compare(me, but(national_number="987654321")).alike
    assert rules.compare(me, but(national_number="123456783")).alike
    abroad = but(national_number="987654321", country="BE")
    assert rules.compare(me, abroad, family_share=0.0001).alike


def test_the_figures_on_a_small_population():
    """Must-show 5, small; `make bench` measures 20,000 through the product."""
    found = figures.measured(alike.population(2_500, seed=6))
    assert found.same > 200
    assert found.precision >= 0.99
    assert found.recall >= 0.90


# -- finding in the background -----------------------------------------------------------------


def network():
    """Alice and the data manager Dora of centre 1; Bob and Dirk of centre 2; Carl of centre 3."""
    first, second, third = make.centre(), make.centre("CENTRE-2"), make.centre("CENTRE-3")
    people = {}
    for place, doctor, manager in ((first, "Alice Adler", "Dora Dahl"),
                                   (second, "Bob Brandt", "Dirk Doorn"),
                                   (third, "Carl Cohen", "Demi Dekker")):  # fmt: skip
        for name, role in ((doctor, Role.CLINICIAN), (manager, Role.DATA_MANAGER)):
            people[name.split()[0].lower()] = make.person(place, role, name=name)
    return people


def looked():
    """What the worker does each minute."""
    while pairs.compare_due():
        db.session.commit()
    db.session.commit()


def two_records(people, **other):
    """Anna is a patient of centre 1, and in another spelling of centre 2."""
    alice, bob = make.viewer(people["alice"]), make.viewer(people["bob"])
    one = make.patient(alice, telephone="0612345678")
    facts = {"family_name": "Sonnefeld", "telephone": "0612345678", **other}
    two = make.patient(bob, **facts)
    make.patient(bob, family_name="Maanlicht", given_names="Eva")
    looked()
    return one, two


def only_pair():
    return db.session.scalars(sa.select(Match)).one()


def test_who_is_registered_or_corrected_is_compared_and_nothing_is_joined(app):
    people = network()
    one, two = two_records(people)
    found = only_pair()
    assert (found.first_id, found.second_id) == (one.id, two.id)
    assert found.agreement["family_name"] == "near"
    assert db.session.scalars(sa.select(MatchDue)).all() == []
    assert "Zonneveld" not in str(db.session.execute(sa.select(Match.__table__)).all())
    bob = make.viewer(people["bob"])
    actions.change(two, by=bob, facts={"given_names": "Eva", "birth_date": PartialDate("1950")})
    looked()
    assert only_pair().state == states.LAPSED
    actions.change(
        two, by=bob, facts={"given_names": "Anna Maria", "birth_date": PartialDate("1961-03-27")}
    )
    looked()
    assert only_pair().state == states.OPEN
    assert len(db.session.scalars(sa.select(Patient)).all()) == 3


def test_a_draft_is_compared_with_nobody(app):
    people = network()
    alice, bob = make.viewer(people["alice"]), make.viewer(people["bob"])
    make.patient(alice)
    draft = actions.register(
        by=bob, facts={"family_name": "Zonneveld", "given_names": "Anna Maria",
                       "birth_date": PartialDate("1961-03-27"), "sex_at_birth": "female"},
        relation=relations.REFERRING, provisional=True,
    )  # fmt: skip
    looked()
    assert db.session.scalars(sa.select(Match)).all() == []
    actions.confirm(draft, by=bob)
    looked()
    assert only_pair().second_id == draft.id


# -- who is asked ------------------------------------------------------------------------------


def shown(people, who):
    return [one.id for one in queries.listed(make.viewer(people[who]))]


def say(people, who, answer):
    found = only_pair()
    deciding.answer(found, answer, by=make.viewer(people[who]), version=found.version)
    db.session.commit()
    return only_pair()


def test_the_side_that_knew_its_patient_longer_is_asked_first_and_sees_only_its_own(app):
    people = network()
    one, _two = two_records(people)
    pair_id = only_pair().id
    assert shown(people, "dora") == [pair_id]
    assert shown(people, "dirk") == shown(people, "demi") == []
    with pytest.raises(NotFound):
        queries.match(make.viewer(people["dirk"]), pair_id)
    seen = queries.pair(make.viewer(people["dora"]), pair_id)
    assert seen.first.patient.id == one.id
    assert seen.second.patient is None
    assert seen.second.person is None
    told = db.session.scalars(sa.select(Notice).where(Notice.why == "pair_to_look_at")).all()
    assert [notice.person_id for notice in told] == [people["dora"].id]


def test_both_sides_have_to_say_that_it_is_one_person(app):
    people = network()
    two_records(people)
    assert say(people, "dora", "same").state == states.OPEN
    assert shown(people, "dirk") == [only_pair().id]
    seen = queries.pair(make.viewer(people["dirk"]), only_pair().id)
    assert seen.first.patient is None
    with pytest.raises(NotFound):
        queries.to_join(make.viewer(people["dirk"]), only_pair().id)
    assert say(people, "dirk", "same").state == states.SAME
    _found, first, second = queries.to_join(make.viewer(people["dora"]), only_pair().id)
    assert {first.full_name, second.full_name} == {
        "Zonneveld, Anna Maria", "Sonnefeld, Anna Maria",
    }  # fmt: skip
    with pytest.raises(NotFound):
        queries.to_join(make.viewer(people["demi"]), only_pair().id)


def test_a_lead_answers_where_there_is_no_data_manager_and_nowhere_else(client):
    first, second = make.centre(), make.hospital()
    people = {
        "alice": make.person(first, Role.CLINICIAN, name="Alice Adler"),
        "lena": make.person(first, Role.LEAD, name="Lena Lead"),
        "bob": make.person(second, Role.CLINICIAN, name="Bob Brandt"),
        "dirk": make.person(second, Role.DATA_MANAGER, name="Dirk Doorn"),
        "lars": make.person(second, Role.LEAD, name="Lars Leader"),
    }
    _one, two = two_records(people)
    told = sa.select(Notice.person_id).where(Notice.why == "pair_to_look_at")
    assert db.session.scalars(told).all() == [people["lena"].id]
    make.sign_in(client, people["lena"])
    page = client.get(f"/same-patient/{only_pair().id}").text
    assert "Zonneveld" in page
    assert two.pseudonym not in page
    assert "Sonnefeld" not in page
    say(people, "lena", states.IS_SAME)
    assert set(db.session.scalars(told)) == {people["lena"].id, people["dirk"].id}
    with pytest.raises(NotFound):
        queries.match(make.viewer(people["lars"]), only_pair().id)
    say(people, "dirk", states.IS_SAME)
    assert only_pair().state == states.SAME


def test_where_nobody_answers_for_the_one_side_the_other_is_asked(app):
    first, second = make.centre(), make.hospital()
    people = {
        "alice": make.person(first, Role.CLINICIAN, name="Alice Adler"),
        "bob": make.person(second, Role.CLINICIAN, name="Bob Brandt"),
        "dirk": make.person(second, Role.DATA_MANAGER, name="Dirk Doorn"),
    }
    two_records(people)
    assert shown(people, "dirk") == [only_pair().id]


def test_two_people_is_remembered_and_can_be_asked_again_by_who_said_it(app):
    people = network()
    _one, two = two_records(people)
    assert say(people, "dora", "apart").state == states.APART
    actions.change(two, by=make.viewer(people["bob"]), facts={"family_name": "Zonneveld"})
    looked()
    assert only_pair().state == states.APART
    assert shown(people, "dora") == shown(people, "dirk") == []
    found = only_pair()
    deciding.ask_again(found, by=make.viewer(people["dora"]), version=found.version)
    assert shown(people, "dora") == [found.id]
    with pytest.raises(Conflict):
        deciding.answer(found, "same", by=make.viewer(people["dora"]), version=0)


def test_a_centre_entitled_to_both_decides_alone(app):
    people = network()
    alice = make.viewer(people["alice"])
    one = make.patient(alice)
    two = make.patient(make.viewer(people["bob"]), family_name="Sonnefeld")
    actions.relate(two.id, alice.organisation_id, relations.TREATING, by=alice)
    looked()
    assert only_pair().asked == states.TOGETHER
    assert shown(people, "dirk") == []
    seen = queries.pair(make.viewer(people["dora"]), only_pair().id)
    assert {side.patient.id for side in seen.shown} == {one.id, two.id}
    assert say(people, "dora", "same").state == states.SAME


def test_taken_apart_each_side_sees_its_own_again(app):
    people = network()
    one, two = two_records(people)
    say(people, "dora", "same")
    found = say(people, "dirk", "same")
    dora, dirk = make.viewer(people["dora"]), make.viewer(people["dirk"])
    made = deciding.join(
        found, one, two, by=dora, version=found.version, because="Rung.", take=[], chosen={}
    )
    assert queries.merge(dirk, made.id).own.id == one.id
    deciding.take_apart(made, by=dirk, because="Sisters.")
    assert queries.merge(dora, made.id).own.id == one.id
    assert queries.merge(dirk, made.id).own.id == two.id
    with pytest.raises(NotFound):
        queries.merge(make.viewer(people["demi"]), made.id)
    whys = db.session.scalars(sa.select(Notice.why).order_by(Notice.id)).all()
    assert set(whys) == {"pair_to_look_at", "records_joined", "records_taken_apart"}


def test_a_pair_goes_with_a_patient_who_was_brought_in_by_mistake(app):
    people = network()
    _one, two = two_records(people)
    say(people, "dora", "unsure")
    bulk.forget(db.session.connection(), [two.id])
    db.session.expire_all()
    assert db.session.scalars(sa.select(Match)).all() == []


# -- on the pages ------------------------------------------------------------------------------


def test_from_the_list_to_joined_and_apart(client):
    people = network()
    alice = make.viewer(people["alice"])
    make.patient(alice)
    make.patient(alice, family_name="Sonnefeld", region="Utrecht")
    looked()
    make.sign_in(client, people["dora"])
    page = client.get("/same-patient").text
    assert "Zonneveld, Anna Maria" in page
    address = re.search(r"/same-patient/[0-9a-f-]{36}", page)[0]
    pair = client.get(address).text
    assert "Sonnefeld" in pair
    version = re.search(r'name="version" value="(\d+)"', pair)[1]
    refused = make.post(client, f"{address}/answer", {"version": version})
    assert refused.status_code == 422
    answered = make.post(client, f"{address}/answer", {"version": version, "answer": "same"})
    assert answered.location.endswith("/join")
    preview = client.get(f"{address}/join").text
    assert "Sonnefeld" in preview
    assert "Utrecht" in preview
    typed = {
        "version": re.search(r'name="version" value="(\d+)"', preview)[1],
        "keep": re.search(r'name="keep" value="([0-9a-f-]+)"', preview)[1],
        "because": "Rung her.",
    }
    unchosen = make.post(client, f"{address}/join", typed)
    assert unchosen.status_code == 422
    assert "Rung her." in unchosen.text
    joined = make.post(client, f"{address}/join", {**typed, "take_family_name": "moved"})
    assert joined.status_code == 303
    kept = db.session.get_one(Patient, typed["keep"] and _uuid(typed["keep"]))
    assert kept.full_name == "Sonnefeld, Anna Maria"
    assert "Rung her." in client.get(joined.location).text
    assert len(_patients(client)) == 1
    apart = make.post(client, f"{joined.location}/apart", {"because": "Two sisters."})
    assert apart.status_code == 303
    assert len(_patients(client)) == 2
    assert "Two sisters." in client.get(joined.location).text
    assert "Taken apart" in client.get("/same-patient?show=joined").text


def _uuid(text):
    from uuid import UUID

    return UUID(text)


def _patients(client):
    return set(re.findall(r"/patients/[0-9a-f-]{36}/chart", client.get("/patients").text))


def test_an_old_address_leads_to_the_joined_record(client):
    from registry.patients.matching import merging

    people = network()
    alice = make.viewer(people["alice"])
    one, two = make.patient(alice), make.patient(alice, family_name="Sonnefeld")
    merging.join(one, two, by=alice, because="Same.", take=())
    make.sign_in(client, people["alice"])
    answer = client.get(f"/patients/{two.id}/chart")
    assert answer.status_code == 303
    assert str(one.id) in answer.location
    make.sign_in(client, people["bob"])
    assert client.get(f"/patients/{two.id}/chart").status_code == 404


def test_an_earlier_name_is_put_back_on_the_page(client):
    people = network()
    alice = make.viewer(people["alice"])
    anna = make.patient(alice)
    actions.change(anna, by=alice, facts={"family_name": "Maanlicht"})
    make.sign_in(client, people["alice"])
    page = client.get(f"/patients/{anna.id}/identity/earlier").text
    assert "Zonneveld" in page
    address = re.search(r"/patients/[0-9a-f-]{36}/identity/earlier/[0-9a-f-]{36}", page)[0]
    form = client.get(address).text
    version = re.search(r'name="version" value="(\d+)"', form)[1]
    done = make.post(client, address, {"version": version, "names": "family_name"})
    assert done.status_code == 303
    assert db.session.get_one(Patient, anna.id).reveal("family_name") == "Zonneveld"
    make.sign_in(client, people["bob"])
    assert client.get(address).status_code == 404


# -- what nobody else learns -------------------------------------------------------------------


def test_a_hospital_learns_nothing_of_another_by_searching_or_registering(client):
    people = network()
    alice = make.viewer(people["alice"])
    anna = make.patient(alice, national_number="123456782", telephone="0612345678")
    mallory = make.viewer(people["bob"])
    who = {"family_name": "Zonneveld", "given_names": "Anna Maria",
           "birth_date": PartialDate("1961-03-27"), "sex_at_birth": "female",
           "national_number": "123456782", "telephone": "0612345678"}  # fmt: skip
    assert finding.likely_same(mallory, who) == []
    for text in ("Zonneveld", "Sonnefeld", "123456782", anna.pseudonym, "27.3.1961",
                 "Zonneveld 1961-03-27"):  # fmt: skip
        assert finding.search(mallory, text) == []
        assert finding.search(alice, text) == [anna.id]
    make.sign_in(client, people["bob"])
    typed = {"family_name": "Zonneveld", "given_names": "Anna Maria", "birth_date-day": "27",
             "birth_date-month": "3", "birth_date-year": "1961", "sex_at_birth": "female",
             "national_number": "123456782",
             **{f"consent_{purpose}": "yes" for purpose in relations.PURPOSES}}  # fmt: skip
    answer = make.post(client, "/patients/new", typed)
    assert answer.status_code == 303  # not asked whether it is one of these
    looked()
    # Even when the worker has found the pair: not on a page, in a notice, a count or a list.
    assert shown(people, "dirk") == []
    for address in ("/same-patient", "/same-patient?show=decided", "/notices", "/patients"):
        client.post("/sign-out")
        make.sign_in(client, people["dirk"])
        assert anna.pseudonym not in client.get(address).text
    assert "Nothing to look at" in client.get("/same-patient").text
    notices = sa.select(Notice.person_id)
    assert set(db.session.scalars(notices)) == {people["dora"].id}
    mine = db.session.scalars(sa.select(Patient.id).where(Patient.id != anna.id)).one()
    seen = sa.select(AuditEntry).where(AuditEntry.patient_id == mine)
    assert not any("pair" in entry.action for entry in db.session.scalars(seen))


def test_the_page_of_one_side_says_nothing_of_the_other_but_how_it_agrees(client):
    people = network()
    _one, two = two_records(people)
    make.sign_in(client, people["dora"])
    page = client.get(f"/same-patient/{only_pair().id}").text
    for secret in ("Sonnefeld", "Centre 2", "CENTRE-2", two.pseudonym, str(two.id)):
        assert secret not in page
    assert "similar, or sounds alike" in page
    listed = client.get("/same-patient").text
    assert "A patient of another organisation" in listed
    assert "Sonnefeld" not in listed
    answer = make.post(client, f"/same-patient/{only_pair().id}/join", {"because": "Mine."})
    assert answer.status_code == 404


def test_a_patient_is_found_by_an_earlier_name_by_those_who_may_know_the_patient(app):
    people = network()
    alice, bob = make.viewer(people["alice"]), make.viewer(people["bob"])
    anna = make.patient(alice, family_name="Zonneveld")
    actions.change(anna, by=alice, facts={"family_name": "Kastanje"})
    for text in ("Zonneveld", "sonnefelt", "Anna Zonneveld", "Kastanje"):
        assert finding.search(alice, text) == [anna.id], text
    assert finding.search(bob, "Zonneveld") == []
    actions.relate(anna.id, bob.organisation_id, relations.TREATING, by=bob)
    assert finding.search(bob, "Zonneveld") == [anna.id]
    # Nobody is compared by a name that is no longer the patient's.
    whole = sa.select(NameIndex.value).where(
        NameIndex.patient_id == anna.id, NameIndex.kind == "family"
    )
    [fingerprint] = db.session.scalars(whole)
    assert fingerprint == ring().find("name index family", "kastanje")


def test_who_was_corrected_by_an_older_version_is_found_by_the_earlier_name(app):
    """As `netreg patients index` brings it up to date; the second time there is nothing to do."""
    alice = make.viewer(network()["alice"])
    anna, other = make.patient(alice), make.patient(alice, family_name="Maanlicht")
    actions.change(anna, by=alice, facts={"family_name": "Kastanje"})
    now_called = patient_queries.fingerprints(
        family_name="Kastanje",
        given_names=anna.reveal("given_names"),
        birth_date=anna.birth_date,
        national_number=anna.reveal("national_number"),
        organisations=[alice.organisation_id],
    )
    for row in db.session.scalars(sa.select(NameIndex).where(NameIndex.patient_id == anna.id)):
        if (row.kind, row.value) not in now_called:
            db.session.delete(row)
    db.session.commit()
    assert finding.search(alice, "Zonneveld") == []
    assert rekeying.walk(index_earlier_names) == 1
    assert finding.search(alice, "Zonneveld") == [anna.id]
    assert finding.search(alice, "Maanlicht") == [other.id]
    assert rekeying.walk(index_earlier_names) == 0


def test_a_search_touches_nothing_that_patients_of_others_are_found_by(app):
    """So no count and no time can tell what another hospital has: whatever is asked of the index is
    under other fingerprints than theirs, for the very same name and birth date."""
    people = network()
    alice, mallory = make.viewer(people["alice"]), make.viewer(people["bob"])
    anna = make.patient(alice, national_number="123456782")
    mine = make.patient(mallory, family_name="Maanlicht")
    theirs = set(
        db.session.scalars(sa.select(NameIndex.value).where(NameIndex.patient_id == anna.id))
    )
    db.session.commit()
    who = {"family_name": "Zonneveld", "given_names": "Anna Maria",
           "birth_date": PartialDate("1961-03-27"), "national_number": "123456782"}  # fmt: skip

    def asked(viewer):
        given = set()

        def listen(*about):
            given.update(about[3].values() if isinstance(about[3], dict) else about[3])

        sa.event.listen(db.engine, "before_cursor_execute", listen)
        for text in ("Zonneveld", "Anna Sonnefeld", "123456782", "27.3.1961"):
            finding.search(viewer, text)
        finding.likely_same(viewer, who)
        sa.event.remove(db.engine, "before_cursor_execute", listen)
        return given

    assert asked(alice) & theirs
    assert not asked(mallory) & theirs
    # Who becomes related finds the patient, and who ends it does not.
    actions.relate(anna.id, mallory.organisation_id, relations.REFERRING, by=mallory)
    assert finding.search(mallory, "Sonnefeld") == [anna.id]
    actions.end_relation(anna.id, mallory.organisation_id, relations.REFERRING, by=mallory)
    assert finding.search(mallory, "Sonnefeld") == []
    assert finding.search(mallory, "Maanlicht") == [mine.id]
