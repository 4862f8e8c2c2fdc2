"""What was done: therapies in the sequence of the guidelines, by site, grade, uptake and syndrome.

Order and options after ASCO 2023, ENETS and ESMO as the product's pathway table has them; how
long each held the tumour is drawn from the trials in `rates`.
"""

from __future__ import annotations

import math
from datetime import date
from random import Random

from registry.demo import rates
from registry.demo.case import MONTH, Case, Row, Spell, after, months_after, pick
from registry.demo.diagnosis import m_category, spread_flags, staging_system

_MOST_LINES = 6
_SURGERY = {
    "C17": "SURG_SB", "C25": "SURG_PANC", "C34": "SURG_LUNG", "C18": "SURG_RHC", "C20": "ENDO_RES",
    "C16": "ENDO_RES", "C73": "SURG_PRIM", "C74": "SURG_PRIM", "C37": "SURG_PRIM",
}  # fmt: skip
_KIND = {
    "SSA": "SSA", "PRRT": "PRRT", "EVE": "targeted", "SUN": "targeted", "CABO": "targeted",
    "PAZO": "targeted", "VANDE": "targeted", "SELP": "targeted", "ATEZO": "immunotherapy",
    "IFN": "interferon", "LIV": "liver-directed", "MIBG": "PRRT", "SURV": "surveillance",
}  # fmt: skip
#: Dose, unit, days between doses.
_DOSE = {
    "SSA_LAN": ("120", "mg", 28), "SSA_OCT_LAR": ("30", "mg", 28), "SSA_OCT_LAR_HIGH":
    ("60", "mg", 28), "EVE": ("10", "mg", 1), "SUN": ("37.5", "mg", 1), "CABO": ("60", "mg", 1),
    "PAZO": ("800", "mg", 1), "VANDE": ("300", "mg", 1), "SELP": ("160", "mg", 1),
    "IFN_A2B": ("3", "MU", 2), "PRRT_LU_DOTATATE": ("7.4", "GBq", 56), "PRRT_LU_DOTATATE_1L":
    ("7.4", "GBq", 56), "PRRT_LU_RETREAT": ("7.4", "GBq", 56), "PRRT_LU_EDOTREOTIDE":
    ("7.5", "GBq", 90), "MIBG_131I": ("7.4", "GBq", 90),
}  # fmt: skip
_WORDS = {
    "CAPTEM": ("capecitabine 750 mg/m2 twice daily d1-14, temozolomide 200 mg/m2 d10-14", 28),
    "TEM": ("150 to 200 mg/m2 d1-5", 28), "STZ_5FU": ("500 and 400 mg/m2 d1-5", 42),
    "FOLFOX": ("85 mg/m2 oxaliplatin", 14), "FOLFIRI": ("180 mg/m2 irinotecan", 14),
    "EP_CARBO": ("AUC 5 and 100 mg/m2 d1-3", 21), "EP_CIS": ("80 and 100 mg/m2 d1-3", 21),
    "ATEZO_CE": ("1200 mg, AUC 5 and 100 mg/m2 d1-3", 21), "TOPO": ("1.5 mg/m2 d1-5", 21),
    "CVD": ("750, 1.4 and 600 mg/m2", 21),
}  # fmt: skip
#: Cycles planned, days between them; after the last one the patient is watched.
_COURSE = {
    "PRRT_LU_DOTATATE": (4, 59), "PRRT_LU_DOTATATE_1L": (4, 58), "PRRT_LU_RETREAT": (2, 60),
    "PRRT_LU_EDOTREOTIDE": (4, 91), "MIBG_131I": (3, 95), "EP_CARBO": (6, 22), "EP_CIS": (6, 22),
    "ATEZO_CE": (4, 22), "CAPTEM": (10, 29), "TEM": (12, 29), "FOLFOX": (12, 15),
    "STZ_5FU": (8, 43), "FOLFIRI": (12, 15), "TOPO": (6, 22), "CVD": (9, 22),
}  # fmt: skip
_STOPS_FOR_TOXICITY = {"EVE": 0.13, "SUN": 0.17, "CABO": 0.15, "PAZO": 0.12, "CAPTEM": 0.06,
                       "IFN_A2B": 0.2}  # fmt: skip
