"""Letters: what they tell, in which words, that they are kept once and for all, and by whom."""

from __future__ import annotations

import html
import io
import re

import pypdf
import pytest
import sqlalchemy as sa

from registry import codes, dictionary, storage
from registry.access import Role
from registry.audit import AuditEntry
from registry.chart import survivorship
from registry.chart.letters import doctor, parts, patient, plain, writing
from registry.chart.letters.source import source
from registry.chart.panels import Opened
from registry.course import actions
from registry.course.models import BY_NAME
from registry.course.queries import reading
from registry.db import db, new_id
from registry.errors import Invalid
from registry.patients import actions as patients
from registry.patients import rules as relations
from registry.patients.documents import rules
from registry.patients.models import Document
from tests import make, make_course
from tests.make_support import contact

HARM = 'O\'Brien #let x = 1 $y$ *b* @a <script>alert(1)</script> \\ "q"'


@pytest.fixture
def clara(client):
    """A clinician of the centre, signed in."""
    who = make.person(make.centre(city="Tulpenburg"), Role.CLINICIAN, name="Clara Chen")
    make.sign_in(client, who)
    return make.viewer(who)


def url(found, letter="patient"):
    return f"/patients/{found.id}/letters/{letter}"


def fields(page):
    names = ("seen", "form_key")
    return {n: page.split(f'name="{n}" value="')[1].split('"')[0] for n in names}


def send(client, found, letter="patient", **answers):
    page = client.get(url(found, letter)).text
    return make.post(client, url(found, letter), {**fields(page), **answers}, page)


def words(data):
    reader = pypdf.PdfReader(io.BytesIO(data))
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def told(body):
    """Every text of a letter."""
    return " ".join(writing._texts(parts.asdict(body)))


def only_document():
    return db.session.scalars(sa.select(Document)).one()


# -- what is told ------------------------------------------------------------------------------


def test_the_summary_tells_the_course_in_order(app, clara):
    found = make.patient(clara)
    entries = make_course.a_course(found, clara)
    make_course.entry(
        "response", found, clara, therapy=entries["therapy"], date="2023-10", response_stated="SD"
    )
    body = doctor.body(source(clara, found.id))
    titles = [one.title for one in body.sections]
    assert titles[:4] == ["Current state", "Tumour", "Course", "Markers and blood values"]
    assert titles[-1] == "Who is responsible"
    [course] = [one.table for one in body.sections if one.title == "Course"]
    what = [row[1] for row in course.rows]
    order = ["Diagnosis", "Pathology", "Surgery", "Metastasis", "Response", "Recurrence"]
    assert [one for one in what if one in order] == order
    text = told(body)
    facts = ("Ki-67 8 %", "reported Grade 2", "T2 N0 M0", "Krenning", "R0", "Worse", "120 ng/mL")
    for fact in facts:
        assert fact in text, fact


def test_what_is_found_again_stands_in_one_row(app, clara):
    found = make.patient(clara)
    for day, answer in (("2020", "SD"), ("2021", "SD"), ("2022", "PD"), ("2023", "SD")):
        make_course.entry("response", found, clara, date=day, response_stated=answer)
    for day, answer in (("2020-05", "no"), ("2021-05", "no"), ("2022-05", "yes")):
        make_course.entry(
            "heart_assessment", found, clara, date=day, carcinoid_heart_disease=answer
        )
    body = doctor.body(source(clara, found.id))
    [course] = [one.table for one in body.sections if one.title == "Course"]
    rows = [(row[0].replace("\n", " "), row[2]) for row in course.rows]
    assert rows == [
        ("2020 – 2021", "2 times; Stable disease"),
        ("May 2020 – May 2021", "2 times; Carcinoid heart disease: No"),
        ("2022", "Progressive disease"),
        ("May 2022", "Carcinoid heart disease: Yes"),
        ("2023", "Stable disease"),
    ]


