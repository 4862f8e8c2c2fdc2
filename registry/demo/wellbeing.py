"""How the patient fares: side effects, questionnaires, symptom diary, late effects, support.

Answers go by item number; no item text is kept or needed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from random import Random

from registry.demo.case import Case, Row, Spell, after, months_after
from registry.demo.monitoring import disease, every, kidney_function

#: Term, share of those treated, weights of grades 1, 2, 3, 4.
_EFFECTS: dict[str, tuple[tuple[str, float, tuple[int, int, int, int]], ...]] = {
    "SSA": (("diarrhea", 0.22, (6, 3, 0, 0)), ("cholecystitis", 0.02, (0, 1, 1, 0)),
            ("injection_site_reaction", 0.12, (8, 1, 0, 0)), ("hyperglycemia", 0.08, (4, 3, 0, 0)),
            ("abdominal_pain", 0.1, (5, 2, 0, 0))),
    "PRRT": (("nausea", 0.45, (6, 3, 0, 0)), ("vomiting", 0.25, (4, 2, 1, 0)),
             ("fatigue", 0.35, (6, 3, 0, 0)), ("lymphocyte_count_decreased", 0.3, (1, 4, 5, 1)),
             ("platelet_count_decreased", 0.2, (6, 2, 1, 0)), ("anemia", 0.14, (6, 2, 0, 0))),
    "EVE": (("mucositis_oral", 0.5, (6, 4, 1, 0)), ("rash_maculo_papular", 0.3, (6, 3, 0, 0)),
            ("fatigue", 0.3, (5, 4, 1, 0)), ("diarrhea", 0.25, (6, 3, 1, 0)),
            ("hyperglycemia", 0.15, (3, 4, 2, 0)), ("pneumonitis", 0.1, (3, 5, 1, 0)),
            ("anemia", 0.12, (5, 3, 1, 0))),
    "SUN": (("diarrhea", 0.45, (5, 4, 1, 0)), ("hypertension", 0.25, (1, 5, 4, 0)),
            ("palmar_plantar_erythrodysesthesia", 0.22, (4, 4, 2, 0)),
            ("neutrophil_count_decreased", 0.25, (2, 4, 4, 0)), ("fatigue", 0.3, (4, 4, 1, 0)),
            ("hypothyroidism", 0.1, (2, 6, 0, 0))),
    "CABO": (("fatigue", 0.5, (4, 4, 2, 0)), ("hypertension", 0.35, (1, 4, 5, 0)),
             ("palmar_plantar_erythrodysesthesia", 0.35, (3, 5, 2, 0)),
             ("diarrhea", 0.5, (5, 4, 1, 0)), ("mucositis_oral", 0.25, (5, 4, 0, 0))),
    "CAPTEM": (("nausea", 0.45, (6, 3, 0, 0)), ("lymphocyte_count_decreased", 0.3, (1, 4, 4, 0)),
               ("platelet_count_decreased", 0.25, (5, 3, 2, 0)), ("fatigue", 0.4, (5, 4, 0, 0)),
               ("palmar_plantar_erythrodysesthesia", 0.18, (5, 3, 0, 0))),
    "platinum": (("neutrophil_count_decreased", 0.55, (1, 3, 5, 3)), ("anemia", 0.5, (3, 5, 2, 0)),
                 ("platelet_count_decreased", 0.35, (4, 3, 2, 0)), ("nausea", 0.45, (5, 4, 1, 0)),
                 ("alopecia", 0.6, (3, 7, 0, 0)), ("febrile_neutropenia", 0.08, (0, 0, 5, 1)),
                 ("fatigue", 0.5, (4, 5, 1, 0))),
    "other": (("nausea", 0.4, (6, 3, 0, 0)), ("fatigue", 0.4, (5, 4, 0, 0)),
              ("neutrophil_count_decreased", 0.3, (2, 4, 3, 0)), ("diarrhea", 0.25, (6, 3, 1, 0))),
    "oxaliplatin": (("peripheral_sensory_neuropathy", 0.5, (6, 4, 1, 0)),
                    ("nausea", 0.4, (6, 3, 0, 0)), ("fatigue", 0.4, (5, 4, 0, 0)),
                    ("neutrophil_count_decreased", 0.3, (2, 4, 3, 0))),
    "liver": (("abdominal_pain", 0.5, (3, 5, 1, 0)), ("fever", 0.4, (6, 3, 0, 0)),
              ("nausea", 0.3, (5, 3, 0, 0))),
    "pancreas": (("pancreatic_fistula", 0.2, (3, 4, 2, 0)), ("wound_infection", 0.08,
                                                                  (0, 4, 1, 0))),
    "operation": (("ileus", 0.08, (1, 4, 2, 0)), ("wound_infection", 0.06, (0, 4, 1, 0))),
}  # fmt: skip
_ACTIONS = {1: ("none", "none", "treated"), 2: ("treated", "none", "reduced"),
            3: ("interrupted", "reduced", "treated"), 4: ("hospital", "stopped")}  # fmt: skip
_LANGUAGES = {"NL": "nl", "DE": "de", "IT": "it", "ES": "es", "SE": "sv"}
#: Items of the scales that a functioning tumour or treatment weighs on.
_FATIGUE, _PAIN, _DIARRHOEA = (10, 12, 18), (9, 19), (17,)
_NAUSEA, _SLEEP, _WORRY, _ROLE = (14, 15), (11,), (21, 22, 23, 24), (6, 7, 26, 27)
_PHYSICAL = (1, 2, 3, 4, 5)
_NEEDS = ("information", "nutrition", "fatigue", "anxiety", "family", "work", "pain", "travel",
          "peer", "sexuality")  # fmt: skip
_OFFERS = {"information": "nurse", "nutrition": "dietitian", "fatigue": "rehabilitation",
           "anxiety": "psycho_oncology", "family": "psycho_oncology", "work": "social_work",
           "pain": "pain_service", "travel": "social_work", "peer": "patient_organisation",
           "sexuality": "nurse"}  # fmt: skip


def ask(made: Case) -> None:
    """Fill in what only the patient can tell, and what treatment left behind."""
    for spell in made.spells:
        _side_effects(made, spell)
        _cycles(made, spell)
    _questionnaires(made)
    _diary(made)
    _late(made)
    _support(made)
    _board(made)


# -- side effects and cycles -------------------------------------------------------------------


def _family(spell: Spell) -> str:
    if spell.kind in {"PRRT", "SSA"}:
        return "" if spell.setting == "background" else spell.kind
    if spell.kind == "liver-directed":
        return "liver"
    if spell.kind == "surgery":
        return "pancreas" if spell.agent == "SURG_PANC" else "operation"
    if spell.agent in _EFFECTS:
        return spell.agent
    if spell.agent.startswith(("EP_", "ATEZO")):
        return "platinum"
    if spell.agent == "FOLFOX":
        return "oxaliplatin"
    return "other" if spell.systemic else ""


def _side_effects(made: Case, spell: Spell) -> None:
    rng = made.rng(f"effects {spell.place}")
    effects, worst = _EFFECTS.get(_family(spell), ()), 0
    last = min(spell.stop or made.end, made.end)
    for term, share, weights in effects:
        if rng.random() > share:
            continue
        grade = rng.choices((1, 2, 3, 4), weights)[0]
        room = max(1, min(160, (last - spell.start).days))
        start = after(spell.start, rng.randint(1, room) if spell.kind != "surgery" else 6)
        if start >= made.end:
            continue
        worst = max(worst, grade)
        _event(made, spell, rng, term, grade, start)
    if spell.stop_reason == "intolerance" and spell.stop and worst < 3 and effects:
        start = max(spell.start, after(spell.stop, -12))
        term = next(one for one, _, weights in effects if weights[2])
        _event(made, spell, rng, term, 3, start)


def _event(made: Case, spell: Spell, rng: Random, term: str, grade: int, start: date) -> None:
    row: Row = {"term": term, "grade": str(grade), "start": start.isoformat(),
                "attribution": rng.choice(("probable", "possible", "definite")),
                "action_taken": rng.choice(_ACTIONS[grade]), "ctcae_version": "5.0",
                "serious": "yes" if grade >= 4 else ("yes" if grade == 3 and rng.random() < 0.3
                                                     else "no"),
                "therapy": spell.place}  # fmt: skip
    stop = after(start, rng.randint(6, 70))
    if stop < made.end:
        row |= {"stop": stop.isoformat(), "outcome": "recovered"}
    else:
        row["outcome"] = "ongoing"
    made.note("adverse_event", row)


def _cycles(made: Case, spell: Spell) -> None:
    """Every PRRT cycle with activity and what was measured before it; some courses of drugs."""
    rng = made.rng(f"cycles {spell.place}")
    prrt = spell.kind == "PRRT"
    if not spell.given or not (prrt or rng.random() < 0.4):
        return
    kidneys = kidney_function(made, made.rng("blood"))
    usual = 7.5 if "EDOTREOTIDE" in spell.agent else 7.4
    for number, day in enumerate(spell.given, start=1):
        row: Row = {"number": str(number), "date": day.isoformat(), "therapy": spell.place,
                    "delayed": "no"}  # fmt: skip
        marrow = max(0.7, 1 - 0.05 * (number - 1))
        if prrt:
            low = number > 2 and marrow < 0.9 and rng.random() < 0.05
            given = 3.7 + rng.uniform(0, 0.2) if low else usual - abs(rng.gauss(0, 0.1))
            row["activity_gbq"] = f"{max(given, 3.7):.2f}"
            egfr = kidneys(day) * rng.uniform(0.96, 1.04)
            row["egfr"] = f"{egfr:.0f}"
            row["creatinine"] = f"{6200 / max(30.0, egfr) + rng.uniform(-4, 4):.0f}"
        before = spell.given[number - 2] if number > 1 else None
        if before is not None and prrt and (day - before).days > 66:
            row["delayed"] = "yes"
        row["haemoglobin"] = f"{128 * (marrow + 0.03) * rng.uniform(0.95, 1.05):.0f}"
        row["platelets"] = f"{240 * marrow * rng.uniform(0.85, 1.15):.0f}"
        made.note("cycle", row)


# -- the patient's own answers -----------------------------------------------------------------


def _distress(made: Case, day: date) -> dict[str, float]:
    """How much weighs on the patient, 0 to 1, by what it is."""
    amount = min(1.5, disease(made, day))
    on = next((s for s in made.spells if s.start <= day and (s.stop is None or s.stop > day)
               and s.systemic and s.kind != "SSA"), None)  # fmt: skip
    dying = made.died is not None and (made.died - day).days < 200
    general = 0.08 + 0.12 * amount + (0.14 if on else 0) + (0.35 if dying else 0)
    return {"general": general, "flush": _flush(made, day), "drug": 0.3 if on else 0.05}


def _flush(made: Case, day: date) -> float:
    if made.syndrome != "carcinoid":
        return 0.0
    analogue = any(s.kind == "SSA" and s.start <= day and (s.stop is None or s.stop > day)
                   for s in made.spells)  # fmt: skip
    return min(1.0, 0.75 * disease(made, day) * (0.4 if analogue else 1.0))


def _ticked(rng: Random, weight: float, most: int = 4) -> int:
    """An answer from 1 to `most`: the more weighs on it, the higher."""
    steps = (most - 1) * weight + rng.gauss(0, 0.45)
    return max(1, min(most, 1 + round(steps)))


def _questionnaires(made: Case) -> None:
    rng = made.rng("questionnaires")
    if made.spread_on is None or rng.random() > 0.72:
        return
    language = _LANGUAGES.get(made.country, "en")
    digestive = made.pool == "gep" and not made.carcinoma
    starts = [s.start for s in made.spells if s.systemic and s.kind != "SSA"]
    asked = every(made, rng, lambda day: 11.0, starts, since=made.spread_on)
    for day in [day for day in asked if day > made.spread_on][-9:]:
        weights = _distress(made, day)
        made.note(
            "questionnaire",
            {
                "instrument": "QLQ-C30",
                "date": day.isoformat(),
                "language": language,
                "answers": _c30(rng, weights),
            },
        )
        if digestive:
            made.note("questionnaire", {"instrument": "QLQ-GINET21", "date": day.isoformat(),
                                        "language": language,
                                        "answers": _ginet(rng, weights)})  # fmt: skip


def _c30(rng: Random, weights: dict[str, float]) -> dict[str, int]:
    general, flush = weights["general"], weights["flush"]
    heavy = {**dict.fromkeys(_FATIGUE, general + 0.15), **dict.fromkeys(_PAIN, general),
             **dict.fromkeys(_DIARRHOEA, flush * 0.8 + 0.08),
             **dict.fromkeys(_NAUSEA, weights["drug"] * 0.6), **dict.fromkeys(_SLEEP, general),
             **dict.fromkeys(_WORRY, general + 0.05), **dict.fromkeys(_ROLE, general + 0.08),
             **dict.fromkeys(_PHYSICAL, general)}  # fmt: skip
    answers = {str(item): _ticked(rng, heavy.get(item, general * 0.7)) for item in range(1, 29)}
    for item in ("29", "30"):
        answers[item] = 8 - _ticked(rng, 0.18 + general * 0.9, 7)
    return _skip(rng, answers)


def _ginet(rng: Random, weights: dict[str, float]) -> dict[str, int]:
    general, flush = weights["general"], weights["flush"]
    heavy = dict.fromkeys((31, 32, 33), flush) | dict.fromkeys((34, 35, 36, 37, 38), general)
    heavy |= dict.fromkeys((39, 40, 46), weights["drug"]) | dict.fromkeys((41, 43, 47), 0.3)
    answers = {str(item): _ticked(rng, heavy.get(item, general)) for item in range(31, 52)}
    if rng.random() < 0.4:  # many leave the last item out
        answers.pop("51")
    return _skip(rng, answers)


def _skip(rng: Random, answers: dict[str, int]) -> dict[str, int]:
    if rng.random() < 0.15:
        answers.pop(rng.choice(list(answers)))
    return answers


def _diary(made: Case) -> None:
    if made.syndrome not in {"carcinoid", "vipoma"} or made.spread_on is None:
        return
    rng = made.rng("diary")
    gap: Callable[[date], float] = lambda day: 3.2 if (made.end - day).days < 400 else 9  # noqa: E731
    for day in every(made, rng, gap):
        heavy, general = _flush(made, day), _distress(made, day)["general"]
        if made.syndrome == "vipoma":
            heavy = min(1.0, 0.6 * disease(made, day))
        made.note("symptom_diary", {
            "date": day.isoformat(),
            "flushing_per_day": str(max(0, round(heavy * 8 + rng.gauss(0, 0.9))))
            if made.syndrome == "carcinoid" else "0",
            "stools_per_day": str(max(1, round(1.6 + heavy * 6 + rng.gauss(0, 0.8)))),
            "pain": str(max(0, min(10, round(general * 6 + rng.gauss(0, 0.8))))),
            "wellbeing": str(max(0, min(10, round(9 - general * 8 + rng.gauss(0, 0.8))))),
        })  # fmt: skip


# -- what stays, what is needed, what the board said -------------------------------------------


def _late(made: Case) -> None:
    rng = made.rng("late effects")
    for spell in made.spells:
        for kind, share, months, grade in _late_of(spell):
            day = months_after(spell.stop or spell.start, rng.uniform(*months))
            had = any(row["kind"] == kind for row in made.of("late_effect"))
            if rng.random() < share and day < made.end and not had:
                made.note("late_effect", {"kind": kind, "date": day.isoformat()[:7],
                                          "grade": grade, "therapy": spell.place})  # fmt: skip


def _late_of(spell: Spell) -> tuple[tuple[str, float, tuple[float, float], str], ...]:
    if spell.kind == "PRRT":
        return (("kidney", 0.08, (14, 50), "2"), ("mds_leukaemia", 0.02, (24, 60), "4"),
                ("fatigue", 0.12, (2, 8), "1"))  # fmt: skip
    if spell.kind == "SSA":
        return (("gallstones", 0.12, (0, 6), "1"), ("exocrine", 0.12, (0, 8), "2"))
    return {
        "SURG_SB": (("bile_acid_diarrhoea", 0.25, (1, 9), "2"),
                    ("vitamin_deficiency", 0.12, (10, 40), "1")),
        "SURG_RHC": (("bile_acid_diarrhoea", 0.15, (1, 9), "1"),),
        "SURG_PANC": (("diabetes", 0.2, (1, 20), "2"), ("exocrine", 0.3, (1, 12), "2")),
        "FOLFOX": (("neuropathy", 0.25, (1, 5), "1"),),
        "EP_CIS": (("neuropathy", 0.15, (1, 5), "1"),),
        "SUN": (("hypothyroidism", 0.1, (1, 5), "2"),),
    }.get(spell.agent, ())  # fmt: skip


def _support(made: Case) -> None:
    rng = made.rng("support")
    if rng.random() > 0.42:
        return
    day = after(made.diagnosed, rng.randint(20, 260))
    if day >= made.end:
        return
    needs = rng.sample(_NEEDS, rng.choice((1, 1, 2, 3))) if rng.random() < 0.85 else ["none"]
    row: Row = {"date": day.isoformat(), "needs": needs}
    offers = list(dict.fromkeys(_OFFERS[need] for need in needs if need in _OFFERS))
    if offers:
        row |= {"offered": offers, "accepted_offer": rng.choice(("yes", "yes", "no"))}
    made.note("support_need", row)
    if made.cause == "this_tumour" and made.died and (made.died - day).days > 150:
        late = after(made.died, -rng.randint(40, 120))
        made.note("support_need", {"date": late.isoformat(), "needs": ["palliative", "pain"],
                                   "offered": ["palliative_service"],
                                   "accepted_offer": "yes"})  # fmt: skip


_ADVISED = {
    "surgery": "evaluate_surgery", "SSA": "start_systemic", "PRRT": "prrt_workup",
    "targeted": "start_systemic", "chemotherapy": "start_systemic", "immunotherapy":
    "start_systemic", "liver-directed": "evaluate_local", "surveillance": "watchful_waiting",
    "supportive": "palliative_service", "interferon": "start_systemic",
}  # fmt: skip


def _board(made: Case) -> None:
    """What a tumour board said before the first therapy and before some later ones."""
    rng = made.rng("board")
    for number, spell in enumerate(made.spells):
        if (
            spell.kind not in _ADVISED
            or spell.setting
            or rng.random() > (0.6 if not number else 0.3)
        ):
            continue
        day = max(made.diagnosed, after(spell.start, -rng.randint(5, 20)))
        made.note("board_opinion", {"date": day.isoformat(), "board": "NET tumour board",
                                    "recommendation": [_ADVISED[spell.kind]],
                                    "followed": "yes"})  # fmt: skip
