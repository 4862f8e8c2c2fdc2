"""One crosswalk joins topography, triage, grading and staging."""

import pytest

from registry.clinical import grading, sites, staging, tables


def test_every_site_is_complete_and_its_words_exist():
    groups = sites.triage_groups()
    schemes = {row["grading_site"] for row in tables.rows("grading_schemes")}
    assert len(sites.sites()) == 98
    for site in sites.sites():
        assert site.triage_group in groups
        assert site.grading_site in schemes
        assert sites.is_wellformed(site.topography)


def test_a_code_is_found_however_it_is_written():
    assert sites.site("c25.0").display_name == "Head of pancreas"
    assert sites.site(" C25 ").topography == "C25.9"


@pytest.mark.parametrize("code", ["C99.9", "C44.3", "C25.5", "C99"])
def test_a_wellformed_code_outside_the_list_is_no_error(code):
    assert sites.site(code) is None
    assert sites.is_wellformed(code)
    assert sites.triage_group(code) == "other"


@pytest.mark.parametrize("code", ["", "25.0", "C2", "C25.", "C25.00", "C25.0x", "pancreas"])
def test_what_is_no_topography_code_is_said_so(code):
    assert not sites.is_wellformed(code)


@pytest.mark.parametrize("code", ["C21.0", "C21.1", "C21.2", "C21.8"])
def test_the_anus_is_graded_by_digestive_thresholds(code):
    found = grading.derive_grade(site=code, differentiation="poor", cell_type="small")
    assert found.category == "NEC_SMALL_CELL"


def test_words_join_to_words():
    assert sites.by_word("ppgl").triage_group == "adrenal_ppgl"
    assert sites.by_word("unknown").triage_group == "unknown_primary"
    assert sites.by_word("small_bowel").staging_site == "jejunum_ileum"
    assert sites.by_word("banana") is None


def test_every_staging_site_has_a_table():
    tabled = {row["site"] for row in tables.rows("stage_groups")}
    assert {s for s in sites.staging_sites() if s != "unknown"} == tabled
    assert (
        staging.stage_group(
            site="C75.4", histology_class="PPGL", system="AJCC8", t="T1", n="N0", m="M0"
        ).answer
        == "INVALID"
    )
