"""One case on one screen: what is asked, where it stands, its course, what fits, what is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import codes
from registry.access import Viewer
from registry.boards.models import AgendaItem, Trial
from registry.boards.queries import meetings
from registry.boards.rules import trials as trial_rules
from registry.chart import curves, events, lines, picture, questions, standing
from registry.chart.lines import LineRow, Placed
from registry.chart.picture import EVERYTHING, Picture
from registry.chart.questions import Question
from registry.chart.standing import Fact, Group, Standing
from registry.chart.words import Words
from registry.clinical import pathways, sites, tables, tnm
from registry.clinical.ki67 import Ki67, parse_ki67
from registry.course import wording
from registry.course.queries import reading
from registry.course.queries.reading import Record
from registry.db import db
from registry.errors import NotFound
from registry.language import gettext as _
from registry.patients import queries as patients
from registry.patients.documents import queries as patient_documents
from registry.patients.documents import rules as document_rules
from registry.patients.documents.queries import DocumentRow
from registry.patients.models import Document, Patient
from registry.patients.queries import Identity
from registry.referrals import queries as referrals
from registry.referrals.queries import ReferralRow

_CARCINOMA = "carcinoma"


@dataclass(frozen=True)
class Option:
    """An option of the table that fits the case, with its evidence."""

    id: str
    therapy: str  # code
    name: str
    strength: str
    line: str
    evidence: str
    note: str
    confidence: str


@dataclass(frozen=True)
class CaseView:
    """Everything one screen shows of a case."""

    item: AgendaItem
    patient: Patient
    identity: Identity
    is_inside: bool
    facts: list[Fact]
    standings: list[Standing]
    groups: list[Group]
    lines: list[LineRow]
    picture: Picture
    contradictions: list[Question]
    missing: list[Question]
    referrals: Sequence[ReferralRow]
    options: list[Option]
    open_points: list[str]
    trial_case: trial_rules.Case
    trials: list[trial_rules.Match]
    links: list[tuple[str, str]]
    documents: list[DocumentRow]
    grade: str
    stage: str
    site: str

    @property
    def listed(self) -> list[str]:
        """The agents of the listed options."""
        return [one.therapy for one in self.options]

    @property
    def title(self) -> str:
        """Who it is: the name inside the centre, else the pseudonym."""
        return self.identity.name if self.is_inside else self.identity.pseudonym

    @property
    def fitting(self) -> list[trial_rules.Match]:
        """Trials that fit or may fit, those that fit first."""
        order = (trial_rules.FITS, trial_rules.OPEN)
        found = [one for one in self.trials if one.answer in order]
        return sorted(found, key=lambda one: (order.index(one.answer), one.code))


def view(viewer: Viewer, item: AgendaItem) -> CaseView:
    """The screen of a case that was fetched for a viewer."""
    inside = meetings.is_inside(viewer, item.meeting.organisation_id)
    patient = item.patient
    identity = patients.identity(patient)
    if not inside:
        identity = Identity(identity.id, identity.pseudonym, "", None, identity.sex)
    record, words = reading.record(patient), Words()
    today = referrals.today_here(viewer)
    sent = referrals.of_patient(viewer, patient.id) if inside else []
    placed = lines.placed(record)
    rows = lines.table(record, placed, words, today)
    asked = reading.rows_of(record)
    found = questions.contradictions(record, asked, words, today)
    facts = standing.head(record, patients.identity(patient), placed, words, today)
    options, points = _options(record, placed)
    case = trial_case(record, placed, patient, today)
    return CaseView(
        item=item,
        patient=patient,
        identity=identity,
        is_inside=inside,
        facts=facts,
        standings=standing.of_tumours(record, words),
        groups=standing.beside_the_tumour(record, words),
        lines=rows,
        picture=picture.draw(
            events.lanes(record, placed, sent, words),
            curves.curves(record, words, {}),
            rows,
            wish=EVERYTHING,
            today=today,
            death=record.death_date,
            words=words,
        ),
        contradictions=[one for one in found if one.kind != questions.ACCEPTED],
        missing=questions.missing(record, sent, identity.sex, words),
        referrals=sent,
        options=options,
        open_points=points,
        trial_case=case,
        trials=matches(case),
        links=_links(record, words, item),
        documents=_documents(viewer, patient, inside=inside),
        grade=_grade(record),
        stage=_stage(record),
        site=_site(record),
    )


# -- where it stands, as codes -----------------------------------------------------------------


def _tumour(record: Record) -> Any:
    return record.tumours[0] if record.tumours else None


def _pathology(record: Record) -> Any:
    return standing.current_pathology(record.of("pathology"))


def _grade(record: Record) -> str:
    found = _pathology(record)
    return (found.derived_category or found.grade_stated or "") if found else ""


def _stage(record: Record) -> str:
    found = standing.latest(record.of("staging"), standing.says_stage)
    return (found.derived_stage or found.stage_stated or "") if found else ""


def _site(record: Record) -> str:
    found = _tumour(record)
    return (found.primary_site or "") if found else ""


def _ki67(found: Any) -> Ki67 | None:
    try:
        return parse_ki67(found.ki67_percent) if found and found.ki67_percent else None
    except ValueError:
        return None


def _sstr(record: Record) -> str:
    """The latest SSTR imaging with a Krenning score, as positive or negative."""
    told = [
        one
        for one in record.of("imaging")
        if one.krenning and (one.modality or "").startswith(events.SSTR)
    ]
    if not told or not str(told[-1].krenning).isdigit():
        return ""
    return "positive" if int(told[-1].krenning) >= pathways.SSTR_POSITIVE_FROM else "negative"


def _metastatic(record: Record) -> str:
    stagings = record.of("staging")
    if record.of("metastasis") or any(one.metastatic_sites for one in record.tumours):
        return "yes"
    found = standing.latest(stagings, standing.says_stage)
    m = tnm.plain_category(found.m or "") if found else ""
    if m.startswith("M1"):
        return "yes"
    return "no" if m.startswith("M0") else ""


def _given(record: Record) -> list[str]:
    return [one.agent for one in record.therapies if one.agent] + [
        one.therapy_class for one in record.therapies if one.therapy_class and not one.agent
    ]


def _lines_so_far(record: Record, placed: Mapping[str, Placed]) -> int | None:
    """The last line that was begun. Without any therapy it is only none where somebody says so."""
    numbers = [one.number for one in placed.values() if one.number]
    if numbers:
        return max(numbers)
    return 0 if _all_known(record) else None


def _all_known(record: Record) -> bool:
    """Is what was given all that was given? Where therapies are entered the record is taken to be
    whole; where none is, only an overview says that there was none."""
    if record.therapies:
        return True
    return any(
        all(getattr(one, name) == "no" for name in ("ssa", "prrt", "targeted", "chemotherapy"))
        for one in record.of("overview")
    )


# -- options -----------------------------------------------------------------------------------


def _options(record: Record, placed: Mapping[str, Placed]) -> tuple[list[Option], list[str]]:
    """The rows of the pathways that fit, and what is open that would bring further ones."""
    tumour, pathology = _tumour(record), _pathology(record)
    if tumour is None or not tumour.primary_site:
        return [], []
    known = _known_therapies()
    asked: dict[str, Any] = {
        "site": tumour.primary_site,
        "differentiation": (pathology.differentiation or "") if pathology else "",
        "grade": _word_of_grade(_grade(record)),
        "ki67": _ki67(pathology),
        "sstr": _sstr(record),
        "functioning": tumour.functioning if tumour.functioning in ("yes", "no") else "",
        "setting": {"yes": "advanced", "no": "localised"}.get(_metastatic(record), ""),
        "earlier_lines": [one for one in _given(record) if one in known],
    }
    try:
        found = pathways.pathway_options(**asked)
    except ValueError:  # a site outside the lists: no option is listed for it
        return [], []
    listed = len(found.flags)
    return (
        [_option(one) for one in found.flags],
        [wording.reason(reason) for reason in found.reasons[listed:]],
    )


@cache
def _known_therapies() -> frozenset[str]:
    rows = tables.rows("therapies")
    return frozenset(row["therapy_id"] for row in rows) | frozenset(row["class"] for row in rows)


def _option(option_id: str) -> Option:
    row = pathways.option(option_id)
    return Option(
        id=option_id,
        therapy=row["therapy_id"],
        name=codes.label("therapy", row["therapy_id"]),
        strength=row["strength"],
        line=row["line"],
        evidence=row["guideline_or_trial"],
        note=row["note"],
        confidence=row["confidence"],
    )


def _word_of_grade(category: str) -> str:
    """A derived category or stated grade as the pathways and trials know it."""
    row = tables.by_key("grade_categories", "category").get(category)
    if row is not None and row["kind"] == _CARCINOMA:
        return "NEC"
    words = {
        "NET_G1": "G1", "NET_G2": "G2", "NET_G3": "G3", "G1": "G1", "G2": "G2", "G3": "G3",
        "TYPICAL_CARCINOID": "TC", "ATYPICAL_CARCINOID": "AC", "TC": "TC", "AC": "AC",
        "NEC": "NEC", "NEC_SMALL": "NEC", "NEC_LARGE": "NEC", "SCLC": "NEC", "LCNEC": "NEC",
    }  # fmt: skip
    return words.get(category, "")


# -- trials ------------------------------------------------------------------------------------


def trial_case(
    record: Record, placed: Mapping[str, Placed], patient: Patient, today: date
) -> trial_rules.Case:
    """What trials ask about, from the record."""
    tumour, pathology = _tumour(record), _pathology(record)
    place = sites.site(_site(record)) if _site(record) else None
    ecog = standing.newest(record, "follow_up", "ecog")
    classes = {one.therapy_class for one in record.therapies if one.therapy_class}
    word = _word_of_grade(_grade(record))
    return trial_rules.Case(
        site=place.triage_group if place else "",
        grade={"TC": "G1", "AC": "G2"}.get(word, word),
        differentiation=(pathology.differentiation or "") if pathology else "",
        ki67=_ki67(pathology),
        sstr=_sstr(record),
        functioning=(tumour.functioning or "") if tumour else "",
        metastatic=_metastatic(record),
        prior_lines=_lines_so_far(record, placed),
        had=frozenset(classes | set(_given(record))),
        therapies_known=_all_known(record),
        age=_age(patient, today),
        ecog=int(ecog.ecog) if ecog is not None and str(ecog.ecog or "").isdigit() else None,
        country=patient.country or "",
    )


def _age(patient: Patient, today: date) -> tuple[int, int] | None:
    found = referrals.age_text(patient.birth_date, today)
    if not found:
        return None
    low, _dash, high = found.partition("–")
    return int(low), int(high or low)


def matches(case: trial_rules.Case) -> list[trial_rules.Match]:
    """Every trial that is open or opens soon, held against the case."""
    query = sa.select(Trial).where(Trial.status.in_(["open", "soon"])).order_by(Trial.code)
    return [
        trial_rules.match(one.code, one.title, one.criteria, case)
        for one in db.session.scalars(query)
    ]


# -- documents ---------------------------------------------------------------------------------


def _documents(viewer: Viewer, patient: Patient, *, inside: bool) -> list[DocumentRow]:
    """What stands and came from elsewhere, the newest first; letters written here name the
    patient, and are for the centre alone."""
    rows = patient_documents.of_patient(viewer, patient, frozenset())
    return [
        one
        for one in rows
        if one.error_at is None and (inside or one.kind not in document_rules.WRITTEN_HERE)
    ]


def document(item: AgendaItem, document_id: UUID, *, inside: bool) -> Document:
    """A document of a case that was fetched for the viewer. Raises NotFound for any other."""
    found = db.session.get(Document, document_id)
    if (
        found is None
        or found.patient_id != item.patient_id
        or found.error_at is not None
        or (not inside and found.kind in document_rules.WRITTEN_HERE)
    ):
        raise NotFound()
    return found


# -- pictures ----------------------------------------------------------------------------------


def _links(record: Record, words: Words, item: AgendaItem) -> list[tuple[str, str]]:
    """Where pictures and slides are looked at: (what, address)."""

    found = [
        (f"{words.code('imaging_modality', one.modality)} {words.when(one)}", one.archive_link)
        for one in record.of("imaging")
        if one.archive_link
    ]
    if item.images_link:
        found.append((str(_("Images")), item.images_link))
    if item.pathology_link:
        found.append((str(_("Pathology")), item.pathology_link))
    return found
