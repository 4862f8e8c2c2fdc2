"""All checks of one record of the level-1 data set."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from registry.clinical import sites, tables
from registry.clinical.edit_checks import dates, pathology, stage, therapy
from registry.clinical.edit_checks.finding import ABSENT, Finding

Facts = Mapping[str, str]


def check_record(facts: Facts, *, today: date | None = None) -> tuple[Finding, ...]:
    """Every contradiction among "entity.variable" facts; grade and stage are checked apart.

    Values are text; words for absent values count as absent. `today` adds dates in the future.
    Raises ValueError for text that is no date where a date belongs.
    """
    found = [*_pathology(facts), *_stage(facts), *_therapy(facts), *_dates(facts, today)]
    return tuple(finding for finding in found if finding is not None)


def _text(facts: Facts, variable: str) -> str:
    text = (facts.get(variable) or "").strip()
    return "" if text in ABSENT else text


def _pathology(facts: Facts) -> list[Finding | None]:
    differentiation = _text(facts, "pathology.differentiation")
    morphology = _text(facts, "pathology.morphology")
    return [
        pathology.cell_type_without_carcinoma(differentiation, _text(facts, "pathology.cell_type")),
        pathology.morphology_against_differentiation(morphology, differentiation),
        pathology.outside_the_registry(morphology),
    ]


def _stage(facts: Facts) -> list[Finding | None]:
    m = _text(facts, "staging.m")
    metastases = {name: facts.get(f"staging.{name}") or "" for name in stage.METASTASES}
    entry = sites.by_word(_text(facts, "tumour.primary_site"))
    unknown = entry is not None and entry.grading_site == "unknown"
    site = "unknown" if unknown else (entry.staging_site if entry else "")
    return [
        stage.m0_with_metastases(m, metastases),
        stage.m1_without_metastases(m, metastases),
        stage.stage_iv_without_metastasis(
            _text(facts, "staging.stage_stated"), m, metastases, site
        ),
        stage.t_for_unknown_primary(site, _text(facts, "staging.t")),
    ]


def _therapy(facts: Facts) -> list[Finding | None]:
    given = {name: _text(facts, f"therapy.{name}") for name in ("prrt", "ssa")}
    prrt = "PRRT" if given["prrt"] not in ("", "no", "none") else ""
    ssa = "SSA" if given["ssa"] not in ("", "no", "none") else ""
    functioning = _text(facts, "tumour.functioning") == "yes"
    sstr_date = _text(facts, "imaging.sstr_date")
    sstr_done = _text(facts, "imaging.sstr_done")
    return [
        therapy.prrt_without_sstr(prrt, "", [sstr_date] if sstr_date else [], sstr_done),
        therapy.ssa_for_carcinoma(
            ssa, _text(facts, "pathology.differentiation"), background=functioning
        ),
        therapy.surgery_contradiction(
            _text(facts, "therapy.primary_resected"), _text(facts, "therapy.surgery_date")
        ),
        therapy.sstr_contradiction(sstr_done, _text(facts, "imaging.sstr_score"), sstr_date),
        therapy.syndrome_contradiction(
            _text(facts, "tumour.functioning"), _text(facts, "tumour.syndrome")
        ),
        therapy.cga_on_ppi(_text(facts, "markers.cga_value"), _text(facts, "markers.cga_ppi")),
        therapy.death_contradiction(
            _text(facts, "follow_up.vital_status"), _text(facts, "follow_up.death_date")
        ),
    ]


def _dates(facts: Facts, today: date | None) -> list[Finding | None]:
    known = {name for row in tables.rows("date_order") for name in (row["earlier"], row["later"])}
    given = {name: _text(facts, name) for name in sorted(known)}
    found: list[Finding | None] = [*dates.date_orders(given)]
    if today is not None:
        found += [dates.in_future(text, today, variable=name) for name, text in given.items()]
    return found