_CABO_FROM, _LU_FROM, _COMPETE = 2025, 2008, (2018, 2022)
_ATEZO_FROM, _SELP_FROM = 2020, 2021
#: Above this age (years) one therapy beside the analogue, and none of the hard ones.
_OLD = 81
_HARD = ("CAPTEM", "FOLFOX", "STZ_5FU", "SUN", "CABO", "TEM", "IFN_A2B")
TRIAL = "Made-up trial of PRRT against everolimus"


def kind_of(agent: str) -> str:
    """The class of an agent."""
    return _KIND.get(agent.split("_")[0], _KIND.get(agent, "chemotherapy"))


def treat(made: Case) -> None:
    """Act the whole course of treatment out, from the diagnosis to the end of what is known."""
    rng = made.rng("treatment")
    for place in made.places if made.metastatic else ():
        _metastasis(made, place, made.diagnosed, "imaging" if place != "liver" else "pathology")
    if made.site == "C74.1":
        _before_phaeo(made, rng)
    if made.metastatic:
        _remove_primary(made, rng)
        _lines(made, rng, made.diagnosed)
    else:
        _for_cure(made, rng)
    _close(made)


# -- for cure ----------------------------------------------------------------------------------


def _before_phaeo(made: Case, rng: Random) -> None:
    start = after(made.diagnosed, 7)
    if start < made.end:
        blocker = rng.choice(("PHENOXY", "DOXAZ", "DOXAZ"))
        stop = min(after(start, 30), made.end)
        _keep(made, Spell("hormonal-symptom control", blocker, start, stop, False, stop,
                          "completed"))  # fmt: skip


def _operation(made: Case, day: date, residual: str, *, cure: bool, agent: str = "") -> None:
    agent = agent or _SURGERY.get(made.site[:3], "SURG_PRIM")
    if made.site == "C18.1" and cure and made.number % 3:
        agent = "SURG_APPX"
    if made.syndrome == "insulinoma" and cure:
        agent = "SURG_ENUC"
    if agent == "ENDO_RES" and (made.carcinoma or not cure):
        agent = "SURG_PRIM"
    made.note(
        "therapy",
        {
            "therapy_class": "surgery", "agent": agent, "start": day.isoformat(),
            "stop": day.isoformat(), "intent": "curative" if cure else "palliative",
            "setting": "primary", "residual": residual,
            "treated_sites": ["liver"] if agent == "SURG_LIV" else ["primary"],
        },
    )  # fmt: skip
    made.spells.append(
        Spell("surgery", agent, day, day, False, day, place=len(made.of("therapy")) - 1)
    )


def _for_cure(made: Case, rng: Random) -> None:
    small = made.grade in {"G1", "TC"} and made.site[:3] in {"C16", "C25"} and not made.syndrome
    if small and rng.random() < 0.3:
        return _watch(made, rng, made.diagnosed)
    if made.carcinoma and rng.random() < 0.35:
        return _lines(made, rng, made.diagnosed)
    day = made.diagnosed if made.of("pathology")[0]["specimen_kind"] == "resection" else after(
        made.diagnosed, rng.randint(14, 45)
    )  # fmt: skip
    if day >= made.end:
        return None
    _operation(made, day, "R0" if rng.random() < 0.92 else "R1", cure=True)
    made.free_since = day
    if made.carcinoma and rng.random() < 0.85 and after(day, 60) < made.end:
        _line(made, rng, "EP_CARBO", after(day, 35), setting="adjuvant")
    _recurrence(made, rng, day)
    return None


def _watch(made: Case, rng: Random, start: date) -> None:
    until = months_after(start, _draw(rng, "SURV_ACTIVE") * 2)
    stopped = until < made.end
    spell = Spell("surveillance", "SURV_ACTIVE", start, min(until, made.end), False)
    if stopped:
        spell.stop, spell.stop_reason = until, "other"
    _keep(made, spell)
    if stopped:
        _operation(
            made,
            after(until, 20) if after(until, 20) < made.end else until,
            "R0",
            cure=True,
            agent="SURG_PANC" if made.site[:3] == "C25" else "ENDO_RES",
        )
        made.free_since = until


