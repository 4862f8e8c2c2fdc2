"""A Cox model of a release as it is shown: of what, its table, and what is to be said of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from registry.language import gettext as _
from registry.research.statistics import overall
from registry.research.statistics.hazards import Cox, NoModel, cox
from registry.research.statistics.overall import Survival
from registry.research.statistics.shown import Files, Table, p_value
from registry.research.statistics.survival import EVENT

#: A model with fewer events than this for each of its covariates says little, and is not shown.
EVENTS_PER_COVARIATE = 5


@dataclass(frozen=True)
class Modelled:
    """A model, or why there is none; and what it was fitted to, by the names of a file: the texts
    of each covariate, and the level that its others are compared with."""

    fitted: Cox | None
    refused: str = ""
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)


def model(files: Files, found: Survival, named: Mapping[str, str] | None) -> Modelled:
    """Cox on age, sex, category and the chosen group."""
    covariates: dict[str, tuple[str, dict[str, str]]] = {}  # by name in a file: label, texts
    patients = files.rows("patients.csv")
    if "age_at_diagnosis" in files.columns("patients.csv"):
        ages = {
            row["patient_id"]: overall.age_as_number(row["age_at_diagnosis"]) for row in patients
        }
        covariates["age"] = (str(_("Age, a year")), ages)
    for key in ("sex", "grade", "sstr"):
        file, column, label = overall.GROUPS[key]
        if key == "sstr" and named is None:
            continue
        if column in files.columns(file):
            others = [] if file == "patients.csv" else files.rows(file)
            covariates[key] = (f"{label}: ", overall.groups_of(key, patients, others))
    stated = {key: [of.get(one.key, "") for one in found.kept] for key, (_label, of) in
              covariates.items()}  # fmt: skip
    texts = _with_enough(stated, [kind == EVENT for kind in found.of.kinds])
    if not texts:
        return Modelled(
            None, str(_("No Cox model is shown: there are too few events for its covariates."))
        )
    whole = [all(row) for row in zip(*texts.values(), strict=True)]
    common = {key: Counter(text for text, kept in zip(some, whole, strict=True) if kept)
              .most_common(1)[0][0] for key, some in texts.items()}  # fmt: skip
    labels = {key: covariates[key][0] for key in texts}
    try:
        fitted = cox(
            found.of,
            {labels[key]: some for key, some in texts.items()},
            {labels[key]: level for key, level in common.items()},
        )
    except NoModel:
        return Modelled(None, str(_("No Cox model is shown: it cannot be fitted to these data.")))
    references = {key: common[key] for key in texts if labels[key] in fitted.references}
    return Modelled(fitted, "", texts, references)


def _with_enough(
    texts: Mapping[str, Sequence[str]], events: Sequence[bool]
) -> dict[str, Sequence[str]]:
    """The covariates that those who have them all allow: levels with too few events of their own
    are one, a covariate has two with enough, and there are enough events for each covariate."""
    left = dict(texts)
    while left:
        whole = [all(some) for some in zip(*left.values(), strict=True)]
        merged = {label: _without_rare(some, events, whole) for label, some in left.items()}
        kept = {label: some for label, some in merged.items() if some is not None}
        if len(kept) == len(left):
            happened = sum(one and all_ for one, all_ in zip(events, whole, strict=True))
            return kept if happened >= EVENTS_PER_COVARIATE * len(kept) else {}
        left = {label: left[label] for label in kept}
    return {}


def _without_rare(
    texts: Sequence[str], events: Sequence[bool], whole: Sequence[bool]
) -> Sequence[str] | None:
    """The levels, rare ones as one; numbers stay as they are. None where fewer than two are left
    with enough events among those who have all covariates."""
    those = [(text, had) for text, had, all_ in zip(texts, events, whole, strict=True) if all_]
    if all(text.isdecimal() for text in texts if text):
        return texts if len({text for text, _had in those}) > 1 else None
    counted = Counter(text for text, had in those if had)
    enough = {text for text in counted if counted[text] >= EVENTS_PER_COVARIATE}
    of_rare = counted.total() - sum(counted[text] for text in enough)
    if len(enough) + (of_rare >= EVENTS_PER_COVARIATE) < 2:
        return None
    rare = {text for text, _had in those} - enough
    other = str(_("others"))
    return [text if not text or text not in rare or len(rare) == 1 else other for text in texts]


def table(model: Cox) -> Table:
    """The ratios, each covariate's beginning with the level that its others are compared with."""
    rows, references = [], dict(model.references)
    for one in model.terms:
        rows += [
            [f"{name}{references.pop(name)}", str(_("1 (reference)")), *["–"] * 4]
            for name in [name for name in references if one.term.startswith(name)]
        ]
        ratio = (f"{value:.2f}" if value is not None else "–" for value in
                 (one.hazard_ratio, one.ci_low, one.ci_high))  # fmt: skip
        check = "–" if one.proportional_p is None else p_value(one.proportional_p)
        rows.append([one.term, *ratio, p_value(one.p), check])
    return Table(
        _("Cox model: %(n)s patients with all covariates, %(events)s events", n=model.n,
          events=model.events),
        [_("Term"), _("Hazard ratio"), _("95 % from"), _("95 % to"), _("p value"),
         _("p value of proportional hazards")],
        rows,
    )  # fmt: skip


def said_of(model: Cox) -> str:
    crossed = [
        one.term
        for one in model.terms
        if one.proportional_p is not None and one.proportional_p < 0.05
    ]
    if not crossed:
        return str(_("Ties by Efron. Nothing speaks against proportional hazards (each p ≥ 0.05)."))
    return str(
        _("Ties by Efron. The hazards do not seem proportional for: %(terms)s. Its ratio is an "
          "average over time; look at the curves.", terms="; ".join(crossed))
    )  # fmt: skip
