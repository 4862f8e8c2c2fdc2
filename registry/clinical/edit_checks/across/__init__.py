"""Contradictions across all entries of one patient, each shown at the entry it is about.

`record_findings` takes plain rows by entity, as the course keeps them, and answers findings with
their stable code, severity and source (`data/record_checks.csv`) and the entries concerned. What
one entry says against itself in grade and stage is checked where it is derived, not again here.
"""

from __future__ import annotations

from datetime import date

from registry.clinical.edit_checks.across.cycles import cumulative_activity, cycles_of_therapies
from registry.clinical.edit_checks.across.dates import (
    dates_of_entries,
    ends_after_starts,
    entered_twice,
)
from registry.clinical.edit_checks.across.disease import checks_of_disease
from registry.clinical.edit_checks.across.entries import Entry, Record, Rows
from registry.clinical.edit_checks.across.fate import checks_of_fate
from registry.clinical.edit_checks.across.imaging import checks_of_imaging
from registry.clinical.edit_checks.across.pathology import checks_of_pathology
from registry.clinical.edit_checks.across.response import checks_of_responses
from registry.clinical.edit_checks.across.therapies import checks_of_therapies
from registry.clinical.edit_checks.finding import Finding

CHECKS = (
    ends_after_starts,
    entered_twice,
    checks_of_pathology,
    checks_of_disease,
    checks_of_imaging,
    checks_of_therapies,
    cycles_of_therapies,
    checks_of_responses,
    checks_of_fate,
)


def record_findings(record: Rows, *, today: date | None = None) -> tuple[Finding, ...]:
    """Every contradiction among the entries of one patient.

    `record` has entity ("patient" with birth_date, "tumour", "therapy" ...) to its rows: each the
    columns as plain values (text, number, list, partial date; ids as text), with "id", links such
    as "therapy_id", and "absent" {variable: why} where a value is said to be absent. Rows with
    "error_at" do not count. Dates that cannot be read are left to the form. `today` adds dates in
    the future. The first of a finding's `entries` is the one it is shown at.
    """
    read = Record(record)
    found = [*dates_of_entries(read, today)]
    for check in CHECKS:
        found += check(read)
    return tuple(found)


__all__ = ["Entry", "Record", "cumulative_activity", "record_findings"]
