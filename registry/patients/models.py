"""Patients, their numbers, consents, and who may see them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, relationship

from registry.dates import PartialDate
from registry.db import Json, Model, Moment, new_id, now
from registry.dictionary import Identity, Level, technical, variable
from registry.keys import ring

_SEALED = ("family_name", "given_names", "national_number", "telephone", "address")


def _sealed(label: Any, **more: Any) -> Any:
    return variable(sa.Text(), label=label, kind="text", identity=Identity.IDENTIFYING, **more)


class Patient(Model):
    """A person followed by the registry. Names and numbers are sealed; see `reveal`."""

    __tablename__ = "patient"
    entity = "patient"
    entity_label = _l("Patient")
    entity_order = 1

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    version: Mapped[int] = technical(default=1)
    pseudonym: Mapped[str] = technical(sa.String(9), unique=True)
    provisional: Mapped[bool] = technical(default=False)  # known from a draft alone
    created_at: Mapped[datetime] = technical(Moment(), default=now)
    created_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    created_at_organisation: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))
    source: Mapped[str] = technical(sa.String(60), default="")  # the imported cohort, if any

    family_name: Mapped[str | None] = _sealed(_l("Family name"))
    given_names: Mapped[str | None] = _sealed(_l("Given names"))
    national_number: Mapped[str | None] = _sealed(
        _l("National health number"), help=_l("If the country has one.")
    )
    telephone: Mapped[str | None] = _sealed(_l("Telephone"))
    address: Mapped[str | None] = _sealed(_l("Address"))

    sex_at_birth: Mapped[str | None] = variable(
        label=_l("Sex at birth"),
        codes="sex_at_birth",
        level=Level.MINIMAL,
        identity=Identity.QUASI,
        mappings={"ERDRI": "2.2", "FHIR": "Patient.gender", "OMOP": "person.gender_concept_id"},
    )
    birth_date: Mapped[PartialDate | None] = variable(
        label=_l("Date of birth"),
        help=_l("For example 27 3 1961. The year alone is enough if no more is known."),
        level=Level.MINIMAL,
        identity=Identity.IDENTIFYING,
        mappings={"ERDRI": "2.1", "FHIR": "Patient.birthDate", "OMOP": "person.year_of_birth"},
        absent=("not_known",),
        index=True,
    )
    country: Mapped[str | None] = variable(
        label=_l("Country of residence"),
        codes="country",
        level=Level.MINIMAL,
        identity=Identity.QUASI,
    )
    region: Mapped[str | None] = variable(
        sa.String(100),
        label=_l("Region of residence"),
        level=Level.MINIMAL,
        identity=Identity.QUASI,
        item="country_region",
        absent=("not_known",),
    )
    absent: Mapped[dict[str, Any]] = technical(Json, default=dict)

    local_identifiers: Mapped[list[LocalIdentifier]] = relationship(
        back_populates="patient", order_by="LocalIdentifier.id"
    )

    __mapper_args__ = {"version_id_col": version}

    def hide(self, name: str, text: str | None) -> None:
        """Seal an identifying value into its column. The row must have its id."""
        if name not in _SEALED:
            raise KeyError(name)
        text = (text or "").strip()
        sealed = ring().seal(text, "patient", name, self.id) if text else None
        setattr(self, name, sealed)

    def reveal(self, name: str) -> str:
        """Open an identifying value; empty where there is none."""
        if name not in _SEALED:
            raise KeyError(name)
        sealed = getattr(self, name)
        return ring().open(sealed, "patient", name, self.id) if sealed else ""

    @property
    def full_name(self) -> str:
        """Family name, given names."""
        return ", ".join(n for n in (self.reveal("family_name"), self.reveal("given_names")) if n)


class LocalIdentifier(Model):
    """The number a hospital knows the patient by."""

    __tablename__ = "local_identifier"
    __table_args__ = (
        sa.UniqueConstraint("organisation_id", "number_index", name="uq_local_identifier_number"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"), index=True)
    organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"))
    number: Mapped[str] = variable(
        sa.Text(), label=_l("Hospital number"), identity=Identity.IDENTIFYING, nullable=False
    )
    number_index: Mapped[str] = technical(sa.String(40))

    patient: Mapped[Patient] = relationship(back_populates="local_identifiers")

    def hide(self, number: str) -> None:
        """Seal the number. The row must have its id."""
        self.number = ring().seal(number, "local_identifier", "number", self.id)

    def reveal(self) -> str:
        """Open the number."""
        return ring().open(self.number, "local_identifier", "number", self.id)


class NameIndex(Model):
    """Keyed fingerprints of names and numbers: equal ones are found, none can be read."""

    __tablename__ = "name_index"
    __table_args__ = (
        sa.UniqueConstraint("patient_id", "kind", "value", name="uq_name_index_entry"),
        sa.Index("ix_name_index_kind_value", "kind", "value"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"))
    kind: Mapped[str] = technical(sa.String(20))
    value: Mapped[str] = technical(sa.String(40))


class Consent(Model):
    """One answer for one purpose. A new answer is a new row; the one not ended holds."""

    __tablename__ = "consent"
    __table_args__ = (
        sa.CheckConstraint("answer IN ('yes', 'no', 'not_asked')", name="answer"),
        sa.Index(
            "uq_consent_in_force",
            "patient_id",
            "purpose",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        sa.Index("ix_consent_patient_id", "patient_id"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"))
    purpose: Mapped[str] = technical(sa.String(20))
    answer: Mapped[str] = technical(sa.String(10))
    form_version: Mapped[str] = technical(sa.String(60))  # or the basis of an imported source
    given_on: Mapped[PartialDate | None] = technical()
    recorded_at: Mapped[datetime] = technical(Moment(), default=now)
    recorded_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    ended_at: Mapped[datetime | None] = technical(Moment())


class CareRelation(Model):
    """Why an organisation may see a patient, from when until when."""

    __tablename__ = "care_relation"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('referring', 'addressed', 'treating')", name="kind"),
        sa.UniqueConstraint("patient_id", "organisation_id", "kind", name="uq_care_relation_one"),
        sa.Index("ix_care_relation_organisation_id", "organisation_id", "patient_id"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"))
    organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"))
    kind: Mapped[str] = technical(sa.String(20))
    why: Mapped[str] = technical(sa.String(100), default="")
    from_at: Mapped[datetime] = technical(Moment(), default=now)
    until_at: Mapped[datetime | None] = technical(Moment())


class Document(Model):
    """A file about a patient: a report, a key image, a letter. Its name may say who it is of."""

    __tablename__ = "document"
    __table_args__ = (sa.Index("ix_document_patient_id", "patient_id", "added_at"),)

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    version: Mapped[int] = technical(default=1)
    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"))
    organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))
    #: The entry of the record it belongs to, if any.
    entry_kind: Mapped[str | None] = technical(sa.String(40))
    entry_id: Mapped[UUID | None] = technical(index=True)
    kind: Mapped[str] = technical(sa.String(40))
    dated: Mapped[PartialDate | None] = technical()
    #: The file's name and title, sealed.
    name: Mapped[str | None] = technical(sa.Text())
    media_type: Mapped[str] = technical(sa.String(100))
    size: Mapped[int] = technical(sa.BigInteger())
    sha256: Mapped[str] = technical(sa.String(64))
    #: Under which key it lies encrypted in the storage.
    key_id: Mapped[str] = technical(sa.String(40), default="")
    scan: Mapped[str] = technical(sa.String(20), default="not_scanned")
    added_at: Mapped[datetime] = technical(Moment(), default=now)
    added_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    error_at: Mapped[datetime | None] = technical(Moment())
    error_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    error_because: Mapped[str | None] = technical(sa.Text())

    __mapper_args__ = {"version_id_col": version}

    def hide(self, name: str) -> None:
        """Seal the file's name. The row must have its id."""
        self.name = ring().seal(name, "document", "name", self.id)

    def reveal(self) -> str:
        """Open the file's name; empty where there is none."""
        return ring().open(self.name, "document", "name", self.id) if self.name else ""
