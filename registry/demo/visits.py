"""Contacts over the years: how the disease stands, how the patient is, and how it ended."""

from __future__ import annotations

from datetime import date
from random import Random

from registry.demo.case import Case, Row, after, months_after
from registry.demo.monitoring import every, situation
from registry.demo.tumour_size import size_at

#: Months between visits by situation (inside the product's follow-up intervals).
_VISITS = {"resected": (9, 17), "watch": (5, 10), "ssa": (5, 5.5), "systemic": (1.8, 1.8),
           "prrt": (2.7, 2.7), "active": (5, 5.5)}  # fmt: skip


def follow(made: Case) -> None:
    """Every contact up to the last one."""
    rng = made.rng("visits")
    _second_primary(made)
    weight, days = rng.gauss(72 if made.sex == "female" else 84, 11), _days(made, rng)
    before = made.diagnosed
    for day in days:
        if day >= made.end and (made.died or made.lost):
            break
        weight += rng.gauss(-1.8 if _worse(made, day) else 0.1, 1.1)
        weight = max(44.0, min(120.0, weight))
        made.note("follow_up", _visit(made, rng, day, before, weight))
        before = day
    if made.died:
        made.note("follow_up", _death(made, rng))
    elif made.lost:
        made.note("follow_up", {"date": made.lost.isoformat(), "contact_kind": "registry",
                                "vital_status": "lost",
                                "absent": {"disease_status": {"why": "not_known"}}})  # fmt: skip
    else:
        _next(made)


def _days(made: Case, rng: Random) -> list[date]:
    def gap(day: date) -> float:
        early, late = _VISITS[situation(made, day)]
        if made.carcinoma and situation(made, day) != "systemic":
            return 2.6 if (day - made.diagnosed).days < 730 else 5
        months = late if (day - made.diagnosed).days > 1826 else early
        sparse = months < 4 and (made.end - day).days > 400
        return 4.0 if sparse else months

    first = after(made.diagnosed, rng.randint(80, 130))
    return [day for day in every(made, rng, gap) if day >= first]


def _worse(made: Case, day: date) -> bool:
    if any(s.kind == "supportive" and s.start <= day for s in made.spells):
        return True
    return any(0 <= (day - one).days <= 70 for one in made.progressions) or (
        made.cause == "this_tumour" and made.died is not None and (made.died - day).days < 150
    )


def _status(made: Case, day: date) -> str:
    if situation(made, day) == "resected":
        return "no_evidence"
    if _worse(made, day):
        return "worse"
    running = [s for s in made.spells if s.systemic and s.start <= day <= s.until]
    if running and size_at(running[-1], day) <= 0.72:
        return "improved"
    return "stable" if running or made.spread_on else "present"


def _ecog(made: Case, rng: Random, day: date) -> str:
    base = 1 if (day - made.born).days / 365.25 > 74 or made.carcinoma else 0
    base += 1 if _worse(made, day) and rng.random() < 0.6 else 0
    if made.cause == "this_tumour" and made.died is not None:
        left = (made.died - day).days
        base += 2 if left < 60 else (1 if left < 180 else 0)
    return str(min(4, base + (1 if rng.random() < 0.15 else 0)))


def _visit(made: Case, rng: Random, day: date, before: date, weight: float) -> Row:
    changed = any(before < s.start <= day or (s.stop and before < s.stop <= day)
                  for s in made.spells if s.kind != "surgery")  # fmt: skip
    row: Row = {
        "date": day.isoformat(),
        "contact_kind": rng.choice(("visit", "visit", "visit", "visit", "call")),
        "vital_status": "alive",
        "disease_status": _status(made, day),
        "progression_since": "yes"
        if any(before < one <= day for one in made.progressions) else "no",
        "therapies_go_on": "no" if changed else "yes",
        "imaging_since": "yes"
        if any(before.isoformat() < scan["date"] <= day.isoformat()
               for scan in made.of("imaging")) else "no",
        "absent": {},
    }  # fmt: skip
    if rng.random() < 0.83:
        row["ecog"] = _ecog(made, rng, day)
    else:
        row["absent"]["ecog"] = {"why": rng.choice(("not_known", "not_done"))}
    if row["contact_kind"] == "visit" and rng.random() < 0.86:
        row["weight_kg"] = f"{weight:.1f}" if rng.random() < 0.5 else f"{weight:.0f}"
    else:
        row["absent"]["weight_kg"] = {"why": "not_done"}
    return row


