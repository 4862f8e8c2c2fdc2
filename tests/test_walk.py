"""Every endpoint × role × (own / related / other / no organisation), walked by one test.

The patient is treated by centre 1 (own), referred by hospital A (related), and unknown to centre 2
(other). A referral has been sent and accepted; another is still a draft of hospital A.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask, templating
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from registry import web
from registry.access import RIGHTS, Right, Role
from registry.boards.actions import agenda as agendas
from registry.boards.actions import meetings as boards
from registry.boards.actions import trials
from registry.boards.views import calendar
from registry.dates import PartialDate
from registry.db import db, new_id
from registry.people.models import Person
from registry.referrals import actions as referrals
from registry.referrals import attachments
from registry.referrals.actions import NewPatient
from registry.referrals.case import Case
from tests import (
    make,
    make_boards,
    make_course,
    make_documents,
    make_interop,
    make_matching,
    make_people,
    make_research,
    make_support,
)

RELATIONS = OWN, RELATED, OTHER, NOWHERE = "own", "related", "other", "nowhere"
OPEN, REFUSED, HIDDEN = "open", "refused", "hidden"
MEANS = {OPEN: {200, 303, 409, 422}, REFUSED: {403}, HIDDEN: {404}}

#: Pages about the draft, which only the hospital it comes from may know of.
DRAFT_PAGES = {
    "referrals.edit", "referrals.check", "referrals.derive", "referrals.draft", "referrals.send",
}  # fmt: skip
#: Arguments that lead to a record.
ABOUT_A_RECORD = {
    "patient_id", "entry_id", "response_id", "referral_id", "document_id", "arriving_id",
    "recommendation_id",
}  # fmt: skip
#: Pages about one entry.
ENTRY_PAGES = {
    "course.edit", "course.mark_error", "course.restore", "course.accept", "course.move",
}  # fmt: skip
#: What only the patient's own centre may see; and an entry is changed by who entered it.
OWN_CENTRE_PAGES = ENTRY_PAGES | {
    "boards.for_patient", "boards.sign_too", "boards.amend",
    "patients.who_opened", "course.assessment", "documents.mark_error", "documents.restore",
}  # fmt: skip
#: Pages of a researcher's own grants and releases.
OF_THE_GRANT = {
    "research.make_release", "research.release", "research.progress", "research.codebook",
    "research.download", "research.cancel",
    "cohorts.cohort", "cohorts.criterion", "cohorts.drop", "cohorts.match", "cohorts.count",
    "cohorts.save", "cohorts.share", "cohorts.copy", "cohorts.as_json",
    "cohorts.undo", "cohorts.take", "cohorts.rename", "cohorts.discard", "requests.edit",
    "requests.request_page", "requests.take", "requests.add_output", "requests.drop_output",
    "analyses.show", "analyses.file",
}  # fmt: skip
#: An empty form names no organisation or patient, and what is not named does not exist.
EMPTY_IS_UNKNOWN = {
    ("requests.drop_output", "POST"),
    ("cohorts.take", "POST"),
    ("people.choose_organisation", "POST"),
    ("people.send_again", "POST"),
    ("course.derive", "POST"),
    ("course.derive_assessment", "POST"),
    ("course.undo", "POST"),
    ("course.move", "POST"),
    ("boards.put_on", "POST"),
    ("boards.sent", "POST"),
}
#: What belongs to the centre that brings data in; an export to the person who asked for it.
OF_THE_CENTRE = {"upload_id", "import_id", "map_id", "export_id", "match_id", "merge_id"}
#: What belongs to the centre whose board it is; a guest sees what they are invited to.
OF_THE_BOARD = {"board_id", "meeting_id", "item_id", "need_id"}
#: Advice is acknowledged by the doctor who asked.
OF_THE_REFERRER = {"boards.acknowledge"}
#: A notice is its reader's own; the one that is walked to is somebody else's.
OF_SOMEBODY_ELSE = {"people.open_notice"}
#: So is a text somebody keeps for themselves.
OF_ITS_WRITER = {"referrals.remove_text"}
#: A lead decides about those who ask for an account at their own organisation: the hospital.
OF_THE_LEAD = {"people.approve_request", "people.refuse_request"}
#: Answers only to whoever knows the token of the settings, and is not there for others.
OF_THE_TOKEN = {"metrics"}
#: The network's figures are there once enough patients are; the walk has one.
NOT_MADE_YET = {"analyses.network_file"}
#: Ends the walker's own session, or what is walked to, so it is walked apart.
ENDS_THE_SESSION = {"people.sign_out", "referrals.remove_file"}
#: A file under way is known to the organisation it comes from alone.
OF_THE_SENDER = {"referrals.file_state", "referrals.file_piece", "referrals.same_patient"}


@dataclass
class World:
    """What the addresses refer to."""

    walkers: dict[tuple[Role | None, str], Person]
    ids: dict[str, Any]
    drafts: dict[str, Any]

    def address(self, app: Flask, rule: Rule) -> str:
        values = {**self.ids, **(self.drafts if rule.endpoint in DRAFT_PAGES else {})}
        wanted = {name: values[name] for name in rule.arguments}
        if rule.endpoint in ENTRY_PAGES | {"chart.history"}:
            wanted["entity"] = "tumour"
        if rule.endpoint in ("course.table", "course.derive_table"):
            wanted["entity"] = "biomarker"
        with app.test_request_context():
            return rule.build(wanted)[1]


def build() -> World:
    # Names in another script, so that no word of theirs is taken for a word of ours.
    hospital, centre = make.hospital(name="Άλφα"), make.centre(name="Βήτα")
    elsewhere = make.centre("CENTRE-2", name="Γάμμα")
    walkers: dict[tuple[Role | None, str], Person] = {}
    for relation, place in ((OWN, centre), (RELATED, hospital), (OTHER, elsewhere)):
        for role in Role:
            email = f"{role.value}.{relation}@example.org"
            walkers[role, relation] = make.person(place, role, name="Ελένη", email=email)
    walkers[None, NOWHERE] = make.person(None, name="Nadia Nowhere")
    alice = make.viewer(walkers[Role.REFERRER, RELATED])
    clara = make.viewer(walkers[Role.CLINICIAN, OWN])
    sent = _referral(alice, centre, "Zonneveld")
    referrals.take(sent, "accept", by=clara, version=sent.version)
    draft = _draft(alice, centre, "Maanlicht")
    tumour = make_course.tumour(sent.patient, clara)
    image = make_documents.kept(
        sent.patient, clara, make_documents.picture(), name="Περίπατος.png", kind="key_image"
    )
    contact = make_support.contact(name="Περίπατος", what_for="Περίπατος")
    target = make.person(None, name="Zoe Zander")
    committee = walkers[Role.ACCESS_COMMITTEE, OWN]
    given = _grant(make.viewer(committee), walkers[Role.RESEARCHER, OWN])
    release = make_research.made(given)
    ids = {
        "patient_id": sent.patient_id,
        "referral_id": sent.id,
        "entity": "pathology",
        "entry_id": tumour.id,
        "response_id": make_course.entry(
            "response", sent.patient, clara, timepoint="baseline", date="2022-06"
        ).id,
        "document_id": image.id,
        "arriving_id": attachments.begin(sent, by=alice, name="Περίπατος.png", size=9),
        "transfer_id": referrals.note_transfer(
            sent, by=alice, modality="CT_NOS", state="sent", note="Περίπατος"
        ).id,
        "contact_id": contact.id,
        "text_id": referrals.keep_text(
            by=make.viewer(target), label="Περίπατος", text="Περίπατος"
        ).id,
        "letter": "referring-doctor",
        "person_id": target.id,
        "grant_id": given.id,
        "release_id": release.id,
        "cohort_id": make_research.cohort(make.viewer(walkers[Role.RESEARCHER, OWN])).id,
        "name": "manifest.json",
        "form": "csv",
        "analysis": "survival",
        "access_request_id": make_research.request(make.viewer(walkers[Role.RESEARCHER, OWN])).id,
        "filename": "app/forms.css",
        "subject": "grading",
        **_board(walkers[Role.BOARD_CHAIR, OWN], sent.patient, target),
        **_administration(hospital, target, walkers),
        **make_matching.a_centres(clara, sent.patient),
        **make_interop.a_centres(
            make.viewer(walkers[Role.DATA_MANAGER, OWN]), make.viewer(walkers[Role.CLINICIAN, OWN])
        ),
    }
    db.session.commit()
    return World(walkers, ids, {"referral_id": draft.id})


def _board(chair, patient, target) -> dict[str, Any]:
    """A meeting under way with a case that was signed."""
    by = make.viewer(chair)
    meeting = make_boards.meeting(by, make_boards.board(by, name="Συμβούλιο", quorum=[]))
    boards.begin(meeting, by=by)
    words = {"late_because": "Περίπατος", "question_text": "Τι πρώτα;"}
    item = make_boards.case(by, meeting, patient, **words)
    need = agendas.ask(item, "Περίπατος", by=by, asked_of="Ελένη")
    texts = {
        name: [make_boards.TYPED[name][0] if "-" in name else "Περίπατος"]
        for name in make_boards.TYPED
        if name not in ("tests", "o1-condition")
    }
    signed = make_boards.signed(item, by, typed=texts, advice_text="Περίπατος")
    feed = boards.new_calendar_address(by=make.viewer(target))
    trial = trials.add(
        {"code": "Α-1", "title": "Περίπατος", "status": "open", "criteria": {"ecog": [0, 1]}},
        by=by,
    )
    return {
        "trial_id": trial.id,
        "board_id": meeting.board_id,
        "meeting_id": meeting.id,
        "item_id": item.id,
        "need_id": need.id,
        "recommendation_id": signed.id,
        "recipient": "referrer",
        "secret": calendar.secret_of(feed),
    }


def _administration(hospital, target, walkers) -> dict[str, Any]:
    boss = walkers[Role.ADMINISTRATOR, OWN]
    by = make.viewer(boss)
    invited = make_people.invitation(by, hospital, name="Ζωή", email="invited@example.org")
    asked = make_people.account_request(hospital, name="Ρίτα")
    code = make_people.local_code(by, label="Φάρμακο", source="Πηγή")
    return {
        "organisation_id": make.organisation("referring_hospital", "WALK-2", "Δέλτα").id,
        "invitation_id": invited.id,
        "request_id": asked.id,
        "confirmation_id": make_people.confirmation(boss, hospital).id,
        "notice_id": make_people.notice(target).id,
        "code_id": code.id,
    }


def _grant(by, researcher):
    from datetime import timedelta

    from registry.dates import today
    from registry.research.releases import actions as research

    return research.give_grant(
        by=by,
        project="WALK-1",
        title="Περίπατος",
        purpose="Περίπατος",
        researcher_id=researcher.id,
        from_date=today(),
        until_date=today() + timedelta(days=30),
        coarse=make_research.AS_IT_IS,  # of one patient there is a release, too
    )


def _draft(alice, centre, family_name):
    return referrals.start_draft(
        by=alice,
        form_key=new_id(),
        to=centre,
        new=NewPatient(
            {
                "family_name": family_name,
                "given_names": "Anna",
                "birth_date": PartialDate("1961-03-27"),
                "sex_at_birth": "female",
            },
            {},
        ),
    )


def _referral(alice, centre, family_name):
    made = _draft(alice, centre, family_name)
    case = Case(
        {"question": "treatment_options", "question_text": "Τι πρώτα;"},
        {"tumour": [{"primary_site": "C25.2"}]},
        {"care": "yes"},
        {"contact_name": "Alice Adler", "contact_email": "alice@example.org"},
    )
    referrals.submit(made, case, by=alice, version=made.version)
    return made


def _owned(rule: Rule, role: Role, relation: str) -> str:
    """Grants and imports are of their place, an export is of the clinician who asked for it, and a
    lead decides for the hospital; empty for what is about a patient."""
    if rule.endpoint in OF_THE_LEAD and role is Role.LEAD and relation != RELATED:
        return HIDDEN
    if rule.endpoint.startswith("boards.") and rule.arguments & OF_THE_BOARD:
        return OPEN if relation == OWN and role in RIGHTS[Right.PREPARE_BOARD] else HIDDEN
    if rule.endpoint not in OF_THE_GRANT and not rule.arguments & OF_THE_CENTRE:
        return ""
    if "access_request_id" in rule.arguments and role is Role.ACCESS_COMMITTEE:
        return OPEN  # what was sent to it
    mine = "export_id" not in rule.arguments or role is Role.CLINICIAN
    return OPEN if relation == OWN and mine else HIDDEN


def expected(rule: Rule, role: Role | None, relation: str) -> str:
    """What the house rules say; read from the rights and the care relation, not from the views."""
    right = web.right_of(rule.endpoint)
    if rule.endpoint in OF_SOMEBODY_ELSE | OF_THE_TOKEN | NOT_MADE_YET:
        return HIDDEN
    if right in (Right.ANYONE, Right.SIGNED_IN):
        return OPEN
    if role is None or right is None or role not in RIGHTS[right]:
        return REFUSED
    if rule.endpoint in OF_ITS_WRITER:
        return HIDDEN
    if right is Right.MATCH and role is Role.LEAD and rule.arguments:
        return HIDDEN  # every organisation of the walk has a data manager, who is asked
    owned = _owned(rule, role, relation)
    if owned:
        return owned
    if not rule.arguments & ABOUT_A_RECORD:
        return OPEN
    return _of_the_record(rule, role, relation)


def _of_the_record(rule: Rule, role: Role, relation: str) -> str:
    """What the care relation allows of a record, to who has the right."""
    if relation == OTHER or (rule.endpoint in OF_THE_SENDER and relation == OWN):
        return HIDDEN
    if rule.endpoint in DRAFT_PAGES and relation == OWN:
        return HIDDEN  # the addressed centre learns nothing of a draft
    if rule.endpoint in DRAFT_PAGES and role is Role.TRIAGE_COORDINATOR:
        return REFUSED  # a coordinator writes what was entered at their own organisation
    if rule.endpoint in OF_THE_REFERRER:
        return OPEN if (role, relation) == (Role.REFERRER, RELATED) else REFUSED
    if rule.endpoint == "boards.sign_too" and role is Role.TRIAGE_COORDINATOR:
        return REFUSED  # clinicians sign
    if rule.endpoint in OWN_CENTRE_PAGES and relation == RELATED:
        return REFUSED
    return OPEN


def rules(app: Flask) -> list[tuple[Rule, str]]:
    return [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) & {"GET", "POST"})
        if rule.endpoint not in ENDS_THE_SESSION
    ]


def ask(client: FlaskClient, method: str, url: str, token: str, means: str = OPEN) -> int:
    """The status. What has to be refused is asked for as our scripts do: no page has to be made."""
    headers = {} if means == OPEN else {"X-Requested-With": "fetch"}
    if method == "GET":
        return client.get(url, headers=headers, buffered=True).status_code
    return client.post(url, headers=headers, data={"csrf_token": token}).status_code


def refused_before_asking(rule: Rule, role: Role | None) -> bool:
    """Is it refused by the right alone, before the database is asked for anything?"""
    right = web.right_of(rule.endpoint)
    if rule.endpoint in OF_THE_TOKEN or right in (Right.ANYONE, Right.SIGNED_IN):
        return False
    return right is None or role not in RIGHTS[right]


@pytest.mark.timeout(300)  # well over a thousand requests
@pytest.mark.parametrize("where", RELATIONS)
def test_every_endpoint_for_every_role_and_relation(app, client, monkeypatch, where):
    """What the right alone refuses is the same on every database and for every patient: it is asked
    for on SQLite, by those of the own centre and of none. There the pages are drawn, too: what a
    template makes of what was fetched is the same on every database."""
    on_sqlite = db.engine.dialect.name == "sqlite"
    all_of_it = on_sqlite and where in (OWN, NOWHERE)
    world = build()
    if not on_sqlite:
        monkeypatch.setattr(templating, "_render", lambda *_about: "")
    walkers = {key: person for key, person in world.walkers.items() if key[1] == where}
    assert {role for role, _relation in walkers} == (set(Role) if where != NOWHERE else {None})
    wrong = []
    walked = 0
    for (role, relation), person in walkers.items():
        walker = app.test_client()
        make.sign_in(walker, person)
        token = make.fresh_token(walker)
        for rule, method in rules(app):
            if not all_of_it and refused_before_asking(rule, role):
                continue
            said = expected(rule, role, relation)
            status = ask(walker, method, world.address(app, rule), token, said)
            means = MEANS[said]
            if (rule.endpoint, method) in EMPTY_IS_UNKNOWN and means == MEANS[OPEN]:
                means = {404}
            walked += 1
            if status not in means:
                wrong.append(
                    f"{method} {rule.endpoint}: {role} of {relation}: {status}, not in {means}"
                )
            if rule.endpoint in {"people.sign_in", "people.sign_in_again", "people.resume"}:
                token = make.fresh_token(walker)
    assert not wrong, "\n".join(wrong)
    refused = sum(refused_before_asking(r, role) for role, _ in walkers for r, _m in rules(app))
    assert walked == len(walkers) * len(rules(app)) - (0 if all_of_it else refused)


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_nobody_sees_anything_without_signing_in(app, client):
    world = build()
    for rule, method in rules(app):
        if web.right_of(rule.endpoint) is Right.ANYONE:
            continue
        url = world.address(app, rule)
        answer = client.get(url) if method == "GET" else client.post(url)
        assert answer.status_code == (303 if method == "GET" else 401), rule.endpoint
        for secret in ("Zonneveld", "Maanlicht"):
            assert secret not in answer.text


def test_a_bad_id_is_not_found(app, client):
    world = build()
    for (role, relation), person in world.walkers.items():
        if relation != OWN or role is None:
            continue
        walker = app.test_client()
        make.sign_in(walker, person)
        for rule, method in rules(app):
            right = web.right_of(rule.endpoint)
            about = {name for name in rule.arguments if name.endswith("_id")}
            if method != "GET" or not about or right is None or role not in RIGHTS.get(right, ()):
                continue
            unknown = World({}, {**world.ids, **{name: new_id() for name in about}}, {})
            assert ask(walker, "GET", unknown.address(app, rule), "", HIDDEN) == 404, rule.endpoint
            url = unknown.address(app, rule)
            for part in about:
                url = url.replace(str(unknown.ids[part]), "not-an-id")
            assert ask(walker, "GET", url, "", HIDDEN) == 404, url


def test_an_unrelated_hospital_learns_no_name(app, client):
    """Whatever a valid account of another hospital asks for, the name is not there."""
    world = build()
    for role in (Role.REFERRER, Role.TRIAGE_COORDINATOR, Role.CLINICIAN):
        walker = app.test_client()
        make.sign_in(walker, world.walkers[role, OTHER])
        token = make.token(walker.get("/account").text)
        for rule, method in rules(app):
            url = world.address(app, rule)
            answer = (
                walker.get(url, buffered=True)
                if method == "GET"
                else walker.post(url, data={"csrf_token": token, "text": "Zonneveld"})
            )
            text = answer.get_data().decode(errors="replace")  # a workbook is no text
            assert "Zonneveld, Anna" not in text, rule.endpoint
