"""What decides on follow-up, read from the entries of a patient: situation, grade, last tests.

The situation of a tumour on a day, by the first that holds: on other systemic therapy, on PRRT or
within two years of it, on an analogue, under surveillance, resected without known disease, else
known disease without treatment. Free margins are those of what was removed: metastases known
before stay known disease unless the operation was for cure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from registry.clinical import sites, tables
from registry.clinical.agreement import grade_course
from registry.clinical.edit_checks.across.entries import Entry, Record, Rows, in_order, is_before
from registry.clinical.edit_checks.across.imaging import FDG, SSTR
from registry.clinical.edit_checks.stage import METASTASES
from registry.clinical.follow_up import (
    ACTIVE,
    PRRT,
    RESECTED,
    SSA,
    SYSTEMIC,
    WATCH,
    Due,
    Facts,
    Row,
    add_months,
    due,
    merged,
)
from registry.clinical.partial_dates import assumed, bounds
from registry.clinical.results import N_, Reason
from registry.clinical.tnm import plain_category

# How long the time after PRRT is a situation of its own.
PRRT_MONTHS = 24
SMALL_BELOW_MM = Decimal(10)

SYSTEMIC_CLASSES = ("targeted", "chemotherapy", "immunotherapy", "interferon", "trial")
CROSS_SECTIONAL = ("CT_MULTIPHASE", "MRI_LIVER", "CT_NOS", "MRI_NOS")
ENDOSCOPIC = ("EUS", "CAPSULE_ENTEROSCOPY")
_IMAGING_TESTS = (
    ("ct_mri", CROSS_SECTIONAL),
    ("sstr", SSTR),
    ("fdg", FDG),
    ("echo", ("ECHO",)),
    ("endoscopy", ENDOSCOPIC),
)
FREE_MARGINS = ("R0", "R1")
BLOOD = ("HB", "PLT", "EGFR", "CREATININE")


def due_for(rows: Rows, today: date, intervals: Sequence[Row] | None = None) -> tuple[Due, ...]:
    """The follow-up list of one patient: of each test the earliest that any tumour asks for.

    `rows` as for `edit_checks.record_findings`. Nothing is due after a death, and nothing but a
    visit of somebody who is lost to follow-up.
    """
    record = Record(rows)
    if record.deaths():
        return ()
    last = last_done(rows, today)
    found = merged([due(facts, last, today, intervals) for facts in facts_of(rows, today)])
    lost = _lost_on(record, today)
    if lost is None:
        return found
    why = Reason(N_("Lost to follow-up, as said on %(date)s."), {"date": lost})
    return tuple(replace(one, because=(why, *one.because)) for one in found if one.test == "visit")


def _lost_on(record: Record, today: date) -> str | None:
    """The day of the last contact that says how the patient is, where it says that nobody knows."""
    contacts = [
        one
        for one in in_order(record.all("follow_up"), "date")
        if one.text("vital_status") and bounds(one.date("date"))[0] <= today
    ]
    if contacts and contacts[-1].text("vital_status") == "lost":
        return contacts[-1].date("date")
    return None


def facts_of(rows: Rows, today: date) -> tuple[Facts, ...]:
    """The facts of every tumour on a day."""
    record = Record(rows)
    return tuple(_facts(record, tumour, today) for tumour in record.all("tumour"))


def last_done(rows: Rows, today: date) -> dict[str, str]:
    """Test (list follow_up_test) to the date it was last done, up to that day."""
    latest = {test: last_of(days, today) for test, days in days_done(rows).items()}
    return {test: day for test, day in latest.items() if day}


def days_done(rows: Rows) -> dict[str, list[str]]:
    """Test (list follow_up_test) to every date it was done."""
    found: dict[str, dict[str, None]] = {}
    for test, day in _done(Record(rows)):
        if day:
            found.setdefault(test, {})[day] = None
    return {test: list(days) for test, days in found.items()}


def last_of(days: Sequence[str], until: date) -> str:
    """The last of some dates up to a day; "" where there is none."""
    return max((day for day in days if bounds(day)[0] <= until), key=assumed, default="")


def _done(record: Record) -> Iterator[tuple[str, str]]:
    for scan in record.all("imaging"):
        test = test_of_imaging(scan.text("modality"))
        if test:
            yield test, scan.date("date")
    for marker in record.all("biomarker"):
        yield _marker_test(marker.text("analyte")), marker.date("date")
    for tumour in record.all("tumour"):
        yield "echo", tumour.date("echo_date")
    for entity, test in (
        ("heart_assessment", "echo"),
        ("questionnaire", "quality_of_life"),
        ("follow_up", "visit"),
    ):
        for entry in record.all(entity):
            if entry.text("vital_status") != "lost":  # nobody saw the patient
                yield test, entry.date("date")
    for cycle in record.all("cycle"):
        if any(cycle.text(name) for name in ("platelets", "haemoglobin", "egfr", "creatinine")):
            yield "blood", cycle.date("date")


def test_of_imaging(modality: str) -> str:
    """The test (list follow_up_test) that an examination is; "" for one that is none of them."""
    return next((test for test, kinds in _IMAGING_TESTS if modality in kinds), "")


def _marker_test(analyte: str) -> str:
    if analyte.startswith("HIAA"):
        return "hiaa"
    if analyte == "NT_PROBNP":
        return "nt_probnp"
    return "blood" if analyte in BLOOD else "markers"


# --- one tumour


def _facts(record: Record, tumour: Entry, today: date) -> Facts:
    situation, since = _situation(record, tumour, today)
    heart = tumour.text("carcinoid_heart_disease") == "yes" or any(
        e.text("carcinoid_heart_disease") == "yes" for e in record.all("heart_assessment")
    )
    topography = tumour.text("primary_site")
    return Facts(
        situation=situation,
        grade=_grade(record, tumour),
        site_group=sites.triage_group(topography) if topography else "",
        since=since,
        syndromes=_syndromes(record, tumour, today),
        carcinoid_heart_disease=heart,
        small_localised=_is_small(record, tumour),
    )


def _situation(record: Record, tumour: Entry, today: date) -> tuple[str, str]:
    therapies = [
        t
        for t in in_order(record.of_tumour("therapy", tumour), "start")
        if bounds(t.date("start"))[0] <= today
    ]
    running = [t for t in therapies if _is_running(t, today)]
    systemic = [t for t in running if t.text("therapy_class") in SYSTEMIC_CLASSES]
    if systemic:
        return SYSTEMIC, systemic[-1].date("start")
    radionuclide = [t for t in therapies if t.text("therapy_class") == "PRRT"]
    if radionuclide:
        ended = _last_cycle(record, radionuclide[-1])
        if ended and today < add_months(bounds(ended)[1], PRRT_MONTHS):
            return PRRT, ended
    for kind, situation in (("SSA", SSA), ("surveillance", WATCH)):
        own = [t for t in running if t.text("therapy_class") == kind]
        if own:
            return situation, own[0].date("start")
    resected = _resected_since(record, tumour, therapies)
    if resected:
        return RESECTED, resected
    return ACTIVE, tumour.date("diagnosis_date")


def _is_running(therapy: Entry, today: date) -> bool:
    if therapy.date("stop"):
        return bounds(therapy.date("stop"))[0] > today
    return not therapy.is_answered("stop") and not therapy.text("stop_reason")


def _last_cycle(record: Record, therapy: Entry) -> str:
    cycles = [c for c in record.all("cycle") if c.text("therapy_id") == therapy.id]
    dated = in_order(cycles, "date")
    return dated[-1].date("date") if dated else therapy.date("stop") or therapy.date("start")


def _resected_since(record: Record, tumour: Entry, therapies: Sequence[Entry]) -> str:
    """The date of the last operation for cure that nothing has come after, or ""."""
    operations = [
        t
        for t in therapies
        if t.text("therapy_class") == "surgery"
        and t.text("residual") in FREE_MARGINS
        and t.text("intent") != "palliative"
    ]
    if not operations:
        return ""
    since = operations[-1].date("start")
    back = any(
        not is_before(p.date("date"), since) and p.text("kind") != "new_primary"
        for p in record.of_tumour("progression", tumour)
    )
    there = _has_spread(record, tumour, operations[-1])
    contacts = [c for c in in_order(record.all("follow_up"), "date") if c.text("disease_status")]
    if contacts and not is_before(contacts[-1].date("date"), since):
        return since if contacts[-1].text("disease_status") == "no_evidence" else ""
    return "" if back or there else since


def _has_spread(record: Record, tumour: Entry, operation: Entry) -> bool:
    """Whether metastases remain after an operation with free margins, which are those of what was
    removed. What was known before it is taken as removed with it only where it was for cure.
    """
    since = operation.date("start")
    for_cure = operation.text("intent") == "curative"
    found = [
        m.date("date")
        for m in record.of_tumour("metastasis", tumour)
        if not m.is_answered("resolved_date")
    ]
    if any(not (for_cure and is_before(day, since)) for day in found):
        return True
    return not for_cure and (
        _is_metastatic(record, tumour) or bool(tumour.codes("metastatic_sites"))
    )


def _is_metastatic(record: Record, tumour: Entry) -> bool:
    """Whether the last staging that says something about metastases found some."""
    stagings = [
        s
        for s in record.of_tumour("staging", tumour)
        if s.text("m") or any(s.text(name) for name in METASTASES)
    ]
    if not stagings:
        return False
    last = max(stagings, key=lambda s: assumed(s.date("date")) if s.date("date") else date.min)
    return plain_category(last.text("m")).startswith("M1") or any(
        last.text(name) not in ("", "no", "none") for name in METASTASES
    )


def _grade(record: Record, tumour: Entry) -> str:
    names = ("date", "derived_category", "grade_stated", "change_kind", "report_kind",
             "review_of_id", "specimen_site")  # fmt: skip
    reports = [
        {name: r.text(name) for name in names} | {"id": r.id, "date": r.date("date")}
        for r in record.of_tumour("pathology", tumour)
    ]
    ranks = tables.by_key("grade_ranks", "grade")
    for point in reversed(grade_course(reports)):
        row = ranks.get(point.grade)
        if row and row["scale"] == "net":
            return "nec" if row["high"] == "4" else row["high"]
    return "unknown"


def _syndromes(record: Record, tumour: Entry, today: date) -> tuple[str, ...]:
    named = [
        s.text("syndrome")
        for s in record.of_tumour("syndrome", tumour)
        if not s.date("stop") or bounds(s.date("stop"))[1] >= today
    ]
    if tumour.text("functioning") != "no":
        named.append(tumour.text("syndrome"))
    return tuple(dict.fromkeys(name for name in named if name not in ("", "none")))


def _is_small(record: Record, tumour: Entry) -> bool:
    size = tumour.number("primary_size_mm")
    stagings = record.of_tumour("staging", tumour)
    nodes = {plain_category(s.text("n"))[:2] for s in stagings if s.text("n")}
    spread = any(plain_category(s.text("m")).startswith("M1") for s in stagings)
    return size is not None and size < SMALL_BELOW_MM and nodes == {"N0"} and not spread
