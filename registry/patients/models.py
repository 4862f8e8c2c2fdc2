"""Patients, their numbers, consents, and who may see them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from registry.dates import PartialDate
from registry.db import Json, Model, Moment, new_id, now
from registry.dictionary import Identity, Level, technical, variable
from registry.keys import ring
from registry.language import lazy_gettext as _l

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
        sa.Index("ix_name_index_found", "kind", "value", "patient_id"),
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


class Restriction(Model):
    """That a patient's data are kept and used for nothing but this patient's care: asked for by the
    patient, from when until when, and why (GDPR Art. 18)."""

    __tablename__ = "restriction"
    __table_args__ = (
        sa.CheckConstraint(
            "ground IN ('accuracy', 'unlawful', 'legal_claim', 'objection')", name="ground"
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name="ended"),
        sa.Index(
            "uq_restriction_in_force",
            "patient_id",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        sa.Index("ix_restriction_patient_id", "patient_id"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"))
    ground: Mapped[str] = technical(sa.String(20))
    note: Mapped[str] = technical(sa.Text())
    asked_on: Mapped[PartialDate] = technical()
    recorded_at: Mapped[datetime] = technical(Moment(), default=now)
    recorded_by: Mapped[UUID] = technical(sa.ForeignKey("person.id"))
    ended_at: Mapped[datetime | None] = technical(Moment())
    ended_because: Mapped[str | None] = technical(sa.Text())
    ended_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))


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
    __table_args__ = (
        sa.Index("ix_document_patient_id", "patient_id", "added_at"),
        sa.CheckConstraint("virus_scan IN ('not_scanned', 'clean', 'infected')", name="virus_scan"),
        sa.CheckConstraint("(accepted_because IS NULL) = (accepted_by IS NULL)", name="accepted"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    version: Mapped[int] = technical(default=1)
    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"))
    organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))
    #: The referral it was sent with, if any: where it comes from, not who may read it.
    referral_id: Mapped[UUID | None] = technical(index=True)
    #: What it belongs to, if any: an entry of the record, a message, an answer.
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
    scan: Mapped[str] = technical(sa.String(20), default="not_scanned")  # what its content is
    virus_scan: Mapped[str] = technical(sa.String(20), default="not_scanned")
    #: Of a DICOM image: modality and day of the study, and what of the person it names differs.
    about: Mapped[dict[str, Any] | None] = technical(Json)
    accepted_because: Mapped[str | None] = technical(sa.Text())  # why it is kept although it does
    accepted_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
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


class ArrivingFile(Model):
    """A file while it comes in piece by piece, is checked, or waits for a decision. What is kept in
    the end is a `Document` of the same id."""

    __tablename__ = "arriving_file"
    __table_args__ = (
        sa.CheckConstraint("state IN ('arriving', 'waiting', 'differs', 'refused')", name="state"),
        sa.CheckConstraint("received >= 0 AND received <= size", name="received"),
        sa.Index("ix_arriving_file_state", "state", "touched_at"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"), index=True)
    organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))
    person_id: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    referral_id: Mapped[UUID | None] = technical(index=True)
    entry_kind: Mapped[str | None] = technical(sa.String(40))
    entry_id: Mapped[UUID | None] = technical()
    kind: Mapped[str] = technical(sa.String(40), default="")  # empty: as its content suggests
    name: Mapped[str | None] = technical(sa.Text())  # sealed
    size: Mapped[int] = technical(sa.BigInteger())
    received: Mapped[int] = technical(sa.BigInteger(), default=0)
    state: Mapped[str] = technical(sa.String(20), default="arriving")
    message: Mapped[str] = technical(sa.Text(), default="")  # why it is refused
    #: Who the header of a DICOM image names, sealed, and what of it differs.
    header: Mapped[str | None] = technical(sa.Text())
    differs: Mapped[list[Any] | None] = technical(Json)
    accepted_because: Mapped[str | None] = technical(sa.Text())
    accepted_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    started_at: Mapped[datetime] = technical(Moment(), default=now)
    touched_at: Mapped[datetime] = technical(Moment(), default=now)

    def hide(self, column: str, text: str) -> None:
        """Seal its name, or who its header names. The row must have its id."""
        setattr(self, column, ring().seal(text, "arriving_file", column, self.id))

    def reveal(self, column: str) -> str:
        """Open its name, or who its header names; empty where there is none."""
        sealed = getattr(self, column)
        return ring().open(sealed, "arriving_file", column, self.id) if sealed else ""
