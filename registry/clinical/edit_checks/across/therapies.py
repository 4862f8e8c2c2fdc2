"""Therapies against imaging, pathology, progression, surgery, death and each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from registry.clinical import doses
from registry.clinical.decision_flags import KRENNING_ENOUGH_FROM
from registry.clinical.edit_checks.across.entries import (
    Entry,
    Record,
    finding,
    in_order,
    is_before,
    may_be_by,
    may_be_near,
)
from registry.clinical.edit_checks.across.imaging import SSTR
from registry.clinical.edit_checks.finding import Finding
from registry.clinical.results import N_, Reason

MIBG = "MIBG_131I"
SURGERY = "surgery"
BACKGROUND = ("background", "rescue")
LIVER_DIRECTED = "liver-directed"

# A therapy that stopped for progression has it entered by about then.
PROGRESSION_DAYS = 92


def checks_of_therapies(record: Record) -> Iterator[Finding]:
    """Every check of a therapy beside the rest of the record."""
    for therapy in record.all("therapy"):
        kind = therapy.text("therapy_class")
        if kind == "PRRT" and therapy.text("agent") != MIBG:
            yield from _prrt(record, therapy)
        if kind in ("PRRT", "SSA"):
            yield from _carcinoma(record, therapy)
        if kind == LIVER_DIRECTED:
            yield from _liver(record, therapy)
        yield from _setting(record, therapy)
        yield from _stop(record, therapy)
        yield from _dose(therapy)
    yield from _overlaps(record)


def _prrt(record: Record, therapy: Entry) -> Iterator[Finding]:
    start = therapy.date("start")
    scans = [scan for scan in record.all("imaging") if scan.text("modality") in SSTR]
    before = [scan for scan in scans if may_be_by(scan.date("date"), start)]
    if not before:
        reason = Reason(N_("PRRT without SSTR imaging before it."))
        yield finding(
            "prrt_without_sstr", reason, therapy, *scans, variables=("start", "imaging.date")
        )
        return
    scored = [scan for scan in in_order(before, "date") if scan.number("krenning") is not None]
    if scored and int(scored[-1].number("krenning") or 0) < KRENNING_ENOUGH_FROM:
        template = N_("PRRT although the last SSTR imaging (%(date)s) has Krenning %(score)s.")
        values = {"date": scored[-1].date("date"), "score": scored[-1].text("krenning")}
        yield finding(
            "prrt_low_uptake", Reason(template, values), therapy, scored[-1],
            variables=("therapy_class", "imaging.krenning"),
        )  # fmt: skip


def differentiation_at(record: Record, entry: Entry, day: str) -> tuple[str, Entry | None]:
    """The differentiation last reported by a day, and the report that says so."""
    reports = [
        report
        for report in in_order(record.of_tumour("pathology", entry), "date")
        if report.text("differentiation") in ("well", "poor")
        and may_be_by(report.date("date"), day)
    ]
    return (reports[-1].text("differentiation"), reports[-1]) if reports else ("", None)


def _carcinoma(record: Record, therapy: Entry) -> Iterator[Finding]:
    differentiation, report = differentiation_at(record, therapy, therapy.date("start"))
    if differentiation != "poor" or report is None:
        return
    variables = ("therapy_class", "pathology.differentiation")
    if therapy.text("therapy_class") == "PRRT":
        reason = Reason(N_("There is no evidence for PRRT in a poorly differentiated carcinoma."))
        yield finding("prrt_for_carcinoma", reason, therapy, report, variables=variables)
        return
    tumour = record.tumour_of(therapy)
    functioning = tumour is not None and tumour.text("functioning") == "yes"
    if not functioning and therapy.text("setting") not in BACKGROUND:
        reason = Reason(N_("A somatostatin analogue has no anti-tumour role in carcinoma."))
        yield finding("ssa_for_carcinoma", reason, therapy, report, variables=variables)


def _liver(record: Record, therapy: Entry) -> Iterator[Finding]:
    tumour = record.tumour_of(therapy)
    said = (
        any(m.text("site") == "liver" for m in record.all("metastasis"))
        or any(s.text("mets_liver") == "yes" for s in record.all("staging"))
        or any("liver" in t.codes("metastatic_sites") for t in record.all("tumour"))
        or any("liver" in scan.codes("sites") for scan in record.all("imaging"))
        or any(lesion.text("organ") == "liver" for lesion in record.all("lesion"))
        or (tumour is not None and tumour.text("primary_site").startswith("C22"))
    )
    if not said:
        reason = Reason(N_("Liver-directed therapy, but no tumour in the liver is entered."))
        yield finding("liver_without_metastasis", reason, therapy, variables=("therapy_class",))


def _setting(record: Record, therapy: Entry) -> Iterator[Finding]:
    surgery = therapy.text("therapy_class") == SURGERY
    curative = therapy.text("intent") != "palliative"
    if surgery and curative and not therapy.is_answered("residual"):
        reason = Reason(N_("Surgery without residual status (R0, R1, R2)."))
        yield finding("surgery_without_residual", reason, therapy, variables=("residual",))
    start = therapy.date("start")
    if therapy.text("setting") == "adjuvant":
        operations = [t for t in record.all("therapy") if t.text("therapy_class") == SURGERY]
        if not any(may_be_by(o.date("start"), start) for o in operations):
            reason = Reason(N_("Adjuvant therapy, but no surgery before it is entered."))
            yield finding("adjuvant_without_surgery", reason, therapy, variables=("setting",))
    if therapy.text("line_override") and not therapy.text("line_override_reason"):
        reason = Reason(N_("The line is overruled without a reason."))
        yield finding(
            "line_without_reason", reason, therapy,
            variables=("line_override", "line_override_reason"),
        )  # fmt: skip


def _stop(record: Record, therapy: Entry) -> Iterator[Finding]:
    stop, why = therapy.date("stop"), therapy.text("stop_reason")
    variables = ("stop", "stop_reason")
    lasting = therapy.text("therapy_class") not in (SURGERY, "ablation", LIVER_DIRECTED)
    if stop and lasting and not therapy.is_answered("stop_reason"):
        reason = Reason(N_("The therapy stopped, but why is not said."))
        yield finding("stop_without_reason", reason, therapy, variables=variables)
    if why and not therapy.is_answered("stop"):
        reason = Reason(N_("A reason for stopping is given, but not when it stopped."))
        yield finding("reason_without_stop", reason, therapy, variables=variables)
    if why == "progression" and stop and not _progressed(record, therapy):
        reason = Reason(N_("Stopped for progression, but no progression is entered."))
        yield finding("stop_for_progression", reason, therapy, variables=variables)
    if why == "death" and not record.deaths():
        reason = Reason(N_("Stopped by death, but no death is entered."))
        yield finding("stopped_by_death", reason, therapy, variables=variables)
    death = record.death_date()
    if death and lasting and not therapy.is_answered("stop"):
        reason = Reason(N_("The therapy has no stop, but the patient died on %(date)s."),
                        {"date": death})  # fmt: skip
        yield finding("open_at_death", reason, therapy, *record.deaths()[:1], variables=("stop",))


def _progressed(record: Record, therapy: Entry) -> bool:
    """Whether a progression is entered from the start up to some weeks after the stop."""
    start = therapy.date("start")
    stop = therapy.date("stop")
    days = [p.date("date") for p in record.all("progression")]
    days += [
        r.date("date")
        for r in record.all("response")
        if "PD" in (r.text("response_stated"), r.text("derived_response"))
    ]
    return any(
        not is_before(day, start)
        and (may_be_by(day, stop) or may_be_near(stop, day, PROGRESSION_DAYS))
        for day in days
    )


def _dose(therapy: Entry) -> Iterator[Finding]:
    """The stated dose of a therapy with one ingredient, in any unit that can be compared."""
    agent, dose = therapy.text("agent"), therapy.number("dose_value")
    ingredients = doses.ingredients(agent)
    if dose is None or len(ingredients) != 1:
        return
    judged = doses.check_stated(agent, ingredients[0], dose, therapy.text("dose_unit"))
    if judged.answer not in (doses.OK, doses.NOT_CHECKED):
        yield finding(
            "dose_range", judged.reasons[0], therapy, variables=("dose_value", "dose_unit")
        )


def _overlaps(record: Record) -> Iterator[Finding]:
    by_agent: dict[str, list[Entry]] = {}
    for therapy in in_order(record.all("therapy"), "start"):
        agent = therapy.text("agent")
        if agent and therapy.text("therapy_class") != SURGERY:
            by_agent.setdefault(agent, []).append(therapy)
    for same in by_agent.values():
        for one, other in combinations(same, 2):
            stop = one.date("stop")
            goes_on = not stop and not one.is_answered("stop")
            if goes_on or is_before(other.date("start"), stop):
                template = N_(
                    "The same agent twice at one time: from %(start)s and from %(later)s."
                )
                values = {"start": one.date("start"), "later": other.date("start")}
                reason = Reason(template, values)
                yield finding("same_agent_overlaps", reason, other, one, variables=("agent",))
