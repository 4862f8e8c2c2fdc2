"""A deliberate few contradictions, so that the edit checks have something to show.

The rest of the caseload is free of findings; the tests hold both to it. One more kind is left to
chance: chromogranin A measured on a proton-pump inhibitor (`cga_on_ppi`), as in life.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from registry.demo.case import Case, Row, after


def slip(made: Case) -> None:
    """Make the mistake that was meant for this case, if there is one."""
    if made.number in FLAWS:
        FLAWS[made.number][1](made)


def _prrt_without_scan(made: Case) -> None:
    for rows in (made.facts, made.later):
        rows["imaging"] = [row for row in rows["imaging"] if "krenning" not in row]
        for row in rows["imaging"]:
            row.pop("netpet", None)


def _cycles_close(made: Case) -> None:
    one, two = made.of("cycle")[:2]
    two["date"] = after(date.fromisoformat(one["date"]), 34).isoformat()


def _therapy_open(made: Case) -> None:
    row = next(row for row in made.of("therapy") if row.get("stop_reason") == "death")
    del row["stop"], row["stop_reason"]


def _response_overstated(made: Case) -> None:
    lesions = {row["baseline"] for row in made.of("lesion")}
    row = next(
        row for row in made.of("response")
        if row.get("response_stated") == "SD" and row.get("baseline") in lesions
    )  # fmt: skip
    row["response_stated"] = "PR"


def _grade_too_low(made: Case) -> None:
    made.facts["pathology"][0]["grade_stated"] = "G1"


def _free_with_metastasis(made: Case) -> None:
    made.of("follow_up")[-1]["disease_status"] = "no_evidence"


def _margin_missing(made: Case) -> None:
    del next(row for row in made.of("therapy") if row["therapy_class"] == "surgery")["residual"]


def _scale_missing(made: Case) -> None:
    del next(row for row in made.of("imaging") if "krenning_scale" in row)["krenning_scale"]


def _stage_without_spread(made: Case) -> None:
    made.facts["staging"][0] |= {"stage_stated": "IV"}
    made.facts["staging"][0]["absent"].pop("stage_stated", None)


def _analogue_for_carcinoma(made: Case) -> None:
    start = made.spells[0].start
    row: Row = {"therapy_class": "SSA", "agent": "SSA_OCT_LAR", "intent": "palliative",
                "start": start.isoformat(), "dose_value": "30", "dose_unit": "mg",
                "interval_days": "28", "stop": after(start, 60).isoformat(),
                "stop_reason": "other"}  # fmt: skip
    made.note("therapy", row)


def _weight_mistyped(made: Case) -> None:
    row = next(row for row in reversed(made.of("follow_up")) if "weight_kg" in row)
    row["weight_kg"] = "7.4"


def _entered_twice(made: Case) -> None:
    made.note("biomarker", dict(made.of("biomarker")[-1]))


#: By the number of the case: the finding meant to be seen, and the mistake that leads to it.
FLAWS: dict[int, tuple[str, Callable[[Case], None]]] = {
    72: ("krenning_without_scale", _scale_missing),
    74: ("surgery_without_residual", _margin_missing),
    76: ("open_at_death", _therapy_open),
    78: ("stage_iv_without_metastasis", _stage_without_spread),
    80: ("prrt_without_sstr", _prrt_without_scan),
    82: ("ssa_for_carcinoma", _analogue_for_carcinoma),
    84: ("cycles_too_close", _cycles_close),
    90: ("response_contradiction", _response_overstated),
    98: ("entered_twice", _entered_twice),
    102: ("unusual_value", _weight_mistyped),
    104: ("no_evidence_with_disease", _free_with_metastasis),
    120: ("grade_contradiction", _grade_too_low),
}
