"""The referral's first page (who the patient is), its form, and the forms of the steps.

The form is one page over several entities. Its fields come from the dictionary and are named
`entity__variable`, or `entity__0__variable` where there are several rows. What was typed is kept
as typed; `case()` gives the plain facts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from werkzeug.datastructures import MultiDict

from registry.course import facts as plain
from registry.course.models import BY_NAME
from registry.course.models.tumour import SYNDROME
from registry.forms import (
    Choice,
    Facts,
    HouseForm,
    Option,
    Text,
    again,
    field_for,
)
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.patients.forms import ConsentForm, PatientForm
from registry.people.models import Organisation
from registry.referrals.case import CONTACT, FDG, MANY, SSTR, Case
from registry.referrals.models import Referral

# -- the first page ----------------------------------------------------------------------------


class NewReferralForm(PatientForm, ConsentForm):
    """Who the patient is, what they consent to, and which centre is asked."""

    consent_date: Any = None
    centre: Any = Choice(_l("Centre you ask"), needed=_l("Choose the centre."))


class KnownPatientForm(ConsentForm):
    """The first page for a patient who is known: consents and the centre."""

    consent_date: Any = None
    centre = Choice(_l("Centre you ask"), needed=_l("Choose the centre."))


class OnBehalfForm(NewReferralForm):
    """The same, entered by a coordinator for a doctor of another hospital."""

    centre: Any = None
    hospital = Choice(_l("Referring hospital"), needed=_l("Choose the hospital."))
    on_behalf_of = field_for(
        Referral, "on_behalf_of", longest=200, needed=_l("Enter the doctor's name.")
    )


def offer(field: Choice, places: Sequence[Organisation]) -> None:
    """Offer these organisations; what was sent is read again."""
    options = [Option(str(one.id), _placed(one)) for one in places]
    field._options = options
    if field.typed:
        field.errors = []
        field.read()


def _placed(place: Organisation) -> str:
    return f"{place.name} ({place.city})" if place.city else place.name


# -- the form ----------------------------------------------------------------------------------

PARTS: dict[str, tuple[str, ...]] = {
    "tumour": (
        "primary_site",
        "primary_size_mm",
        "diagnosis_date",
        "diagnosis_basis",
        "presentation",
        "first_symptom_date",
        "primary_multiple",
        *SYNDROME,
    ),
    "pathology": (
        "date",
        "specimen_kind",
        "specimen_site",
        "differentiation",
        "cell_type",
        "ki67_percent",
        "mitoses_per_2mm2",
        "necrosis",
        "grade_stated",
        "grade_system",
        "morphology",
        "mixed_component_pct",
        "chromogranin_a_ihc",
        "synaptophysin_ihc",
        "sstr2_ihc",
        "central_review",
        "slides_available",
        "laboratory",
        "note",
    ),
    "staging": (
        "date",
        "staging_system",
        "staging_prefix",
        "t",
        "n",
        "m",
        "stage_stated",
        "mets_liver",
        "liver_burden",
        "mets_nodes_distant",
        "mets_bone",
        "mets_peritoneum",
        "mets_lung",
        "mets_brain",
    ),
    "follow_up": ("date", "ecog", "weight_kg"),
    "history": (
        "cardiac_comorbidity",
        "renal_comorbidity",
        "diabetes",
        "other_malignancy",
        "family_history_endocrine",
        "smoking",
        "note",
    ),
    "imaging": ("modality", "date", "krenning", "fdg_result", "images_sent", "result"),
    "biomarker": ("analyte", "value", "unit", "upper_limit", "date", "ppi"),
    "therapy": (
        "therapy_class",
        "agent",
        "agent_stated",
        "start",
        "stop",
        "cycles",
        "dose",
        "residual",
        "best_response",
        "stop_reason",
    ),
}

#: Questions of a row that arise only for some examinations.
_ONLY_FOR = {
    ("imaging", "krenning"): ("modality", frozenset(SSTR)),
    ("imaging", "fdg_result"): ("modality", frozenset(FDG)),
    ("biomarker", "ppi"): ("analyte", frozenset({"CGA_MASS", "CGA_MOLAR", "CGA_UNITS"})),
}
_MOST_ROWS = 30  # rows of one kind in a form; more belong in the record


#: Choices of a few options that are shown as a list to choose from, so that the page stays short.
_AS_LIST = frozenset(
    {
        "presentation",
        "diagnosis_basis",
        "staging_prefix",
        "ecog",
        "necrosis",
        "smoking",
        "residual",
        "fdg_result",
        "krenning",
        "specimen_kind",
        "chromogranin_a_ihc",
        "synaptophysin_ihc",
        "sstr2_ihc",
        "best_response",
    }
)


class Part(HouseForm):
    """The questions of one entity, or of one row of it."""

    entity = ""
    _unbound_fields: Any

    def __init__(
        self, formdata: Any = None, *, only: frozenset[str] | None = None, **options: Any
    ) -> None:
        if only is not None:  # as the library itself keeps them; of this one form
            self._unbound_fields = [one for one in self._unbound_fields if one[0] in only]
        super().__init__(formdata, **options)
        for name in _AS_LIST & set(self._fields):
            self[name].kind = "select"

    def stated(self) -> Facts:
        """What is answered, without the answers to questions that do not arise."""
        said = self.facts()
        asked = {name for name in said.values if self.arises(name)}
        return Facts(
            {name: value for name, value in said.values.items() if name in asked},
            {name: reason for name, reason in said.absent.items() if name in asked},
        )

    def arises(self, name: str) -> bool:
        """Is the question asked, given the answer it depends on?"""
        condition = self[name].show_if
        if condition is None or condition[0] not in self:
            return True
        return self.arises(condition[0]) and self[condition[0]].data in condition[1]


@cache
def _part(entity: str) -> type[Part]:
    fields = {}
    for name in PARTS[entity]:
        extra: dict[str, Any] = {}
        if (entity, name) in _ONLY_FOR:
            extra["show_if"] = _ONLY_FOR[entity, name]
        fields[name] = field_for(BY_NAME[entity], name, **extra)
    return type(f"{entity.title()}Part", (Part,), {**fields, "entity": entity})


class AskedForm(ConsentForm, Part):
    """Consents, centre, question, red flags and who answers questions."""

    consent_date: Any = None
    centre = Choice(_l("Centre you ask"), needed=_l("Choose the centre."))
    question = field_for(Referral, "question", needed=_l("Choose the question."))
    question_text = field_for(
        Referral, "question_text", needed=_l("Write the question in your words.")
    )
    urgency_stated = field_for(Referral, "urgency_stated")
    red_flags = field_for(Referral, "red_flags")
    syndrome_controlled = field_for(
        Referral,
        "syndrome_controlled",
        show_if=("tumour__functioning", frozenset({"yes"})),
    )
    treated = field_for(Referral, "treated")
    contact_name = field_for(
        Referral, "contact_name", longest=200, needed=_l("Enter who answers questions.")
    )
    contact_telephone = field_for(Referral, "contact_telephone", longest=60)
    contact_email = field_for(Referral, "contact_email", longest=254)

    NEEDED = ("consent_care", "question", "question_text", "contact_name")

    def validate(self, extra_validators: Any = None) -> bool:
        """Consent to share for care, the question, and somebody to ask."""
        good = bool(super().validate(extra_validators))
        if self.consent_care.data in ("no", "not_asked"):
            self.consent_care.errors.append(
                _("Without consent to share for care nothing can be sent.")
            )
            good = False
        if self.contact_telephone.is_empty and self.contact_email.is_empty:
            self.contact_telephone.errors.append(
                _("Enter a telephone number or an e-mail address.")
            )
            good = False
        return good


class CaseForm:
    """The whole form of a referral, from what was typed.

    `to_show` is False where nobody looks at it: the questions nobody answered are left out, which
    are most of a hundred, and neither say nor refuse anything.
    """

    def __init__(
        self,
        typed: MultiDict[str, str],
        centres: Sequence[Organisation] = (),
        *,
        to_show: bool = True,
    ) -> None:
        answered = None if to_show else _answered(typed)
        self.asked: Any = AskedForm(typed)
        offer(self.asked.centre, centres)
        self.asked.centre.kind = "select"
        for name in AskedForm.NEEDED:
            self.asked[name].needed_word = _("needed to send")
        self.parts: dict[str, Any] = {
            entity: _part(entity)(
                typed, prefix=f"{entity}__", only=_needed(entity, f"{entity}__", answered)
            )
            for entity in PARTS
            if entity not in MANY and _wanted(entity, f"{entity}__", answered)
        }
        self.rows: dict[str, list[Any]] = {
            entity: [
                _part(entity)(typed, prefix=row, only=_needed(entity, row, answered))
                for row in (f"{entity}__{n}__" for n in range(row_count(typed, entity)))
                if _wanted(entity, row, answered)
            ]
            for entity in MANY
        }

        self.parts["follow_up"].date.label.text = _("As of")
        for therapy in self.rows["therapy"]:
            _keep_unlisted(therapy)

    @property
    def forms(self) -> list[Any]:
        """Every single form, in the order of the page."""
        rows = [one for entity in MANY for one in self.rows[entity]]
        return [self.asked, *self.parts.values(), *rows]

    @property
    def errors(self) -> dict[str, Any]:
        """All messages by field."""
        return {f.name: f.errors for form in self.forms for f in form if f.errors}

    def validate(self) -> bool:
        """Check everything; every message is collected."""
        found = [form.validate() for form in self.forms]  # each of them, so that all is said
        return all(found)

    def look(self) -> None:
        """Check for what is unusual, and drop the messages about what is only missing."""
        for form in self.forms:
            form.validate()
            for field in form:
                if field.is_empty:
                    field.errors = []

    def add(self, field: str, message: str) -> None:
        """Put a message where it belongs; where there is no such field, at the question."""
        name = field if field in self.asked else "question"
        self.asked[name].errors.append(message)

    def case(self) -> Case:
        """The plain facts, without identity."""
        asked = self._asked()
        facts = {}
        for entity, part in self.parts.items():
            row = plain.to_json(*_pair(part.stated()))
            if set(row) - {"date"}:
                facts[entity] = [row]
        for entity, parts in self.rows.items():
            if entity == "therapy" and asked.get("treated") == "no":
                continue
            rows = [plain.to_json(*_pair(part.stated())) for part in parts]
            if kept := [row for row in rows if row]:
                facts[entity] = kept
        return Case(
            asked=asked,
            facts=facts,
            consents=self.asked.answers(),
            contact={name: self.asked[name].data for name in CONTACT},
        )

    def _asked(self) -> dict[str, Any]:
        names = (
            "question",
            "question_text",
            "urgency_stated",
            "red_flags",
            "syndrome_controlled",
            "treated",
        )
        said = self.asked.facts(names)
        values, absent = dict(said.values), dict(said.absent)
        if self.parts["tumour"].functioning.data != "yes":
            values.pop("syndrome_controlled")
            absent.pop("syndrome_controlled", None)
        return plain.to_json(values, absent)


#: Questions that others, or the rest of the form, are read by.
_READ_BY_OTHERS = {
    "tumour": {"functioning"},
    "follow_up": {"date"},
    "therapy": {"agent", "agent_stated"},
}


def _answered(typed: MultiDict[str, str]) -> frozenset[str]:
    """The questions, by their whole names, that have any answer."""
    return frozenset(name.partition("-")[0] for name, text in typed.items(multi=True) if text)


def _wanted(entity: str, prefix: str, answered: frozenset[str] | None) -> bool:
    """Is there anything to read in a part or row?"""
    read = answered is None or entity in ("tumour", "follow_up")
    return read or any(name.startswith(prefix) for name in answered or ())


def _needed(entity: str, prefix: str, answered: frozenset[str] | None) -> frozenset[str] | None:
    """Of the questions of a part or row those that are answered, and what they depend on."""
    if answered is None:
        return None
    found = {name for name in PARTS[entity] if prefix + name in answered}
    found |= _READ_BY_OTHERS.get(entity, set())
    asked_by = _conditions(entity)
    waiting = list(found)
    while waiting:
        condition = asked_by.get(waiting.pop())
        if condition is not None and condition not in found:
            found.add(condition)
            waiting.append(condition)
    return frozenset(found)


@cache
def _conditions(entity: str) -> Mapping[str, str]:
    """Question to the question its arising depends on, within an entity."""
    fields = _part(entity)()
    return {one.short_name: one.show_if[0] for one in fields if one.show_if is not None}


def _keep_unlisted(therapy: Any) -> None:
    """A treatment that is not in the list is kept in the doctor's words; it blocks nothing."""
    if therapy.agent.errors and therapy.agent.typed and therapy.agent_stated.is_empty:
        therapy.agent_stated.typed = therapy.agent.typed
        therapy.agent_stated.read()
        therapy.agent.typed, therapy.agent.errors = [], []


