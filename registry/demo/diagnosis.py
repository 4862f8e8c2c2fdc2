"""What is known at the diagnosis: tumour, pathology, stage, spread, first images and markers."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Any

from registry.demo import rates
from registry.demo.case import Case, Row, after, chance_of

#: Percent (lowest, highest) and mitoses per 2 mm².
_PROLIFERATION = {
    "G1": (0.5, 2.9, 0, 1.5), "G2": (3, 19, 1, 8), "NET_G3": (22, 48, 8, 24),
    "NEC": (55, 95, 24, 60), "TC": (0.5, 5, 0, 1.5), "AC": (5, 18, 2, 8),
    "LCNEC": (45, 85, 16, 60), "SCLC": (70, 98, 40, 90), "PPGL": (0.5, 4, 0, 2),
    "LOW": (0.5, 3, 0, 3), "HIGH": (6, 15, 5, 9),
}  # fmt: skip
_STATED = {"NEC": "NEC_LARGE"}
_KRENNING = {"TC": (2, 3, 3, 1), "AC": (1, 2, 3, 0), "NET_G3": (2, 3, 3, 4, 1), "PPGL": (2, 3, 3)}
_WITHOUT_SCALE = ("NEC", "LCNEC", "SCLC", "LOW", "HIGH")
_AJCC9_FROM = 2024
_TNM9_FROM = 2025
_PET_FROM = 2013  # before, SSTR imaging was planar
_ELSEWHERE = ("bone", "nodes_distant", "peritoneum", "lung", "brain")


def describe(made: Case) -> None:
    """Everything a referral could say."""
    rng = made.rng("diagnosis")
    _nature(made, rng)
    made.facts = {"tumour": [_tumour(made, rng)], "pathology": [_pathology(made, rng)]}
    if made.recent or rng.random() < rates.STAGE_KNOWN:
        made.facts["staging"] = [_staging(made, rng)]
    made.facts["imaging"] = first_images(made, rng)
    made.facts["biomarker"] = _marker(made, rng)


def _nature(made: Case, rng: Random) -> None:
    if made.metastatic:
        made.places = _places(made, rng)
        made.spread_on = made.diagnosed
    if made.group == "midgut" and not made.carcinoma and made.metastatic:
        made.syndrome = "carcinoid" if rng.random() < rates.CARCINOID else ""
    elif made.group == "pancreas" and not made.carcinoma:
        made.syndrome = chance_of(rng, rates.PANCREATIC)
        if made.syndrome == "insulinoma" and made.metastatic:
            made.syndrome = ""  # nearly all are found small
    elif made.site == "C74.1":
        made.syndrome = "catecholamine"
    elif made.pool == "mtc":
        made.syndrome = "calcitonin"
    low, high, _, _ = _PROLIFERATION[made.grade]
    value = rng.uniform(low, high)
    made.ki67 = f"{value:.1f}" if value < 3 else f"{round(value)}"
    made.sstr = (
        0
        if made.carcinoma
        else rng.choice(_KRENNING.get(made.grade, (1, 2, 3, 3, 3, 4, 4, 4, 4, 4, 2)))
    )
    if made.syndrome == "insulinoma":
        made.sstr = rng.choice((1, 2, 2))
    made.measured = rng.random() < 0.6
    made.graded = made.recent or made.carcinoma or rng.random() < rates.GRADE_KNOWN


def _places(made: Case, rng: Random) -> list[str]:
    if made.pool == "ppgl":
        return rng.choice((["bone"], ["liver", "bone"], ["lung"]))
    if made.pool == "mtc":
        return rng.choice((["lung"], ["liver", "bone"], ["bone"]))
    if made.pool == "lung":
        brain = "brain" if made.carcinoma else "liver"
        return rng.choice((["liver"], ["liver", "bone"], ["bone"], [brain]))
    found = ["liver"] if rng.random() < 0.9 else []
    weights = {"bone": 0.16, "nodes_distant": 0.14, "peritoneum": 0.12, "lung": 0.06}
    found += [place for place, share in weights.items() if rng.random() < share]
    return found or ["liver"]


# -- the tumour --------------------------------------------------------------------------------


def _tumour(made: Case, rng: Random) -> Row:
    functioning = bool(made.syndrome)
    row: Row = {
        "primary_site": made.site,
        "diagnosis_date": made.diagnosed.isoformat(),
        "diagnosis_basis": "pathology",
        "presentation": "syndrome" if functioning else rng.choice(("symptom", "symptom",
                                                                   "incidental")),
        "functioning": "yes" if functioning else "no",
        "absent": {},
    }  # fmt: skip
    if functioning:
        row["syndrome"] = made.syndrome
        symptom = after(made.diagnosed, -rng.randint(40, 1100))
        row["first_symptom_date"] = symptom.isoformat()[:7]
    if made.syndrome == "carcinoid":
        row |= {"flushing": "yes", "diarrhoea": rng.choice(("yes", "yes", "no"))}
        row["absent"] = {"carcinoid_heart_disease": {"why": "not_done"},
                         "echo_date": {"why": "not_done"}}  # fmt: skip
    elif made.group in {"midgut", "gi", "unknown"}:
        row |= {"flushing": "no", "diarrhoea": rng.choice(("no", "no", "yes"))}
    if made.hereditary:
        row["hereditary_syndrome"] = made.hereditary
    elif rng.random() < 0.3:
        row["hereditary_syndrome"] = "none"
    else:
        row["absent"]["hereditary_syndrome"] = {"why": rng.choice(("not_done", "not_known"))}
    if made.site != "C80.9" and rng.random() < 0.93:
        row["primary_size_mm"] = str(size_mm(made, rng))
    if made.site[:3] == "C34":
        row["laterality"] = rng.choice(("left", "right"))
    if made.metastatic:
        row["metastatic_sites"] = list(made.places)
    return row


def size_mm(made: Case, rng: Random) -> int:
    """The largest size of the primary."""
    low, high = {"C20": (4, 18), "C18": (5, 24), "C16": (4, 22), "C17": (8, 36), "C25": (10, 62),
                 "C73": (6, 38)}.get(made.site[:3], (10, 55))  # fmt: skip
    larger = 1.4 if made.metastatic or made.carcinoma else 1
    if made.syndrome == "insulinoma" and not made.metastatic:
        return rng.randint(8, 19)
    return round(rng.triangular(low, high, low + (high - low) * 0.35) * larger)


# -- the specimen ------------------------------------------------------------------------------


def system_of(made: Case, day: date) -> str:
    """The classification in force."""
    if made.pool == "mtc":
        return "IMTCGS" if day.year >= 2022 else "OTHER"
    if made.pool == "lung":
        return "WHO2021" if day.year >= 2021 else "WHO2015"
    return "WHO2022" if day.year >= 2022 else ("WHO2019" if day.year >= 2019 else "WHO2017")


def specimen(made: Case, rng: Random, grade: str, day: date, ki67: str) -> Row:
    """A report of a tumour of this grade."""
    _, _, fewest, most = _PROLIFERATION[grade]
    poor = grade in {"NEC", "LCNEC", "SCLC"}
    row: Row = {
        "date": day.isoformat(),
        "differentiation": "poor" if poor else "well",
        "ki67_percent": ki67,
        "mitoses_per_2mm2": f"{rng.uniform(fewest, most):.1f}",
        "necrosis": "extensive" if poor else ("focal" if grade == "AC" else "none"),
        "grade_system": system_of(made, day),
        "chromogranin_a_ihc": "positive" if not poor or rng.random() < 0.6 else "negative",
        "synaptophysin_ihc": "positive",
        "absent": {},
    }
    if made.pool in {"ppgl", "mtc"}:
        row.pop("differentiation")
    if poor:
        row["cell_type"] = "small" if grade == "SCLC" else "large"
    if grade == "PPGL":
        row.pop("grade_system")
    else:
        row["grade_stated"] = _STATED.get(grade, grade)
    return row


def _pathology(made: Case, rng: Random) -> Row:
    row = specimen(made, rng, made.grade, made.diagnosed, made.ki67)
    distant = made.metastatic and "liver" in made.places and made.pool != "lung"
    row["specimen_site"] = "liver" if distant else "primary"
    row["specimen_kind"] = "biopsy" if made.metastatic or made.carcinoma else "resection"
    if row["specimen_kind"] == "resection" and made.pool == "gep" and rng.random() < 0.7:
        examined = rng.randint(6, 24)
        row |= {"nodes_examined": str(examined),
                "lymphovascular_invasion": rng.choice(("yes", "no"))}  # fmt: skip
    _leave_gaps(made, row, rng)
    return row


def _leave_gaps(made: Case, row: Row, rng: Random) -> None:
    """Reports are incomplete in life."""
    absent: dict[str, Any] = row["absent"]
    if not made.graded and made.pool in {"gep", "lung"}:
        for name in ("ki67_percent", "mitoses_per_2mm2", "grade_stated", "grade_system"):
            row.pop(name, None)
        absent["ki67_percent"] = {"why": "not_done"}
        absent["mitoses_per_2mm2"] = {"why": "not_done"}
        absent["grade_stated"] = {"why": "not_available"}
    elif rng.random() < 0.16:
        row.pop("mitoses_per_2mm2")
        absent["mitoses_per_2mm2"] = {"why": "not_done"}
    elif made.recent and rng.random() < 0.15:
        row.pop("ki67_percent")
        absent["ki67_percent"] = {"why": "not_available", "because": "recount has been asked for"}


# -- the stage ---------------------------------------------------------------------------------


def m_category(made: Case, places: list[str], system: str) -> str:
    """The M of a spread to these places."""
    if not places:
        return "M0"
    if made.pool == "lung":
        if made.site == "C37.9":
            return "M1b"
        several = len(places) > 1
        return ("M1c1" if several else "M1b") if system == "TNM9" else ("M1c" if several else "M1b")
    if made.pool == "ppgl":
        return "M1c" if {"bone"} < set(places) else ("M1a" if places == ["bone"] else "M1b")
    if made.pool == "mtc":
        return "M1"
    if made.carcinoma:
        colorectal = made.site[:3] in {"C18", "C20"}
        return "M1" if not colorectal else ("M1a" if len(places) == 1 else "M1b")
    if places == ["liver"]:
        return "M1a"
    return "M1c" if "liver" in places else "M1b"


def staging_system(made: Case, day: date) -> str:
    """The staging system in force for the site."""
    if made.pool == "lung":
        return "TNM9" if day.year >= _TNM9_FROM else "TNM8"
    newest = made.pool == "gep" and not made.carcinoma and made.diagnosed.year >= _AJCC9_FROM
    return "AJCC9" if newest else "AJCC8"


def spread_flags(places: list[str]) -> Row:
    """The columns that say where metastases are."""
    flags: Row = {f"mets_{place}": "yes" if place in places else "no" for place in _ELSEWHERE}
    return flags | {"mets_liver": "yes" if "liver" in places else "no"}


def _staging(made: Case, rng: Random) -> Row:
    day = after(made.diagnosed, rng.randint(0, 18))
    system = staging_system(made, day)
    row: Row = {"date": min(day, made.end).isoformat(), "absent": {}}
    if made.places:
        row |= spread_flags(made.places)
    else:
        row["mets_liver"] = "no"
    if "liver" in made.places and rng.random() < 0.7:
        row["liver_burden"] = rng.choice(("under_10", "10_to_25", "10_to_25", "26_to_50",
                                          "over_50"))  # fmt: skip
    row["m"] = m_category(made, made.places, system)
    if made.site == "C80.9":
        row["m"] = "M1"
        row["absent"] = {"t": {"why": "not_known"}, "n": {"why": "not_known"}}
        return row
    t, n = _t_and_n(made, rng)
    row |= {"staging_system": system, "staging_prefix": "c" if made.metastatic else "p",
            "t": t, "n": n}  # fmt: skip
    row["absent"]["stage_stated"] = {"why": "not_known"}
    return row


def _t_and_n(made: Case, rng: Random) -> tuple[str, str]:
    advanced = made.metastatic or made.carcinoma
    spread = rng.random() < (0.75 if advanced else 0.3)
    if made.pool == "lung":
        t = rng.choice(("T2a", "T3")) if advanced else rng.choice(("T1b", "T1c", "T2a"))
        if made.site == "C37.9":
            t = "T3" if advanced else "T1a"
        return t, rng.choice(("N1", "N2")) if spread and made.site != "C37.9" else "N0"
    if made.pool == "mtc":
        return rng.choice(("T1b", "T2")), "N1b" if spread else "N0a"
    if made.pool == "ppgl":
        return "T2" if advanced else "T1", "N0"
    colorectal = made.site[:3] in {"C18", "C20"} and made.site != "C18.1"
    if made.carcinoma:
        if colorectal or made.site == "C18.1":
            return rng.choice(("T3", "T4a")), "N1b" if spread else "N0"
        return rng.choice(("T3", "T3", "T2")), "N1" if spread else "N0"
    if colorectal or made.site == "C20.9":
        return ("T2" if advanced else rng.choice(("T1a", "T1a", "T1b"))), "N1" if spread else "N0"
    if made.site == "C17.2" or made.site == "C17.1":
        return rng.choice(("T2", "T3", "T3", "T4" if advanced else "T2")), (
            rng.choice(("N1", "N1", "N2")) if advanced or rng.random() < 0.6 else "N0"
        )
    t = rng.choice(("T2", "T3", "T3", "T4")) if advanced else rng.choice(("T1", "T1", "T2", "T3"))
    return t, "N1" if spread else "N0"


# -- first images and marker -------------------------------------------------------------------


def sstr_scan(made: Case, day: date, krenning: int) -> Row:
    """An SSTR scan of its time, with its scale."""
    pet = day.year >= _PET_FROM
    row: Row = {
        "modality": "PET_68GA_DOTATATE" if pet else "SPECT_111IN_PENTETREOTIDE",
        "date": day.isoformat(),
        "krenning": str(krenning),
        "krenning_scale": "modified_pet" if pet else "planar",
    }
    if made.number % 3 == 1 and pet:
        row["modality"] = "PET_68GA_DOTATOC"
    return row


def seen_at(made: Case) -> list[str]:
    """Where scans see tumour."""
    primary = [] if made.site == "C80.9" else ["primary"]
    return [*primary, *(made.places if made.spread_on else [])]


def first_images(made: Case, rng: Random) -> list[Row]:
    """CT, SSTR and FDG imaging of the work-up, with the way the images took."""
    day = min(after(made.diagnosed, rng.randint(2, 20)), made.end)
    modality = "MRI_LIVER" if "liver" in made.places and rng.random() < 0.3 else "CT_MULTIPHASE"
    scans: list[Row] = [
        {"modality": modality, "date": day.isoformat(), "sites": seen_at(made)},
    ]
    if not made.recent and rng.random() < 0.5:
        sent = min(after(day, 5), made.end).isoformat()
        scans[0] |= {"images_sent": "yes", "transfer_status": "received", "transfer_date": sent}
    positive = made.sstr >= 2
    wanted = made.pool != "mtc" and (rng.random() < 0.85 or made.metastatic)
    if not made.carcinoma and wanted and made.grade not in _WITHOUT_SCALE:
        scan = sstr_scan(made, min(after(day, 5), made.end), made.sstr)
        scan["sites"] = seen_at(made) if positive else []
        if positive and rng.random() < 0.6:
            scan["suv_max"] = f"{rng.uniform(6, 16) * made.sstr / 2:.1f}"
        scans.append(scan)
    bright = made.grade in {"NET_G3", "NEC", "LCNEC", "SCLC"}
    if bright or (made.grade == "G2" and made.metastatic and float(made.ki67) >= 10):
        hot = bright or rng.random() < 0.5
        fdg: Row = {
            "modality": "PET_18F_FDG",
            "date": min(after(day, 8), made.end).isoformat(),
            "fdg_result": "positive" if hot else "negative",
        }
        if any("krenning" in scan for scan in scans) and not made.recent:
            both = rng.choice(("P2b", "P2a", "P3b", "P4b" if bright else "P2a"))
            fdg["netpet"] = (both if positive else "P5") if hot else ("P1" if positive else "P0")
        scans.append(fdg)
    return scans


#: Analyte, unit, upper limit, as each centre's laboratory gives chromogranin A.
ASSAYS = (
    ("CGA_MASS", "ug/L", 100.0, "immunofluorescence, made up"),
    ("CGA_MOLAR", "pmol/L", 60.0, "radioimmunoassay, made up"),
    ("CGA_UNITS", "U/L", 20.0, "ELISA, made up"),
)


def assay_of(made: Case) -> tuple[str, str, float, str]:
    """The chromogranin A assay of the laboratory that looks after the patient."""
    return ASSAYS[{"NL": 0, "DE": 0, "IT": 1, "ES": 1, "SE": 2}.get(made.country, 0)]


def _marker(made: Case, rng: Random) -> list[Row]:
    if made.carcinoma or made.pool in {"mtc", "ppgl"} or rng.random() < 0.3:
        return []
    analyte, unit, limit, assay = assay_of(made)
    times = rng.uniform(1.2, 8) if made.metastatic else rng.uniform(0.3, 1.3)
    return [
        {
            "analyte": analyte,
            "value": f"{limit * times:.0f}",
            "unit": unit,
            "upper_limit": f"{limit:.0f}",
            "date": min(after(made.diagnosed, rng.randint(1, 14)), made.end).isoformat(),
            "ppi": "yes" if times < 1 and rng.random() < 0.2 else "no",
            "assay": assay,
        }
    ]
