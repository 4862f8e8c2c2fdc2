"""Response and progression: stated against derived, the basis, the series, the therapy (S80)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache, partial

from registry.clinical.edit_checks.across.entries import (
    Entry,
    Record,
    finding,
    in_order,
    is_before,
    may_be_near,
)
from registry.clinical.edit_checks.across.imaging import SSTR
from registry.clinical.edit_checks.finding import Finding
from registry.clinical.results import COMPLETE, N_, Reason

RECIST = ("", "RECIST11")
PD = "PD"

# From best to worst; a stated best response better than every assessment is not borne out.
ORDER = ("CR", "PR", "SD", "NON_CR_NON_PD", PD)
ANTI_TUMOUR = ("SSA", "interferon", "targeted", "PRRT", "chemotherapy", "immunotherapy",
               "liver-directed", "ablation", "radiotherapy", "surgery", "trial")  # fmt: skip
BACKGROUND = ("background", "maintenance", "rescue")

# Progression is entered within about this time of the assessment that shows it.
PROGRESSION_DAYS = 92
GONE, SMALL, MEASURED = "disappeared", "too_small", "measured"
SMALL_TO_MM = Decimal(10)


def checks_of_responses(record: Record) -> Iterator[Finding]:
    """Every check of an assessment, of its series, and of progressions."""
    following = cache(partial(_next_therapy, record))  # several assessments are of one therapy
    for response in record.all("response"):
        yield from _stated(record, response)
        yield from _new_lesion(response)
        yield from _therapy(record, response, following)
    yield from _series(record)
    for progression in record.all("progression"):
        if progression.text("basis") == "biochemical":
            reason = Reason(N_("A rise of markers alone is no progression by RECIST."))
            yield finding("marker_progression_only", reason, progression, variables=("basis",))
    for therapy in record.all("therapy"):
        yield from _best(record, therapy)
    for measurement in record.all("measurement"):
        yield from _measurement(measurement)


def _stated(record: Record, response: Entry) -> Iterator[Finding]:
    stated, derived = response.text("response_stated"), response.text("derived_response")
    sure = response.text("derived_status") in ("", COMPLETE)
    if stated and derived and sure and stated != derived:
        template = N_("Stated: %(stated)s. Derived: %(derived)s.")
        reason = Reason(template, {"stated": stated, "derived": derived})
        yield finding("response_contradiction", reason, response, variables=("response_stated",))
    if stated != PD or response.text("criteria") not in RECIST:
        return
    near = [
        p
        for p in record.all("progression")
        if may_be_near(p.date("date"), response.date("date"), PROGRESSION_DAYS)
    ]
    if near and all(p.text("basis") == "biochemical" for p in near):
        reason = Reason(N_("A rise of markers alone is no progression by RECIST."))
        yield finding(
            "marker_progression", reason, response, *near,
            variables=("response_stated", "progression.basis"),
        )  # fmt: skip
    if not near:
        reason = Reason(N_("Progressive disease, but no progression is entered at that time."))
        yield finding("pd_without_progression", reason, response, variables=("response_stated",))


def _new_lesion(response: Entry) -> Iterator[Finding]:
    if response.text("new_lesion") == "yes" and response.text("new_lesion_seen_on") in SSTR:
        reason = Reason(
            N_("A lesion seen on SSTR imaging alone counts when CT or MRI shows it as well.")
        )
        yield finding(
            "new_lesion_sstr_only", reason, response,
            variables=("new_lesion", "new_lesion_seen_on"),
        )  # fmt: skip


def _therapy(
    record: Record, response: Entry, following: Callable[[Entry], Entry | None]
) -> Iterator[Finding]:
    therapy = record.linked(response, "therapy_id", "therapy")
    if therapy is None:
        return
    day, start = response.date("date"), therapy.date("start")
    if response.text("timepoint") == "baseline":
        if is_before(start, day):
            template = N_("The baseline (%(day)s) is after the start of the therapy (%(start)s).")
            reason = Reason(template, {"day": day, "start": start})
            yield finding("baseline_after_start", reason, response, therapy, variables=("date",))
        return
    if is_before(day, start):
        template = N_("The assessment (%(day)s) is before the therapy it is about (%(start)s).")
        reason = Reason(template, {"day": day, "start": start})
        yield finding("response_outside_therapy", reason, response, therapy, variables=("date",))
        return
    later = following(therapy)
    if later is not None and is_before(later.date("start"), day):
        template = N_("The assessment (%(day)s) is after the next therapy began (%(start)s).")
        reason = Reason(template, {"day": day, "start": later.date("start")})
        yield finding(
            "response_outside_therapy", reason, response, therapy, later, variables=("date",)
        )


def _next_therapy(record: Record, therapy: Entry) -> Entry | None:
    """The next therapy against the tumour that began after this one had stopped."""
    stop = therapy.date("stop")
    for other in in_order(record.of_tumour("therapy", therapy), "start"):
        counts = other.text("therapy_class") in ANTI_TUMOUR
        if counts and other.text("setting") not in BACKGROUND and other is not therapy:
            after = is_before(therapy.date("start"), other.date("start"))
            if after and stop and not is_before(other.date("start"), stop):
                return other
    return None


def _series(record: Record) -> Iterator[Finding]:
    for baseline_id, later in record.grouped("response", "baseline_id").items():
        baseline = next((r for r in record.all("response") if r.id == baseline_id), None)
        series = [*([baseline] if baseline else []), *(r for r in later if r is not baseline)]
        methods = dict.fromkeys(r.text("criteria") for r in series if r.text("criteria"))
        for response in series:
            if len(methods) > 1 and response.text("criteria") != next(iter(methods)):
                reason = Reason(N_("Another method than at the beginning of the series."))
                yield finding("criteria_mixed", reason, response, variables=("criteria",))
    measured = {m.text("response_id") for m in record.all("measurement")}
    for response in record.all("response"):
        later_visit = response.text("timepoint") == "follow_up"
        if later_visit and response.id in measured and not response.text("baseline_id"):
            reason = Reason(N_("Lesions are measured, but no baseline is named."))
            yield finding("later_without_baseline", reason, response, variables=("timepoint",))


def _best(record: Record, therapy: Entry) -> Iterator[Finding]:
    best = therapy.text("best_response")
    of_therapy = record.grouped("response", "therapy_id").get(therapy.id, ())
    own = [r for r in of_therapy if r.text("timepoint") != "baseline"]
    shown = [r.text("response_stated") or r.text("derived_response") for r in own]
    ranks = [ORDER.index(one) for one in shown if one in ORDER]
    if best in ORDER and ranks and ORDER.index(best) < min(ranks):
        template = N_("Best response %(best)s, but the best assessment is %(shown)s.")
        reason = Reason(template, {"best": best, "shown": ORDER[min(ranks)]})
        yield finding("best_response_differs", reason, therapy, *own, variables=("best_response",))


def _measurement(measurement: Entry) -> Iterator[Finding]:
    size, state = measurement.number("size_mm"), measurement.text("state")
    wrong = (
        (state == MEASURED and size is None)
        or (state == GONE and bool(size))
        or (state == SMALL and size is not None and size >= SMALL_TO_MM)
        or (state == "not_evaluable" and size is not None)
    )
    if wrong:
        reason = Reason(N_("The size does not go with the state of the lesion."))
        yield finding(
            "measurement_contradiction", reason, measurement, variables=("size_mm", "state")
        )
