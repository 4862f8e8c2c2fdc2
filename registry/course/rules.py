"""Rules of the course: what is derived beside what was stated, and which dates cannot be.

Pure: values in, plain columns out. Nothing here reads or writes a record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from registry.clinical import edit_checks, grading, sites, staging
from registry.clinical.edit_checks import REFUSE, WARN, Finding
from registry.clinical.grading import GradeResult
from registry.clinical.ki67 import parse_ki67
from registry.clinical.results import COMPLETE, N_, PROVISIONAL, Derived, Reason
from registry.dates import PartialDate

Values = Mapping[str, Any]

#: Tumours whose kind, not their place, decides how they are graded (ICD-O-3.2; grading §4).
_MERKEL = frozenset({"8247/3", "MERKEL"})
_PARAGANGLIOMA_TYPES = frozenset({"PHAEO", "PGL", "PGL_EXTRA_ADRENAL"})
_PARAGANGLIOMA = ("8680/", "8681/", "8682/", "8690/", "8691/", "8692/", "8693/", "8700/")

#: What a grading remarks that contradicts itself (grading §2.8), in words for the record.
CONTRADICTING_FLAGS = {
    "discordant_2_steps": N_("Ki-67 and mitoses are two grades apart."),
    "nec_with_low_proliferation": N_("Carcinoma is stated, but no proliferation value is high."),
    "nec_with_mitoses_le_10": N_("Carcinoma is stated, but mitoses are few."),
    "net_g3_ki67_gt_55": N_("Well differentiated is stated, but Ki-67 is above 55 %%."),
}

#: Entries that may come to light after a death: an autopsy, a late report.
_MAY_FOLLOW_DEATH = frozenset(
    {
        ("tumour", "diagnosis_date"),
        ("pathology", "date"),
        ("staging", "date"),
        ("therapy", "stop"),
    }
)


# -- grade -------------------------------------------------------------------------------------


def grading_word(topography: str | None, *, morphology: str = "", type_stated: str = "") -> str:
    """The word of `clinical.sites` under which a tumour is graded; *unknown* without a site."""
    if morphology in _MERKEL or type_stated in _MERKEL:
        return "skin_merkel"
    if morphology.startswith(_PARAGANGLIOMA) or type_stated in _PARAGANGLIOMA_TYPES:
        return "paraganglia"
    return topography or "unknown"


def grade_of(values: Values, topography: str | None) -> GradeResult:
    """The grade that follows from a pathology's own findings.

    `values` are its columns; what is missing is missing, whatever the reason.
    """
    ki67 = values.get("ki67_percent")
    mitoses = values.get("mitoses_per_2mm2")
    share = values.get("mixed_component_pct")
    return grading.derive_grade(
        site=grading_word(
            topography,
            morphology=values.get("morphology") or "",
            type_stated=values.get("type_stated") or "",
        ),
        differentiation=values.get("differentiation") or "",
        cell_type=values.get("cell_type") or "",
        mitoses_per_2mm2=Decimal(mitoses) if mitoses is not None else None,
        ki67=parse_ki67(ki67) if ki67 else None,
        necrosis=values.get("necrosis") or "",
        specimen=values.get("specimen_kind") or "",
        mixed_component_pct=Decimal(share) if share is not None else None,
    )


def derive_pathology(values: Values, *, topography: str | None) -> dict[str, Any]:
    """The derived columns of a pathology: grade with its reasons, and what contradicts it."""
    grade = grade_of(values, topography)
    found = [
        Finding(flag, WARN, Reason(text), ("pathology.ki67_percent",))
        for flag, text in CONTRADICTING_FLAGS.items()
        if flag in grade.flags
    ]
    differentiation, morphology = (
        values.get(name) or "" for name in ("differentiation", "morphology")
    )
    checks = (
        edit_checks.grade_contradiction(
            values.get("grade_stated") or "", grade, values.get("grade_system") or ""
        ),
        edit_checks.cell_type_without_carcinoma(differentiation, values.get("cell_type") or ""),
        edit_checks.morphology_against_differentiation(morphology, differentiation),
        edit_checks.outside_the_registry(morphology),
        edit_checks.more_nodes_than_examined(
            *(
                None if values.get(name) is None else Decimal(values[name])
                for name in ("nodes_examined", "nodes_positive")
            )
        ),
    )
    found += [one for one in checks if one is not None]
    return {
        "derived_category": grade.category,
        "derived_grade": grade.grade or None,
        "derived_status": grade.status,
        "derived_version": f"{grade.rule} {grade.version}",
        "derivation": {"grade": grade.as_json()},
        **_findings(found),
    }


# -- stage -------------------------------------------------------------------------------------


def stage_of(
    values: Values,
    *,
    topography: str | None,
    grade_category: str | None,
    diagnosis_date: PartialDate | None,
) -> Derived:
    """The stage group that follows from a staging's own T, N and M.

    Without a stated system the one that held in the year of diagnosis is used, and said so.
    """
    place = sites.site(topography) if topography else None
    word = place.staging_site if place else (topography or "unknown")
    if place and place.grading_site == "unknown":
        word = "unknown"
    kind = staging.histology_class(grade_category or "", word)
    stated = values.get("staging_system") or ""
    year = diagnosis_date.parts[0] if diagnosis_date else None
    found = staging.stage_group(
        site=word,
        histology_class=kind,
        system=stated or staging.default_system(word, year, kind),
        t=values.get("t") or "",
        n=values.get("n") or "",
        m=values.get("m") or "",
        lenient=True,
    )
    return found if stated else _with_assumed_system(found, year)


def _with_assumed_system(found: Derived, year: int | None) -> Derived:
    if found.status != COMPLETE:
        return found
    if year is None:
        assumed = Reason(
            N_("No system is stated: %(system)s is assumed, the newest."),
            {"system": found.inputs["system"]},
        )
    else:
        assumed = Reason(
            N_("No system is stated: %(system)s is assumed, for a diagnosis of %(year)s."),
            {"system": found.inputs["system"], "year": str(year)},
        )
    return replace(found, status=PROVISIONAL, reasons=(*found.reasons, assumed))


def derive_staging(
    values: Values,
    *,
    topography: str | None,
    grade_category: str | None,
    diagnosis_date: PartialDate | None,
    licensed: bool,
) -> dict[str, Any]:
    """The derived columns of a staging, and what contradicts itself in it.

    `licensed`: may this installation derive stages? If not, only contradictions that need no
    stage table are found.
    """
    stated, m = values.get("stage_stated") or "", values.get("m") or ""
    metastases = {name: values.get(name) or "" for name in edit_checks.METASTASES if name in values}
    place = sites.site(topography) if topography else None
    unknown = place is not None and place.grading_site == "unknown"
    found = [
        edit_checks.m0_with_metastases(m, metastases),
        edit_checks.m1_without_metastases(m, metastases),
        edit_checks.stage_iv_without_metastasis(
            stated, m, metastases, place.staging_site if place else ""
        ),
        edit_checks.t_for_unknown_primary("unknown" if unknown else "", values.get("t") or ""),
    ]
    stage: Derived | None = None
    if licensed:
        stage = stage_of(
            values,
            topography=topography,
            grade_category=grade_category,
            diagnosis_date=diagnosis_date,
        )
        found.append(edit_checks.stage_contradiction(stated, stage))
    known = stage is not None and stage.answer != staging.INVALID
    return {
        "derived_stage": stage.answer if stage is not None and known else None,
        "derived_status": stage.status if stage else None,
        "derived_version": f"{stage.rule} {stage.version}" if stage else None,
        "derivation": {"stage": stage.as_json()} if stage else None,
        **_findings(one for one in found if one is not None),
    }


def _findings(found: Iterable[Finding]) -> dict[str, Any]:
    listed = list(found)
    return {
        "findings": [
            {
                "code": one.code,
                "severity": one.severity,
                "reason": {"template": one.reason.template, "values": dict(one.reason.values)},
                "variables": list(one.variables),
            }
            for one in listed
        ],
        "contradictions": ";".join(sorted({one.code for one in listed})) or None,
    }


def category_for_staging(categories: Sequence[str | None]) -> str | None:
    """Which of a tumour's derived categories, oldest first, chooses its stage table.

    The latest that says what kind of tumour it is; one that leaves it open does not.
    """
    for category in reversed(categories):
        if category and staging.histology_class(category, "pancreas"):
            return category
    return next((category for category in reversed(categories) if category), None)


# -- dates -------------------------------------------------------------------------------------

AFTER_DEATH = N_("This is after the patient's death (%(date)s).")
DEATH_BEFORE = N_("The record has an entry after this date: %(entry)s, %(date)s.")


@dataclass(frozen=True)
class DateProblem:
    """A date that cannot be, or is unusual: at which variable, how grave, and why."""

    variable: str
    severity: str
    reason: Reason


def date_problems(
    entity: str,
    dates: Mapping[str, PartialDate],
    *,
    birth: PartialDate | None = None,
    death: PartialDate | None = None,
    diagnosis: PartialDate | None = None,
) -> list[DateProblem]:
    """What is wrong with the dates of one entry, by what they certainly mean.

    Before birth is refused, after death too unless it is something that can come to light later.
    An order that is unusual and not impossible is warned of.
    """
    found = []
    for name, date in dates.items():
        if birth is not None and date.certainly_before(birth):
            found.append(_problem(name, REFUSE, N_("This is before the patient was born.")))
        if death is not None and name != "death_date" and death.certainly_before(date):
            late = (entity, name) in _MAY_FOLLOW_DEATH
            severity = WARN if late else REFUSE
            found.append(_problem(name, severity, AFTER_DEATH, date=death.iso))
    found += _within(entity, dates)
    if diagnosis is not None and entity in _FOLLOWS_DIAGNOSIS:
        name = _FOLLOWS_DIAGNOSIS[entity]
        if name in dates and dates[name].certainly_before(diagnosis):
            text = N_("This is before the diagnosis (%(date)s).")
            found.append(_problem(name, WARN, text, date=diagnosis.iso))
    return found


_FOLLOWS_DIAGNOSIS = {
    "therapy": "start",
    "progression": "date",
    "response": "date",
    "follow_up": "date",
}
#: (entity, earlier, later, how grave, what is said at the later).
_ORDER = (
    ("therapy", "start", "stop", REFUSE, N_("This is before the start (%(date)s).")),
    (
        "follow_up",
        "date",
        "death_date",
        REFUSE,
        N_("This is before the date of contact (%(date)s)."),
    ),
    (
        "tumour",
        "first_symptom_date",
        "diagnosis_date",
        WARN,
        N_("This is before the first symptom (%(date)s)."),
    ),
)


def _within(entity: str, dates: Mapping[str, PartialDate]) -> list[DateProblem]:
    return [
        _problem(later, severity, text, date=dates[earlier].iso)
        for owner, earlier, later, severity, text in _ORDER
        if owner == entity
        and earlier in dates
        and later in dates
        and dates[later].certainly_before(dates[earlier])
    ]


def _problem(variable: str, severity: str, template: str, **values: str) -> DateProblem:
    return DateProblem(variable, severity, Reason(template, values))