def _recurrence(made: Case, rng: Random, since: date) -> None:
    share = {"G1": 0.14, "TC": 0.07, "G2": 0.36, "AC": 0.3, "PPGL": 0.15, "LOW": 0.2, "HIGH": 0.5,
             "NET_G3": 0.65}.get(made.grade, 0.75)  # fmt: skip
    months = rng.uniform(8, 90) if not made.carcinoma else rng.uniform(5, 20)
    comes = rng.random() < share
    if made.cause == "this_tumour" and made.died:
        left = (made.died - since).days / MONTH
        months, comes = min(months, left * rng.uniform(0.25, 0.6)), left > 2
    day = months_after(since, months)
    if not comes or day >= after(made.end, -20):
        return
    places = [] if made.pool in {"ppgl", "mtc"} and rng.random() < 0.3 else ["liver"]
    if made.pool == "lung":
        places = [rng.choice(("liver", "bone", "liver"))]
    made.places, made.spread_on = places, day
    made.free_since = None
    made.progressions.append(day)
    made.note("progression", {"date": day.isoformat(), "kind": "recurrence",
                              "basis": "radiological", "sites": places})  # fmt: skip
    for place in places:
        _metastasis(made, place, day, "imaging")
    _stage_again(made, rng, day, places)
    _lines(made, rng, day)


def _stage_again(made: Case, rng: Random, day: date, places: list[str]) -> None:
    if rng.random() < 0.3 or not places:
        return
    system = staging_system(made, day)
    row: Row = {"date": day.isoformat(), "staging_prefix": "r", "staging_system": system,
                "m": m_category(made, places, system), "change_kind": "true_change",
                "absent": {"t": {"why": "not_done"}, "n": {"why": "not_done"}}}  # fmt: skip
    made.note("staging", row | spread_flags(places))


def _metastasis(made: Case, place: str, day: date, basis: str) -> None:
    made.note("metastasis", {"site": place, "date": day.isoformat(), "basis": basis})


# -- advanced disease --------------------------------------------------------------------------


def _remove_primary(made: Case, rng: Random) -> None:
    share = {"midgut": 0.75, "pancreas": 0.45, "gi": 0.6, "unknown": 0.0, "lung": 0.25}
    wanted = share.get(made.group, 0.6) * (0.2 if made.carcinoma else 1)
    day = after(made.diagnosed, rng.randint(25, 80))
    if rng.random() < wanted and day < after(made.end, -15):
        _operation(made, day, rng.choice(("R2", "R2", "R1")), cure=False)
        if made.places == ["liver"] and made.grade in {"G1", "G2"} and rng.random() < 0.12:
            liver = after(day, rng.randint(60, 150))
            if liver < made.end:
                _operation(made, liver, "R2", cure=False, agent="SURG_DEBULK")


def options(made: Case, used: list[str], day: date) -> tuple[tuple[str, float], ...]:
    """What the guidelines offer next, with how often it is taken. Empty: best supportive care."""
    if made.carcinoma:
        return _for_carcinoma(made, used, day)
    if made.pool == "mtc":
        return tuple((a, 1) for a in ("SELP" if day.year >= _SELP_FROM else "VANDE",)
                     if a not in used)  # fmt: skip
    if made.pool == "ppgl":
        return tuple((a, 1) for a in ("MIBG_131I", "CVD") if a not in used)
    offered = _first(made, day) if not used else _next(made, used, day)
    old = (day - made.born).days / 365.25
    if old > _OLD and used and not used[-1].startswith("SSA"):
        return ()
    hard = _HARD if old > _OLD else ()
    return tuple((agent, weight) for agent, weight in offered if agent not in (*used, *hard))


def _for_carcinoma(made: Case, used: list[str], day: date) -> tuple[tuple[str, float], ...]:
    if not used:
        if made.grade == "SCLC" and day.year >= _ATEZO_FROM:
            return (("ATEZO_CE", 3), ("EP_CARBO", 1))
        return (("EP_CARBO", 7), ("EP_CIS", 3))
    if len(used) == 1:
        return (("TOPO", 1),) if made.grade == "SCLC" else (("FOLFIRI", 3), ("FOLFOX", 1))
    return ()


