"""A request for access."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from werkzeug.datastructures import MultiDict

from registry.forms import Choice, Choices, HouseForm, LongText, Option, PartialDateField, Text
from registry.language import lazy_gettext as _l
from registry.research import rules
from registry.research.releases.forms import CoarseForm, joining
from registry.research.requests import needs


def _options(labels: Any) -> Any:
    return lambda: [Option(code, label) for code, label in labels.items()]


class RequestForm(CoarseForm):
    """What is asked for, why, and by whom. A draft need not have all of it: sending does."""

    project = Text(
        _l("Project code"),
        help=_l("Letters, digits and hyphens, such as NET-SURVIVAL."),
        longest=20,
        needed=_l("Enter the project code."),
    )
    joins = joining()
    title = Text(_l("Title"), needed=_l("Enter the title of the project."), width=30)
    purpose = LongText(_l("Purpose"), longest=4000)
    team = LongText(_l("Team"), help=_l("Who will see the data, and where they work."),
                    longest=2000)  # fmt: skip
    legal_basis = Choice(_l("Legal basis"), options=_options(rules.LEGAL_BASES))
    funding = LongText(_l("Funding"), help=_l("Or: none."), longest=2000)
    use_codes = Choices(
        _l("Use of the data"),
        options=lambda: [
            Option(code, label, rules.USE_MEANS[code]) for code, label in rules.USE_CODES.items()
        ],
    )
    cohort = Choice(_l("Cohort"), needed=_l("Choose a saved version of a cohort."))
    analyses = Choices(_l("Analyses"), options=_options(rules.ANALYSES))
    variables = LongText(
        _l("Variables, and why each is needed"),
        help=_l(
            "One a line, as in the catalogue: pathology.ki67_percent: to adjust for proliferation"
        ),
        longest=20000,
    )
    outputs = LongText(_l("What will be published"), longest=2000)
    until_date = PartialDateField(
        _l("Needed until"), future=True, whole=True, needed=_l("Enter the last day.")
    )


def filled(sent: MultiDict[str, str], known: Container[str]) -> MultiDict[str, str]:
    """What was typed, with a line more for each variable the chosen analyses need."""
    analyses = [one for one in sent.getlist("analyses") if one in rules.ANALYSES]
    text = sent.get("variables", "").rstrip()
    there = {name for name, _why in rules.variable_lines(text)}
    wanted = dict.fromkeys(name for one in analyses for name in needs.needed(one))
    lines = [text] if text else []
    for name in wanted:
        if name in known and name not in there:
            for_what = [str(rules.ANALYSES[one]) for one in needs.needed_by(name, analyses)]
            lines.append(f"{name}: {', '.join(for_what)}")
    found = sent.copy()
    found["variables"] = "\r\n".join(lines)
    return found


def trimmed(sent: MultiDict[str, str]) -> MultiDict[str, str]:
    """What was typed, without the lines of variables that none of the chosen analyses needs."""
    analyses = [one for one in sent.getlist("analyses") if one in rules.ANALYSES]
    wanted = {name for one in analyses for name in needs.needed(one)}
    found = sent.copy()
    found["variables"] = "\r\n".join(
        line
        for line in sent.get("variables", "").splitlines()
        if not line.strip() or line.partition(":")[0].strip() in wanted
    )
    return found


def with_cohorts(form: Any, versions: Any) -> Any:
    """Offer these versions in the form's choice."""
    form.cohort._options = [
        Option(str(one), f"{name} ({number})") for one, name, number in versions
    ]
    if form.cohort.typed:
        form.cohort.errors = []
        form.cohort.read()
    return form


class OutputForm(HouseForm):
    """A publication or report that came of a request."""

    kind = Choice(_l("Kind"), options=_options(rules.OUTPUT_KINDS), needed=_l("Choose what it is."))
    title = Text(_l("Title"), longest=400, needed=_l("Enter the title."), width=30)
    reference = LongText(
        _l("Reference"), help=_l("Authors, where and when, as it is cited."), longest=2000,
        needed=_l("Enter the reference."),
    )  # fmt: skip
    doi = Text(_l("DOI"), help=_l("Such as 10.1000/182, where it has one."), longest=220)
    release = Choice(_l("Release it was made from"))


def with_releases(form: Any, releases: Any) -> Any:
    """Offer these releases in the form's choice."""
    form.release._options = [
        Option(str(one.id), f"{one.project}, {one.number}") for one in releases
    ]
    if form.release.typed:
        form.release.errors = []
        form.release.read()
    return form
