"""Response by RECIST 1.1: targets, overall response, best response, tumour growth rate.

Progression is measured from the nadir and needs both 20 % and 5 mm; response from baseline (S80).
Not part of it: mRECIST, Choi, iRECIST, PERCIST; a lesion seen on SSTR-PET alone, or a rise of a
marker, is no progression here. Limits are named constants; exact 20 % and 30 % count as met.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from registry.clinical.numbers import plain
from registry.clinical.results import (
    COMPLETE,
    INVALID_INPUT,
    N_,
    NOT_DERIVABLE,
    REVIEW,
    Derived,
    Reason,
)

RULE, VERSION, SOURCE = "RECIST-1.1", "1", "S80"

CR, PR, SD, PD, NE = "CR", "PR", "SD", "PD", "NE"
NON_CR_NON_PD, NONE, NONCR, INVALID = "NON_CR_NON_PD", "NONE", "NONCR", "INVALID"
NON_TARGETS = (NONE, CR, NONCR, NE, PD)
NEW_LESIONS = ("no", "yes", "equivocal")
VISIT_RESPONSES = (CR, PR, SD, PD, NE, NON_CR_NON_PD)

NODE, NOT_NODE = "n", "e"

MOST_TARGETS = 5
MOST_TARGETS_PER_ORGAN = 2
LARGEST_MM = Decimal(500)
NODE_BASELINE_FROM_MM = Decimal(15)
LESION_BASELINE_FROM_MM = Decimal(10)
NODE_NORMAL_BELOW_MM = Decimal(10)
PROGRESSION_FACTOR = Decimal("1.20")
PROGRESSION_LEAST_MM = Decimal(5)
RESPONSE_FALL = Decimal("0.30")

MIN_SD_WEEKS = Decimal(6)
MIN_CONFIRM_WEEKS = Decimal(4)

DAYS_PER_MONTH = 30.4375

Visit = Sequence[Decimal | None]


@dataclass(frozen=True, slots=True)
class Response(Derived):
    """`answer` is the overall response; sums in mm, None where a target was not measured."""

    target_response: str = NONE
    baseline_sum: Decimal | None = None
    nadir_sum: Decimal | None = None
    current_sum: Decimal | None = None

    def as_json(self) -> dict[str, object]:
        """As `Derived.as_json`, the sums as text so that they stay exact."""
        found = Derived.as_json(self)
        for name in ("baseline_sum", "nadir_sum", "current_sum"):
            value = getattr(self, name)
            found[name] = None if value is None else plain(value)
        return found


def response_from_json(plain_values: dict[str, object]) -> Response:
    """The response that `as_json` wrote."""
    values = dict(plain_values)
    for name in ("baseline_sum", "nadir_sum", "current_sum"):
        text = values.get(name)
        values[name] = None if text is None else Decimal(str(text))
    return Response.from_json(values)


def derive_response(
    *,
    target_kinds: str,
    series: Sequence[Visit],
    non_target: str,
    new_lesion: str,
    organs: Sequence[str] = (),
) -> Response:
    """The response at the last visit.

    Targets, in this order: 20 % and 5 mm above the nadir is PD, with what was measured; anything
    after a nadir of 0 is PD; a target not measured is NE; all gone and nodes below 10 mm is CR;
    disease after CR is PD; a fall of 30 % from baseline is PR; else SD. Then a new lesion or
    non-target progression is PD; CR with non-targets left or not seen is PR.

    `target_kinds` has one letter a target ("e" not a node, "n" node); `series` the visits in
    order, baseline first, one size in mm a target, None where it was not measured. `organs` names
    the organ of each target, paired organs and nodes each as one. INVALID with the reason for
    impossible measurements. Raises ValueError for unknown codes or rows of the wrong length.
    """
    _check_codes(target_kinds, series, non_target, new_lesion)
    reasons: list[Reason] = []
    inputs = {
        "target_kinds": target_kinds,
        "visits": str(len(series)),
        "non_target": non_target,
        "new_lesion": new_lesion,
    }
    refusal = _refusal(target_kinds, series, organs)
    if refusal is not None:
        return Response(
            INVALID, INVALID_INPUT, (refusal,), (), inputs, RULE, VERSION, SOURCE,
            target_response=INVALID,
        )  # fmt: skip
    target, status = _target_response(target_kinds, series, reasons)
    overall = _overall(target, non_target, new_lesion, reasons)
    sums = [_sum(visit) for visit in series]
    earlier = [total for total in sums[: max(len(sums) - 1, 1)] if total is not None]
    return Response(
        answer=overall,
        status=status if overall != PD or target == PD else COMPLETE,
        reasons=tuple(reasons),
        flags=("new_lesion_equivocal",) if new_lesion == "equivocal" else (),
        inputs=inputs,
        rule=RULE,
        version=VERSION,
        source=SOURCE,
        target_response=target,
        baseline_sum=sums[0] if target_kinds else None,
        nadir_sum=min(earlier) if target_kinds and earlier else None,
        current_sum=sums[-1] if target_kinds else None,
    )


def _check_codes(kinds: str, series: Sequence[Visit], non_target: str, new_lesion: str) -> None:
    for name, value, allowed in (
        ("non_target", non_target, NON_TARGETS),
        ("new_lesion", new_lesion, NEW_LESIONS),
    ):
        if value not in allowed:
            raise ValueError(
                N_("%(name)s: unknown code %(value)s") % {"name": name, "value": value}
            )
    if set(kinds) - {NODE, NOT_NODE}:
        raise ValueError(N_("target_kinds: unknown code %(value)s") % {"value": kinds[:40]})
    if any(len(visit) != len(kinds) for visit in series):
        raise ValueError(N_("every visit needs one size a target"))
    if kinds and not series:
        raise ValueError(N_("targets without a baseline"))


def _refusal(kinds: str, series: Sequence[Visit], organs: Sequence[str]) -> Reason | None:
    """Why the measurements are impossible, or None."""
    if len(kinds) > MOST_TARGETS:
        template = N_("More than %(most)s targets.")
        return Reason(template, {"most": str(MOST_TARGETS)})
    crowded = [organ for organ, n in Counter(organs).items() if n > MOST_TARGETS_PER_ORGAN]
    if crowded:
        template = N_("More than %(most)s targets in one organ: %(organ)s.")
        return Reason(template, {"most": str(MOST_TARGETS_PER_ORGAN), "organ": crowded[0]})
    for visit in series:
        for size in visit:
            if size is not None and not 0 <= size <= LARGEST_MM:
                return Reason(N_("A size of %(size)s mm is not possible."), {"size": plain(size)})
    return _baseline_refusal(kinds, series[0]) if kinds else None


def _baseline_refusal(kinds: str, baseline: Visit) -> Reason | None:
    for kind, size in zip(kinds, baseline, strict=True):
        if size is None:
            return Reason(N_("A target was not measured at baseline."))
        if kind == NODE and size < NODE_BASELINE_FROM_MM:
            template = N_("A node of %(size)s mm is no target; it needs %(least)s mm at baseline.")
            return Reason(template, {"size": plain(size), "least": plain(NODE_BASELINE_FROM_MM)})
        if kind == NOT_NODE and size < LESION_BASELINE_FROM_MM:
            template = N_(
                "A lesion of %(size)s mm is no target; it needs %(least)s mm at baseline."
            )
            return Reason(template, {"size": plain(size), "least": plain(LESION_BASELINE_FROM_MM)})
    return None


def _sum(visit: Visit) -> Decimal | None:
    sizes = [size for size in visit if size is not None]
    return sum(sizes, Decimal(0)) if len(sizes) == len(visit) else None


def _is_target_cr(kinds: str, visit: Visit) -> bool:
    return all(
        size is not None and (size < NODE_NORMAL_BELOW_MM if kind == NODE else size == 0)
        for kind, size in zip(kinds, visit, strict=True)
    )


def _target_response(kinds: str, series: Sequence[Visit], reasons: list[Reason]) -> tuple[str, str]:
    """The response of the targets at the last visit and its status, in the order of the rules."""
    if not kinds:
        reasons.append(Reason(N_("No target lesions.")))
        return NONE, COMPLETE
    if len(series) < 2:
        reasons.append(Reason(N_("Only a baseline: no visit to judge yet.")))
        return NE, NOT_DERIVABLE
    current, earlier = series[-1], series[:-1]
    baseline_sum = _sum(series[0]) or Decimal(0)
    nadir = min(total for total in map(_sum, earlier) if total is not None)
    measured = sum((size for size in current if size is not None), Decimal(0))
    values = {"sum": plain(measured), "nadir": plain(nadir), "baseline": plain(baseline_sum)}
    if nadir > 0 and _has_progressed(measured, nadir):
        template = N_(
            "%(sum)s mm against a nadir of %(nadir)s mm: 20 %% and 5 mm more are reached."
        )
        reasons.append(Reason(template, values))
        return PD, COMPLETE
    if nadir == 0 and measured > 0:
        reasons.append(Reason(N_("All was gone and %(sum)s mm are there again."), values))
        return PD, COMPLETE
    if any(size is None for size in current):
        reasons.append(Reason(N_("A target was not measured; the rest shows no progression.")))
        return NE, COMPLETE
    if _is_target_cr(kinds, current):
        reasons.append(Reason(N_("All targets gone, nodes below 10 mm.")))
        return CR, COMPLETE
    if any(_is_target_cr(kinds, visit) for visit in earlier):
        return _after_cr(kinds, current, values, reasons)
    if baseline_sum - measured >= RESPONSE_FALL * baseline_sum:
        template = N_("%(sum)s mm against %(baseline)s mm at baseline: a fall of 30 %% or more.")
        reasons.append(Reason(template, values))
        return PR, COMPLETE
    template = N_(
        "%(sum)s mm (baseline %(baseline)s, nadir %(nadir)s): neither response nor progression."
    )
    reasons.append(Reason(template, values))
    return SD, COMPLETE


def _has_progressed(measured: Decimal, nadir: Decimal) -> bool:
    return measured >= nadir * PROGRESSION_FACTOR and measured - nadir >= PROGRESSION_LEAST_MM


def _after_cr(
    kinds: str, current: Visit, values: dict[str, str], reasons: list[Reason]
) -> tuple[str, str]:
    """Disease after complete response is progression; nodes that grew little go to the reader."""
    nodes_only = all(kind == NODE or not size for kind, size in zip(kinds, current, strict=True))
    if nodes_only:
        template = N_(
            "Complete response before; nodes are 10 mm or more again, having grown by less than"
            " 5 mm: ask the reader."
        )
        reasons.append(Reason(template, values))
        return PD, REVIEW
    reasons.append(Reason(N_("Complete response before, %(sum)s mm now."), values))
    return PD, COMPLETE


def _overall(target: str, non_target: str, new_lesion: str, reasons: list[Reason]) -> str:
    """The table of target, non-target and new lesion."""
    if new_lesion == "yes":
        reasons.append(Reason(N_("A new lesion is progression.")))
        return PD
    if new_lesion == "equivocal":
        reasons.append(Reason(N_("An uncertain new lesion is no progression until it is proven.")))
    if non_target == PD:
        reasons.append(Reason(N_("Non-target lesions have unequivocally progressed.")))
        return PD
    if target == NONE:
        reasons.append(Reason(N_("Non-target lesions alone decide.")))
        return {CR: CR, NONCR: NON_CR_NON_PD}.get(non_target, NE)
    if target == CR and non_target in (NONCR, NE):
        reasons.append(Reason(N_("Targets are gone, but non-target lesions are not known to be.")))
        return PR
    return target


# --- best overall response


def best_response(
    visits: Sequence[tuple[Decimal, str]],
    *,
    confirmation_required: bool,
    min_sd_weeks: Decimal = MIN_SD_WEEKS,
    min_confirm_weeks: Decimal = MIN_CONFIRM_WEEKS,
) -> Derived:
    """The best response of a course: CR, PR, SD, NON_CR_NON_PD, PD or NE.

    `visits` are (weeks from baseline, overall response). Stable disease counts from
    `min_sd_weeks` on; with `confirmation_required` a response needs a second visit at least
    `min_confirm_weeks` later. Visits after the first progression do not count. Raises ValueError
    for an unknown response or a negative number of weeks.
    """
    for weeks, response in visits:
        if response not in VISIT_RESPONSES:
            raise ValueError(N_("response: unknown code %(value)s") % {"value": str(response)[:40]})
        if weeks < 0:
            raise ValueError(N_("a visit lies before the baseline"))
    if min_sd_weeks < 0 or min_confirm_weeks < 0:
        raise ValueError(N_("a minimum of weeks is negative"))
    ordered = sorted(visits, key=lambda visit: visit[0])
    counted, reader = _until_progression(ordered, confirmation_required, min_sd_weeks)
    answer, reason = _best(counted, confirmation_required, min_sd_weeks, min_confirm_weeks)
    reasons = [reason]
    if reader:
        reasons.append(
            Reason(N_("Disease was seen again after a complete response: ask the reader."))
        )
    return Derived(
        answer=answer,
        status=REVIEW if reader else COMPLETE,
        reasons=tuple(reasons),
        flags=("needs_reader",) if reader else (),
        inputs={
            "visits": " ".join(f"{plain(weeks)}:{response}" for weeks, response in ordered),
            "confirmation_required": "yes" if confirmation_required else "no",
            "min_sd_weeks": plain(min_sd_weeks),
            "min_confirm_weeks": plain(min_confirm_weeks),
        },
        rule="RECIST-1.1-BEST",
        version=VERSION,
        source=SOURCE,
        confidence="medium" if reader else "high",
    )


Visits = list[tuple[Decimal, str]]


def _until_progression(ordered: Visits, confirmation: bool, min_sd: Decimal) -> tuple[Visits, bool]:
    """The visits that count: up to the first progression, or to disease after complete response."""
    counted: Visits = []
    complete_before = False
    for weeks, response in ordered:
        if confirmation and complete_before and response in (PR, SD, NON_CR_NON_PD):
            # A complete response followed by stable disease is confirmed as no more than stable.
            stable = response == SD and weeks >= min_sd
            counted.append((weeks, SD if stable else PD))
            return counted, response == PR
        counted.append((weeks, response))
        if response == PD:
            break
        complete_before = complete_before or response == CR
    return counted, False


def _best(
    counted: Visits, confirmation: bool, min_sd: Decimal, min_confirm: Decimal
) -> tuple[str, Reason]:
    if _reached(counted, (CR,), (CR,), confirmation, min_confirm):
        return CR, Reason(N_("Complete response is the best that counts."))
    if _reached(counted, (PR,), (PR, CR), confirmation, min_confirm):
        return PR, Reason(N_("Partial response is the best that counts."))
    values = {"weeks": plain(min_sd)}
    if any(weeks >= min_sd and response in (CR, PR, SD) for weeks, response in counted):
        return SD, Reason(
            N_("Not worse for at least %(weeks)s weeks, no response that counts."), values
        )
    if any(weeks >= min_sd and response == NON_CR_NON_PD for weeks, response in counted):
        return NON_CR_NON_PD, Reason(
            N_("Non-target lesions persist for at least %(weeks)s weeks."), values
        )
    if any(response == PD for _, response in counted):
        return PD, Reason(N_("Progression before anything else counted."))
    return NE, Reason(N_("No visit that counts."))


def _reached(
    counted: Visits,
    first: tuple[str, ...],
    second: tuple[str, ...],
    confirmation: bool,
    min_confirm: Decimal,
) -> bool:
    for place, (weeks, response) in enumerate(counted):
        if response not in first:
            continue
        if not confirmation:
            return True
        later = counted[place + 1 :]
        if any(after - weeks >= min_confirm and kind in second for after, kind in later):
            return True
    return False


def growth_rate(sum1_mm: Decimal, sum2_mm: Decimal, days_between: Decimal) -> float | None:
    """Tumour growth rate in per cent a month (3 ln(D2/D1) a month, as volume), not rounded.

    None where a sum or the number of days is not above zero, or the result is beyond counting.
    """
    if sum1_mm <= 0 or sum2_mm <= 0 or days_between <= 0:
        return None
    months = float(days_between) / DAYS_PER_MONTH
    try:
        growth = 3 * math.log(float(sum2_mm) / float(sum1_mm)) / months
        return 100 * math.expm1(growth)
    except (OverflowError, ValueError, ZeroDivisionError):
        return None