def _first(made: Case, day: date) -> tuple[tuple[str, float], ...]:
    positive, proliferation = made.sstr >= 2, float(made.ki67)
    prrt: float = 9.0 if positive and made.sstr >= 3 and day.year >= _LU_FROM else 0
    if made.grade == "NET_G3":
        return (("CAPTEM", 5), ("FOLFOX", 2), ("PRRT_LU_DOTATATE_1L", prrt))
    if made.pool == "lung":
        ssa = 5 if positive else 0
        return (("SSA_LAN", ssa * (1 if made.grade == "TC" else 0.5)), ("EVE", 6), ("TEM", 0.6))
    if not positive:
        shrink = (("CAPTEM", 4.0), ("SUN", 2.0)) if made.group == "pancreas" else (("FOLFOX", 1.5),)
        return (("EVE", 5), *shrink)
    if made.group == "pancreas":
        bulky = 8.0 if made.grade == "G2" else 3.0
        return (("SSA_LAN", 5), ("SSA_OCT_LAR", 1.4), ("CAPTEM", bulky), ("STZ_5FU", bulky / 2),
                ("EVE", 1.8 if made.grade == "G2" else 0.6),
                ("PRRT_LU_DOTATATE_1L", prrt if proliferation >= 10 else 0))  # fmt: skip
    return (("SSA_LAN", 5), ("SSA_OCT_LAR", 4),
            ("PRRT_LU_DOTATATE_1L", prrt if proliferation >= 10 else 0))  # fmt: skip


def _next(made: Case, used: list[str], day: date) -> tuple[tuple[str, float], ...]:
    had_prrt = any(agent.startswith("PRRT") for agent in used)
    held = next((s for s in made.spells if s.kind == "PRRT" and s.progressed), None)
    again = held is not None and (held.until - held.start).days > 18 * MONTH
    fit_for_prrt = made.sstr >= 3 and day.year >= _LU_FROM and not had_prrt
    beyond_ssa = any(not agent.startswith("SSA") for agent in used)
    lu = (8.0 if made.group in {"midgut", "unknown", "gi"} else 4.5) if fit_for_prrt else 0
    if made.pool == "lung":
        lu /= 3
    offered = [
        ("PRRT_LU_DOTATATE", lu),
        ("PRRT_LU_EDOTREOTIDE", lu / 5 if _COMPETE[0] <= day.year <= _COMPETE[1] else 0),
        ("EVE", 4.0),
        ("CABO", 5.0 if beyond_ssa and day.year >= _CABO_FROM else 0),
        ("PRRT_LU_RETREAT", 7.0 if again else 0),
    ]
    if made.group == "pancreas":
        offered += [("CAPTEM", 4.0), ("SUN", 2.2), ("STZ_5FU", 1.0)]
    elif made.pool == "lung":
        offered += [("TEM", 3.0), ("CAPTEM", 1.0)]
    elif made.grade == "NET_G3":
        offered += [("FOLFOX", 2.0), ("CAPTEM", 3.0)]
    else:
        octreotide = "SSA_OCT_LAR" in used and not beyond_ssa
        offered += [("SSA_OCT_LAR_HIGH", 1.2 if octreotide else 0),
                    ("IFN_A2B", 0.4 if made.syndrome == "carcinoid" else 0)]  # fmt: skip
    return tuple((agent, weight) for agent, weight in offered if weight)


def _draw(rng: Random, agent: str) -> float:
    """Months until progression."""
    median = rates.MONTHS_TO_PROGRESSION[agent]
    scaled: float = (-math.log(1 - rng.random()) / math.log(2)) ** (1 / rates.SHAPE)
    return median * scaled * rates.DRAWN_LONGER


def _lines(made: Case, rng: Random, since: date) -> None:
    start, used = after(since, rng.randint(18, 60)), [s.agent for s in made.spells if s.systemic]
    slow = made.grade in {"G1", "TC"} and not made.syndrome and len(made.places) == 1
    if slow and made.metastatic and rng.random() < 0.12:
        until = months_after(start, _draw(rng, "SURV_ACTIVE"))
        if until < made.end:
            _watch_until(made, start, until)
            start = after(until, 20)
    for _ in range(_MOST_LINES):
        if (made.end - start).days < 25:
            return
        choice = options(made, used, start)
        left = (made.end - start).days
        if not sum(weight for _, weight in choice):
            if made.carcinoma or left < 500:
                break
            start = after(start, 300)  # nothing to offer now; there may be something new then
            continue
        dying = made.cause == "this_tumour" and left < 110 and used
        if dying or (used and made.carcinoma and left < 250 and rng.random() < 0.5):
            break
        spell = _line(made, rng, pick(rng, choice), start)
        used.append(spell.agent)
        if spell.until >= made.end and spell.stop_reason != "intolerance":
            break
        ended = spell.stop if spell.stop_reason == "intolerance" else spell.until
        start = after(ended or spell.until, rng.randint(14, 50))
        if spell.progressed:
            start = _liver_between(made, rng, start)
    _last_weeks(made, rng)


