"""The level-1 data set of a patient on one page: which entries stand where.

The items are those of `clinical/data/level1_items.csv`. What the referral says (group *referral*)
is read from it and not asked again; who the patient is stays in the room *patients*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from werkzeug.datastructures import MultiDict

from registry.clinical import tables
from registry.clinical.edit_checks.across import imaging
from registry.clinical.follow_up_record import CROSS_SECTIONAL
from registry.course import fast
from registry.course.models import Tumour
from registry.course.models.tumour import SYNDROME
from registry.course.queries import Record
from registry.course.sheet import ANYTHING, Sheet, Slot
from registry.language import lazy_gettext as _l

SSTR = tuple(code for code in tables.codes("imaging_modality") if code in imaging.SSTR)
FDG = tuple(imaging.FDG)

_STOPPED = {"stop_reason": {"show_if": ("stop", frozenset({ANYTHING}))}}
#: Dates that stand for rows without one of their own.
AS_OF, SAMPLED = "state__0__date", "sampled"


def _agents(kind: str) -> dict[str, Any]:
    return {"agent": {"options": fast.some_of("therapy", fast.agents(kind))}}


def _therapy(key: str, kind: str, title: Any, names: tuple[str, ...], **more: Any) -> Slot:
    return Slot(
        key,
        "therapy",
        names,
        title=title,
        fixed={"therapy_class": kind, **more.pop("fixed", {})},
        many=True,
        changes={**_agents(kind), **_STOPPED, **more.pop("changes", {})},
        asked_if=(f"overview__0__{more.pop('asked')}", "yes"),
        **more,
    )


def _marker(key: str, title: Any, *measures: tuple[str, str], ppi: bool = False) -> Slot:
    names = ("value", "upper_limit", "date") if len(measures) > 3 else ("value", "date")
    return Slot(
        key,
        "biomarker",
        (*names, "ppi") if ppi else names,
        title=title,
        decides="value",
        measures=measures,
        dated_from=SAMPLED,
        changes={"value": {"width": 8}, "upper_limit": {"width": 6}},
        leads={"value": title},
    )


def _modalities(codes: Sequence[str]) -> dict[str, Any]:
    return {"modality": {"options": fast.some_of("imaging_modality", codes)}}


SLOTS: tuple[Slot, ...] = (
    Slot(
        "state",
        "follow_up",
        ("date", "ecog", "weight_kg", "vital_status", "death_date", "death_cause",
         "disease_status"),
        title=_l("First contact"),
        leads={"date": _l("As of")},
    ),
    Slot(
        "history",
        "history",
        ("height_cm", "smoking", "cardiac_comorbidity", "renal_comorbidity", "diabetes",
         "other_malignancy", "family_history_endocrine"),
        dated_from=AS_OF,
    ),
    Slot(
        "tumour",
        "tumour",
        ("first_symptom_date", "presentation", "diagnosis_date", "diagnosis_basis",
         "primary_site", "primary_multiple", "primary_size_mm", *SYNDROME, "metastatic_sites"),
        leads={"metastatic_sites": _l("Metastases elsewhere")},
    ),
    Slot(
        "pathology",
        "pathology",
        ("date", "specimen_site", "specimen_kind", "differentiation", "cell_type", "morphology",
         "ki67_percent", "mitoses_per_2mm2", "necrosis", "grade_stated", "grade_system",
         "chromogranin_a_ihc", "synaptophysin_ihc", "sstr2_ihc", "central_review",
         "structured_report"),
    ),
    Slot(
        "staging",
        "staging",
        ("staging_system", "staging_prefix", "t", "n", "m", "stage_stated", "date", "mets_liver",
         "liver_burden", "mets_nodes_distant", "mets_bone", "mets_peritoneum", "mets_lung",
         "mets_brain"),
    ),
    Slot(
        "overview",
        "overview",
        ("ct_mri", "sstr_done", "fdg_done", "primary_resected", "liver_directed", "ssa", "prrt",
         "targeted", "chemotherapy", "board", "progressed"),
        dated_from=AS_OF,
    ),
    Slot(
        "ct", "imaging", ("modality", "date"), title=_l("CT or MRI"),
        changes=_modalities(CROSS_SECTIONAL), asked_if=("overview__0__ct_mri", "yes"),
        leads={"modality": _l("Which")},
    ),
    Slot(
        "sstr", "imaging", ("modality", "date", "krenning", "krenning_scale"),
        title=_l("SSTR imaging"), changes=_modalities(SSTR),
        asked_if=("overview__0__sstr_done", "yes"), leads={"modality": _l("Tracer")},
    ),
    Slot(
        "fdg", "imaging", ("date", "fdg_result"), title=_l("FDG PET"),
        fixed={"modality": FDG[0]}, asked_if=("overview__0__fdg_done", "yes"),
    ),
    _marker(
        "cga", _l("Chromogranin A"), ("CGA_MASS", "ng/mL"), ("CGA_MASS", "ug/L"),
        ("CGA_MOLAR", "nmol/L"), ("CGA_MOLAR", "pmol/L"), ("CGA_UNITS", "U/L"), ppi=True,
    ),
    _marker(
        "hiaa", _l("5-HIAA"), ("HIAA_U24_MOL", "umol/(24.h)"), ("HIAA_U24_MASS", "mg/(24.h)"),
        ("HIAA_P_MOL", "nmol/L"), ("HIAA_P_MASS", "ug/L"), ("HIAA_P_MASS", "ng/mL"),
    ),
    _marker("egfr", _l("eGFR"), ("EGFR", "mL/min/{1.73_m2}")),
    _marker("hb", _l("Haemoglobin"), ("HB", "g/L"), ("HB", "g/dL"), ("HB", "mmol/L")),
    _marker("plt", _l("Platelets"), ("PLT", "10*9/L")),
    Slot(
        "hormone", "biomarker", ("analyte", "value", "unit", "upper_limit", "date"),
        title=_l("Other hormone or marker"), many=True, dated_from=SAMPLED,
        leads={"analyte": _l("Other hormone or marker")},
    ),
    _therapy(
        "surgery", "surgery", _l("Resection of the primary"), ("start", "residual"),
        asked="primary_resected", fixed={"treated_sites": ["primary"]},
        changes={"residual": {"show_if": None}}, leads={"start": _l("Date of surgery")},
    ),
    _therapy(
        "liver", "liver-directed", _l("Liver-directed therapy"),
        ("agent", "start", "best_response"), asked="liver_directed",
        leads={"agent": _l("Procedure"), "start": _l("Date")},
    ),
    _therapy(
        "ssa", "SSA", _l("Somatostatin analogue"),
        ("agent", "dose_value", "interval_days", "start", "stop", "stop_reason",
         "best_response"), asked="ssa", with_it={"dose_value": ("dose_unit", "mg")},
    ),
    _therapy(
        "prrt", "PRRT", _l("PRRT"),
        ("agent", "cycles", "dose_value", "start", "stop", "stop_reason", "best_response"),
        asked="prrt", with_it={"dose_value": ("dose_unit", "GBq")},
        leads={"dose_value": _l("Activity per cycle"), "start": _l("First cycle"),
               "stop": _l("Last cycle")},
    ),
    _therapy(
        "targeted", "targeted", _l("Targeted therapy"),
        ("agent", "start", "stop", "stop_reason", "best_response"), asked="targeted",
    ),
    _therapy(
        "chemo", "chemotherapy", _l("Chemotherapy"),
        ("agent", "start", "stop", "stop_reason", "best_response"), asked="chemotherapy",
    ),
    Slot(
        "board", "board_opinion", ("date", "recommendation"), title=_l("Tumour board"),
        asked_if=("overview__0__board", "yes"),
    ),
    Slot(
        "progression", "progression", ("date",), title=_l("First progression"),
        asked_if=("overview__0__progressed", "yes"),
    ),
    Slot(
        "contact", "follow_up",
        ("date", "vital_status", "death_date", "death_cause", "disease_status"),
        title=_l("Last contact"),
    ),
)  # fmt: skip

#: Therapies that follow one another, the order of the page.
THERAPIES = ("surgery", "liver", "ssa", "prrt", "targeted", "chemo")
LABORATORY = ("cga", "hiaa", "egfr", "hb", "plt")


# -- which entries stand where -----------------------------------------------------------------


def placed(record: Record, tumour: Tumour | None) -> dict[str, list[Any]]:
    """The entries of every slot: what the level-1 set asks for is the first of its kind."""
    of = _of(record, tumour)
    contacts = record.of("follow_up")
    found: dict[str, list[Any]] = {
        "state": contacts[:1],
        "contact": contacts[-1:] if len(contacts) > 1 else [],
        "history": record.of("history")[-1:],
        "tumour": [tumour] if tumour else [],
        "pathology": [one for one in of("pathology") if one.review_of_id is None][:1],
        "staging": of("staging")[:1],
        "overview": record.of("overview")[-1:],
        "board": record.of("board_opinion")[:1],
        "progression": of("progression")[:1],
    }
    for key, modalities in (("ct", CROSS_SECTIONAL), ("sstr", SSTR), ("fdg", FDG)):
        found[key] = [one for one in of("imaging") if one.modality in modalities][:1]
    found |= _markers(record)
    found |= _therapies(of("therapy"))
    return found


def _of(record: Record, tumour: Tumour | None) -> Callable[[str], list[Any]]:
    if tumour is None:
        return record.of
    return lambda entity: record.of_tumour(entity, tumour.id)


def _markers(record: Record) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    taken = set()
    for slot in SLOTS:
        if slot.measures:
            analytes = {analyte for analyte, _unit in slot.measures}
            own = [one for one in record.of("biomarker") if one.analyte in analytes]
            taken |= analytes
            found[slot.key] = own[:1]
    others = [one for one in record.of("biomarker") if one.analyte not in taken]
    return found | {"hormone": others[:3]}


def _therapies(entries: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for slot in SLOTS:
        kind = slot.fixed.get("therapy_class")
        if kind:
            found[slot.key] = [one for one in entries if one.therapy_class == kind]
    found["surgery"] = [
        one for one in found["surgery"] if "primary" in (one.treated_sites or ["primary"])
    ]
    return found


def implied(stored: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """What the record already answers of *done so far*: an entry is there."""
    owners = {
        "ct_mri": "ct", "sstr_done": "sstr", "fdg_done": "fdg", "primary_resected": "surgery",
        "liver_directed": "liver", "ssa": "ssa", "prrt": "prrt", "targeted": "targeted",
        "chemotherapy": "chemo", "board": "board", "progressed": "progression",
    }  # fmt: skip
    found = {}
    for name, slot in owners.items():
        entries = stored.get(slot, ())
        if entries:
            undone = all((one.absent or {}).get("date", {}).get("why") == "not_done"
                         for one in entries)  # fmt: skip
            found[name] = "no" if undone else "yes"
    return found


def sheet(
    record: Record,
    tumour: Tumour | None,
    *,
    form_key: UUID,
    typed: MultiDict[str, str] | None,
    may_change: Any,
) -> Sheet:
    """The page, from what is stored or from what was typed."""
    stored = placed(record, tumour)
    begun: dict[str, Mapping[str, Any]] = {
        "hb__0": {"measure": "HB|g/L"},
    }
    if not stored["overview"]:
        begun["overview__0"] = implied(stored)
    made = Sheet(SLOTS, stored, form_key=form_key, typed=typed, begun=begun, may_change=may_change)
    made.add_shared(
        SAMPLED, _l("Date of the samples"), lead=_l("Date of samples without a date of their own")
    )
    return made
