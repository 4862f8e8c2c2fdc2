"""Conversion of laboratory values: the factor is shown, an assay is never turned into another."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.clinical import tables
from registry.clinical.units import (
    canonical,
    convert,
    not_comparable,
    significant,
    times_upper_limit,
    units,
)

# Worked by hand from the molar masses and factors of the sources.
WORKED = [
    ("CGA_MASS", "95", "ng/mL", "µg/L", "95"),
    ("CGA_MOLAR", "2", "nmol/L", "pmol/L", "2000"),
    ("HIAA_U24_MOL", "50", "umol/24h", "mg/24h", "9.559"),
    ("HIAA_U24_MASS", "9.559", "mg/d", "µmol/24 h", "50"),
    ("HIAA_P_MOL", "752", "nmol/L", "ug/L", "143.8"),
    ("HIAA_P_MASS", "20", "ng/mL", "nmol/L", "104.6"),
    ("SEROTONIN", "1000", "nmol/L", "ng/mL", "176.2"),
    ("NSE", "16.5", "ug/L", "ng/mL", "16.5"),
    ("GASTRIN", "40", "pmol/L", "pg/mL", "84"),
    ("GASTRIN", "84", "ng/L", "pmol/L", "40"),
    ("INSULIN", "3", "µIU/mL", "pmol/L", "20.84"),
    ("INSULIN", "3", "mU/L", "uU/mL", "3"),
    ("CPEPTIDE", "3", "ng/mL", "nmol/L", "0.999"),
    ("CPEPTIDE", "2", "ug/L", "pmol/L", "666"),
    ("GLUCOSE", "40", "mg/dL", "mmol/L", "2.22"),
    ("GLUCAGON", "100", "pg/mL", "pmol/L", "28.7"),
    ("GLUCAGON", "100", "ng/L", "pmol/L", "28.7"),
    ("VIP", "100", "ng/L", "pmol/L", "30"),
    ("CALCITONIN", "10", "pg/mL", "pmol/L", "2.93"),
    ("CALCITONIN", "10", "pg/mL", "ng/L", "10"),
    ("CEA", "5", "ug/L", "ng/mL", "5"),
    ("ACTH", "50", "ng/L", "pmol/L", "11"),
    ("UFC", "100", "ug/24h", "nmol/24h", "276"),
    ("NT_PROBNP", "260", "ng/L", "pmol/L", "30.68"),
    ("NT_PROBNP", "260", "pg/mL", "ng/L", "260"),
    ("CREATININE", "1", "mg/dL", "umol/L", "88.4"),
    ("CREATININE", "88.4", "µmol/l", "mg/dl", "1"),
    ("HB", "12.5", "g/dL", "g/L", "125"),
    ("HB", "8", "mmol/L", "g/L", "128.9"),
    ("PLT", "150", "10^9/L", "K/uL", "150"),
    ("LDH", "4", "ukat/L", "U/L", "240"),
    ("ALP", "120", "U/L", "ukat/L", "2"),
]  # fmt: skip


@pytest.mark.parametrize(("analyte", "value", "unit", "wanted", "shown"), WORKED)
def test_a_value_is_converted_and_says_by_what(analyte, value, unit, wanted, shown):
    found = convert(analyte, Decimal(value), unit, wanted)
    assert found.shown == shown
    assert found.status == "complete"
    assert wanted in found.reason_text()
    assert found.factor is not None


CANNOT = [
    ("CGA_MASS", "ng/mL", "nmol/L", "different assays"),
    ("CGA_MASS", "ug/L", "U/L", "one chromogranin A assay"),
    ("CGA_MOLAR", "pmol/L", "ng/mL", "different assays"),
    ("CGA_UNITS", "U/L", "ng/mL", "one chromogranin A assay"),
    ("PP", "pmol/L", "pg/mL", "No factor"),
    ("SOMATOSTATIN", "pg/mL", "pmol/L", "No factor"),
    ("P_METANEPHRINE", "nmol/L", "pg/mL", "apart"),
    ("MITOSES", "/10 HPF", "/2 mm2", "field"),
    ("EGFR", "mL/min", "mL/min/{1.73_m2}", "no factor is known"),
    ("NO_SUCH", "mg/L", "g/L", "no factor is known"),
    ("HB", "g/L", "", "no factor is known"),
]  # fmt: skip


@pytest.mark.parametrize(("analyte", "unit", "wanted", "why"), CANNOT)
def test_what_cannot_be_converted_says_why(analyte, unit, wanted, why):
    found = convert(analyte, Decimal(10), unit, wanted)
    assert (found.answer, found.value, found.shown) == ("CANNOT", None, "")
    assert why in found.reason_text()


# A second copy of the factors: a change in the table must be confirmed here.
FACTORS = {
    ("CGA_MASS", "ng/mL", "ug/L"): "1", ("CGA_MOLAR", "nmol/L", "pmol/L"): "1000",
    ("HIAA_U24_MOL", "umol/(24.h)", "mg/(24.h)"): "0.19118",
    ("HIAA_P_MOL", "nmol/L", "ug/L"): "0.19118", ("HIAA_P_MOL", "ug/L", "ng/mL"): "1",
    ("SEROTONIN", "nmol/L", "ug/L"): "0.17621", ("SEROTONIN", "ug/L", "ng/mL"): "1",
    ("NSE", "ng/mL", "ug/L"): "1", ("GASTRIN", "pmol/L", "pg/mL"): "2.1",
    ("GASTRIN", "pg/mL", "ng/L"): "1", ("INSULIN", "uU/mL", "pmol/L"): "6.945",
    ("INSULIN", "uU/mL", "mU/L"): "1", ("CPEPTIDE", "ng/mL", "nmol/L"): "0.333",
    ("CPEPTIDE", "nmol/L", "pmol/L"): "1000", ("CPEPTIDE", "ng/mL", "ug/L"): "1",
    ("GLUCOSE", "mg/dL", "mmol/L"): "0.0555", ("GLUCAGON", "pg/mL", "pmol/L"): "0.287",
    ("GLUCAGON", "pg/mL", "ng/L"): "1", ("VIP", "pg/mL", "pmol/L"): "0.3",
    ("VIP", "pg/mL", "ng/L"): "1", ("CALCITONIN", "pg/mL", "pmol/L"): "0.293",
    ("CALCITONIN", "pg/mL", "ng/L"): "1", ("CEA", "ng/mL", "ug/L"): "1",
    ("ACTH", "pg/mL", "pmol/L"): "0.22", ("ACTH", "pg/mL", "ng/L"): "1",
    ("UFC", "ug/(24.h)", "nmol/(24.h)"): "2.76", ("NT_PROBNP", "ng/L", "pmol/L"): "0.118",
    ("NT_PROBNP", "ng/L", "pg/mL"): "1", ("CREATININE", "mg/dL", "umol/L"): "88.4",
    ("HB", "g/dL", "g/L"): "10", ("HB", "mmol/L", "g/L"): "16.114",
    ("PLT", "10*9/L", "10*3/uL"): "1", ("ALP", "ukat/L", "U/L"): "60",
}  # fmt: skip


def test_every_factor_is_the_one_of_its_source():
    table = {
        (row["analytes"].split(";")[0], row["unit"], row["other_unit"]): Decimal(row["factor"])
        for row in tables.rows("units")
        if row["factor"]
    }
    assert table == {key: Decimal(text) for key, text in FACTORS.items()}
    for (analyte, unit, other), factor in table.items():
        assert convert(analyte, Decimal(1), unit, other).value == factor


def test_every_analyte_of_the_table_is_known():
    known = set(tables.by_key("codes/biomarker", "code")) | {"CREATININE"}
    for row in tables.rows("units"):
        assert set(row["analytes"].split(";")) <= known
        assert row["factor"] or row["why"]
        assert (canonical(row["unit"]), canonical(row["other_unit"])) == (
            row["unit"], row["other_unit"],
        )  # fmt: skip


@given(
    st.sampled_from(sorted(FACTORS)),
    st.decimals(min_value=0, max_value=100000, places=3, allow_nan=False),
)
def test_there_and_back_is_the_same_value(key, value):
    analyte, unit, other = key
    there = convert(analyte, value, unit, other)
    back = convert(analyte, there.value, other, unit)
    assert abs(back.value - value) <= abs(value) * Decimal("1e-20")
    assert (value > 0) == (there.value > 0)


@pytest.mark.parametrize(
    ("stated", "spelled"),
    [
        ("µg/l", "ug/L"), ("mcg/L", "ug/L"), ("mg/24 h", "mg/(24.h)"), ("umol/d", "umol/(24.h)"),
        ("mg/(24.h)", "mg/(24.h)"), ("ng/ml", "ng/mL"), ("mg/dl", "mg/dL"), ("IU/L", "U/L"),
        ("x10^9/L", "10*9/L"), ("furlong", "furlong"), ("", ""),
        ("mL/min/1.73 m²", "mL/min/{1.73_m2}"), ("ml/min/1,73m2", "mL/min/{1.73_m2}"),
        ("/nL", "10*9/L"), ("ml/min", "ml/min"),
    ],
)  # fmt: skip
def test_one_spelling_of_a_unit(stated, spelled):
    assert canonical(stated) == spelled
    assert canonical(spelled) == spelled


def test_cells_are_counted_and_not_weighed():
    """G/L is 10 to the 9th per litre (SI prefix giga); of haemoglobin g/L is grams."""
    for written in ("G/L", "g/l", "Gpt/L", "10^9/L"):
        assert convert("PLT", Decimal(150), written, "10*9/L").value == 150
    assert convert("PLT", Decimal(150), "G/L", "10*3/uL").value == 150
    assert (canonical("G/L", "PLT"), canonical("G/L", "HB"), canonical("G/L")) == (
        "10*9/L", "g/L", "g/L",
    )  # fmt: skip
    assert not_comparable("PLT", ("G/L", ""), ("10*9/L", "")) is None


def test_the_same_unit_stays_as_it_is_and_a_negative_value_is_refused():
    same = convert("CGA_UNITS", Decimal("12.50"), "U/L", "u/l")
    assert (same.value, same.factor, same.flags) == (Decimal("12.50"), 1, ("exact",))
    assert convert("HB", Decimal(-1), "g/L", "g/dL").status == "invalid_input"
    assert convert("HB", Decimal(10), "g/L", "mmol/L").flags == ("rounded",)
    assert convert("HB", Decimal(10), "g/L", "g/dL").as_json()["value"] == "1"


@pytest.mark.parametrize(
    ("value", "limit", "comparator", "answer"),
    [
        ("300", "100", "", "3"), ("95", "102", "", "0.9314"), ("5", "10", "<", "<0.5"),
        ("0", "100", "", "0"), ("5", None, "", "CANNOT"), ("5", "0", "", "CANNOT"),
        ("-5", "10", "", "CANNOT"),
    ],
)  # fmt: skip
def test_times_the_upper_limit(value, limit, comparator, answer):
    found = times_upper_limit(Decimal(value), Decimal(limit) if limit else None, comparator)
    assert found.answer == answer
    assert found.reason_text()


def test_values_of_two_assays_are_not_drawn_as_one_curve():
    assert not_comparable("CGA_MASS", ("ng/mL", "Kryptor"), ("ug/L", "kryptor")) is None
    assert not_comparable("CGA_MASS", ("ng/mL", "Kryptor"), ("ug/L", "")) is None
    other = not_comparable("CGA_MASS", ("ng/mL", "Kryptor"), ("ng/mL", "Cisbio"))
    assert "Another assay" in other.text()
    assert "assay" in not_comparable("CGA_MASS", ("ng/mL", ""), ("U/L", "")).text()


def test_the_units_one_may_choose():
    assert units("HIAA_U24_MASS") == ("mg/(24.h)", "umol/(24.h)")
    assert units("CGA_UNITS") == ("U/L",)
    assert units("CREATININE") == ("mg/dL", "umol/L")
    assert units("NO_SUCH") == ()


def test_digits_for_display():
    # 200 ng/mL of serotonin are 200 / 0.17621 = 1135.009… nmol/L: nobody reads 28 digits.
    assert significant(Decimal("1135.00936382725157482549231")) == "1135"
    assert significant(Decimal("98765.4321")) == "98765"
    assert [significant(Decimal(text)) for text in ("123456", "0.000123456", "1.2", "0")] == [
        "123456", "0.0001235", "1.2", "0",
    ]  # fmt: skip
