"""Contradictions within and across assessments: what is refused, what is warned of, and why.

Only the impossible is refused; everything else is a warning that may be accepted with a reason.
Tables: `data/grade_stated.csv`, `data/date_order.csv`, `data/codes/morphology.csv`; across all
entries of a patient `data/record_checks.csv`, `data/record_dates.csv`.
"""

from registry.clinical.edit_checks.across import record_findings
from registry.clinical.edit_checks.dates import date_order, date_orders, in_future
from registry.clinical.edit_checks.finding import REFUSE, WARN, Finding
from registry.clinical.edit_checks.pathology import (
    cell_type_without_carcinoma,
    grade_contradiction,
    more_nodes_than_examined,
    morphology_against_differentiation,
    outside_the_registry,
)
from registry.clinical.edit_checks.record import check_record
from registry.clinical.edit_checks.stage import (
    METASTASES,
    m0_with_metastases,
    m1_without_metastases,
    stage_contradiction,
    stage_iv_without_metastasis,
    t_for_unknown_primary,
)
from registry.clinical.edit_checks.therapy import (
    cga_on_ppi,
    death_contradiction,
    marker_progression,
    prrt_without_sstr,
    response_contradiction,
    ssa_for_carcinoma,
    sstr_contradiction,
    surgery_contradiction,
    syndrome_contradiction,
)

__all__ = [
    "METASTASES",
    "REFUSE",
    "WARN",
    "Finding",
    "cell_type_without_carcinoma",
    "cga_on_ppi",
    "check_record",
    "date_order",
    "date_orders",
    "death_contradiction",
    "grade_contradiction",
    "in_future",
    "m0_with_metastases",
    "m1_without_metastases",
    "marker_progression",
    "more_nodes_than_examined",
    "morphology_against_differentiation",
    "outside_the_registry",
    "prrt_without_sstr",
    "record_findings",
    "response_contradiction",
    "ssa_for_carcinoma",
    "sstr_contradiction",
    "stage_contradiction",
    "stage_iv_without_metastasis",
    "surgery_contradiction",
    "syndrome_contradiction",
    "t_for_unknown_primary",
]
