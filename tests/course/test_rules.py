"""What is derived beside what was stated, what contradicts itself, and which dates cannot be."""

from __future__ import annotations

from decimal import Decimal

import pytest

from registry.course import facts, rules
from registry.dates import PartialDate
from registry.errors import Invalid

PANCREAS, LUNG, ADRENAL, UNKNOWN = "C25.2", "C34.1", "C74.1", "C80.9"


def day(text: str) -> PartialDate:
    return PartialDate(text)


def pathology(**values: object) -> dict[str, object]:
    return {"differentiation": "well", "mitoses_per_2mm2": None, **values}


def staging(**values: object) -> dict[str, object]:
    return {"staging_system": "AJCC8", "t": "T2", "n": "N0", "m": "M0", **values}


def derive(values: dict[str, object], **more: object) -> dict[str, object]:
    given = {"topography": PANCREAS, "grade_category": "NET_G1", "diagnosis_date": None}
    return rules.derive_staging(values, licensed=True, **{**given, **more})  # type: ignore[arg-type]


# -- grade -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ki67", "grade"), [("2.9", "1"), ("3", "2"), ("20", "2"), ("20.1", "3"), ("<3", "1")]
)
def test_ki67_decides_the_grade_of_a_digestive_tumour(ki67: str, grade: str) -> None:
    found = rules.derive_pathology(pathology(ki67_percent=ki67), topography=PANCREAS)
    assert found["derived_grade"] == grade
    assert found["derivation"]["grade"]["reasons"]
    assert found["contradictions"] is None


def test_a_stated_grade_against_its_own_ki67_is_flagged_and_nothing_is_overwritten() -> None:
    values = pathology(ki67_percent="25", grade_stated="G1")
    found = rules.derive_pathology(values, topography=PANCREAS)
    assert found["derived_category"] == "NET_G3"
    assert found["contradictions"] == "grade_contradiction"
    assert values["grade_stated"] == "G1"


def test_two_contradictions_are_both_named() -> None:
    values = pathology(ki67_percent="30", mitoses_per_2mm2=Decimal(0), grade_stated="G1")
    found = rules.derive_pathology(values, topography=PANCREAS)
    assert found["contradictions"] == "discordant_2_steps;grade_contradiction"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"cell_type": "small"}, "cell_type_without_carcinoma"),
        ({"morphology": "8041/3"}, "morphology_against_differentiation"),
    ],
)
def test_what_belongs_to_carcinoma_contradicts_well_differentiated(
    values: dict[str, str], code: str
) -> None:
    assert (
        rules.derive_pathology(pathology(**values), topography=PANCREAS)["contradictions"] == code
    )


def test_a_grade_of_an_older_edition_is_named_as_such() -> None:
    values = pathology(ki67_percent="25", grade_stated="NEC", grade_system="WHO2010")
    [found] = rules.derive_pathology(values, topography=PANCREAS)["findings"]
    assert found["code"] == "grade_contradiction"
    assert found["reason"]["values"]["edition"] == "WHO 2010 (digestive)"


def test_without_a_tumour_the_primary_counts_as_unknown() -> None:
    found = rules.derive_pathology(pathology(ki67_percent="8"), topography=None)
    assert (found["derived_grade"], found["derived_status"]) == ("2", "provisional")


@pytest.mark.parametrize(
    "kind", [{"morphology": "8700/3"}, {"type_stated": "PGL"}, {"morphology": "8680/3"}]
)
def test_a_paraganglioma_is_not_graded_wherever_it_lies(kind: dict[str, str]) -> None:
    found = rules.derive_pathology(pathology(ki67_percent="30", **kind), topography="C48.0")
    assert found["derived_category"] == "NOT_GRADED_PPGL"
    assert found["derived_status"] == "not_applicable"


def test_a_gangliocytic_paraganglioma_of_the_duodenum_is_graded() -> None:
    values = pathology(ki67_percent="2", morphology="8683/3")
    assert rules.derive_pathology(values, topography="C17.0")["derived_grade"] == "1"


# -- stage -------------------------------------------------------------------------------------


def test_stage_follows_from_t_n_and_m() -> None:
    found = derive(staging(stage_stated="II"))
    assert (found["derived_stage"], found["derived_status"]) == ("II", "complete")
    assert found["contradictions"] is None


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        (staging(stage_stated="IV"), "stage_contradiction;stage_iv_without_metastasis"),
        (staging(mets_liver="yes"), "m0_with_metastases"),
        (staging(m="M1a", stage_stated="II"), "stage_contradiction"),
        (staging(n="N3"), "tnm_not_defined"),
    ],
)
def test_what_contradicts_itself_in_a_staging(values: dict[str, object], codes: str) -> None:
    assert derive(values)["contradictions"] == codes


def test_a_coarser_group_of_the_same_stage_agrees() -> None:
    found = derive(staging(staging_system="TNM8", m="M1a", stage_stated="IV"), topography=LUNG)
    assert (found["derived_stage"], found["contradictions"]) == ("IVA", None)