def test_what_the_rule_derives_stands_beside_what_was_stated(app, clara):
    found = make.patient(clara)
    tumour = make_course.tumour(found, clara)
    make_course.entry(
        "pathology", found, clara, tumour=tumour, date="2024-03", differentiation="well",
        ki67_percent="30", mitoses_per_2mm2="22", grade_stated="G1",
    )  # fmt: skip
    text = told(doctor.body(source(clara, found.id)))
    assert f"Reported: {codes.label('grade_stated', 'G1')}" in text
    assert f"Derived: {codes.label('grade_category', 'NET_G3')}" in text
    assert "The two differ." in text
    mine = told(patient.body(source(clara, found.id)))
    assert str(plain.GRADE_OPEN) in mine
    assert "is grade" not in mine


def test_the_patient_reads_of_late_effects_needs_and_who_can_help(app, clara):
    found = make.patient(clara)
    contact("Zuid"), contact("Alliance", country=""), contact("Wien", country="AT")
    make_course.entry("late_effect", found, clara, kind="fatigue", date="2024")
    make_course.entry("late_effect", found, clara, kind="pain", resolved_date="2024")
    make_course.entry("support_need", found, clara, date="2023", needs=["nutrition", "work"])
    make_course.entry(
        "support_need", found, clara, date="2024", needs=["work", "peer"],
        offered=["social_work"], accepted_offer="yes",
    )  # fmt: skip
    shown = survivorship.of_patient(Opened(clara, found, frozenset(), reading.record(found)))
    assert [one.code for one in shown.effects] == ["fatigue"]
    assert [one.code for one in shown.needs] == ["peer"]
    assert [one.name for one in shown.contacts] == ["Zuid", "Alliance"]
    text = told(patient.body(source(clara, found.id)))
    assert str(plain.EFFECTS["fatigue"]) in text
    assert str(plain.NEEDS["peer"]) in text
    assert str(plain.NEEDS["nutrition"]) not in text
    assert "Zuid" in text


def test_nothing_entered_in_error_is_told(app, clara):
    found = make.patient(clara)
    entries = make_course.a_course(found, clara)
    before = told(doctor.body(source(clara, found.id)))
    assert "Recurrence" in before
    actions.mark_error(entries["progression"], by=clara, because="another patient", version=1)
    assert "Recurrence" not in told(doctor.body(source(clara, found.id)))


def test_an_empty_record_makes_a_letter_too(client, clara):
    found = make.patient(clara)
    for letter in ("patient", "referring-doctor"):
        assert client.get(url(found, letter)).status_code == 200
        assert send(client, found, letter, do="keep").status_code == 303


def test_no_letter_is_written_to_somebody_who_has_died(client, clara):
    found = make.patient(clara)
    make_course.entry(
        "follow_up", found, clara, date="2025-01", vital_status="dead", death_date="2025-01-04"
    )
    with pytest.raises(Invalid):
        patient.body(source(clara, found.id))
    undated = make.patient(clara, family_name="Yilmaz")
    make_course.entry(
        "follow_up", undated, clara, date="2025-01", vital_status="dead",
        absent={"death_date": {"why": "not_known"}},
    )  # fmt: skip
    with pytest.raises(Invalid):
        patient.body(source(clara, undated.id))
    assert "date not known" in told(doctor.body(source(clara, undated.id)))
    answer = client.get(url(found))
    assert answer.status_code == 422
    assert "has died" in answer.text
    assert "Died" in client.get(url(found, "referring-doctor")).text


# -- plain words -------------------------------------------------------------------------------


def syllables(word):
    """Groups of vowels; a silent e at the end is none."""
    found = len(re.findall(r"[aeiouy]+", re.sub(r"e$|es$|ed$", "", word)))
    return max(found, 1)


def grade_level(text):
    """Flesch-Kincaid: the US school grade that reads a text with ease (grade 6 is age 11 to 12)."""
    sentences = [one for one in re.split(r"[.!?:]+", text) if one.strip()]
    found = re.findall(r"[a-z']+", text.lower())
    return (
        0.39 * len(found) / len(sentences) + 11.8 * sum(map(syllables, found)) / len(found) - 15.59
    )


