"""Images, markers, blood counts, heart and genes over the years, in step with the disease."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from random import Random

from registry.demo.case import MONTH, Case, Row, after, months_after
from registry.demo.diagnosis import assay_of, specimen, sstr_scan
from registry.demo.tumour_size import size_at

_RECENT_DAYS = 400
_PRRT_MONTHS = 24
_RESECTED, _WATCH, _SSA, _SYSTEMIC, _PRRT, _ACTIVE = (
    "resected", "watch", "ssa", "systemic", "prrt", "active",
)  # fmt: skip
#: Months between scans, by situation: at first, and later (inside the follow-up intervals).
_SCANS = {_RESECTED: (9, 16), _WATCH: (5, 10), _SSA: (5, 9), _SYSTEMIC: (3, 3), _PRRT: (5, 5),
          _ACTIVE: (5, 5)}  # fmt: skip
_CARCINOMA_MONTHS = 2.6
_VARIANTS = {
    "MEN1": ("MEN1", "NM_130799.3:c.249_252del"), "VHL": ("VHL", "NM_000551.4:c.499C>T"),
    "MEN2": ("RET", "NM_020975.6:c.1900T>C"), "SDHB": ("SDHB", "NM_003000.3:c.137G>A"),
    "NF1": ("NF1", ""), "TSC": ("TSC2", ""),
}  # fmt: skip
_SYNDROME_MARKER = {
    "gastrinoma": ("GASTRIN", "pmol/L", 40.0, 12), "insulinoma": ("INSULIN", "pmol/L", 150.0, 2),
    "glucagonoma": ("GLUCAGON", "pmol/L", 50.0, 6), "vipoma": ("VIP", "pmol/L", 30.0, 5),
    "catecholamine": ("P_METANEPHRINE", "nmol/L", 0.5, 7), "calcitonin": ("CALCITONIN", "pg/mL",
                                                                          10.0, 40),
}  # fmt: skip


def situation(made: Case, day: date) -> str:
    """What decides on follow-up on a day."""
    running = [s for s in made.spells if s.start <= day and (s.stop is None or s.stop > day)]
    if any(s.systemic and s.kind not in {"SSA", "PRRT"} for s in running):
        return _SYSTEMIC
    prrt = [s for s in made.spells if s.kind == "PRRT" and s.start <= day]
    if prrt and day < months_after(prrt[-1].given[-1], _PRRT_MONTHS):
        return _PRRT
    if any(s.kind == "SSA" for s in running):
        return _SSA
    if any(s.kind == "surveillance" for s in running):
        return _WATCH
    if made.free_since is not None and day >= made.free_since:
        return _RESECTED
    if made.spread_on is not None and day < made.spread_on:
        return _RESECTED
    return _ACTIVE


def every(
    made: Case,
    rng: Random,
    gap: Callable[[date], float],
    there: Iterable[date] = (),
    since: date | None = None,
) -> list[date]:
    """Days a test is done: those that are there, and more where the time between is too long.

    `gap` is in months. Who comes late has nothing in the last months.
    """
    end = after(made.end, -made.rng("late").choice((0, 0, 0, 0, 0, 0, 0, 170, 400)))
    if made.died or made.lost:
        end = made.end
    known = sorted(day for day in there if day <= end)
    done, last = list(known), since or made.diagnosed
    for stop in (*known, end):
        while (wait := gap(last) * MONTH * rng.uniform(0.72, 0.98)) and (
            after(last, wait * 1.3) < stop or (stop == end and after(last, wait) < stop)
        ):
            last = after(last, wait)
            done.append(last)
        last = max(last, stop)
    return sorted(set(done))


def disease(made: Case, day: date) -> float:
    """How much tumour there is on a day, against the diagnosis of the spread."""
    if made.spread_on is None or day < made.spread_on:
        removed = made.free_since or min((s.stop for s in made.spells if s.kind == "surgery"
                                          and s.stop), default=None)  # fmt: skip
        return 0.0 if removed and day > removed else 1.0
    amount = 1.22 ** sum(one < day for one in made.progressions if one != made.spread_on)
    for spell in made.spells:
        if spell.systemic and spell.setting != "adjuvant" and spell.start <= day <= spell.until:
            amount *= max(0.25, size_at(spell, day))
    return amount


def watch(made: Case) -> None:
    """Fill the record with what was measured and looked at."""
    if not made.of("imaging"):
        return
    _review(made)
    _other_specimens(made)
    _scans(made)
    _sstr(made)
    _markers(made)
    _blood(made)
    _heart(made)
    _genes(made)
    _history(made)
    _syndrome(made)


# -- pathology over time -----------------------------------------------------------------------


def _review(made: Case) -> None:
    """A central review of the first specimen, in one of six."""
    rng, first = made.rng("review"), made.of("pathology")[0]
    if not made.graded or rng.random() > 0.17 or "ki67_percent" not in first:
        return
    row = {k: v for k, v in first.items() if k not in {"absent", "nodes_examined"}}
    row |= {"report_kind": "central_review", "review_of": 0, "absent": {}}
    if made.grade in {"G1", "G2"} and rng.random() < 0.35:
        other, ki67 = ("G2", "4") if made.grade == "G1" else ("G1", "2.5")
        row |= {"ki67_percent": ki67, "grade_stated": other, "change_kind": "correction"}
        row["mitoses_per_2mm2"] = "1"
        first["ki67_percent"] = "2.0" if made.grade == "G1" else "3"
        if "mitoses_per_2mm2" in first:
            first["mitoses_per_2mm2"] = "1"
    slides = min(after(made.diagnosed, rng.randint(12, 40)), made.end)
    row |= {"slides_status": "returned", "slides_date": slides.isoformat()}
    made.note("pathology", row)


def _other_specimens(made: Case) -> None:
    """The resected primary, and a biopsy when the disease has changed its pace."""
    rng = made.rng("specimens")
    primary = next((s for s in made.spells if s.kind == "surgery"), None)
    known = made.graded and made.pool == "gep" and not made.carcinoma
    if primary and known and made.metastatic and primary.start > made.diagnosed:
        row = specimen(made, rng, made.grade, primary.start, made.ki67)
        row |= {"specimen_site": "primary", "specimen_kind": "resection"}
        if made.grade == "G2" and float(made.ki67) < 12 and rng.random() < 0.4:
            low = specimen(made, rng, "G1", primary.start, f"{rng.uniform(0.8, 2.7):.1f}")
            row |= {k: low[k] for k in ("ki67_percent", "mitoses_per_2mm2", "grade_stated")}
            row["change_kind"] = "true_change"
        if made.of("pathology")[-1].get("change_kind") == "correction":
            row["change_kind"] = "correction"  # the review was right, or was not
        made.note("pathology", row)
    later = [day for day in made.progressions if (day - made.diagnosed).days > 700]
    ladder = {"G1": ("G2", 4, 15), "G2": ("NET_G3", 22, 40)}
    if later and known and made.grade in ladder and "liver" in made.places and rng.random() < 0.3:
        day, (grade, low_ki, high_ki) = after(later[-1], 12), ladder[made.grade]
        if day < made.end and day > made.diagnosed:
            row = specimen(made, rng, grade, day, str(rng.randint(low_ki, high_ki)))
            row |= {"specimen_site": "liver", "specimen_kind": "biopsy",
                    "change_kind": "true_change"}  # fmt: skip
            made.note("pathology", row)


# -- images ------------------------------------------------------------------------------------


def _gap(made: Case, day: date) -> float:
    now = situation(made, day)
    if made.carcinoma and now != _SYSTEMIC:
        return _CARCINOMA_MONTHS if (day - made.diagnosed).days < 730 else 5
    if made.grade == "NET_G3":
        return 2.7 if now in {_ACTIVE, _WATCH} else 3.6
    early, late = _SCANS[now]
    settled = (day - made.diagnosed).days > (1826 if now == _RESECTED else 400)
    return late if settled else early


def _scans(made: Case) -> None:
    rng = made.rng("scans")
    measured = [date.fromisoformat(row["date"]) for row in made.of("response")]
    small = made.site in {"C18.1", "C20.9", "C16.2"} and not made.metastatic and made.grade == "G1"
    days = measured if small else every(made, rng, lambda day: _gap(made, day), measured)
    there = {row["date"] for row in made.of("imaging")}
    for day in days:
        if day.isoformat() in there:
            continue
        free = situation(made, day) == _RESECTED
        liver = not free and "liver" in made.places
        row: Row = {
            "modality": "MRI_LIVER" if liver and rng.random() < 0.25 else "CT_MULTIPHASE",
            "date": day.isoformat(),
            "sites": [] if free else _visible(made, day),
        }
        if (made.today - day).days < 60 and rng.random() < 0.3:
            row |= {"transfer_status": "requested", "transfer_date": day.isoformat()}
        made.note("imaging", row)


def _visible(made: Case, day: date) -> list[str]:
    resected = any(s.kind == "surgery" and s.start < day for s in made.spells)
    known = [m["site"] for m in made.of("metastasis") if m["date"] <= day.isoformat()]
    primary = [] if resected or made.site == "C80.9" else ["primary"]
    return list(dict.fromkeys([*primary, *known]))


def _sstr(made: Case) -> None:
    rng = made.rng("sstr")
    if made.carcinoma or made.pool in {"mtc", "ppgl"} or made.sstr < 1:
        return
    first = [row["date"] for row in made.of("imaging") if "krenning" in row]
    wanted = [after(s.start, -rng.randint(12, 60)) for s in made.spells if s.kind == "PRRT"]
    wanted = [max(day, after(made.diagnosed, 1)) for day in wanted]
    if made.spread_on:
        wanted = every(made, rng, lambda day: 27, wanted, since=made.spread_on)
    for day in wanted:
        if day.isoformat() in first or day > made.end:
            continue
        row = sstr_scan(made, day, made.sstr)
        row["sites"] = _visible(made, day)
        if made.sstr >= 2 and rng.random() < 0.5:
            row["suv_max"] = f"{rng.uniform(6, 18) * made.sstr / 2:.1f}"
        made.note("imaging", row)


# -- blood and urine ---------------------------------------------------------------------------


def _value(
    made: Case, analyte: str, value: float, unit: str, limit: float | None, day: date
) -> None:
    shown = f"{value:.1f}" if value < 10 else f"{value:.0f}"
    row: Row = {"analyte": analyte, "value": shown, "unit": unit, "date": day.isoformat()}
    if limit is not None:
        row["upper_limit"] = f"{limit:g}"
    made.note("biomarker", row)


def _markers(made: Case) -> None:
    rng = made.rng("markers")
    if made.carcinoma:
        _carcinoma_markers(made, rng)
        return
    own = _SYNDROME_MARKER.get(made.syndrome)
    if own:
        analyte, unit, limit, times = own
        gap = 10.5 if made.pool in {"mtc", "ppgl"} else 5.5
        for day in every(made, rng, lambda day: gap):
            level = limit * (0.5 + times * disease(made, day)) * rng.lognormvariate(0, 0.15)
            _value(made, analyte, level, unit, limit, day)
            made.of("biomarker")[-1]["fasting"] = "yes"
    if made.pool in {"mtc", "ppgl"}:
        return
    if made.spread_on:
        _chromogranin(made, rng)
    if made.syndrome == "carcinoid":
        _serotonin(made, rng)


def _chromogranin(made: Case, rng: Random) -> None:
    analyte, unit, limit, assay = assay_of(made)
    times = rng.lognormvariate(1.2, 0.7)
    changed = rng.random() < 0.06 and analyte == "CGA_MASS"
    middle = after(made.diagnosed, (made.end - made.diagnosed).days / 2)
    for day in every(made, rng, lambda day: 9.5, since=made.spread_on):
        level = limit * (0.4 + times * disease(made, day)) * rng.lognormvariate(0, 0.14)
        ppi = level < limit and rng.random() < 0.12
        row_assay, row_limit = assay, limit
        if changed and day > middle:  # a new assay: another limit, and no trend across the two
            row_assay, row_limit, level = "chemiluminescence, made up", 85.0, level * 0.8
        _value(made, analyte, level, unit, row_limit, day)
        made.of("biomarker")[-1].update(ppi="yes" if ppi else "no", assay=row_assay)
        made.of("biomarker")[-1]["fasting"] = rng.choice(("yes", "yes", "no"))


def _serotonin(made: Case, rng: Random) -> None:
    plasma = made.country in {"IT", "ES"}
    analyte, unit, limit = ("HIAA_P_MOL", "nmol/L", 140.0) if plasma else (
        "HIAA_U24_MOL", "umol/(24.h)", 50.0)  # fmt: skip
    times = rng.lognormvariate(1.4, 0.6)
    for day in every(made, rng, lambda day: 6.0 if (made.end - day).days < _RECENT_DAYS else 11):
        held = any(s.kind == "SSA" and s.start < day and (s.stop is None or s.stop > day)
                   for s in made.spells)  # fmt: skip
        level = limit * (0.5 + times * disease(made, day) * (0.6 if held else 1))
        _value(made, analyte, level * rng.lognormvariate(0, 0.12), unit, limit, day)
        if plasma:
            made.of("biomarker")[-1]["fasting"] = "yes"
    for day in every(made, rng, lambda day: 11.5):
        years = (day - made.diagnosed).days / 365.25
        level = 90 * rng.lognormvariate(0, 0.35) * (1 + (years / 4 if _heart_ill(made) else 0) * 2)
        _value(made, "NT_PROBNP", level, "ng/L", 260, day)


def _carcinoma_markers(made: Case, rng: Random) -> None:
    for day in every(made, rng, lambda day: 3.5, since=made.diagnosed):
        amount = max(0.3, disease(made, day))
        _value(made, "NSE", 16 * (0.4 + 2.2 * amount * rng.lognormvariate(0, 0.2)), "ng/mL", 16.3,
               day)  # fmt: skip
        _value(made, "LDH", 190 + 160 * amount * rng.lognormvariate(0, 0.3), "U/L", 250, day)


def _blood(made: Case) -> None:
    """Kidney function and platelets after PRRT and on treatment."""
    rng = made.rng("blood")
    prrt = [s for s in made.spells if s.kind == "PRRT"]
    kidneys = kidney_function(made, rng)

    def gap(day: date) -> float:
        now = situation(made, day)
        if (made.end - day).days > _RECENT_DAYS and not prrt:
            return 12
        return {_SYSTEMIC: 2.0, _PRRT: 2.9}.get(now, 11.5)

    if not prrt and not any(s.systemic and s.kind != "SSA" for s in made.spells):
        return
    since = min(s.start for s in made.spells if s.systemic)
    for day in every(made, rng, gap, since=since):
        marrow = 0.72 if any(s.start < day < after(s.until, 60) and s.systemic and s.kind != "SSA"
                             for s in made.spells) else 0.95  # fmt: skip
        _value(made, "PLT", 235 * marrow * rng.lognormvariate(0, 0.15), "10*9/L", None, day)
        _value(made, "EGFR", kidneys(day) * rng.uniform(0.95, 1.05), "mL/min/{1.73_m2}", None, day)


def kidney_function(made: Case, rng: Random) -> Callable[[date], float]:
    """eGFR on a day: falls a little with age and a little more after PRRT."""
    age = (made.diagnosed - made.born).days / 365.25
    first = max(58.0, 128 - 0.75 * age + rng.gauss(0, 7))
    prrt = min((s.start for s in made.spells if s.kind == "PRRT"), default=None)

    def at(day: date) -> float:
        lost = (day - made.diagnosed).days / 365.25 * 0.8
        if prrt and day > prrt:
            lost += (day - prrt).days / 365.25 * 2.2
        return max(34.0, first - lost)

    return at


# -- heart, genes, history, syndrome -----------------------------------------------------------


def _heart_ill(made: Case) -> bool:
    return made.syndrome == "carcinoid" and made.rng("heart").random() < 0.22


def _heart(made: Case) -> None:
    if made.syndrome != "carcinoid":
        return
    rng, ill = made.rng("echo"), _heart_ill(made)
    days = every(made, rng, lambda day: 5.0 if ill and (made.end - day).days < 500 else 11.8)
    onset = months_after(made.diagnosed, rng.uniform(6, 40))
    for day in days:
        sick = ill and day >= onset
        worse = sick and (day - onset).days > 900
        row: Row = {
            "date": day.isoformat(),
            "carcinoid_heart_disease": "yes" if sick else "no",
            "tricuspid": ("severe" if worse else "moderate") if sick else "normal",
            "pulmonary": ("moderate" if worse else "mild") if sick else "normal",
            "left_sided": "normal",
            "right_ventricle": "enlarged" if worse else "normal",
        }
        made.note("heart_assessment", row)


def _genes(made: Case) -> None:
    rng = made.rng("genes")
    day = after(made.diagnosed, rng.randint(40, 300))
    if day >= made.end:
        return
    if made.hereditary in _VARIANTS and rng.random() < 0.9:
        gene, variant = _VARIANTS[made.hereditary]
        made.note("genomic_finding", {"date": day.isoformat(), "gene": gene, "origin": "germline",
                                      "finding": "pathogenic", "variant": variant or None,
                                      "method": "single_gene"})  # fmt: skip
    elif made.pool in {"ppgl", "mtc"} or (made.group == "pancreas" and rng.random() < 0.2):
        gene = {"ppgl": "SDHB", "mtc": "RET"}.get(made.pool, "MEN1")
        made.note("genomic_finding", {"date": day.isoformat(), "gene": gene, "origin": "germline",
                                      "finding": "none", "method": "panel"})  # fmt: skip
    somatic = {
        "NEC": (("TP53", 0.7), ("RB1", 0.5), ("KRAS", 0.2)),
        "LCNEC": (("TP53", 0.8), ("RB1", 0.4)),
        "NET_G3": (("DAXX", 0.4), ("TP53", 0.1)),
    }
    wanted = somatic.get(made.grade, (("ATRX", 0.25), ("MGMT", 0.5)) if any(
        s.agent == "CAPTEM" for s in made.spells) else ())  # fmt: skip
    for gene, share in wanted if rng.random() < 0.7 else ():
        protein = gene in {"ATRX", "DAXX", "MGMT"}
        found = rng.random() < share
        made.note("genomic_finding", {
            "date": day.isoformat(), "gene": gene, "origin": "somatic",
            "finding": ("negative" if found else "positive") if protein else (
                "pathogenic" if found else "none"),
            "method": "ihc" if protein else "panel"})  # fmt: skip


def _history(made: Case) -> None:
    rng = made.rng("history")
    smokes = (("never", 2), ("former", 4), ("current", 4)) if made.carcinoma else (
        ("never", 5), ("former", 4), ("current", 1.5))  # fmt: skip
    age = (made.diagnosed - made.born).days / 365.25
    row: Row = {"date": made.diagnosed.isoformat(), "absent": {}}
    if rng.random() < 0.82:
        row["smoking"] = rng.choices([one for one, _ in smokes], [w for _, w in smokes])[0]
    else:
        row["absent"]["smoking"] = {"why": "not_known"}
    for name, share in (("cardiac_comorbidity", 0.18), ("renal_comorbidity", 0.06),
                        ("diabetes", 0.16), ("other_malignancy", 0.1)):  # fmt: skip
        row[name] = "yes" if rng.random() < share * age / 60 else "no"
    family = made.hereditary and rng.random() < 0.6
    row["family_history_endocrine"] = "yes" if family else "no"
    if rng.random() < 0.75:
        middle = 165 if made.sex == "female" else 178
        row["height_cm"] = str(round(rng.gauss(middle, 7)))
    made.note("history", row)


def _syndrome(made: Case) -> None:
    if not made.syndrome:
        return
    rng = made.rng("syndrome")
    start = after(made.diagnosed, -rng.randint(20, 40))
    row: Row = {
        "syndrome": made.syndrome,
        "start": start.isoformat()[:7],
        "control": rng.choice(("controlled", "controlled", "partly", "uncontrolled")),
    }
    cured = next((s.start for s in made.spells if s.kind == "surgery"), None)
    if cured and made.free_since:
        row |= {"stop": cured.isoformat(), "control": "controlled"}
    elif made.died:
        row["control"] = rng.choice(("partly", "uncontrolled", "controlled"))
    made.note("syndrome", row)