def _watch_until(made: Case, start: date, until: date) -> None:
    _keep(made, Spell("surveillance", "SURV_ACTIVE", start, until, True, until, "progression"))
    _progress(made, until, made.rng("watched"))


def _liver_between(made: Case, rng: Random, start: date) -> date:
    """Some have the liver treated before the next drug."""
    had = sum(s.kind == "liver-directed" for s in made.spells)
    able = "liver" in made.places and not made.carcinoma and made.pool == "gep" and had < 2
    if not able or rng.random() > 0.22 or (made.end - start).days < 200:
        return start
    agent = rng.choice(("LIV_TACE", "LIV_TAE", "LIV_TAE", "LIV_SIRT"))
    until = min(months_after(start, _draw(rng, agent)), made.end)
    spell = Spell("liver-directed", agent, start, until, until < made.end, start,
                  "completed")  # fmt: skip
    _keep(made, spell)
    if spell.progressed:
        _progress(made, until, rng)
    return after(until, rng.randint(20, 60))


def _line(made: Case, rng: Random, agent: str, start: date, *, setting: str = "") -> Spell:
    """One systemic therapy, until progression, side effects, its planned end or the end."""
    kind = kind_of(agent)
    until = after(start, max(50, _draw(rng, agent) * MONTH))
    if setting == "adjuvant":
        until = made.end
    doomed = made.cause == "this_tumour" and made.died is not None and setting != "adjuvant"
    if doomed and made.died is not None:
        left = (made.died - start).days
        if left > 150 and until > after(made.died, -60):
            until = after(start, left * rng.uniform(0.6, 0.95))
        elif made.carcinoma and left > 240:
            until = max(until, after(start, left * rng.uniform(0.4, 0.6)))
    spell = Spell(kind, agent, start, min(until, made.end), until < made.end, setting=setting)
    _stop(made, rng, spell)
    _keep(made, spell)
    if spell.progressed and spell.stop_reason != "intolerance":
        _progress(made, spell.until, rng)
    elif spell.stop_reason == "intolerance":
        spell.progressed = False
        spell.until = min(spell.until, after(spell.stop or spell.until, 40))
    _background(made, rng, spell)
    return spell


def _stop(made: Case, rng: Random, spell: Spell) -> None:
    if spell.agent in _COURSE:
        planned, days = _COURSE[spell.agent]
        if spell.setting == "adjuvant":
            planned = 4
        if spell.kind == "PRRT" and planned > 2 and rng.random() < 0.14:
            planned -= 1  # bone marrow or kidneys
        day = spell.start
        while len(spell.given) < planned and day <= spell.until and day <= made.end:
            spell.given.append(day)
            day = after(day, days + rng.choice((-2, 0, 0, 1, 3, 7)))
        full = len(spell.given) >= planned
        spell.cycles = len(spell.given)
        last = after(spell.given[-1], 1 if spell.kind == "PRRT" else min(14, days))
        if full and last < made.end:
            spell.stop, spell.stop_reason = min(last, spell.until), "completed"
        elif spell.progressed:
            spell.stop, spell.stop_reason = spell.until, "progression"
    elif spell.progressed:
        spell.stop, spell.stop_reason = spell.until, "progression"
    if rng.random() < _STOPS_FOR_TOXICITY.get(spell.agent, 0):
        day = after(spell.start, rng.randint(50, 150))
        if day < after(spell.until, -40) and day < made.end:
            spell.stop, spell.stop_reason = day, "intolerance"
            spell.given = [one for one in spell.given if one <= day]
            spell.cycles = len(spell.given)