def own_words():
    """Everything of the product's own that a patient's letter can say."""
    for table in (plain.KINDS, plain.GRADES, plain.SYNDROMES, plain.ENDED, plain.EFFECTS):
        yield from map(str, table.values())
    for called, does in plain.THERAPIES.values():
        yield f"{called}. {does}"
    yield from map(str, (plain.GRADE, plain.GRADE_OPEN, plain.SITE_UNKNOWN))


def test_the_patient_letter_is_read_with_ease_at_twelve(app, clara):
    found = make.patient(clara)
    make_course.a_course(found, clara)
    sentences = [
        text
        for one in patient.body(source(clara, found.id)).sections
        for text in [*one.paragraphs, *one.points, *one.after]
    ]
    assert grade_level(" ".join(sentences)) <= 6
    assert grade_level(" ".join(own_words())) <= 6.5


def test_no_statistic_and_no_code_stands_in_the_patient_letter(app, clara):
    found = make.patient(clara)
    make_course.a_course(found, clara)
    text = told(patient.body(source(clara, found.id)))
    for word in ("survival", "median", "per cent", " % ", "Ki-67", "C25", "R0", "RECIST", "TNM"):
        assert word not in text, word


@pytest.mark.parametrize(
    ("table", "entity", "name"),
    [
        (plain.THERAPIES, "therapy", "therapy_class"),
        (plain.EFFECTS, "late_effect", "kind"),
        (plain.NEEDS, "support_need", "needs"),
        (plain.SPREAD, "metastasis", "site"),
        (plain.STATUS, "follow_up", "disease_status"),
        (plain.SYNDROMES, "tumour", "syndrome"),
    ],
)
def test_every_code_has_plain_words(table, entity, name):
    listed = set(codes.codes(dictionary.of(BY_NAME[entity], name).codes))
    left_out = {"none", "other", "undetermined"}
    assert listed - set(table) <= left_out
    assert set(table) <= listed


# -- writing and keeping -----------------------------------------------------------------------


@pytest.mark.parametrize("letter", ["patient", "referring-doctor"])
def test_a_kept_letter_is_the_same_file_for_ever(client, clara, letter):
    found = make.patient(clara, family_name="O'Brien", given_names="محمد")
    entries = make_course.a_course(found, clara)
    answer = send(
        client, found, letter, do="keep", note=HARM, telephone="+31 20 1", recipient="Dr. #A"
    )
    assert answer.status_code == 303
    one = only_document()
    assert one.kind == (rules.PATIENT_LETTER if letter == "patient" else rules.SUMMARY_LETTER)
    first = client.get(f"/documents/{one.id}/file")
    text = words(first.data)
    assert "".join(HARM.split()) in "".join(text.split())
    assert "+31 20 1" in text
    assert ("Call Centre 1 on +31 20 1 if:" in text) is (letter == "patient")
    assert "Draft" not in text
    assert ("Dr. #A" in text) is (letter != "patient")
    assert "Clara Chen" in text
    assert found.pseudonym in text
    make_course.entry("follow_up", found, clara, date="2026-01", disease_status="improved")
    assert entries
    assert client.get(f"/documents/{one.id}/file").data == first.data
    assert first.headers["Content-Disposition"].startswith("attachment")
    assert b"Brien" not in storage.place(one.id).read_bytes()
    done = list(
        db.session.scalars(sa.select(AuditEntry.action).where(AuditEntry.patient_id == found.id))
    )
    assert {"prepared letter", "added document", "downloaded document"} <= set(done)


def test_page_and_pdf_say_the_same(client, clara):
    found = make.patient(clara)
    make_course.a_course(found, clara)
    page = client.get(url(found, "referring-doctor")).text
    draft = send(client, found, "referring-doctor", do="draft")
    assert draft.headers["Content-Type"] == "application/pdf"
    text = "".join(words(draft.data).split())
    assert "Draft,notkept" in text
    shown = page.split('<article class="app-letter"')[1].split("</article>")[0]
    cells = re.findall(r"<(?:td|dd|h3)>(?:<bdi dir=\"auto\">)?([^<]{4,})<", shown)
    assert len(cells) > 40
    for cell in cells:
        assert "".join(html.unescape(cell).split()) in text, cell
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Document)) == 0


