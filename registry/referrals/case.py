"""What a referral says, and what follows from it. Pure: facts in, answers out.

Facts are plain JSON: entity to rows as the course takes them (`course.facts`). What the referral
itself asks (question, urgency, red flags) is kept apart as `asked`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from registry.clinical import missing_for_advice, sites, staging, urgency
from registry.clinical.grading import GradeResult
from registry.clinical.missing_for_advice import Missing
from registry.clinical.results import Derived
from registry.clinical.urgency import Urgency
from registry.course import facts as plain
from registry.course import rules as course
from registry.dates import PartialDate
from registry.referrals import rules

Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]

#: The referral's own variables that are frozen with the facts.
ASKED = (
    "question",
    "question_text",
    "urgency_stated",
    "red_flags",
    "syndrome_controlled",
    "treated",
)
CONTACT = ("contact_name", "contact_telephone", "contact_email")

SSTR = (
    "PET_68GA_DOTATATE",
    "PET_68GA_DOTATOC",
    "PET_68GA_DOTANOC",
    "PET_64CU_DOTATATE",
    "SPECT_111IN_PENTETREOTIDE",
    "SPECT_99MTC_TEKTROTYD",
    "SSTR_NOS",
)
FDG = ("PET_18F_FDG",)
CT_OR_MRI = ("CT_MULTIPHASE", "MRI_LIVER", "CT_NOS", "MRI_NOS")


@dataclass(frozen=True)
class Case:
    """Everything a referral sends: asked, facts, consents and who answers questions."""

    asked: dict[str, Any]
    facts: dict[str, list[dict[str, Any]]]
    consents: dict[str, str] = field(default_factory=dict)
    contact: dict[str, str | None] = field(default_factory=dict)


def first(facts: Rows, entity: str) -> Row:
    """The first row of an entity; empty where there is none."""
    rows = facts.get(entity) or ()
    return rows[0] if rows else {}


def answer(row: Row, name: str) -> str:
    """A variable's answer as text: its value, or why there is none; empty when not answered."""
    value = row.get(name)
    if value not in (None, "", []):
        return ";".join(value) if isinstance(value, list) else str(value)
    reason = (row.get("absent") or {}).get(name)
    return str(reason["why"]) if reason else ""


# -- what follows ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Assessment:
    """What the rules derive from a case, beside what was stated."""

    grade: GradeResult
    stage: Derived | None  # None where this installation may not derive stages
    urgency: Urgency
    missing: tuple[Missing, ...]
    grade_stated: str
    stage_stated: str
    grade_differs: bool
    stage_differs: bool
    findings: tuple[dict[str, Any], ...]
    primary_site: str
    site_group: str
    syndrome: str

    @property
    def stage_answer(self) -> str:
        """The derived stage group; empty where none could be derived."""
        none = (staging.INVALID, staging.UNSTAGED)
        return self.stage.answer if self.stage and self.stage.answer not in none else ""

    @property
    def urgency_word(self) -> str:
        """The urgency that orders the worklist: the higher of stated and derived."""
        return rules.urgency_of(self.urgency.rank)

    def derived_json(self) -> dict[str, Any]:
        """The derivations as they are frozen with a submission."""
        return {
            "grade": self.grade.as_json(),
            "stage": self.stage.as_json() if self.stage else None,
            "urgency": self.urgency.as_json(),
            "grade_differs": self.grade_differs,
            "stage_differs": self.stage_differs,
            "findings": list(self.findings),
        }

    def missing_json(self) -> list[dict[str, Any]]:
        """What was missing, as it is frozen with a submission."""
        return [
            {"variable": m.variable, "template": m.reason.template, "level": m.level}
            for m in self.missing
        ]

    def columns(self) -> dict[str, Any]:
        """The triage columns of the referral."""
        return {
            "site_group": self.site_group,
            "primary_site": self.primary_site,
            "grade_category": self.grade.category,
            "grade_group": rules.grade_group(self.grade.category, self.grade.grade),
            "grade_status": self.grade.status,
            "stage": self.stage_answer or self.stage_stated,
            "stage_derived": bool(self.stage_answer),
            "syndrome": self.syndrome,
            "urgency_rank": self.urgency.rank,
            "urgency_derived": self.urgency.as_json(),
            "missing_count": len(self.missing),
        }