def _background(made: Case, rng: Random, spell: Spell) -> None:
    """A functioning tumour keeps its analogue beside what comes next."""
    if spell.agent == "PRRT_LU_DOTATATE_1L" and not any(s.kind == "SSA" for s in made.spells):
        # As in the trial: octreotide beside it, and after it.
        beside = Spell("SSA", "SSA_OCT_LAR", spell.start, spell.until, False, setting="background")
        if spell.until < made.end:
            beside.stop, beside.stop_reason = spell.until, "other"
        _keep(made, beside)
    analogue = spell.kind == "SSA" and made.syndrome in {"carcinoid", "vipoma", "glucagonoma"}
    wanted = analogue or (spell.kind == "SSA" and rng.random() < 0.25)
    running = any(s.setting == "background" for s in made.spells)
    if wanted and not running and spell.stop and (made.end - spell.stop).days > 90:
        agent = "SSA_OCT_LAR" if spell.agent == "SSA_OCT_LAR_HIGH" else spell.agent
        _keep(made, Spell("SSA", agent, spell.stop, made.end, False, setting="background"))


def _progress(made: Case, day: date, rng: Random) -> None:
    made.progressions.append(day)
    basis = "clinical" if rng.random() < 0.06 else "radiological"
    row: Row = {"date": day.isoformat(), "kind": "progression", "basis": basis}
    fresh = [p for p in ("bone", "nodes_distant", "peritoneum", "liver", "lung")
             if p not in made.places]  # fmt: skip
    if fresh and rng.random() < 0.2 and made.pool == "gep":
        place = fresh[0] if rng.random() < 0.6 else rng.choice(fresh)
        row |= {"kind": "new_metastasis", "sites": [place]}
        made.places = [*made.places, place]
        _metastasis(made, place, day, "imaging")
    elif made.places:
        row["sites"] = [rng.choice(made.places)]
    made.note("progression", row)


def _last_weeks(made: Case, rng: Random) -> None:
    """Nobody dies of a tumour that stood still."""
    if made.cause != "this_tumour" or made.died is None:
        return
    last = max(made.progressions, default=made.diagnosed)
    start = after(last, rng.randint(10, 35))
    if (made.died - start).days > 20 and not any(
        s.systemic and s.setting != "adjuvant" and s.start >= last for s in made.spells
    ):
        _keep(made, Spell("supportive", "BSC", start, made.died, False, made.died, "death"))


# -- what the record keeps ---------------------------------------------------------------------


def _keep(made: Case, spell: Spell) -> None:
    row: Row = {
        "therapy_class": spell.kind,
        "agent": spell.agent,
        "intent": "curative" if spell.setting == "adjuvant" else "palliative",
        "start": spell.start.isoformat(),
    }
    if spell.kind in {"surveillance", "hormonal-symptom control"} and not made.metastatic:
        row["intent"] = "curative"
    if spell.setting:
        row["setting"] = spell.setting
    if spell.agent in _DOSE:
        dose, unit, days = _DOSE[spell.agent]
        row |= {"dose_value": dose, "dose_unit": unit, "interval_days": str(days)}
    elif spell.agent in _WORDS:
        words, days = _WORDS[spell.agent]
        row |= {"dose": words, "interval_days": str(days)}
    if spell.cycles and spell.stop:
        row["cycles"] = str(spell.cycles)
    if spell.agent == "PRRT_LU_EDOTREOTIDE":
        row["trial"] = TRIAL
    if spell.kind == "liver-directed":
        row["treated_sites"] = ["liver"]
    if spell.stop:
        row["stop"] = spell.stop.isoformat()
        if spell.stop_reason:
            row["stop_reason"] = spell.stop_reason
    spell.place = made.note("therapy", row)
    made.spells.append(spell)
    made.spells.sort(key=lambda one: one.start)


def _close(made: Case) -> None:
    """Death ends what was running."""
    if made.died is None:
        return
    rows = made.of("therapy")
    for spell in made.spells:
        if spell.stop is None:
            spell.stop, spell.stop_reason = made.died, "death"
            rows[spell.place] |= {"stop": made.died.isoformat(), "stop_reason": "death"}
            if spell.cycles:
                rows[spell.place]["cycles"] = str(spell.cycles)
