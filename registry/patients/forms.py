"""Who the patient is, their consents, and searching."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.dates import PartialDate
from registry.forms import (
    Choice,
    HouseForm,
    LongText,
    Option,
    PartialDateField,
    Text,
    field_for,
)
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.patients import rules
from registry.patients.models import Patient

IDENTITY = ("family_name", "given_names", "national_number", "telephone", "address")
PLAIN = ("sex_at_birth", "birth_date", "country", "region")


def _answers() -> list[Option]:
    return [
        Option("yes", _("Yes")),
        Option("no", _("No")),
        Option("not_asked", _("Not asked")),
    ]


def _consent(purpose: str) -> Any:
    return Choice(
        rules.PURPOSES[purpose],
        help=rules.PURPOSE_HELP[purpose],
        options=_answers,
        needed=_l("Choose yes, no or not asked."),
    )


class PatientForm(HouseForm):
    """Who the patient is."""

    family_name = field_for(Patient, "family_name", needed=_l("Enter the family name."))
    given_names = field_for(Patient, "given_names", needed=_l("Enter the given names."))
    birth_date = field_for(Patient, "birth_date", needed=_l("Enter the date of birth."))
    sex_at_birth = field_for(Patient, "sex_at_birth", needed=_l("Choose the sex at birth."))
    hospital_number = Text(
        _l("Hospital number"), help=_l("The number your hospital knows the patient by."), longest=60
    )
    national_number = field_for(Patient, "national_number", longest=60)
    country = field_for(Patient, "country")
    region = field_for(Patient, "region", longest=100)
    telephone = field_for(Patient, "telephone", longest=60)
    address = field_for(Patient, "address", longest=300)

    def identity(self) -> dict[str, Any]:
        """The columns of the patient's row."""
        return self.facts([*IDENTITY, *PLAIN]).values

    def sought(self) -> dict[str, Any]:
        """What `matching.finding.likely_same` asks to find who this may be."""
        names = ("family_name", "given_names", "national_number", "hospital_number", "telephone")
        plain = ("birth_date", "sex_at_birth", "country")
        return {n: self[n].data for n in plain} | {n: self[n].data or "" for n in names}

    def reasons(self) -> dict[str, Any]:
        """Why some are missing."""
        return self.facts(PLAIN).absent


class ConsentForm(HouseForm):
    """The four consents: yes, no, or not asked."""

    consent_care = _consent("care")
    consent_registry = _consent("registry")
    consent_research_use = _consent("research_use")
    consent_research_contact = _consent("research_contact")
    consent_date = PartialDateField(_l("Date of the answers"), help=_l("Empty means today."))

    def answers(self) -> dict[str, str]:
        """Purpose to answer."""
        return {purpose: self[f"consent_{purpose}"].data for purpose in rules.PURPOSES}

    @property
    def given_on(self) -> PartialDate | None:
        """The day the answers were given."""
        found: PartialDate | None = self.consent_date.data
        return found


class RestrictionForm(HouseForm):
    """That the data be used for the patient's care alone, and why."""

    ground = Choice(
        _l("Why"),
        options=lambda: [Option(code, str(label)) for code, label in rules.GROUNDS.items()],
        needed=_l("Choose why."),
    )
    asked_on = PartialDateField(_l("Day the patient asked"), help=_l("Empty means today."))
    note = LongText(_l("What was said"), help=_l("May be left empty."), longest=2000)


class LiftForm(HouseForm):
    """Why a restriction ends."""

    because = LongText(
        _l("Why it ends"),
        help=_l("The patient must have been told before."),
        needed=_l("Say why it ends."),
        longest=2000,
    )


class NewPatientForm(PatientForm, ConsentForm):
    """A patient and their consents on one page."""


def stored_identity(patient: Patient, hospital_number: str) -> dict[str, Any]:
    """What the form shows of a stored patient."""
    opened: dict[str, Any] = {name: patient.reveal(name) for name in IDENTITY}
    opened.update({name: getattr(patient, name) for name in PLAIN})
    opened["hospital_number"] = hospital_number
    return opened


def stored_consents(consents: Mapping[str, Any]) -> dict[str, Any]:
    """What the form shows of the consents in force; never asked where there is none."""
    return {
        f"consent_{purpose}": consents[purpose].answer if purpose in consents else "not_asked"
        for purpose in rules.PURPOSES
    }