def assess(
    asked: Row,
    facts: Rows,
    *,
    birth_date: PartialDate | None = None,
    sex_at_birth: str | None = None,
    licensed: bool = True,
) -> Assessment:
    """Derive grade, stage and urgency, and list what the board will ask for."""
    tumour, pathology, stage_row = (
        plain.from_json(entity, first(facts, entity))[0]
        for entity in ("tumour", "pathology", "staging")
    )
    site = tumour.get("primary_site")
    diagnosed = tumour.get("diagnosis_date")
    grade = course.grade_of(pathology, site)
    graded = course.derive_pathology(pathology, topography=site)
    kind = course.category_for_staging([grade.category])
    staged = course.derive_staging(
        stage_row,
        topography=site,
        grade_category=kind,
        diagnosis_date=diagnosed,
        licensed=licensed,
    )
    stage = Derived.from_json(staged["derivation"]["stage"]) if staged["derivation"] else None
    found = (*graded["findings"], *staged["findings"])
    codes = {one["code"] for one in found}
    syndrome = _syndrome(tumour)
    return Assessment(
        grade=grade,
        stage=stage,
        urgency=urgency.derive_urgency(
            grade=grade,
            syndrome=syndrome,
            red_flags=asked.get("red_flags") or (),
            stated=asked.get("urgency_stated") or "",
            syndrome_controlled=asked.get("syndrome_controlled") == "yes",
        ),
        missing=missing(asked, facts, birth_date=birth_date, sex_at_birth=sex_at_birth),
        grade_stated=pathology.get("grade_stated") or "",
        stage_stated=stage_row.get("stage_stated") or "",
        grade_differs="grade_contradiction" in codes,
        stage_differs="stage_contradiction" in codes,
        findings=found,
        primary_site=site or "",
        site_group=sites.triage_group(site) if site else "",
        syndrome=syndrome,
    )


def _syndrome(tumour: Row) -> str:
    if tumour.get("functioning") == "yes":
        return tumour.get("syndrome") or "other"
    return "none" if tumour.get("functioning") == "no" else ""


# -- what is missing ---------------------------------------------------------------------------


def missing(
    asked: Row, facts: Rows, *, birth_date: PartialDate | None, sex_at_birth: str | None
) -> tuple[Missing, ...]:
    """What the board will ask for, given the question and what is known."""
    known = level1(asked, facts)
    known["patient.birth_date"] = birth_date.iso if birth_date else ""
    known["patient.sex_at_birth"] = sex_at_birth or ""
    return missing_for_advice.missing(asked.get("question") or "other", known)


def level1(asked: Row, facts: Rows) -> dict[str, str]:
    """A case in the words of the level-1 data set: "group.item" to its answer."""
    known: dict[str, str] = {}
    for entity in ("tumour", "pathology", "staging"):
        row = first(facts, entity)
        known.update({f"{entity}.{name}": answer(row, name) for name in plain.names(entity)})
    known["pathology.specimen_date"] = known["pathology.date"]
    known["staging.staging_date"] = known["staging.date"]
    history, status = first(facts, "history"), first(facts, "follow_up")
    known.update({f"state.{name}": answer(history, name) for name in plain.names("history")})
    known["state.ecog"] = answer(status, "ecog")
    known["state.weight_kg"] = answer(status, "weight_kg")
    known["state.hereditary_syndrome"] = known["tumour.hereditary_syndrome"]
    known.update(_imaging(facts.get("imaging") or ()))
    known.update(_markers(facts.get("biomarker") or ()))
    known.update(_therapies(asked, facts.get("therapy") or ()))
    known.update(_so_far(first(facts, "overview"), known))
    return known


def _imaging(rows: Sequence[Row]) -> dict[str, str]:
    known: dict[str, str] = {}
    for row in rows:
        modality, dated = row.get("modality") or "", answer(row, "date")
        done = "no" if dated == "not_done" else "yes"
        if modality in SSTR:
            known |= {
                "imaging.sstr_done": done,
                "imaging.sstr_tracer": modality,
                "imaging.sstr_date": dated,
                "imaging.sstr_score": answer(row, "krenning"),
            }
        elif modality in FDG:
            known |= {
                "imaging.fdg_done": done,
                "imaging.fdg_date": dated,
                "imaging.fdg_result": answer(row, "fdg_result"),
            }
        elif modality in CT_OR_MRI:
            known["imaging.ct_mri_date"] = dated
    return known


_MARKER = {"EGFR": "egfr", "HB": "haemoglobin", "PLT": "platelets"}