def test_the_page_shows_what_was_typed_as_text(client, clara):
    found = make.patient(clara)
    shown = send(client, found, do="show", note=f"{HARM}\n\nSecond")
    assert shown.status_code == 200
    assert "<script>alert" not in shown.text
    assert "&lt;script&gt;alert(1)" in shown.text
    assert "Second" in shown.text


def test_a_record_that_changed_is_looked_at_again_before_it_is_kept(client, clara):
    found = make.patient(clara)
    page = client.get(url(found)).text
    make_course.tumour(found, clara)
    sent = {**fields(page), "do": "keep", "note": "Typed before"}
    answer = make.post(client, url(found), sent, page)
    assert answer.status_code == 409
    assert "The record changed" in answer.text
    assert "Typed before" in answer.text
    again = {**fields(answer.text), "do": "keep", "note": "Typed before"}
    assert make.post(client, url(found), again, answer.text).status_code == 303


def test_sent_twice_it_is_kept_once(client, clara):
    found = make.patient(clara)
    page = client.get(url(found)).text
    sent = {**fields(page), "do": "keep"}
    for _time in range(2):
        assert make.post(client, url(found), sent, page).status_code == 303
    only_document()


def test_too_long_a_note_is_refused_and_kept_on_the_page(client, clara):
    found = make.patient(clara)
    answer = send(client, found, do="keep", note="x" * 5001)
    assert answer.status_code == 422
    assert "at most 5000" in answer.text
    assert "x" * 5001 in answer.text


def test_letters_of_another_script_are_told_before(client, clara):
    found = make.patient(clara, family_name="王")
    assert "cannot be printed" in client.get(url(found)).text


def test_a_record_of_many_years_breaks_over_pages(app, client, clara):
    found = make.patient(clara)
    tumour = make_course.tumour(found, clara, diagnosis_date="2006-01")
    for number in range(150):
        make_course.entry(
            "therapy", found, clara, tumour=tumour, therapy_class="chemotherapy",
            start=f"{2007 + number // 12}-{number % 12 + 1:02}-03", agent_stated=f"Cure {number}",
        )  # fmt: skip
    draft = send(client, found, "referring-doctor", do="draft")
    reader = pypdf.PdfReader(io.BytesIO(draft.data))
    assert len(reader.pages) >= 4
    texts = [page.extract_text() for page in reader.pages]
    inside = [text for text in texts if "Cure" in text]
    assert len(inside) >= 4
    assert all("Details" in text for text in inside)  # the head of the table on every page
    assert all(f"of {len(texts)}" in text for text in texts)


# -- who ---------------------------------------------------------------------------------------


def test_who_may_write_letters(app):
    centre, hospital = make.centre(), make.hospital()
    clara = make.person(centre, Role.CLINICIAN, name="Clara Chen")
    found = make.patient(make.viewer(clara))
    patients.relate(found.id, hospital.id, relations.REFERRING, by=make.viewer(clara))
    expected = {
        clara: 200,
        make.person(hospital, Role.REFERRER, name="Rita Referrer"): 200,
        make.person(centre, Role.TRIAGE_COORDINATOR, name="Tom Triage"): 403,
        make.person(make.centre("CENTRE-2"), Role.CLINICIAN, name="Sam Stranger"): 404,
        make.person(centre, Role.ADMINISTRATOR, name="Ada Admin"): 403,
    }
    for who, status in expected.items():
        walker = app.test_client()
        make.sign_in(walker, who)
        for letter in ("patient", "referring-doctor"):
            assert walker.get(url(found, letter)).status_code == status, who.name
    walker = app.test_client()
    make.sign_in(walker, clara)
    assert walker.get(f"/patients/{new_id()}/letters/patient").status_code == 404
    assert walker.get("/patients/not-an-id/letters/patient").status_code == 404


def test_without_consent_to_sharing_the_writer_is_warned(client, clara):
    found = make.patient(clara, consents={"care": "no"})
    assert "No consent to sharing" in client.get(url(found, "referring-doctor")).text
    assert "No consent to sharing" not in client.get(url(found)).text
