"""Flags on a considered therapy: worked examples, each rule at its limit, the order of levels."""

import pytest

from registry.clinical import tables
from registry.clinical.decision_flags import LEVELS, RULES, read_items, therapy_flags
from tests.clinical import examples


def flag(text):
    return therapy_flags(read_items(text)).answer


@pytest.mark.parametrize("row", examples.rows("decision_flag_cases"), ids=examples.named)
def test_worked_example(row):
    found = therapy_flags(read_items(row["input"]))
    assert found.answer == row["expected_flag"]
    assert found.reason_text()


PRRT, FIRST = "therapy=PRRT_LU_DOTATATE", "therapy=PRRT_LU_DOTATATE_1L"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{PRRT};krenning=0", "block_advice: SSTR not enough"),
        (f"{PRRT};krenning=1", "block_advice: SSTR not enough"),
        (f"{PRRT};krenning=2", "none"),
        (f"{PRRT};krenning=2;krenning_scale=modified_pet", "info: uptake not above liver"),
        (f"{PRRT};krenning=3;krenning_scale=modified_pet", "none"),
        (f"{PRRT};krenning=2;krenning_scale=planar", "none"),
        (f"{PRRT};egfr=60", "none"),
        (f"{PRRT};differentiation=poor", "warn: no evidence in NEC"),
        (f"{FIRST};ki67=9.9", "warn: under trial range 10"),
        (f"{FIRST};ki67=55", "none"),
        (f"{FIRST};ki67=55.1", "warn: over trial range 55"),
        (f"{PRRT};ki67=5", "none"),
        (f"{PRRT};days_since_SSA_LA=27", "warn: long-acting SSA interval"),
        (f"{PRRT};days_since_SSA_LA=28", "none"),
        (f"{PRRT};hours_since_SSA_SA=23.9", "warn: short-acting interval"),
        (f"{PRRT};age=11.95", "warn: under label age"),
        (f"{PRRT};cycle=4", "none"),
        (f"{PRRT};cycle=5", "warn: more than 4 cycles"),
        (f"{PRRT};weeks_since_last_cycle=7", "none"),
        (f"{PRRT};weeks_since_last_cycle=6.95", "warn: interval under 7 weeks"),
        ("therapy=MIBG_131I;krenning=0", "none"),
        ("therapy=PRRT_AA;krenning=", "none"),
        ("therapy=SUN;site=jejunum_ileum", "warn: pancreatic evidence only"),
        ("therapy=SUN;site=C34.1", "warn: pancreatic evidence only"),
        ("therapy=SUN;site=pancreas", "none"),
        ("therapy=SUN;site=C25.4", "none"),
        ("therapy=SUN", "none"),
        ("therapy=SSA_LAN;ki67=9.9", "none"),
        ("therapy=SSA_LAN;ki67=10", "info: evidence mainly Ki-67 <10"),
        ("therapy=SSA_OCT_SC;ki67=15", "none"),
        ("therapy=SSA_LAN;ki67=80;differentiation=poor", "warn: no antitumour role in NEC"),
        ("therapy=EP_CARBO;differentiation=well;grade=G2", "warn: regimen for NEC"),
        ("therapy=EP_CIS;grade=G1", "warn: regimen for NEC"),
        ("therapy=EP_CIS;differentiation=well;grade=G3", "none"),
        ("therapy=EP_CIS;differentiation=poor;grade=NEC", "none"),
        ("therapy=TELO;functioning=yes;syndrome=carcinoid", "none"),
        ("therapy=TELO;syndrome=insulinoma", "warn: indication"),
        ("therapy=DIAZ;syndrome=insulinoma", "none"),
        ("therapy=DIAZ;syndrome=gastrinoma", "warn: indication"),
        ("therapy=FOLFIRI;dpyd=", "info: DPYD test"),
        ("therapy=FOLFIRI;dpyd=normal", "none"),
        ("therapy=TEM;dpyd=", "none"),
        ("therapy=EVE;syndrome=carcinoid", "none"),
        ("marker=CgA;ppi=yes", "warn: false high CgA"),
        ("marker=CGA_MASS;ppi=yes", "warn: false high CgA"),
        ("marker=CgA;ppi=no", "none"),
        ("marker=NSE;ppi=yes", "none"),
        ("therapy=CABO;dose=60", "none"),
        ("therapy=CABO;dose=60.1", "reject: tablet maximum 60 mg"),
        ("therapy=CABO_MTC;dose=140", "none"),
        ("therapy=CABO;prior_systemic_nonSSA=1", "none"),
        ("start=2024-05-01;progression=2024-05-01", "none"),
        ("start=2024-05-01;progression=2024-05", "none"),
        ("start=2024-05-01;death=2024-04", "reject: date order"),
        ("", "none"),
    ],
)
def test_rule_at_its_limit(text, expected):
    assert flag(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{PRRT};krenning=;egfr=;age=5", "need_data: SSTR imaging"),
        (f"{PRRT};krenning=0;egfr=", "block_advice: SSTR not enough"),
        (f"{PRRT};age=5;egfr=", "need_data: renal function"),
        ("therapy=CABO;dose=80;prior_systemic_nonSSA=0", "reject: tablet maximum 60 mg"),
        (f"{PRRT};krenning=0;start=2024;stop=2023", "reject: date order"),
    ],
)
def test_the_first_level_that_applies_is_the_answer_and_all_are_told(text, expected):
    found = therapy_flags(read_items(text))
    assert found.answer == expected
    assert len(found.flags) >= 2
    assert len(found.reasons) == len(found.flags)


def test_the_table_and_the_rules_are_the_same_list():
    rows = tables.rows("decision_flags")
    assert {row["rule"] for row in rows} == set(RULES)
    assert all(row["flag"].startswith(row["level"]) for row in rows)
    assert {row["level"] for row in rows} == set(LEVELS)


@pytest.mark.parametrize(
    "text",
    ["therapy=MAGIC", "banana=1", "therapy", "age=old", "ki67=lots", "start=soon",
     "age=1;age=2", "krenning=high"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text):
    with pytest.raises(ValueError, match=r"\w"):
        flag(text)
