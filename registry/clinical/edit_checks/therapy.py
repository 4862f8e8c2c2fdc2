"""Contradictions around therapy, imaging, markers and follow-up."""

from __future__ import annotations

from collections.abc import Sequence

from registry.clinical.edit_checks.finding import ABSENT, REFUSE, WARN, Finding
from registry.clinical.partial_dates import surely_before
from registry.clinical.results import COMPLETE, N_, Derived, Reason

CLASSES_NEEDING_SSTR = ("PRRT",)


def prrt_without_sstr(
    therapy_class: str, start: str, sstr_dates: Sequence[str], sstr_done: str = ""
) -> Finding | None:
    """PRRT without SSTR imaging that may lie before its start (indicator P15; S43, S65).

    `sstr_dates` are ISO dates of any precision; `sstr_done` *yes* without a date is enough.
    """
    if therapy_class not in CLASSES_NEEDING_SSTR:
        return None
    before = [day for day in sstr_dates if not start or not surely_before(start, day)]
    if before or (sstr_done == "yes" and not sstr_dates):
        return None
    return Finding(
        "prrt_without_sstr",
        WARN,
        Reason(N_("PRRT without SSTR imaging before it.")),
        ("therapy.prrt", "imaging.sstr_done"),
    )


def ssa_for_carcinoma(
    therapy_class: str, differentiation: str, *, background: bool = False
) -> Finding | None:
    """A somatostatin analogue as anti-tumour therapy of a carcinoma (S66)."""
    if therapy_class != "SSA" or differentiation != "poor" or background:
        return None
    return Finding(
        "ssa_for_carcinoma",
        WARN,
        Reason(N_("A somatostatin analogue has no anti-tumour role in carcinoma.")),
        ("therapy.ssa", "pathology.differentiation"),
    )


def surgery_contradiction(primary_resected: str, surgery_date: str) -> Finding | None:
    """A date of surgery beside *primary not resected*."""
    if primary_resected != "no" or surgery_date in ABSENT:
        return None
    return Finding(
        "surgery_contradiction",
        WARN,
        Reason(N_("The primary is said not to be resected, but a date of surgery is given.")),
        ("therapy.primary_resected", "therapy.surgery_date"),
    )


def sstr_contradiction(done: str, score: str, date_of_scan: str) -> Finding | None:
    """A score or date of SSTR imaging that is said not to have been done."""
    if done != "no" or (score in ABSENT and date_of_scan in ABSENT):
        return None
    return Finding(
        "sstr_contradiction",
        WARN,
        Reason(N_("SSTR imaging is said not to be done, but a score or date is given.")),
        ("imaging.sstr_done", "imaging.sstr_score", "imaging.sstr_date"),
    )


def syndrome_contradiction(functioning: str, syndrome: str) -> Finding | None:
    """A syndrome of a tumour that is said not to function, or none of one that does."""
    variables = ("tumour.functioning", "tumour.syndrome")
    named = syndrome not in (*ABSENT, "none")
    if functioning == "no" and named:
        reason = Reason(N_("Not functioning, but a syndrome is named."))
        return Finding("syndrome_contradiction", WARN, reason, variables)
    if functioning == "yes" and syndrome == "none":
        reason = Reason(N_("Functioning, but no syndrome is named."))
        return Finding("syndrome_contradiction", WARN, reason, variables)
    return None


def cga_on_ppi(cga: str, ppi: str) -> Finding | None:
    """Chromogranin A measured on a proton-pump inhibitor, which raises it (S47)."""
    if ppi != "yes" or cga in ABSENT:
        return None
    return Finding(
        "cga_on_ppi",
        WARN,
        Reason(N_("A proton-pump inhibitor raises chromogranin A: the value may be false high.")),
        ("markers.cga_value", "markers.cga_ppi"),
    )


def death_contradiction(vital_status: str, death_date: str) -> Finding | None:
    """Alive with a date of death is refused; dead without one is a warning."""
    variables = ("follow_up.vital_status", "follow_up.death_date")
    if vital_status == "alive" and death_date not in ABSENT:
        reason = Reason(N_("Said to be alive, but a date of death is given."))
        return Finding("alive_with_death_date", REFUSE, reason, variables)
    if vital_status == "dead" and not death_date:
        reason = Reason(N_("Dead, but no date of death is given."))
        return Finding("dead_without_date", WARN, reason, variables)
    return None


def marker_progression(basis: str, stated_response: str) -> Finding | None:
    """Progression by markers alone, which RECIST does not know."""
    if basis != "biochemical" or stated_response != "PD":
        return None
    return Finding(
        "marker_progression",
        WARN,
        Reason(N_("A rise of markers alone is no progression by RECIST.")),
        ("progression.basis", "response.stated"),
    )


def response_contradiction(stated: str, derived: Derived) -> Finding | None:
    """A stated response that its own measurements do not bear out."""
    if not stated or derived.status != COMPLETE or stated == derived.answer:
        return None
    template = N_("Stated: %(stated)s. Derived: %(derived)s.")
    reason = Reason(template, {"stated": stated, "derived": derived.answer})
    return Finding("response_contradiction", WARN, reason, ("response.stated",), derived.reasons)