def _markers(rows: Sequence[Row]) -> dict[str, str]:
    known: dict[str, str] = {}
    for row in rows:
        analyte = row.get("analyte") or ""
        item = _MARKER.get(analyte, "hormone")
        if analyte.startswith("HIAA_"):
            item = "hiaa_value"
        elif analyte.startswith("CG"):
            item = "cga_value"
        found = answer(row, "value")
        if analyte and found:
            known[f"markers.{item}"] = found
    return known


_THERAPY = {
    "ssa": "SSA",
    "prrt": "PRRT",
    "targeted": "targeted",
    "chemotherapy": "chemotherapy",
    "liver_directed": "liver-directed",
}


def _therapies(asked: Row, rows: Sequence[Row]) -> dict[str, str]:
    """What was given; a list with something on it also says what was not."""
    if not rows:
        why = answer(asked, "treated")
        said = "" if why == "yes" else why
        return dict.fromkeys((f"therapy.{item}" for item in (*_THERAPY, "primary_resected")), said)
    given = {row.get("therapy_class"): row for row in rows}
    known = {
        f"therapy.{item}": (given[word].get("agent") or "yes") if word in given else "no"
        for item, word in _THERAPY.items()
    }
    operation = given.get("surgery")
    known["therapy.primary_resected"] = "yes" if operation is not None else "no"
    if operation is not None:
        known["therapy.surgery_date"] = answer(operation, "start")
        known["therapy.residual"] = answer(operation, "residual")
    last = rows[-1]
    still = "" if answer(last, "stop") or answer(last, "stop_reason") else "not_applicable"
    known["therapy.stop_reason"] = answer(last, "stop_reason") or still
    known["therapy.best_response"] = answer(last, "best_response")
    return known


_SO_FAR = {
    **{name: f"therapy.{name}" for name in (*_THERAPY, "primary_resected")},
    "sstr_done": "imaging.sstr_done",
    "fdg_done": "imaging.fdg_done",
}


def _so_far(row: Row, known: Row) -> dict[str, str]:
    """What was done or not as said at once (`overview`), where no entry of its own says it."""
    said = {item: answer(row, name) for name, item in _SO_FAR.items()}
    found = {
        item: word
        for item, word in said.items()
        if word and (not known.get(item) or (word == "yes" and known[item] == "no"))
    }
    if answer(row, "ct_mri") in ("no", "not_known") and not known.get("imaging.ct_mri_date"):
        found["imaging.ct_mri_date"] = "not_done" if answer(row, "ct_mri") == "no" else "not_known"
    return found


# -- two versions ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One variable that is not the same in two submissions; rows are counted from 0."""

    entity: str  # "referral" for what the referral itself asks
    row: int
    name: str
    before: str
    after: str


def changes(
    before: tuple[Row, Rows], after: tuple[Row, Rows]
) -> dict[tuple[str, int, str], Change]:
    """What differs between two (asked, facts), by (entity, row, variable)."""
    old, new = dict(_flat(*before)), dict(_flat(*after))
    return {
        key: Change(*key, old.get(key, ""), new.get(key, ""))
        for key in dict.fromkeys([*new, *old])
        if old.get(key, "") != new.get(key, "")
    }


def _flat(asked: Row, facts: Rows) -> Iterator[tuple[tuple[str, int, str], str]]:
    for entity, rows in (("referral", [asked]), *facts.items()):
        for number, row in enumerate(rows):
            for name in dict.fromkeys([*row, *(row.get("absent") or {})]):
                if name != "absent":
                    yield (entity, number, name), answer(row, name)


# -- as it was typed ---------------------------------------------------------------------------


def typed_of(asked: Row, facts: Rows) -> dict[str, list[str]]:
    """Frozen facts as if they were typed, so that the form can be opened again with them."""
    typed = dict(_typed_row("", asked))
    for entity, rows in facts.items():
        many = entity in MANY
        for number, row in enumerate(rows):
            prefix = f"{entity}__{number}__" if many else f"{entity}__"
            typed.update(_typed_row(prefix, row))
        if many:
            typed[f"{entity}__rows"] = [str(len(rows))]
    return typed


#: Entities of which the form has several rows.
MANY = ("imaging", "biomarker", "therapy")


def _typed_row(prefix: str, row: Row) -> Iterator[tuple[str, list[str]]]:
    for name, value in row.items():
        if name != "absent" and value not in (None, "", []):
            texts = value if isinstance(value, list) else [value]
            yield prefix + name, [str(text) for text in texts]
    for name, reason in (row.get("absent") or {}).items():
        yield f"{prefix}{name}-absent", [reason["why"]]
        if reason.get("because"):
            yield f"{prefix}{name}-because", [reason["because"]]
