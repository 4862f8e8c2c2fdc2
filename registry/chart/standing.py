"""Where a case stands: the facts that head the chart, and each tumour with how its grade and stage
came about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from registry import codes
from registry.chart.events import functional
from registry.chart.lines import Placed, goes_on
from registry.chart.words import Words, period
from registry.clinical import agreement
from registry.course import wording
from registry.course.queries import date_of
from registry.course.queries.reading import Record
from registry.course.wording import Beside
from registry.dates import PartialDate
from registry.language import gettext as _
from registry.patients.queries import Identity
from registry.referrals.queries import age_text


def latest(entries: Sequence[Any], says: Any) -> Any:
    """The latest entry that says something; undated ones count only where none has a date."""
    telling = [one for one in entries if says(one)] or list(entries)
    dated = [one for one in telling if date_of(one)]
    return (dated or telling or [None])[-1]


def says_grade(pathology: Any) -> bool:
    """Does a pathology tell something of the grade?"""
    return bool(pathology.grade_stated or pathology.ki67_percent or pathology.differentiation)


def says_stage(staging: Any) -> bool:
    """Does a staging tell a stage?"""
    return bool(staging.stage_stated or staging.t or staging.n or staging.m)


def newest(record: Record, entity: str, name: str) -> Any:
    """The latest entry that answers a question; None where there is no entry."""
    return latest(record.of(entity), lambda one: getattr(one, name)) if record.of(entity) else None


# -- the facts at the head ---------------------------------------------------------------------


@dataclass(frozen=True)
class Fact:
    """One fact of the head: what it is called, what it is, and since when."""

    label: str
    text: str
    when: str = ""


def head(
    record: Record,
    identity: Identity,
    lines: Mapping[str, Placed],
    words: Words,
    today: date,
) -> list[Fact]:
    """What everybody asks first."""
    unknown = str(_("Not recorded"))
    return [
        Fact(str(_("Age")), _age(record, identity, today) or unknown),
        Fact(str(_("Sex at birth")), words.code("sex_at_birth", identity.sex) or unknown),
        _vital(record, words, unknown),
        _newest_fact(record, words, "ecog", str(_("ECOG")), unknown, short=True),
        _newest_fact(record, words, "weight_kg", str(_("Weight")), unknown),
        _newest_fact(record, words, "disease_status", str(_("Disease")), unknown),
        Fact(str(_("Syndrome")), syndrome(record, words) or unknown),
        Fact(str(_("Therapy now")), current_therapy(record, lines, words)),
    ]


def _age(record: Record, identity: Identity, today: date) -> str:
    died = record.death_date
    if record.has_died and died is None:
        return ""
    if identity.birth_date is not None:
        if died is None:
            return age_text(identity.birth_date, today)
        return str(_("%(age)s at death", age=_age_at(identity.birth_date, died)))
    stated = next((t.age_at_diagnosis for t in record.tumours if t.age_at_diagnosis), None)
    if stated is None:
        return ""
    return str(_("%(age)s at diagnosis, as stated", age=wording.number(stated)))


def _age_at(born: PartialDate, day: PartialDate) -> str:
    """Age in years; two where partial dates leave both open."""
    low = age_text(born, day.earliest).split("–")[0]
    high = age_text(born, day.latest).split("–")[-1]
    return low if low == high else f"{low}–{high}"


def _vital(record: Record, words: Words, unknown: str) -> Fact:
    label = str(_("Vital status"))
    if record.has_died:
        causes = (one.death_cause for one in record.of("follow_up") if one.death_cause)
        cause = words.code("death_cause", next(causes, None))
        when = words.date(record.death_date) if record.death_date else _("date not known")
        return Fact(label, str(_("Dead, %(date)s", date=when)), cause)
    entry = newest(record, "follow_up", "vital_status")
    if entry is None:
        return Fact(label, unknown)
    return Fact(label, words.said(entry, "vital_status") or unknown, words.when(entry))


def _newest_fact(
    record: Record, words: Words, name: str, label: str, unknown: str, *, short: bool = False
) -> Fact:
    entry = newest(record, "follow_up", name)
    if entry is None or getattr(entry, name) is None:
        return Fact(label, unknown)
    stored = getattr(entry, name)
    return Fact(
        label, str(stored) if short else words.value("follow_up", name, stored), words.when(entry)
    )


def syndrome(record: Record, words: Words) -> str:
    """The functioning syndromes now, with their control; else what the tumours say."""
    now = [one for one in record.of("syndrome") if one.syndrome and one.stop is None]
    found = []
    for one in now:
        name = words.code("functioning_syndrome", one.syndrome)
        control = words.code("syndrome_control", one.control)
        found.append(f"{name} ({control})" if control else name)
    if not found:
        found = [_functioning(one, words) for one in record.tumours]
    return "; ".join(dict.fromkeys(text for text in found if text))


def _functioning(tumour: Any, words: Words) -> str:
    if tumour.functioning == "yes":
        return words.code("functioning_syndrome", tumour.syndrome) or str(_("Functioning"))
    return str(_("Non-functioning")) if tumour.functioning == "no" else ""


def current_therapy(record: Record, lines: Mapping[str, Placed], words: Words) -> str:
    """What was begun and not ended, of a patient not known to be dead."""
    if record.has_died:
        return str(_("None"))
    names = []
    for one in record.therapies:
        if not goes_on(one):
            continue
        placed = lines.get(one.id)
        name = words.therapy(one)
        if placed is not None and placed.background:
            name = str(_("%(therapy)s (background)", therapy=name))
        elif placed is not None and placed.number:
            name = str(_("%(therapy)s (line %(number)s)", therapy=name, number=placed.number))
        names.append(name)
    return ", ".join(names) or str(_("None recorded"))


# -- each tumour ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Assessed:
    """One assessment of grade or stage, as a row of how it came about."""

    id: str
    entity: str
    when: str
    what: str  # specimen, or system with T, N, M
    details: str  # Ki-67, mitoses …
    beside: Beside | None
    stated: str
    change: str  # true change, or correction
    review: Review | None


@dataclass(frozen=True)
class Review:
    """A central review beside the local report it reviews."""

    verdict: str  # agree, differ, not_comparable
    words: str
    rows: tuple[tuple[str, str, str, str, str], ...]  # field, local, review, verdict, why

    @property
    def in_short(self) -> str:
        """What differs: field, local, review; what both say where nothing does."""
        apart = [row for row in self.rows if row[1] and row[2] and row[1] != row[2]]
        told = apart or [row for row in self.rows if row[1] and row[2]]
        return "; ".join(f"{row[0]} {row[1]} / {row[2]}" for row in told[:3])


@dataclass(frozen=True)
class Step:
    """One step of how the grade or the stage went."""

    text: str
    when: str
    note: str = ""
    still: str = ""  # when it was last found the same


@dataclass(frozen=True)
class Standing:
    """One tumour: its current grade and stage, and how they came about."""

    id: str
    title: str
    diagnosed: str
    facts: tuple[tuple[str, str], ...]
    grade: Beside | None
    grade_when: str
    grade_steps: tuple[Step, ...]
    stage: Beside | None
    stage_stated: str
    stage_when: str
    stage_steps: tuple[Step, ...]
    spread: tuple[Step, ...]
    pathologies: tuple[Assessed, ...]
    stagings: tuple[Assessed, ...]


def of_tumours(record: Record, words: Words) -> list[Standing]:
    """How each tumour stands, by its latest pathology and staging."""
    return [_standing(record, tumour, words) for tumour in record.tumours]


def _standing(record: Record, tumour: Any, words: Words) -> Standing:
    pathologies = record.of_tumour("pathology", tumour.id)
    stagings = record.of_tumour("staging", tumour.id)
    pathology, staging = current_pathology(pathologies), latest(stagings, says_stage)
    return Standing(
        id=tumour.id,
        title=words.tumour(tumour),
        diagnosed=words.when(tumour),
        facts=tuple(_tumour_facts(tumour, words)),
        grade=words.beside(pathology) if pathology else None,
        grade_when=words.when(pathology) if pathology else "",
        grade_steps=tuple(_grade_steps(pathologies, words)),
        stage=words.beside(staging) if staging else None,
        stage_stated=words.code("stage_group", staging.stage_stated) if staging else "",
        stage_when=words.when(staging) if staging else "",
        stage_steps=tuple(_stage_steps(stagings, words)),
        spread=tuple(_spread(record, tumour, words)),
        pathologies=tuple(_pathologies(pathologies, words)),
        stagings=tuple(_staged(stagings, words)),
    )


def current_pathology(pathologies: Sequence[Any]) -> Any:
    """The pathology whose grade counts now: the latest specimen, of its central review if there
    is one that tells a grade."""
    found = latest([one for one in pathologies if not one.review_of_id] or pathologies, says_grade)
    if found is None:
        return None
    reviews = [one for one in pathologies if one.review_of_id == found.id and says_grade(one)]
    return reviews[-1] if reviews else found


def _tumour_facts(tumour: Any, words: Words) -> Iterable[tuple[str, str]]:
    for name in (
        "diagnosis_basis", "primary_size_mm", "presentation", "hereditary_syndrome", "laterality"
    ):  # fmt: skip
        text = words.value("tumour", name, getattr(tumour, name))
        if text:
            yield words.label("tumour", name), text


def _spread(record: Record, tumour: Any, words: Words) -> Iterable[Step]:
    """Metastases by place with their dates; places only named with the tumour come last."""
    told = set()
    for one in record.of_tumour("metastasis", tumour.id):
        told.add(one.site)
        note = words.code("metastasis_basis", one.basis)
        if one.resolved_date:
            gone = _("no longer seen since %(date)s", date=words.date(one.resolved_date))
            note = ", ".join(part for part in (note, str(gone)) if part)
        place = words.code("metastatic_site", one.site) or str(one.entity_label)
        yield Step(place, words.when(one), note)
    named = [site for site in tumour.metastatic_sites or [] if site not in told]
    for site in named:
        yield Step(words.code("metastatic_site", site), "", str(_("date not recorded")))


# -- how the grade came about --------------------------------------------------------------------


def _grade_steps(pathologies: Sequence[Any], words: Words) -> Iterable[Step]:
    """The grade from specimen to specimen, with what a change was said to be, and until when it
    was found unchanged."""
    steps: list[Step] = []
    before = None
    for point in agreement.grade_course([report(one) for one in pathologies]):
        when = words.date(PartialDate(point.date))
        if before is not None and point.grade == before.grade:
            steps[-1] = _unchanged(steps[-1], when)
            continue
        notes = [words.code("specimen_site", point.site)]
        if point.reviewed:
            notes.append(str(_("central review")))
        if before is not None:
            said = words.code("change_kind", point.change_kind)
            notes.append(said or str(_("true change or correction: not stated")))
        before = point
        label = _grade_words(point.grade, words)
        steps.append(Step(label, when, ", ".join(filter(None, notes))))
    return steps


def _unchanged(step: Step, when: str) -> Step:
    """A step that a later assessment found again; the latest one is told."""
    return replace(step, still=when) if when and when != step.when else step


def _grade_words(grade: str, words: Words) -> str:
    name = "grade_category" if codes.known("grade_category", grade) else "grade_stated"
    return words.code(name, grade)


def report(row: Any) -> dict[str, str]:
    """A pathology as `clinical.agreement` reads it: columns as text."""
    found = {
        name: _text(getattr(row, name))
        for name in (
            *agreement.CODED, "ki67_percent", "mitoses_per_2mm2", "grade_stated",
            "derived_category", "change_kind", "report_kind", "review_of_id", "specimen_site",
        )
    }  # fmt: skip
    return {**found, "id": row.id, "date": row.date.iso if row.date else ""}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else format(value, "f")


def _pathologies(pathologies: Sequence[Any], words: Words) -> Iterable[Assessed]:
    by_id = {one.id: one for one in pathologies}
    for one in pathologies:
        local = by_id.get(one.review_of_id)
        place = words.code("specimen_site", one.specimen_site)
        kind = words.code("specimen_kind", one.specimen_kind)
        whose = words.code("report_kind", one.report_kind)
        values = [
            (_("Ki-67"), words.value("pathology", "ki67_percent", one.ki67_percent)),
            (_("Mitoses"), words.value("pathology", "mitoses_per_2mm2", one.mitoses_per_2mm2)),
            ("", words.code("differentiation", one.differentiation)),
        ]
        yield Assessed(
            id=one.id,
            entity="pathology",
            when=words.when(one),
            what=", ".join(filter(None, (whose, kind, place))),
            details=", ".join(f"{label} {text}".strip() for label, text in values if text),
            beside=words.beside(one),
            stated=words.code("grade_stated", one.grade_stated),
            change=words.code("change_kind", one.change_kind),
            review=_review(local, one, words) if local is not None else None,
        )


def _review(local: Any, review: Any, words: Words) -> Review:
    """Field by field: what the local report and the review say, and whether they agree."""
    compared = agreement.compare(report(local), report(review))
    verdicts = {
        agreement.AGREE: str(_("Agree")),
        agreement.DIFFER: str(_("Differ")),
        agreement.NOT_COMPARABLE: str(_("Cannot be compared")),
    }
    rows = []
    for one in compared:
        name = "derived_category" if one.field == "grade" else one.field
        said = []
        for text in (one.local, one.review):
            if one.field == "grade":
                said.append(_grade_words(text, words) if text else "")
            elif one.field in agreement.CODED:
                said.append(words.value("pathology", name, text))
            else:
                said.append(text)
        rows.append(
            (words.label("pathology", name), *said, verdicts[one.verdict], words.reason(one.reason))
        )
    found = agreement.verdict(compared)
    return Review(found, verdicts[found], tuple(rows))  # type: ignore[arg-type]


# -- how the stage came about --------------------------------------------------------------------


def tnm(one: Any) -> str:
    """T, N and M with their prefix."""
    parts = [one.t, one.n, one.m]
    return (
        (one.staging_prefix or "") + " ".join(part for part in parts if part) if any(parts) else ""
    )


def _stage_steps(stagings: Sequence[Any], words: Words) -> Iterable[Step]:
    steps: list[Step] = []
    before = ""
    for one in stagings:
        stage = words.code("stage_group", one.derived_stage or one.stage_stated)
        if not stage:
            continue
        if stage == before:
            steps[-1] = _unchanged(steps[-1], words.when(one))
            continue
        notes = [tnm(one)]
        if before:
            said = words.code("change_kind", one.change_kind)
            notes.append(said or str(_("true change or correction: not stated")))
        before = stage
        steps.append(Step(stage, words.when(one), ", ".join(filter(None, notes))))
    return steps


def _staged(stagings: Sequence[Any], words: Words) -> Iterable[Assessed]:
    for one in stagings:
        yield Assessed(
            id=one.id,
            entity="staging",
            when=words.when(one),
            what=words.code("staging_system", one.staging_system),
            details=tnm(one),
            beside=words.beside(one),
            stated=words.code("stage_group", one.stage_stated),
            change=words.code("change_kind", one.change_kind),
            review=None,
        )


# -- syndromes, genes, heart, imaging --------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """Some facts of one kind beside the tumours."""

    entity: str
    title: str
    steps: tuple[Step, ...]


def beside_the_tumour(record: Record, words: Words) -> list[Group]:
    """Syndromes over time, genes, the heart, the latest functional imaging, what else there is."""
    found = (
        ("syndrome", _("Syndromes and their control"), [*_syndromes(record, words)]),
        ("imaging", _("Functional imaging, latest"), [*_functional(record, words)]),
        ("heart_assessment", _("Heart"), [*_heart(record, words)]),
        ("genomic_finding", _("Genetics"), [*_genes(record, words)]),
        ("adverse_event", _("Side effects that go on"), [*_side_effects(record, words)]),
        ("history", _("Other illnesses"), [*_illnesses(record, words)]),
    )
    return [Group(entity, str(title), tuple(steps)) for entity, title, steps in found if steps]


def _syndromes(record: Record, words: Words) -> Iterable[Step]:
    for one in reversed(record.of("syndrome")):
        name = words.code("functioning_syndrome", one.syndrome) or str(one.entity_label)
        control = words.code("syndrome_control", one.control)
        when = period(words, one.start, one.stop, on=one.stop is None and one.start is not None)
        yield Step(name, when, control)


def _functional(record: Record, words: Words) -> Iterable[Step]:
    told = set()
    for one in reversed(record.of("imaging")):
        _label, kind = functional(one, words)
        if kind == "scan" or kind in told or one.date is None:
            continue
        told.add(kind)
        notes = (
            words.code("krenning", one.krenning), words.code("krenning_scale", one.krenning_scale),
            words.code("fdg_result", one.fdg_result), words.code("netpet", one.netpet),
        )  # fmt: skip
        name = words.code("imaging_modality", one.modality)
        yield Step(name, words.when(one), "; ".join(filter(None, notes)))


def _heart(record: Record, words: Words) -> Iterable[Step]:
    found = record.of("heart_assessment")
    if found:
        one = found[-1]
        names = ("tricuspid", "pulmonary", "left_sided", "right_ventricle")
        notes = [
            f"{words.label(one.entity, name)}: {text}"
            for name in names
            if (text := words.value(one.entity, name, getattr(one, name)))
        ]
        disease = words.said(one, "carcinoid_heart_disease")
        label = words.label(one.entity, "carcinoid_heart_disease")
        yield Step(f"{label}: {disease}" if disease else label, words.when(one), "; ".join(notes))


def _genes(record: Record, words: Words) -> Iterable[Step]:
    for one in record.of("genomic_finding"):
        notes = (
            words.code("gene_finding", one.finding), words.code("gene_origin", one.origin),
            one.variant or "",
        )  # fmt: skip
        name = words.code("gene", one.gene) or str(one.entity_label)
        yield Step(name, words.when(one), ", ".join(filter(None, notes)))


def _side_effects(record: Record, words: Words) -> Iterable[Step]:
    if record.has_died:
        return
    for one in record.of("adverse_event"):
        if one.stop is None and "stop" not in one.absent and not one.outcome:
            grade = words.code("ctcae_grade", one.grade)
            name = words.code("ctcae_term", one.term) or str(one.entity_label)
            when = period(words, one.start, None, on=one.start is not None)
            yield Step(name, when, grade)


def _illnesses(record: Record, words: Words) -> Iterable[Step]:
    if not record.of("history"):
        return
    one = record.of("history")[-1]
    names = ("cardiac_comorbidity", "renal_comorbidity", "diabetes", "other_malignancy")
    there = [words.label("history", name) for name in names if getattr(one, name) == "yes"]
    if there:
        yield Step(", ".join(there), words.when(one))