def _pair(said: Facts) -> tuple[dict[str, Any], dict[str, Any]]:
    return said.values, said.absent


def row_count(typed: Mapping[str, Any], entity: str) -> int:
    """How many rows of an entity the form has: one more than the highest typed, or as asked."""
    shape = re.compile(rf"{entity}__([0-9]{{1,3}})__")
    numbers = [int(found[1]) + 1 for name in typed if (found := shape.match(name))]
    said = str(typed.get(f"{entity}__rows", "1"))
    asked = int(said) if said.isascii() and said.isdigit() and len(said) < 4 else 1
    return min(max(1, asked, *numbers), _MOST_ROWS)


def reopened(kept: Mapping[str, Sequence[str]] | None) -> MultiDict[str, str]:
    """A kept draft, as if it were typed now."""
    return again(kept or {})


def only_ours(typed: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """What was typed into this form's own fields: nothing else is kept in a draft."""
    return {name: texts for name, texts in typed.items() if _own_name().fullmatch(name)}


@cache
def _own_name() -> re.Pattern[str]:
    names = [re.escape(name) for name in AskedForm()._fields]
    for entity, variables in PARTS.items():
        row = "[0-9]{1,2}__" if entity in MANY else ""
        names.append(f"{entity}__{row}(?:{'|'.join(variables)})")
    names += [f"{entity}__rows" for entity in MANY]
    return re.compile(f"(?:{'|'.join(names)})(?:-(?:day|month|year|absent|because))?")


#: Where items of the level-1 data set are asked, if not under their own name.
_ASKED_AT = {
    "pathology.specimen_date": "pathology__date-day",
    "staging.staging_date": "staging__date-day",
    "state.ecog": "follow_up__ecog",
    "state.hereditary_syndrome": "tumour__hereditary_syndrome",
    "tumour.first_symptom_date": "tumour__first_symptom_date-day",
    "tumour.diagnosis_date": "tumour__diagnosis_date-day",
    "tumour.echo_date": "tumour__echo_date-day",
}
_SECTION = {"imaging": "imaging", "markers": "markers", "therapy": "therapy", "patient": "patient"}


def anchor(variable: str) -> str:
    """The id on the page of the question that answers an item of the level-1 data set."""
    if variable in _ASKED_AT:
        return _ASKED_AT[variable]
    group, name = variable.split(".", 1)
    if group in _SECTION:
        return _SECTION[group]
    entity = "history" if group == "state" else group
    return f"{entity}__{name}" if name in PARTS.get(entity, ()) else "question"


class SearchForm(HouseForm):
    """A name or number, sent in the body: it never stands in an address."""

    text = Text(_l("Name, number or pseudonym"), longest=200)
