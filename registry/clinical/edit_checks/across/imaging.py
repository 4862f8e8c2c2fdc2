"""Imaging: scores that belong to another examination, NETPET against its scans (S42, S45, S46)."""

from __future__ import annotations

from collections.abc import Iterator

from registry.clinical.edit_checks.across.entries import (
    Entry,
    Record,
    days_apart,
    finding,
    is_before,
)
from registry.clinical.edit_checks.finding import Finding
from registry.clinical.results import N_, Reason

SSTR_PET = frozenset(
    ("PET_68GA_DOTATATE", "PET_68GA_DOTATOC", "PET_68GA_DOTANOC", "PET_64CU_DOTATATE")
)
SSTR_PLANAR = frozenset(("SPECT_111IN_PENTETREOTIDE", "SPECT_99MTC_TEKTROTYD"))
SSTR = SSTR_PET | SSTR_PLANAR | {"SSTR_NOS"}
FDG = frozenset(("PET_18F_FDG",))

NETPET_DAYS = 31
NETPET_SSTR_NEGATIVE = ("P0", "P5")
NETPET_FDG_NEGATIVE = ("P0", "P1")
KRENNING_POSITIVE_FROM = 2


def checks_of_imaging(record: Record) -> Iterator[Finding]:
    """Every check of one examination, and of the two that a NETPET grade rests on."""
    for scan in record.all("imaging"):
        yield from _scores(scan)
        if scan.text("netpet"):
            yield from _netpet(record, scan)
        moved = scan.text("transfer_status") in ("sent", "received", "returned")
        if moved and is_before(scan.date("transfer_date"), scan.date("date")):
            reason = Reason(N_("The images are sent before the examination."))
            yield finding("transfer_before_done", reason, scan, variables=("transfer_date", "date"))


def _scores(scan: Entry) -> Iterator[Finding]:
    modality, scale = scan.text("modality"), scan.text("krenning_scale")
    if scan.text("krenning"):
        if modality and modality not in SSTR:
            reason = Reason(N_("A Krenning score belongs to SSTR imaging."))
            yield finding("krenning_not_sstr", reason, scan, variables=("krenning", "modality"))
        elif not scan.is_answered("krenning_scale"):
            reason = Reason(N_("Planar and PET scores are not the same scale: say which it is."))
            yield finding("krenning_without_scale", reason, scan, variables=("krenning_scale",))
        elif (scale == "planar" and modality in SSTR_PET) or (
            scale == "modified_pet" and modality in SSTR_PLANAR
        ):
            reason = Reason(N_("The scale of the Krenning score is not that of the camera."))
            yield finding(
                "krenning_scale_differs", reason, scan, variables=("krenning_scale", "modality")
            )
    if scan.text("fdg_result") and modality and modality not in FDG:
        reason = Reason(N_("An FDG result belongs to FDG PET."))
        yield finding("fdg_not_fdg", reason, scan, variables=("fdg_result", "modality"))


def _netpet(record: Record, scan: Entry) -> Iterator[Finding]:
    partners = [scan, *_near(record, scan)]
    sstr = [s for s in partners if s.text("modality") in SSTR]
    fdg = [s for s in partners if s.text("modality") in FDG]
    if not sstr or not fdg:
        template = N_("No SSTR and FDG imaging within %(days)s days of each other.")
        reason = Reason(template, {"days": str(NETPET_DAYS)})
        yield finding("netpet_scans_apart", reason, scan, variables=("netpet", "date"))
    grade = scan.text("netpet")
    for other in sstr:
        score = other.number("krenning")
        positive = score is not None and score >= KRENNING_POSITIVE_FROM
        if score is not None and positive == (grade in NETPET_SSTR_NEGATIVE):
            template = N_("NETPET %(grade)s does not go with Krenning %(score)s.")
            values = {"grade": grade, "score": other.text("krenning")}
            yield _disagrees(Reason(template, values), scan, other, "imaging.krenning")
    for other in fdg:
        result = other.text("fdg_result")
        if result and (result == "negative") != (grade in NETPET_FDG_NEGATIVE):
            template = N_("NETPET %(grade)s does not go with the result of the FDG PET.")
            yield _disagrees(Reason(template, {"grade": grade}), scan, other, "imaging.fdg_result")


def _disagrees(reason: Reason, scan: Entry, other: Entry, variable: str) -> Finding:
    both = (scan,) if other is scan else (scan, other)
    return finding("netpet_disagrees", reason, *both, variables=("netpet", variable))


def _near(record: Record, scan: Entry) -> list[Entry]:
    """Other examinations within the days; those whose days are not known as well."""
    found = []
    for other in record.all("imaging"):
        days = days_apart(scan.date("date"), other.date("date"))
        if other is not scan and (days is None or abs(days) <= NETPET_DAYS):
            found.append(other)
    return found
