"""The synthetic caseload: seeded, so that the same number gives the same case.

Sites, grades, first treatments and survival follow the published figures: median survival 279, 167
and 18 months for G1, G2 and G3; first treatments surgery 71 %, somatostatin analogue 32 %,
chemotherapy 20 %, PRRT 9 %, targeted 8 %. No real person is described.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

SEED = "net-registry-demonstration-1"

#: Topography, share of cases, differentiation pool.
_SITES = (
    ("C17.2", 26, "gep"), ("C17.1", 2, "gep"), ("C25.1", 6, "gep"), ("C25.2", 9, "gep"),
    ("C25.0", 9, "gep"), ("C34.1", 7, "lung"), ("C34.3", 8, "lung"), ("C20.9", 6, "gep"),
    ("C18.1", 6, "gep"), ("C16.2", 5, "gep"), ("C17.0", 3, "gep"), ("C80.9", 6, "gep"),
    ("C18.0", 2, "gep"), ("C37.9", 1, "lung"), ("C74.1", 3, "ppgl"), ("C73.9", 1, "mtc"),
)  # fmt: skip

_GRADES = {
    "gep": (("G1", 48), ("G2", 34), ("NET_G3", 7), ("NEC", 11)),
    "lung": (("TC", 52), ("AC", 22), ("LCNEC", 13), ("SCLC", 13)),
    "ppgl": (("PPGL", 1),),
    "mtc": (("LOW", 3), ("HIGH", 1)),
}
#: Median survival in months.
_MEDIAN = {
    "G1": 279, "TC": 300, "LOW": 260, "PPGL": 240, "G2": 167, "AC": 150, "HIGH": 90,
    "NET_G3": 30, "NEC": 14, "LCNEC": 16, "SCLC": 12,
}  # fmt: skip
_METASTATIC = {
    "G1": 0.35, "G2": 0.55, "NET_G3": 0.7, "NEC": 0.75, "TC": 0.08, "AC": 0.25, "LCNEC": 0.5,
    "SCLC": 0.7, "PPGL": 0.12, "LOW": 0.2, "HIGH": 0.5,
}  # fmt: skip
_CARCINOMA = {"NEC", "LCNEC", "SCLC"}

_FAMILY = {
    "NL": ("Zonnebloem", "Korenbloem", "Lissenveld", "Madelief", "van der Wilgenroos", "Klaproos",
           "Dotterbloem", "Heidekruid", "Rietsigaar", "Waterlelie"),
    "DE": ("Kornblume", "Löwenzahn", "Gänseblum", "Fingerhut", "Schlüsselblum", "Vergissmeinnicht",
           "Rittersporn", "Königskerz"),
    "IT": ("Girasole", "Papavero", "Ginestra", "Fiordaliso", "D'Alloro", "Rosmarino"),
    "ES": ("Amapola", "Margarita de los Prados", "Jazmín", "Azucena", "Romero Silvestre"),
    "SE": ("Blåklint", "Prästkrage", "Smörblomma", "Åkerbär", "Liljekonvalj"),
}  # fmt: skip
_FAMILY_ANYWHERE = ("O'Foxglove", "زهرة الياسمين", "Šípková-Růžičková", "Chrysanthemum", "Łąkowa")
_GIVEN = {
    "female": ("Iris", "Linnea", "Viola", "Erica", "Jasmin", "Dahlia", "Fleur", "Marguerite"),
    "male": ("Florian", "Narcis", "Jacint", "Oleander", "Basil", "Bryony", "Ash", "Rowan"),
}


@dataclass
class Case:
    """A made-up patient with a made-up course; `facts` is what a referral says of it."""

    number: int
    identity: dict[str, Any]
    country: str
    sex: str
    born: date
    site: str
    grade: str
    diagnosed: date
    died: date | None
    metastatic: bool
    facts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    later: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    red_flags: list[str] = field(default_factory=list)
    question: str = "treatment_options"

    @property
    def carcinoma(self) -> bool:
        """Poorly differentiated?"""
        return self.grade in _CARCINOMA


def _pick(rng: Random, weighted: tuple[tuple[Any, int], ...]) -> Any:
    return rng.choices([one for one, _ in weighted], [weight for _, weight in weighted])[0]


def _exponential(rng: Random, median: float) -> float:
    return -math.log(1 - rng.random()) * median / math.log(2)


def case(number: int, today: date, country: str, *, recent: bool) -> Case:
    """The case of this number. `recent`: diagnosed in the last weeks, as most referrals are."""
    rng = Random(f"{SEED}/{number}")  # noqa: S311 - made-up people, not secrets
    sex = rng.choice(("female", "male"))
    site, pool = _pick(rng, tuple(((s, p), w) for s, w, p in _SITES))
    grade = _pick(rng, _GRADES[pool])
    ago = rng.randint(14, 75) if recent else rng.randint(200, 3200)
    diagnosed = today - timedelta(days=ago)
    age = min(89, max(19, round(rng.gauss(60 if grade not in _CARCINOMA else 66, 13))))
    born = diagnosed - timedelta(days=round((age + rng.random()) * 365.25))
    months = _exponential(rng, _MEDIAN[grade])
    died = diagnosed + timedelta(days=round(months * 30.4375))
    family = rng.choice(
        _FAMILY_ANYWHERE if number % 9 == 4 else _FAMILY.get(country, _FAMILY["NL"])
    )
    made = Case(
        number=number,
        identity={"family_name": family, "given_names": rng.choice(_GIVEN[sex])},
        country=country,
        sex=sex,
        born=born,
        site=site,
        grade=grade,
        diagnosed=diagnosed,
        died=died if died < today and not recent else None,
        metastatic=rng.random() < _METASTATIC[grade],
    )
    _describe(made, rng)
    _treat(made, rng, today, recent=recent)
    return made


# -- what the pathologist and the scans say ----------------------------------------------------


def _proliferation(grade: str, rng: Random) -> tuple[str, float]:
    """Ki-67 in percent, mitoses per 2 mm²."""
    low, high, fewest, most = {
        "G1": (0.5, 2.9, 0, 1.5), "G2": (3, 19, 1, 8), "NET_G3": (22, 48, 8, 24),
        "NEC": (55, 95, 24, 60), "TC": (0.5, 5, 0, 1.5), "AC": (5, 18, 2, 8),
        "LCNEC": (45, 85, 16, 60), "SCLC": (70, 98, 40, 90), "PPGL": (0.5, 4, 0, 2),
        "LOW": (0.5, 3, 0, 3), "HIGH": (6, 15, 2, 9),
    }[grade]  # fmt: skip
    value = rng.uniform(low, high)
    return f"{value:.1f}" if value < 3 else f"{round(value)}", round(rng.uniform(fewest, most), 1)


def _describe(made: Case, rng: Random) -> None:
    ki67, mitoses = _proliferation(made.grade, rng)
    poor = made.carcinoma
    specimen = made.diagnosed
    pathology: dict[str, Any] = {
        "date": specimen.isoformat(),
        "specimen_site": "liver" if made.metastatic and made.site[:3] != "C34" else "primary",
        "specimen_kind": "biopsy" if made.metastatic else "resection",
        "differentiation": "poor" if poor else "well",
        "ki67_percent": ki67,
        "mitoses_per_2mm2": f"{mitoses:g}",
        "necrosis": "extensive" if poor else ("focal" if made.grade == "AC" else "none"),
        "grade_system": "WHO2022",
        "absent": {},
    }
    if made.site in {"C74.1", "C73.9"}:
        pathology.pop("differentiation")
    if poor:
        pathology["cell_type"] = "small" if made.grade == "SCLC" else "large"
    if made.grade != "PPGL":
        pathology["grade_stated"] = {"NEC": "NEC_LARGE"}.get(made.grade, made.grade)
    _leave_gaps(made, pathology, rng)
    made.facts = {
        "tumour": [_tumour(made, rng)],
        "pathology": [pathology],
        "staging": [_staging(made, rng)],
        "imaging": _imaging(made, rng),
        "biomarker": _biomarkers(made, rng),
    }


def _leave_gaps(made: Case, pathology: dict[str, Any], rng: Random) -> None:
    """Reports are incomplete in life; one in twelve contradicts itself."""
    absent = pathology["absent"]
    if rng.random() < 0.18:
        pathology.pop("mitoses_per_2mm2")
        absent["mitoses_per_2mm2"] = {"why": "not_done"}
    elif rng.random() < 0.12:
        pathology.pop("ki67_percent")
        absent["ki67_percent"] = {"why": "not_available", "because": "recount has been asked for"}
    elif made.grade == "G2" and rng.random() < 0.25:
        pathology["grade_stated"] = "G1"


def _tumour(made: Case, rng: Random) -> dict[str, Any]:
    functioning = made.metastatic and made.site.startswith("C17") and rng.random() < 0.5
    row: dict[str, Any] = {
        "primary_site": made.site,
        "diagnosis_date": made.diagnosed.isoformat(),
        "diagnosis_basis": "pathology",
        "presentation": rng.choice(("symptom", "incidental", "symptom")),
        "functioning": "yes" if functioning else "no",
        "absent": {"hereditary_syndrome": {"why": "not_done"}},
    }
    if functioning:
        row.update(syndrome="carcinoid", flushing="yes", diarrhoea="yes")
    if made.site == "C74.1":
        row.update(functioning="yes", syndrome="catecholamine")
    if made.site != "C80.9":
        row["primary_size_mm"] = str(rng.randint(8, 62))
    if made.metastatic:
        row["metastatic_sites"] = ["liver"] if rng.random() < 0.7 else ["liver", "bone"]
    return row


def _staging(made: Case, rng: Random) -> dict[str, Any]:
    if made.site == "C80.9":
        return {
            "date": made.diagnosed.isoformat(),
            "m": "M1",
            "mets_liver": "yes",
            "absent": {
                "t": {"why": "not_known"},
                "n": {"why": "not_known"},
            },
        }
    thoracic = made.site[:3] in {"C34", "C37"}
    year = made.diagnosed.year
    if thoracic:
        system = "TNM9" if year >= 2025 else "TNM8"
        t = rng.choice(("T1b", "T1c", "T2a", "T3")) if made.site[:3] == "C34" else "T2"
        n = rng.choice(("N0", "N0", "N1"))
        m = "M0" if not made.metastatic else "M1b"
    else:
        system = "AJCC9" if year >= 2024 and made.site[:3] in _V9 else "AJCC8"
        t = rng.choice(("T1", "T2", "T2", "T3", "T3"))
        n = rng.choice(("N0", "N1")) if made.metastatic else rng.choice(("N0", "N0", "N1"))
        m = "M0" if not made.metastatic else ("M1a" if rng.random() < 0.7 else "M1c")
        if made.site == "C73.9":
            t, n, m = "T2", "N0" if n == "N0" else "N1b", "M1" if made.metastatic else "M0"
        if made.site == "C74.1":
            n, m = "N0" if n == "N0" else "N1", "M1a" if made.metastatic else "M0"
    return {
        "date": made.diagnosed.isoformat(),
        "staging_system": system,
        "staging_prefix": "c" if made.metastatic else "p",
        "t": t,
        "n": n,
        "m": m,
        "mets_liver": "yes" if made.metastatic else "no",
        "absent": {"stage_stated": {"why": "not_known"}},
    }


_V9 = {"C25", "C17", "C24", "C18", "C19", "C20", "C16"}


def _imaging(made: Case, rng: Random) -> list[dict[str, Any]]:
    day = made.diagnosed + timedelta(days=rng.randint(3, 20))
    scans: list[dict[str, Any]] = [{"modality": "CT_MULTIPHASE", "date": day.isoformat()}]
    if not made.carcinoma and rng.random() < 0.75:
        scans.append(
            {
                "modality": "PET_68GA_DOTATATE",
                "date": (day + timedelta(days=5)).isoformat(),
                "krenning": str(rng.choice((2, 3, 3, 4, 4))),
            }
        )
    if made.grade in {"NET_G3", "NEC", "LCNEC", "SCLC"}:
        scans.append(
            {
                "modality": "PET_18F_FDG",
                "date": (day + timedelta(days=7)).isoformat(),
                "fdg_result": "positive",
            }
        )
    return scans


def _biomarkers(made: Case, rng: Random) -> list[dict[str, Any]]:
    if made.carcinoma or rng.random() < 0.3:
        return []
    day = made.diagnosed + timedelta(days=rng.randint(1, 14))
    value = rng.uniform(60, 900) if made.metastatic else rng.uniform(25, 140)
    return [
        {
            "analyte": "CGA_MASS",
            "value": f"{value:.0f}",
            "unit": "ug/L",
            "upper_limit": "100",
            "date": day.isoformat(),
            "ppi": rng.choice(("yes", "no", "no")),
        }
    ]


# -- what was done -----------------------------------------------------------------------------

_CHEMO = {"SCLC": "EP_CARBO", "LCNEC": "EP_CARBO", "NEC": "EP_CARBO", "NET_G3": "CAPTEM"}
_SURGERY = {
    "C17": "SURG_SB", "C25": "SURG_PANC", "C34": "SURG_LUNG", "C18": "SURG_RHC", "C20": "ENDO_RES",
    "C16": "ENDO_RES",
}  # fmt: skip


def _sequence(made: Case, rng: Random) -> list[tuple[str, str, int, int]]:
    """(class, agent, months after diagnosis, months it lasts; 0 for a procedure)."""
    if made.carcinoma:
        first = [("chemotherapy", _CHEMO[made.grade], 1, 5)]
        return first + ([("chemotherapy", "FOLFIRI", 9, 4)] if rng.random() < 0.4 else [])
    steps: list[tuple[str, str, int, int]] = []
    if made.site != "C80.9" and (not made.metastatic or rng.random() < 0.45):
        steps.append(("surgery", _SURGERY.get(made.site[:3], "SURG_PRIM"), 1, 0))
    if made.grade == "NET_G3":
        steps.append(("chemotherapy", "CAPTEM", 2, 8))
    elif made.metastatic:
        steps.append(("SSA", rng.choice(("SSA_LAN", "SSA_OCT_LAR")), 2, rng.randint(14, 40)))
    if made.metastatic and rng.random() < 0.55:
        steps.append(("PRRT", "PRRT_LU_DOTATATE", 20, 7))
    if made.metastatic and rng.random() < 0.4:
        steps.append(("targeted", "EVE", 34, rng.randint(6, 16)))
    if made.metastatic and rng.random() < 0.2:
        steps.append(("liver-directed", "LIV_TACE", 28, 0))
    return steps or [("surveillance", "SURV_ACTIVE", 1, 24)]


def _treat(made: Case, rng: Random, today: date, *, recent: bool) -> None:
    therapies: list[dict[str, Any]] = []
    responses: list[dict[str, Any]] = []
    progressions: list[dict[str, Any]] = []
    end = made.died or today
    for kind, agent, after, months in [] if recent else _sequence(made, rng):
        start = made.diagnosed + timedelta(days=30 * after)
        if start >= end:
            break
        stop = start + timedelta(days=30 * months) if months else start
        therapy: dict[str, Any] = {
            "therapy_class": kind,
            "agent": agent,
            "intent": "palliative" if made.metastatic else "curative",
            "start": start.isoformat(),
        }
        if kind == "PRRT":
            therapy["cycles"] = "4"
        if kind == "surgery":
            therapy["residual"] = "R2" if made.metastatic else rng.choice(("R0", "R0", "R1"))
        if stop < end:
            therapy["stop"] = stop.isoformat()
            if months:
                gone_on = kind not in {"PRRT", "surveillance"}
                therapy["stop_reason"] = "progression" if gone_on else "completed"
        therapies.append(therapy)
        if months and start + timedelta(days=100) < end:
            responses.append(
                {
                    "date": (start + timedelta(days=100)).isoformat(),
                    "criteria": "RECIST11",
                    "response_stated": rng.choice(("SD", "SD", "PR", "SD", "PD")),
                    "of": len(therapies) - 1,
                }
            )
        if therapy.get("stop_reason") == "progression":
            progressions.append(
                {"date": stop.isoformat(), "kind": "progression", "basis": "radiological"}
            )
    made.later = {
        "therapy": therapies,
        "response": responses,
        "progression": progressions,
        "follow_up": [] if recent else _follow_up(made, rng, today),
    }


def _follow_up(made: Case, rng: Random, today: date) -> list[dict[str, Any]]:
    visits = []
    day = made.diagnosed + timedelta(days=180)
    while day < (made.died or today):
        visits.append(
            {
                "date": day.isoformat(),
                "vital_status": "alive",
                "disease_status": rng.choice(("stable", "stable", "improved"))
                if made.metastatic
                else "no_evidence",
                "ecog": str(rng.choice((0, 0, 1, 1, 2))),
                "weight_kg": str(rng.randint(52, 96)),
            }
        )
        day += timedelta(days=rng.randint(320, 420))
    if made.died:
        visits.append(
            {
                "date": made.died.isoformat(),
                "vital_status": "dead",
                "death_date": made.died.isoformat(),
                "death_cause": rng.choice(("this_tumour", "this_tumour", "other")),
            }
        )
    return visits