def _death(made: Case, rng: Random) -> Row:
    assert made.died is not None
    row: Row = {"date": made.died.isoformat(), "contact_kind": "registry", "vital_status": "dead",
                "death_date": made.died.isoformat(), "absent": {}}  # fmt: skip
    if rng.random() < 0.92:
        row["death_cause"] = made.cause
    else:
        row["absent"]["death_cause"] = {"why": "not_known"}
    return row


def _next(made: Case) -> None:
    visits = made.of("follow_up")
    if visits and visits[-1]["vital_status"] == "alive":
        last = date.fromisoformat(visits[-1]["date"])
        early, late = _VISITS[situation(made, last)]
        wait = late if (last - made.diagnosed).days > 1826 else early
        planned = months_after(last, wait)
        if planned > made.today:
            visits[-1]["next_visit"] = planned.isoformat()


def _second_primary(made: Case) -> None:
    """A few have a second tumour of another place, found while the first is followed."""
    rng = made.rng("second primary")
    men1 = made.hereditary == "MEN1" and made.site[:3] == "C25"
    site = "C17.0" if men1 else rng.choice(("C20.9", "C34.3", "C18.1"))
    day = months_after(made.diagnosed, rng.uniform(2, 50))
    if site[:3] == made.site[:3] or made.carcinoma or made.recent:
        return
    if not rng.random() < (0.6 if men1 else 0.035) or day > after(made.end, -90):
        return
    made.facts["tumour"][0]["primary_multiple"] = "yes"
    lung = site == "C34.3"
    grade, ki67 = ("TC" if lung else "G1"), f"{rng.uniform(0.6, 2.2):.1f}"
    size = str(rng.randint(4, 9) if site != "C34.3" else rng.randint(9, 17))
    tumour: Row = {"primary_site": site, "diagnosis_date": day.isoformat(),
                   "diagnosis_basis": "pathology", "presentation": "screening" if men1 else
                   "incidental", "functioning": "no", "primary_multiple": "yes",
                   "primary_size_mm": size}  # fmt: skip
    if made.hereditary:
        tumour["hereditary_syndrome"] = made.hereditary
    place = made.note("tumour", tumour)
    made.note("pathology", {
        "date": day.isoformat(), "specimen_site": "primary", "specimen_kind": "resection",
        "differentiation": "well", "ki67_percent": ki67, "mitoses_per_2mm2": "0.5",
        "necrosis": "none", "grade_stated": grade,
        "grade_system": "WHO2021" if lung else "WHO2022", "tumour": place})  # fmt: skip
    t = {"C34.3": "T1b", "C20.9": "T1a"}.get(site, "T1")
    made.note(
        "staging",
        {
            "date": day.isoformat(),
            "staging_prefix": "p",
            "t": t,
            "n": "N0",
            "m": "M0",
            "staging_system": "TNM8" if lung else "AJCC8",
            "mets_liver": "no",
            "tumour": place,
        },
    )
    agent = {"C34.3": "SURG_LUNG", "C18.1": "SURG_APPX"}.get(site, "ENDO_RES")
    made.note("therapy", {
        "therapy_class": "surgery", "agent": agent, "start": day.isoformat(),
        "stop": day.isoformat(), "intent": "curative", "setting": "primary", "residual": "R0",
        "treated_sites": ["primary"], "tumour": place})  # fmt: skip
