"""Plausibility of doses and laboratory values."""

from decimal import Decimal

import pytest

from registry.clinical import doses, tables
from tests.clinical import examples


@pytest.mark.parametrize("row", examples.rows("dose_range_cases"), ids=examples.named)
def test_worked_example(row):
    found = doses.check_dose(row["therapy_id"], row["ingredient"], Decimal(row["dose_value"]))
    assert found.answer == row["expected"]
    assert found.reason_text()


# A second copy of the limits: a change in the product's table must be confirmed here.
@pytest.mark.parametrize("row", examples.rows("dose_limits"), ids=examples.named)
def test_every_limit_of_every_component(row):
    """Usual bounds are inclusive; above the highest limit and not above zero are rejected."""

    def checked(dose):
        return doses.check_dose(row["therapy_id"], row["ingredient"], dose).answer

    step = Decimal("0.001")
    low, high = Decimal(row["warn_below"]), Decimal(row["warn_above"])
    limit = Decimal(row["reject_above"])
    assert [checked(low), checked(high), checked(Decimal(row["dose_standard"]))] == ["ok"] * 3
    assert checked(low - step) == "warn_low"
    assert checked(limit + step) == "reject"
    assert checked(limit) == ("warn_high" if limit > high else "ok")
    assert checked(high + step) == ("warn_high" if limit > high else "reject")
    assert checked(Decimal(0)) == checked(Decimal(-1)) == "reject"


@pytest.mark.parametrize(
    ("therapy_id", "dose", "unit", "answer"),
    [
        # usual 10 to 60 mg, above 120 mg an error
        ("SSA_OCT_LAR", "30", "mg", "ok"),
        ("SSA_OCT_LAR", "30000", "ug", "ok"),
        ("SSA_OCT_LAR", "0.03", "g", "ok"),
        ("SSA_OCT_LAR", "0.1", "g", "warn_high"),
        ("SSA_OCT_LAR", "30", "g", "reject"),
        # 200 mCi are 7.4 GBq, the usual activity
        ("PRRT_LU_DOTATATE", "7400", "MBq", "ok"),
        ("PRRT_LU_DOTATATE", "200", "mCi", "ok"),
        ("PRRT_LU_DOTATATE", "7.4", "MBq", "warn_low"),
        # neither per kilogram nor another kind
        ("BEV_ADD", "1000", "mg", "not_checked"),
        ("TEM", "350", "mg", "not_checked"),
        ("SSA_OCT_LAR", "30", "other", "not_checked"),
        ("SSA_OCT_LAR", "30", "", "not_checked"),
    ],
)
def test_a_dose_in_another_unit_is_converted_or_said_to_be_unchecked(
    therapy_id, dose, unit, answer
):
    [ingredient] = doses.ingredients(therapy_id)
    found = doses.check_stated(therapy_id, ingredient, Decimal(dose), unit)
    assert found.answer == answer
    own = doses.unit(therapy_id, ingredient)
    assert (f"known in {own}." in found.reason_text()) == (answer == "not_checked")
    if unit == "mCi":
        assert "200 mCi are 7.4 GBq." in found.reason_text()


def test_an_unknown_component_is_refused():
    with pytest.raises(ValueError, match="unknown code"):
        doses.check_dose("EVE", "sunitinib", Decimal(10))
    assert doses.ingredients("CAPTEM") == ("capecitabine", "temozolomide")
    assert doses.unit("PRRT_LU_DOTATATE", "177Lu-oxodotreotide (DOTATATE)") == "GBq"


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "expected"),
    [
        ("CGA_MASS", "95", "ng/mL", "ok"),
        ("CGA_MASS", "200000", "ng/mL", "ok"),
        ("CGA_MASS", "200001", "ng/mL", "warn_high"),
        ("CGA_MASS", "-1", "ng/mL", "reject"),
        ("CGA_MASS", "95", "mmol/L", "reject"),
        ("CGA_MASS", "95", "", "reject"),
        ("CGA_MASS", "95", "U/L", "ok"),
        ("CGA_MASS", "95", "ug/L", "ok"),
        ("EGFR", "2", "mL/min/{1.73_m2}", "warn_low"),
        ("EGFR", "3", "mL/min/{1.73_m2}", "ok"),
        ("KI67", "101", "%", "warn_high"),
    ],
)
def test_laboratory_values_by_unit(analyte, value, unit, expected):
    found = doses.check_biomarker(analyte, Decimal(value), unit)
    assert found.answer == expected
    assert found.reason_text()


def test_an_unknown_analyte_is_refused():
    with pytest.raises(ValueError, match="unknown code"):
        doses.check_biomarker("BANANA", Decimal(1), "g")


@pytest.mark.parametrize("row", examples.rows("biomarker_limits"), ids=examples.named)
def test_every_plausible_range_of_laboratory_values(row):
    def checked(value):
        return doses.check_biomarker(row["case_id"], value, row["unit"]).answer

    step = Decimal("0.001")
    low, high = Decimal(row["lowest"]), Decimal(row["highest"])
    assert [checked(low), checked(high)] == ["ok", "ok"]
    assert checked(high + step) == "warn_high"
    assert checked(low - step) == ("reject" if low == 0 else "warn_low")


def test_no_component_and_no_analyte_is_left_out():
    assert len(examples.rows("dose_limits")) == len(tables.rows("therapy_components"))
    assert len(examples.rows("biomarker_limits")) == len(tables.rows("codes/biomarker"))


@pytest.mark.parametrize(
    "row", tables.rows("therapy_components"), ids=lambda r: f"{r['therapy_id']}-{r['ingredient']}"
)
def test_the_limits_of_a_component_stand_in_order(row):
    """What warns lies below what is rejected, and the published dose within what is usual."""
    names = ("warn_below", "dose_standard", "warn_above", "reject_above")
    limits = [Decimal(row[name]) for name in names]
    assert limits == sorted(limits)


@pytest.mark.parametrize("row", tables.rows("codes/biomarker"), ids=lambda row: row["code"])
def test_what_is_plausible_is_what_needs_no_word(row):
    low, high = Decimal(row["plausible_min"]), Decimal(row["plausible_max"])
    step = Decimal("0.001")
    told = [
        doses.is_plausible(row["code"], value, row["unit"])
        for value in (low, (low + high) / 2, high, low - step, high + step)
    ]
    assert told == [True, True, True, False, False]
    assert not doses.is_plausible(row["code"], low, "another unit")
    assert not doses.is_plausible("BANANA", low, row["unit"])
