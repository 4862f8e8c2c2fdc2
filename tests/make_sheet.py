"""Builders of pages over several entries: what a browser would send, and a filled-in level 1."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient

from tests import make


class _Form(HTMLParser):
    """What the page's own form would send if it were sent as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self._form = self._off = self._template = False
        self._select = self._textarea = ""
        self._text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        if tag == "form":
            self._form = "fast-form" in (given.get("class") or "")
        if tag == "template":
            self._template = True
        if tag == "fieldset" and "disabled" in given:
            self._off = True
        if not self._form or self._template or self._off:
            return
        name = given.get("name") or ""
        if tag == "input" and name:
            if given.get("type") not in ("radio", "checkbox") or "checked" in given:
                self._keep(name, given.get("value") or "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self._keep(self._select, given.get("value") or "")
        elif tag == "textarea":
            self._textarea, self._text = name, ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = False
        if tag == "template":
            self._template = False
        if tag == "fieldset":
            self._off = False
        if tag == "select":
            self._select = ""
        if tag == "textarea" and self._textarea:
            self._keep(self._textarea, self._text)
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def _keep(self, name: str, value: str) -> None:
        self.fields.setdefault(name, []).append(value)


def sent(page: str) -> dict[str, Any]:
    """What the page would send as it is."""
    form = _Form()
    form.feed(page)
    return {name: values if len(values) > 1 else values[0] for name, values in form.fields.items()}


def fill(client: FlaskClient, url: str, answers: Mapping[str, Any], **more: Any) -> Any:
    """Open a page, fill it in and send it, with everything the page itself sends along."""
    page = client.get(url)
    assert page.status_code == 200, page.status_code
    return make.post(client, url, {**sent(page.text), **answers}, page.text, **more)


#: Level 1 of a woman with a metastatic tumour of the ileum, on an analogue: realistic, made up.
LEVEL1 = {
    "patient__region": "Gelderland",
    "state__0__date": "12.3.2026",
    "state__0__ecog": "1",
    "state__0__weight_kg": "71.5",
    "history__0__height_cm": "168",
    "history__0__smoking": "former",
    "history__0__cardiac_comorbidity": "yes",
    "history__0__renal_comorbidity": "no",
    "history__0__diabetes": "no",
    "history__0__other_malignancy": "no",
    "history__0__family_history_endocrine": "absent:not_known",
    "tumour__0__hereditary_syndrome": "none",
    "tumour__0__primary_site": "C17.2",
    "tumour__0__diagnosis_date": "3/2025",
    "tumour__0__diagnosis_basis": "pathology",
    "tumour__0__first_symptom_date": "2024",
    "tumour__0__presentation": "symptom",
    "tumour__0__primary_multiple": "no",
    "tumour__0__primary_size_mm": "18",
    "tumour__0__flushing": "yes",
    "tumour__0__diarrhoea": "yes",
    "tumour__0__functioning": "yes",
    "tumour__0__syndrome": "carcinoid",
    "tumour__0__carcinoid_heart_disease": "no",
    "tumour__0__echo_date": "2025-04-02",
    "tumour__0__metastatic_sites": "absent:not_applicable",
    "pathology__0__date": "10.3.2025",
    "pathology__0__specimen_site": "liver",
    "pathology__0__specimen_kind": "biopsy",
    "pathology__0__differentiation": "well",
    "pathology__0__morphology": "8240/3",
    "pathology__0__ki67_percent": "6",
    "pathology__0__mitoses_per_2mm2": "-",
    "pathology__0__necrosis": "none",
    "pathology__0__grade_stated": "G2",
    "pathology__0__grade_system": "WHO2022",
    "pathology__0__chromogranin_a_ihc": "positive",
    "pathology__0__synaptophysin_ihc": "positive",
    "pathology__0__sstr2_ihc": "not_done",
    "pathology__0__central_review": "yes",
    "pathology__0__structured_report": "no",
    "staging__0__staging_system": "AJCC8",
    "staging__0__staging_prefix": "c",
    "staging__0__t": "T3",
    "staging__0__n": "N1",
    "staging__0__m": "M1a",
    "staging__0__stage_stated": "IV",
    "staging__0__date": "20.3.2025",
    "staging__0__mets_liver": "yes",
    "staging__0__liver_burden": "10_to_25",
    "staging__0__mets_nodes_distant": "no",
    "staging__0__mets_bone": "no",
    "staging__0__mets_peritoneum": "no",
    "staging__0__mets_lung": "no",
    "staging__0__mets_brain": "no",
    "overview__0__ct_mri": "yes",
    "ct__0__modality": "CT_MULTIPHASE",
    "ct__0__date": "1.3.2025",
    "overview__0__sstr_done": "yes",
    "sstr__0__modality": "PET_68GA_DOTATATE",
    "sstr__0__date": "25.3.2025",
    "sstr__0__krenning": "4",
    "sstr__0__krenning_scale": "modified_pet",
    "overview__0__fdg_done": "no",
    "sampled": "12.3.2026",
    "cga__0__value": "310",
    "cga__0__measure": "CGA_MASS|ng/mL",
    "cga__0__upper_limit": "100",
    "cga__0__ppi": "no",
    "hiaa__0__value": "88",
    "hiaa__0__measure": "HIAA_U24_MOL|umol/(24.h)",
    "egfr__0__value": "74",
    "hb__0__value": "131",
    "hb__0__measure": "HB|g/L",
    "plt__0__value": "240",
    "overview__0__primary_resected": "yes",
    "surgery__0__start": "14.5.2025",
    "surgery__0__residual": "R0",
    "overview__0__liver_directed": "no",
    "overview__0__ssa": "yes",
    "ssa__0__agent": "SSA_LAN",
    "ssa__0__dose_value": "120",
    "ssa__0__interval_days": "28",
    "ssa__0__start": "1.6.2025",
    "ssa__0__best_response": "SD",
    "overview__0__prrt": "no",
    "overview__0__targeted": "no",
    "overview__0__chemotherapy": "no",
    "overview__0__board": "yes",
    "board__0__date": "2.4.2025",
    "board__0__recommendation": ["start_systemic", "evaluate_surgery"],
    "state__0__vital_status": "alive",
    "state__0__disease_status": "stable",
    "overview__0__progressed": "no",
}
