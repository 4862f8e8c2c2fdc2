"""Options to discuss: what fits is listed, what is dangerous or unknown is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.clinical import pathways, sites, tables
from registry.clinical.ki67 import Ki67, parse_ki67
from registry.clinical.pathways import pathway_options


def listed(site, differentiation="well", grade="", ki67="", **more):
    found = pathway_options(
        site=site,
        differentiation=differentiation,
        grade=grade,
        ki67=parse_ki67(ki67) if ki67 else None,
        **more,
    )
    return set(found.answer.split(";")) - {""}


ALWAYS = {"TRIAL_ANY", "BSC"}
ADVANCED = {"setting": "advanced", "sstr": "positive"}


def test_the_table_is_joined_to_sites_settings_states_and_therapies():
    groups = {g for s in sites.sites() for g in s.pathway_groups}
    groups |= {"any", "any NEC", "digestive NEC", "Merkel"}
    for row in tables.rows("pathways"):
        assert row["site_group"] in groups
        assert row["setting"] in pathways.settings()
        assert row["progression_state"] in tables.by_key("pathway_states", "progression_state")
        assert row["therapy_id"] in tables.by_key("therapies", "therapy_id")
    for row in tables.rows("pathway_states"):
        assert row["needs"] in pathways.NEEDS


def test_first_line_of_a_small_bowel_net():
    found = listed("jejunum_ileum", grade="G1", ki67="2", **ADVANCED)
    assert {"SSA_OCT_LAR", "SSA_LAN"} <= found
    assert not {"PRRT_LU_DOTATATE", "EVE", "CABO"} & found


def test_after_an_analogue():
    found = listed("jejunum_ileum", grade="G2", ki67="5", earlier_lines=["SSA_LAN"], **ADVANCED)
    assert {"PRRT_LU_DOTATATE", "PRRT_LU_EDOTREOTIDE"} <= found
    assert not {"SSA_OCT_LAR", "CABO"} & found


def test_after_a_systemic_therapy_other_than_an_analogue():
    lines = ["SSA", "everolimus"]
    assert "CABO" in listed("pancreas", grade="G2", ki67="5", earlier_lines=lines, **ADVANCED)


@pytest.mark.parametrize(("ki67", "first_line_prrt"), [("9.9", False), ("10", True), ("20", True)])
def test_the_limit_of_10_matters_within_g2(ki67, first_line_prrt):
    found = listed("pancreas", grade="G2", ki67=ki67, **ADVANCED)
    assert ("PRRT_LU_DOTATATE_1L" in found) is first_line_prrt


@pytest.mark.parametrize(("ki67", "prrt"), [("20.1", True), ("55", True), ("55.1", False)])
def test_the_limit_of_55_matters_within_g3(ki67, prrt):
    found = listed("pancreas", grade="G3", ki67=ki67, **ADVANCED)
    assert ("PRRT_LU_DOTATATE_1L" in found) is prrt
    assert "CAPTEM" in found


@pytest.mark.parametrize(
    ("site", "grade", "ki67", "therapy", "is_listed"),
    [
        ("pancreas", "G2", "10", "SSA_LAN", True),
        ("pancreas", "G2", "10.1", "SSA_LAN", False),
        ("stomach", "G2", "20", "SSA_OCT_LAR", True),
        ("stomach", "G2", "20.1", "SSA_OCT_LAR", False),
        ("pancreas", "G3", "20", "CAPTEM", False),
        ("pancreas", "G3", "20.1", "CAPTEM", True),
    ],
)
def test_printed_ranges_include_their_ends(site, grade, ki67, therapy, is_listed):
    assert (therapy in listed(site, grade=grade, ki67=ki67, **ADVANCED)) is is_listed


@pytest.mark.parametrize(("ki67", "is_listed"), [("2.99", True), ("3", False)])
def test_0_to_2_means_below_3(ki67, is_listed):
    found = listed("duodenum", grade="G1", ki67=ki67, setting="localised", functioning="no")
    assert ("ENDO_RES" in found) is is_listed


def test_no_prrt_without_positive_imaging():
    for sstr in ("negative", "mixed", "unknown", "", "0", "1"):
        found = listed("pancreas", grade="G2", ki67="15", setting="advanced", sstr=sstr)
        assert not any(therapy.startswith("PRRT") for therapy in found)
    assert "EVE" in listed("pancreas", grade="G2", ki67="15", setting="advanced", sstr="negative")
    assert "PRRT_LU_DOTATATE_1L" in listed(
        "pancreas", grade="G2", ki67="15", setting="advanced", sstr="2"
    )


def test_carcinoma_takes_its_own_table():
    found = listed("colon", "poor", "NEC", "80", **ADVANCED)
    assert found == {"EP_CARBO", "EP_CIS", "IP_CIS"} | ALWAYS
    after = listed("colon", "poor", "NEC", "80", earlier_lines=["EP_CARBO"], **ADVANCED)
    assert {"FOLFIRI", "FOLFOX"} <= after
    assert "PEMBRO" not in after
    assert "PEMBRO" in listed(
        "colon", "poor", "NEC", "80", setting="MSI-H", earlier_lines=["platinum"]
    )


def test_lung_and_others():
    assert "ATEZO_CE" in listed("lung", "poor", "SCLC", setting="extensive")
    assert "EP_CARBO" in listed("lung", "poor", "LCNEC", setting="advanced")
    assert "EVE" in listed("lung", grade="G2", setting="advanced")
    assert "EVE" not in listed("lung", grade="typical", setting="advanced")
    assert "SURG_LUNG" in listed("C34.1", grade="TC", setting="localised")
    assert {"BELZ", "CVD"} <= listed("ppgl", "", setting="advanced")
    assert "SELP" in listed("thyroid_c_cell", "", setting="advanced RET mutated")
    assert "SELP" not in listed("thyroid_c_cell", "", setting="advanced")
    assert "AVEL" in listed("skin_merkel", "poor", setting="advanced")
    assert "EP_CARBO" in listed("unknown", "poor", setting="advanced")


def test_syndrome_rows_need_their_syndrome():
    assert "DIAZ" not in listed("pancreas", grade="G1", setting="advanced", functioning="yes")
    found = listed("pancreas", grade="G1", setting="insulinoma not resectable", functioning="yes")
    assert "DIAZ" in found
    assert "TELO" in listed("jejunum_ileum", grade="G1", ki67="2", functioning="yes",
                            earlier_lines=["SSA_LAN"], **ADVANCED)  # fmt: skip


def test_nothing_is_listed_before_differentiation_is_known():
    for unknown in ("", "unknown"):
        found = pathway_options(site="pancreas", differentiation=unknown, setting="advanced")
        assert (found.answer, found.status, found.flags) == ("", "incomplete", ())
        assert "reviewed" in found.reason_text()


def test_what_is_not_known_is_said():
    found = pathway_options(site="pancreas", differentiation="well", grade="G2")
    assert found.status == "provisional"
    for word in ("SSTR", "Ki-67", "setting"):
        assert word in found.reason_text()


def test_a_missing_ki67_lists_only_what_the_grade_itself_allows():
    found = listed(
        "pancreas", grade="G2", setting="advanced", sstr="positive", earlier_lines=["SSA"]
    )
    assert "PRRT_LU_DOTATATE" in found
    assert "SSA_LAN" not in listed("pancreas", grade="G2", **ADVANCED)


def test_a_missing_grade_is_taken_from_ki67_in_well_differentiated_tumours():
    assert listed("pancreas", ki67="5", **ADVANCED) == listed(
        "pancreas", grade="G2", ki67="5", **ADVANCED
    )


def test_evidence_and_standing_stand_with_every_option():
    found = pathway_options(site="pancreas", differentiation="well", grade="G2",
                            ki67=Ki67.of(12), **ADVANCED)  # fmt: skip
    assert len(found.flags) == len(found.reasons)
    assert all("confidence" in reason.text() for reason in found.reasons)
    assert pathways.option("OPT016")["therapy_id"] == "SSA_LAN"


@pytest.mark.parametrize(
    "wrong",
    [{"site": "banana"}, {"differentiation": "so-so"}, {"grade": "G9"}, {"sstr": "5"},
     {"functioning": "maybe"}, {"setting": "moon"}, {"earlier_lines": ["magic"]}],
)  # fmt: skip
def test_unknown_codes_are_refused(wrong):
    with pytest.raises(ValueError, match="unknown code"):
        pathway_options(**{"site": "pancreas", "differentiation": "well", **wrong})


@given(
    st.sampled_from(["pancreas", "colon", "lung", "unknown", "stomach", "C50.9", "skin_merkel"]),
    st.sampled_from(["", "G1", "G3", "NEC", "SCLC", "LCNEC"]),
    st.none() | st.decimals(0, 100, places=1).map(Ki67.of),
    st.sampled_from(pathways.SSTR),
    st.sampled_from(pathways.settings()),
    st.lists(st.sampled_from(["SSA_LAN", "EVE", "EP_CARBO"]), max_size=3),
)
def test_a_carcinoma_is_never_offered_prrt_or_an_analogue(site, grade, ki67, sstr, setting, lines):
    found = pathway_options(
        site=site, differentiation="poor", grade=grade, ki67=ki67, sstr=sstr, setting=setting,
        earlier_lines=lines,
    )  # fmt: skip
    assert not any(t.startswith(("PRRT", "SSA")) for t in found.answer.split(";"))