def test_without_a_system_the_one_of_the_year_of_diagnosis_is_assumed_and_said() -> None:
    found = derive(staging(staging_system=None), diagnosis_date=day("2019"))
    assert (found["derived_stage"], found["derived_status"]) == ("II", "provisional")
    assert found["derivation"]["stage"]["inputs"]["system"] == "AJCC8"
    assert found["derivation"]["stage"]["reasons"][-1]["values"]["year"] == "2019"


def test_an_unknown_primary_has_no_stage() -> None:
    found = derive(staging(m="M1"), topography=UNKNOWN)
    assert (found["derived_stage"], found["derived_status"]) == (None, "not_derivable")
    assert found["contradictions"] == "t_for_unknown_primary"


def test_without_a_licence_no_stage_is_derived_but_contradictions_are_found() -> None:
    found = rules.derive_staging(
        staging(stage_stated="I", mets_bone="yes"),
        topography=PANCREAS,
        grade_category="NET_G1",
        diagnosis_date=None,
        licensed=False,
    )
    assert (found["derived_stage"], found["derivation"]) == (None, None)
    assert found["contradictions"] == "m0_with_metastases"


def test_a_carcinoma_is_staged_by_the_carcinoma_table() -> None:
    found = derive(staging(stage_stated=None), grade_category="NEC_LARGE_CELL")
    assert found["derived_stage"] == "IB"  # pancreas, carcinoma, AJCC 8: T2 N0 M0


@pytest.mark.parametrize(
    ("categories", "chosen"),
    [
        (["NET_G1", "NEN_UNCLASSIFIED"], "NET_G1"),
        (["NET_G1", "NEC_NOS"], "NEC_NOS"),
        (["NEN_UNCLASSIFIED"], "NEN_UNCLASSIFIED"),
        ([None], None),
        ([], None),
    ],
)
def test_the_latest_telling_category_chooses_the_stage_table(
    categories: list[str | None], chosen: str | None
) -> None:
    assert rules.category_for_staging(categories) == chosen


# -- dates -------------------------------------------------------------------------------------


def severities(entity: str, dates: dict[str, str], **known: str) -> list[tuple[str, str]]:
    found = rules.date_problems(
        entity,
        {name: day(text) for name, text in dates.items()},
        **{name: day(text) for name, text in known.items()},
    )
    return [(problem.variable, problem.severity) for problem in found]


@pytest.mark.parametrize(
    ("entity", "dates", "known", "found"),
    [
        ("therapy", {"start": "2022-05", "stop": "2022-04"}, {}, [("stop", "refuse")]),
        ("therapy", {"start": "2022-05", "stop": "2022"}, {}, []),
        ("imaging", {"date": "1960"}, {"birth": "1961-03-27"}, [("date", "refuse")]),
        ("imaging", {"date": "1961"}, {"birth": "1961-03-27"}, []),
        ("imaging", {"date": "2025"}, {"death": "2024-06"}, [("date", "refuse")]),
        ("pathology", {"date": "2025"}, {"death": "2024-06"}, [("date", "warn")]),
        ("genomic_finding", {"date": "2025"}, {"death": "2024-06"}, []),  # a stored sample
        ("adverse_event", {"stop": "2025"}, {"death": "2024-06"}, [("stop", "warn")]),
        ("follow_up", {"date": "2025"}, {"death": "2024-06"}, [("date", "refuse")]),
        ("therapy", {"start": "2020"}, {"diagnosis": "2021"}, [("start", "warn")]),
        (
            "follow_up",
            {"date": "2024-02", "death_date": "2024-01"},
            {},
            [("death_date", "refuse")],
        ),
        (
            "tumour",
            {"first_symptom_date": "2022", "diagnosis_date": "2021"},
            {},
            [("diagnosis_date", "warn")],
        ),
    ],
)
def test_dates_are_judged_by_what_they_certainly_mean(
    entity: str,
    dates: dict[str, str],
    known: dict[str, str],
    found: list[tuple[str, str]],
) -> None:
    assert severities(entity, dates, **known) == found


def test_the_news_of_a_death_comes_after_it() -> None:
    """The register of deaths is asked in June of somebody who died in January."""
    dates = {"date": day("2024-06-03"), "death_date": day("2024-01-20")}
    assert rules.date_problems("follow_up", dates, says_dead=True) == []
    again = {"date": day("2024-07-01")}
    assert rules.date_problems("follow_up", again, death=day("2024-01-20"), says_dead=True) == []
    assert rules.says_dead({"vital_status": "dead"})
    assert rules.says_dead({"death_date": day("2024-01-20")})
    assert not rules.says_dead({"vital_status": "alive", "death_date": day("2024-01-20")})
    assert not rules.says_dead({})


def test_none_of_the_needs_stands_alone() -> None:
    """A patient who has no need has none beside it."""
    facts.check("support_need", {"needs": ["none"]}, {})
    facts.check("support_need", {"needs": ["nutrition", "pain"]}, {})
    with pytest.raises(Invalid) as refused:
        facts.check("support_need", {"needs": ["nutrition", "none"]}, {})
    assert refused.value.field == "needs"
