"""T, N and M from findings: worked examples, boundaries, refusals."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.clinical import tnm
from registry.clinical.numbers import number_or_none
from registry.clinical.tnm import nm_category, t_category
from tests.clinical import examples


def t_of(site, system, size, extent):
    return t_category(site=site, system=system, size_mm=number_or_none(size), extent=extent)


@pytest.mark.parametrize("row", examples.rows("t_category_cases"), ids=examples.named)
def test_worked_example_of_t(row):
    found = t_of(row["site"], row["system"], row["size_mm"], row["extent"])
    assert found.answer == row["expected_t"]
    assert found.reason_text()


@pytest.mark.parametrize("row", examples.rows("n_m_category_cases"), ids=examples.named)
def test_worked_example_of_n_and_m(row):
    found = nm_category(site=row["site"], system=row["system"], finding=row["finding"])
    assert found.answer == row["expected"]
    assert found.reason_text()


T_BOUNDARIES = [
    ("pancreas", "AJCC8", "limited_to_pancreas", "19.9:T1 20:T2 40:T2 40.1:T3"),
    ("pancreas", "AJCC9", "limited_to_pancreas", "19.9:T1 20:T2 40:T2 40.1:T3"),
    ("pancreas", "ENETS", "limited_to_pancreas", "19.9:T1 20:T2 40:T2 40.1:T3"),
    ("pancreas", "UICC8", "limited_to_pancreas", "20:T1 20.1:T2 40:T2 40.1:T3"),
    ("stomach", "AJCC8 AJCC9 UICC8", "mucosa_or_submucosa", "10:T1 10.1:T2"),
    ("duodenum", "AJCC8 AJCC9 UICC8", "mucosa_or_submucosa", "10:T1 10.1:T2"),
    ("jejunum_ileum", "AJCC8 AJCC9 UICC8", "mucosa_or_submucosa", "10:T1 10.1:T2"),
    ("ampulla", "AJCC8 AJCC9 UICC8", "within_sphincter_of_oddi", "10:T1 10.1:T2"),
    ("appendix", "AJCC8 AJCC9 UICC8", "up_to_muscularis_propria", "20:T1 20.1:T2 40:T2 40.1:T3"),
    ("appendix", "ENETS", "up_to_muscularis_propria", "10:T1 10.1:T2 20:T2 20.1:T3"),
    ("appendix", "ENETS", "mesoappendix_le_3mm", "5:T2 20:T2 20.1:T3"),
    ("colon", "AJCC8 UICC8 ENETS", "mucosa_or_submucosa", "9.9:T1a 10:T1b 20:T1b 20.1:T2"),
    ("colon", "AJCC9", "mucosa_or_submucosa", "10:T1a 10.1:T1b 20:T1b 20.1:T2"),
    ("rectum", "AJCC9", "mucosa_or_submucosa", "10:T1a 10.1:T1b 20:T1b 20.1:T2"),
    ("rectum", "AJCC8 UICC8 ENETS", "mucosa_or_submucosa", "9.9:T1a 10:T1b 20:T1b 20.1:T2"),
    ("lung", "TNM8 TNM9", "confined_to_lung",
     "10:T1a 10.1:T1b 20:T1b 20.1:T1c 30:T1c 30.1:T2a 40:T2a 40.1:T2b 50:T2b 50.1:T3 70:T3 "
     "70.1:T4"),
    ("lung", "TNM9", "visceral_pleura", "5:T2a 45:T2b 60:T3 80:T4"),
    ("lung", "TNM8", "carina", "5:T4"),
    ("lung", "TNM8", "phrenic_nerve", "5:T3 80:T4"),
    ("thymus", "TNM8", "thymus_or_fat", "30:T1a 90:T1a"),
    ("thymus", "TNM9", "mediastinal_pleura", "50:T1a 50.1:T1b"),
    ("thymus", "TNM9", "pericardium", "10:T2"),
    ("ppgl", "AJCC8", "adrenal", "49.9:T1 50:T2"),
    ("ppgl", "AJCC8", "adjacent_invasion", "10:T3"),
    ("pancreas", "AJCC8", "large_vessel_wall", "10:T4"),
    ("thyroid_c_cell", "AJCC8", "confined_to_thyroid", "10:T1a 20:T1b 40:T2 40.1:T3a"),
    ("thyroid_c_cell", "AJCC8", "strap_muscle", "10:T3b 50:T3b"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("site", "system", "extent", "size", "expected"),
    [
        (site, system, extent, *pair.split(":"))
        for site, systems, extent, pairs in T_BOUNDARIES
        for system in systems.split()
        for pair in pairs.split()
    ],
)
def test_boundary_of_t(site, system, extent, size, expected):
    assert t_of(site, system, size, extent).answer == expected


@pytest.mark.parametrize(
    ("site", "system", "size", "extent", "answer", "status"),
    [
        ("pancreas", "AJCC8", "0", "limited_to_pancreas", "INVALID", "invalid_input"),
        ("pancreas", "AJCC8", "-3", "limited_to_pancreas", "INVALID", "invalid_input"),
        ("pancreas", "AJCC8", "1000", "limited_to_pancreas", "T3", "complete"),
        ("pancreas", "AJCC8", "1000.1", "limited_to_pancreas", "INVALID", "invalid_input"),
        ("pancreas", "AJCC8", "10", "carina", "INVALID", "not_derivable"),
        ("stomach", "ENETS", "10", "mucosa_or_submucosa", "INVALID", "not_derivable"),
        ("oesophagus", "AJCC8", "10", "mucosa_or_submucosa", "INVALID", "not_derivable"),
        ("appendix", "ENETS", "10", "mesoappendix", "INVALID", "not_derivable"),
        ("pancreas", "AJCC8", "", "limited_to_pancreas", "TX", "not_derivable"),
        ("pancreas", "AJCC8", "", "adjacent_organ", "T4", "complete"),
        ("pancreas", "AJCC8", "15", "", "T1", "provisional"),
        ("stomach", "AJCC8", "", "muscularis_propria", "T2", "complete"),
        ("lung", "TNM8", "", "chest_wall", "T3", "provisional"),
    ],
)
def test_missing_and_impossible_findings(site, system, size, extent, answer, status):
    found = t_of(site, system, size, extent)
    assert (found.answer, found.status) == (answer, status)


FINDINGS = [
    ("jejunum_ileum", "AJCC8", "nodes_positive=0", "N0"),
    ("jejunum_ileum", "AJCC9", "nodes_positive=12", "N2"),
    ("jejunum_ileum", "AJCC8", "mesenteric_mass_mm=20", "N1"),
    ("jejunum_ileum", "AJCC8", "mesenteric_mass_mm=20.1", "N2"),
    ("jejunum_ileum", "AJCC8", "nodes_positive=0;mesenteric_mass_mm=21", "N2"),
    ("jejunum_ileum", "AJCC8", "nodes=regional", "N1"),
    ("jejunum_ileum", "AJCC8", "nodes=regional;nodes_positive=12", "N2"),
    ("jejunum_ileum", "AJCC8", "nodes=none", "N0"),
    ("jejunum_ileum", "ENETS", "nodes_positive=12", "N1"),
    ("stomach", "ENETS", "nodes_positive=2", "N1"),
    ("stomach", "ENETS", "mets=liver", "M1"),
    ("pancreas", "TNM8", "mets=liver", "INVALID"),
    ("stomach", "AJCC8", "nodes_positive=40", "N1"),
    ("appendix", "ENETS", "nodes_positive=1", "N1"),
    ("ppgl", "AJCC8", "nodes_positive=2", "N1"),
    ("pancreas", "AJCC8", "mets=none", "M0"),
    ("pancreas", "AJCC8", "mets=liver", "M1a"),
    ("pancreas", "AJCC9", "mets=several_liver_lesions", "M1a"),
    ("pancreas", "AJCC8", "mets=distant_nodes+peritoneum", "M1b"),
    ("pancreas", "ENETS", "mets=liver+bone", "M1"),
    ("ppgl", "AJCC8", "mets=bone", "M1a"),
    ("ppgl", "AJCC8", "mets=liver+lung", "M1b"),
    ("ppgl", "AJCC8", "mets=bone+liver", "M1c"),
    ("thyroid_c_cell", "AJCC8", "mets=liver", "M1"),
    ("thyroid_c_cell", "AJCC8", "nodes=central", "N1a"),
    ("thyroid_c_cell", "AJCC8", "nodes=central+lateral", "N1b"),
    ("lung", "TNM8", "nodes=hilar", "N1"),
    ("lung", "TNM8", "nodes=subcarinal", "N2"),
    ("lung", "TNM9", "nodes=subcarinal", "INVALID"),
    ("lung", "TNM9", "nodes=subcarinal;n2_stations=3", "N2b"),
    ("lung", "TNM8", "n2_stations=2", "N2"),
    ("lung", "TNM9", "nodes=supraclavicular;n2_stations=1", "N3"),
    ("lung", "TNM8", "nodes=none", "N0"),
    ("lung", "TNM8", "nodes_positive=0", "N0"),
    ("lung", "TNM8", "nodes_positive=3", "INVALID"),
    ("lung", "TNM9", "mets=pleural_nodule", "M1a"),
    ("lung", "TNM9", "mets=single_liver_lesion", "M1b"),
    ("lung", "TNM9", "mets=contralateral_lung+single_bone_lesion", "M1b"),
    ("lung", "TNM8", "mets=liver", "INVALID"),
    ("lung", "TNM8", "mets=lung", "INVALID"),
    ("thymus", "TNM8", "nodes=perithymic+cervical", "N2"),
    ("thymus", "TNM8", "nodes_positive=2", "INVALID"),
    ("thymus", "TNM9", "mets=pleural_nodule+liver", "M1b"),
    ("thymus", "TNM9", "mets=pericardial_nodule", "M1a"),
    ("oesophagus", "AJCC8", "mets=liver", "INVALID"),
    ("pancreas", "AJCC8", "nodes_positive=1;mets=liver", "INVALID"),
    ("pancreas", "AJCC8", "n2_stations=1", "INVALID"),
    ("pancreas", "AJCC8", "mesenteric_mass_mm=30", "NX"),
]


@pytest.mark.parametrize(("site", "system", "finding", "expected"), FINDINGS)
def test_rule_of_n_and_m(site, system, finding, expected):
    assert nm_category(site=site, system=system, finding=finding).answer == expected


def test_a_category_says_the_same_with_and_without_its_prefix():
    """c, p, y, r and a stand before a category and are no part of it (S10)."""
    for written in ("M1", "cM1", " pm1 ", "ypM1", "rM1", "aM1", "ycM1"):
        assert tnm.plain_category(written) == "M1"
    assert tnm.plain_category("pM1a(hep)") == "M1A(HEP)"
    assert tnm.plain_category("") == ""


@pytest.mark.parametrize(
    "finding",
    ["nodes", "nodes=", "banana=1", "nodes_positive=1.5", "nodes_positive=-1", "nodes=moon",
     "mets=moon", "nodes_positive=1;nodes_positive=2", "mesenteric_mass_mm=big"],
)  # fmt: skip
def test_a_finding_that_cannot_be_read_is_refused(finding):
    with pytest.raises(ValueError, match=r"\w"):
        nm_category(site="pancreas", system="AJCC8", finding=finding)


@given(st.sampled_from(["pancreas", "colon", "lung", "thymus", "ppgl", "appendix"]), st.data())
def test_t_never_falls_when_the_tumour_grows(site, data):
    system = data.draw(st.sampled_from([s for s in tnm.systems() if tnm.extents(site, s)]))
    extent = data.draw(st.sampled_from(tnm.extents(site, system)))
    small, large = sorted(data.draw(st.tuples(*[st.decimals("0.1", 200, places=1)] * 2)))

    def rank(size: Decimal) -> int:
        found = t_category(site=site, system=system, size_mm=size, extent=extent)
        return tnm._RANK[found.answer]

    assert rank(small) <= rank(large)


@given(st.text(max_size=80))
def test_any_finding_is_answered_or_refused(finding):
    try:
        assert nm_category(site="jejunum_ileum", system="AJCC8", finding=finding).answer
    except ValueError:
        return
