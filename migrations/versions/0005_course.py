"""The course in full: more entities, more of each, the history of values, entered in error.

Revision 0005, after 0004.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    new_tables()
    tables_of_sheets()
    more_columns()
    columns_of_visits()


def new_tables() -> None:
    op.create_table(
        "support_contact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("country", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("what_for", sa.String(length=400), nullable=False),
        sa.Column("website", sa.String(length=500), nullable=False),
        sa.Column("telephone", sa.String(length=60), nullable=False),
        sa.Column("email", sa.String(length=200), nullable=False),
        sa.Column(
            "languages",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["person.id"], name=op.f("fk_support_contact_changed_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_contact")),
    )
    with op.batch_alter_table("support_contact") as batch_op:
        batch_op.create_index("ix_support_contact_country", ["country", "active"], unique=False)

    op.create_table(
        "document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("entry_kind", sa.String(length=40), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("dated", sa.String(length=10), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("scan", sa.String(length=20), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        sa.Column("error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_by", sa.Uuid(), nullable=True),
        sa.Column("error_because", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["added_by"], ["person.id"], name=op.f("fk_document_added_by")),
        sa.ForeignKeyConstraint(["error_by"], ["person.id"], name=op.f("fk_document_error_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_document_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_document_patient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
    )
    with op.batch_alter_table("document") as batch_op:
        batch_op.create_index(batch_op.f("ix_document_entry_id"), ["entry_id"], unique=False)
        batch_op.create_index("ix_document_patient_id", ["patient_id", "added_at"], unique=False)

    op.create_table(
        "entry_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("entry_kind", sa.String(length=40), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column(
            "changes",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("fk_entry_change_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_entry_change_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_entry_change_patient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry_change")),
    )
    with op.batch_alter_table("entry_change") as batch_op:
        batch_op.create_index(
            "ix_entry_change_patient_id", ["patient_id", "entry_id"], unique=False
        )

    op.create_table(
        "follow_up_plan",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("next_due", sa.Date(), nullable=True),
        sa.Column(
            "items",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("grade", sa.String(length=10), nullable=False),
        sa.Column("site_group", sa.String(length=40), nullable=False),
        sa.Column("clinician_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["clinician_id"], ["person.id"], name=op.f("fk_follow_up_plan_clinician_id")
        ),
        sa.Column("rule_version", sa.String(length=40), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_follow_up_plan_patient_id")
        ),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_follow_up_plan")),
    )
    with op.batch_alter_table("follow_up_plan") as batch_op:
        batch_op.create_index(
            "ix_follow_up_plan_next_due", ["next_due", "patient_id"], unique=False
        )

    op.create_table(
        "heart_assessment",
        sa.Column("date", sa.String(length=10), nullable=True),
        sa.Column("carcinoid_heart_disease", sa.String(length=40), nullable=True),
        sa.Column("tricuspid", sa.String(length=40), nullable=True),
        sa.Column("pulmonary", sa.String(length=40), nullable=True),
        sa.Column("left_sided", sa.String(length=40), nullable=True),
        sa.Column("right_ventricle", sa.String(length=40), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("source_kind", sa.String(length=20), nullable=False),
        sa.Column("source_id", sa.String(length=80), nullable=False),
        sa.Column(
            "absent",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "accepted",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_by", sa.Uuid(), nullable=True),
        sa.Column("error_because", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["person.id"], name=op.f("fk_heart_assessment_changed_by")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["person.id"], name=op.f("fk_heart_assessment_entered_by")
        ),
        sa.ForeignKeyConstraint(
            ["error_by"], ["person.id"], name=op.f("fk_heart_assessment_error_by")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_heart_assessment_organisation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_heart_assessment_patient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heart_assessment")),
    )
    with op.batch_alter_table("heart_assessment") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_heart_assessment_patient_id"), ["patient_id"], unique=False
        )

    op.create_table(
        "questionnaire",
        sa.Column("instrument", sa.String(length=40), nullable=True),
        sa.Column("date", sa.String(length=10), nullable=True),
        sa.Column("language", sa.String(length=40), nullable=True),
        sa.Column(
            "answers",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column(
            "scores",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column("derived_version", sa.String(length=40), nullable=True),
        sa.Column(
            "derivation",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("source_kind", sa.String(length=20), nullable=False),
        sa.Column("source_id", sa.String(length=80), nullable=False),
        sa.Column(
            "absent",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "accepted",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_by", sa.Uuid(), nullable=True),
        sa.Column("error_because", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["person.id"], name=op.f("fk_questionnaire_changed_by")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["person.id"], name=op.f("fk_questionnaire_entered_by")
        ),
        sa.ForeignKeyConstraint(
            ["error_by"], ["person.id"], name=op.f("fk_questionnaire_error_by")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_questionnaire_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_questionnaire_patient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questionnaire")),
    )
    with op.batch_alter_table("questionnaire") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_questionnaire_patient_id"), ["patient_id"], unique=False
        )

    op.create_table(
        "support_need",
        sa.Column("date", sa.String(length=10), nullable=True),
        sa.Column(
            "needs",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column(
            "offered",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column("accepted_offer", sa.String(length=40), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("source_kind", sa.String(length=20), nullable=False),
        sa.Column("source_id", sa.String(length=80), nullable=False),
        sa.Column(
            "absent",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "accepted",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_by", sa.Uuid(), nullable=True),
        sa.Column("error_because", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["person.id"], name=op.f("fk_support_need_changed_by")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["person.id"], name=op.f("fk_support_need_entered_by")
        ),
        sa.ForeignKeyConstraint(["error_by"], ["person.id"], name=op.f("fk_support_need_error_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_support_need_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_support_need_patient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_need")),
    )
    with op.batch_alter_table("support_need") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_support_need_patient_id"), ["patient_id"], unique=False
        )

    op.create_table(
        "symptom_diary",
        sa.Column("date", sa.String(length=10), nullable=True),
        sa.Column(
            "flushing_per_day",
            sa.Numeric().with_variant(sa.String(length=40), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "stools_per_day",
            sa.Numeric().with_variant(sa.String(length=40), "sqlite"),
            nullable=True,
        ),
        sa.Column("pain", sa.Numeric().with_variant(sa.String(length=40), "sqlite"), nullable=True),
        sa.Column(
            "wellbeing", sa.Numeric().with_variant(sa.String(length=40), "sqlite"), nullable=True
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("source_kind", sa.String(length=20), nullable=False),
        sa.Column("source_id", sa.String(length=80), nullable=False),
        sa.Column(
            "absent",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "accepted",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_by", sa.Uuid(), nullable=True),
        sa.Column("error_because", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["person.id"], name=op.f("fk_symptom_diary_changed_by")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["person.id"], name=op.f("fk_symptom_diary_entered_by")
        ),
        sa.ForeignKeyConstraint(
            ["error_by"], ["person.id"], name=op.f("fk_symptom_diary_error_by")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_symptom_diary_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_symptom_diary_patient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_symptom_diary")),
    )
    with op.batch_alter_table("symptom_diary") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_symptom_diary_patient_id"), ["patient_id"], unique=False
        )

    op.create_table(
        "genomic_finding",
        sa.Column("date", sa.String(length=10), nullable=True),
        sa.Column("gene", sa.String(length=40), nullable=True),
        sa.Column("origin", sa.String(length=40), nullable=True),
        sa.Column("finding", sa.String(length=40), nullable=True),
        sa.Column("variant", sa.String(length=200), nullable=True),
        sa.Column("method", sa.String(length=40), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("source_kind", sa.String(length=20), nullable=False),
        sa.Column("source_id", sa.String(length=80), nullable=False),
        sa.Column(
            "absent",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "accepted",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_by", sa.Uuid(), nullable=True),
        sa.Column("error_because", sa.Text(), nullable=True),
        sa.Column("tumour_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["person.id"], name=op.f("fk_genomic_finding_changed_by")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["person.id"], name=op.f("fk_genomic_finding_entered_by")
        ),
        sa.ForeignKeyConstraint(
            ["error_by"], ["person.id"], name=op.f("fk_genomic_finding_error_by")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_genomic_finding_organisation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_genomic_finding_patient_id")
        ),
        sa.ForeignKeyConstraint(
            ["tumour_id"], ["tumour.id"], name=op.f("fk_genomic_finding_tumour_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_genomic_finding")),
    )
    with op.batch_alter_table("genomic_finding") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_genomic_finding_patient_id"), ["patient_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_genomic_finding_tumour_id"), ["tumour_id"], unique=False
        )

    op.create_table(
        "metastasis",
        sa.Column("site", sa.String(length=40), nullable=True),
        sa.Column("date", sa.String(length=10), nullable=True),
        sa.Column("basis", sa.String(length=40), nullable=True),
        sa.Column("resolved_date", sa.String(length=10), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("source_kind", sa.String(length=20), nullable=False),
        sa.Column("source_id", sa.String(length=80), nullable=False),
        sa.Column(
            "absent",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "accepted",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_by", sa.Uuid(), nullable=True),
        sa.Column("error_because", sa.Text(), nullable=True),
        sa.Column("tumour_id", sa.Uuid(), nullable=True),
        sa.Column(
            "interval", sa.Numeric().with_variant(sa.String(length=40), "sqlite"), nullable=True
        ),
        sa.Column("interval_unit", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["person.id"], name=op.f("fk_metastasis_changed_by")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["person.id"], name=op.f("fk_metastasis_entered_by")
        ),
        sa.ForeignKeyConstraint(["error_by"], ["person.id"], name=op.f("fk_metastasis_error_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_metastasis_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_metastasis_patient_id")
        ),
        sa.ForeignKeyConstraint(["tumour_id"], ["tumour.id"], name=op.f("fk_metastasis_tumour_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metastasis")),
    )
    with op.batch_alter_table("metastasis") as batch_op:
        batch_op.create_index(batch_op.f("ix_metastasis_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_metastasis_tumour_id"), ["tumour_id"], unique=False)

    op.create_table(
        "syndrome",
        sa.Column("syndrome", sa.String(length=40), nullable=True),
        sa.Column("start", sa.String(length=10), nullable=True),
        sa.Column("stop", sa.String(length=10), nullable=True),
        sa.Column("control", sa.String(length=40), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("source_kind", sa.String(length=20), nullable=False),
        sa.Column("source_id", sa.String(length=80), nullable=False),
        sa.Column(
            "absent",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "accepted",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_by", sa.Uuid(), nullable=True),
        sa.Column("error_because", sa.Text(), nullable=True),
        sa.Column("tumour_id", sa.Uuid(), nullable=True),
        sa.Column(
            "interval", sa.Numeric().with_variant(sa.String(length=40), "sqlite"), nullable=True
        ),
        sa.Column("interval_unit", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["changed_by"], ["person.id"], name=op.f("fk_syndrome_changed_by")),
        sa.ForeignKeyConstraint(["entered_by"], ["person.id"], name=op.f("fk_syndrome_entered_by")),
        sa.ForeignKeyConstraint(["error_by"], ["person.id"], name=op.f("fk_syndrome_error_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_syndrome_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_syndrome_patient_id")
        ),
        sa.ForeignKeyConstraint(["tumour_id"], ["tumour.id"], name=op.f("fk_syndrome_tumour_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_syndrome")),
    )
    with op.batch_alter_table("syndrome") as batch_op:
        batch_op.create_index(batch_op.f("ix_syndrome_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_syndrome_tumour_id"), ["tumour_id"], unique=False)

    op.create_table(
        "adverse_event",
        sa.Column("term", sa.String(length=40), nullable=True),
        sa.Column("grade", sa.String(length=40), nullable=True),
        sa.Column("start", sa.String(length=10), nullable=True),
        sa.Column("stop", sa.String(length=10), nullable=True),
        sa.Column("attribution", sa.String(length=40), nullable=True),
        sa.Column("action_taken", sa.String(length=40), nullable=True),
        sa.Column("serious", sa.String(length=40), nullable=True),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.Column("ctcae_version", sa.String(length=40), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("source_kind", sa.String(length=20), nullable=False),
        sa.Column("source_id", sa.String(length=80), nullable=False),
        sa.Column(
            "absent",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "accepted",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_by", sa.Uuid(), nullable=True),
        sa.Column("error_because", sa.Text(), nullable=True),
        sa.Column("therapy_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["person.id"], name=op.f("fk_adverse_event_changed_by")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["person.id"], name=op.f("fk_adverse_event_entered_by")
        ),
        sa.ForeignKeyConstraint(
            ["error_by"], ["person.id"], name=op.f("fk_adverse_event_error_by")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_adverse_event_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_adverse_event_patient_id")
        ),
        sa.ForeignKeyConstraint(
            ["therapy_id"], ["therapy.id"], name=op.f("fk_adverse_event_therapy_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adverse_event")),
    )
    with op.batch_alter_table("adverse_event") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_adverse_event_patient_id"), ["patient_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_adverse_event_therapy_id"), ["therapy_id"], unique=False
        )

    op.create_table(
        "cycle",
        sa.Column(
            "number", sa.Numeric().with_variant(sa.String(length=40), "sqlite"), nullable=True
        ),
        sa.Column("date", sa.String(length=10), nullable=True),
        sa.Column(
            "activity_gbq", sa.Numeric().with_variant(sa.String(length=40), "sqlite"), nullable=True
        ),
        sa.Column(
            "dose_value", sa.Numeric().with_variant(sa.String(length=40), "sqlite"), nullable=True
        ),
        sa.Column("dose_unit", sa.String(length=40), nullable=True),
        sa.Column("delayed", sa.String(length=40), nullable=True),
        sa.Column("egfr", sa.Numeric().with_variant(sa.String(length=40), "sqlite"), nullable=True),
        sa.Column(
            "creatinine", sa.Numeric().with_variant(sa.String(length=40), "sqlite"), nullable=True
        ),
        sa.Column(
            "haemoglobin", sa.Numeric().with_variant(sa.String(length=40), "sqlite"), nullable=True
        ),
        sa.Column(
            "platelets", sa.Numeric().with_variant(sa.String(length=40), "sqlite"), nullable=True
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("source_kind", sa.String(length=20), nullable=False),
        sa.Column("source_id", sa.String(length=80), nullable=False),
        sa.Column(
            "absent",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "accepted",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_by", sa.Uuid(), nullable=True),
        sa.Column("error_because", sa.Text(), nullable=True),
        sa.Column("therapy_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["changed_by"], ["person.id"], name=op.f("fk_cycle_changed_by")),
        sa.ForeignKeyConstraint(["entered_by"], ["person.id"], name=op.f("fk_cycle_entered_by")),
        sa.ForeignKeyConstraint(["error_by"], ["person.id"], name=op.f("fk_cycle_error_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_cycle_organisation_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_cycle_patient_id")),
        sa.ForeignKeyConstraint(["therapy_id"], ["therapy.id"], name=op.f("fk_cycle_therapy_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cycle")),
    )
    with op.batch_alter_table("cycle") as batch_op:
        batch_op.create_index(batch_op.f("ix_cycle_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_cycle_therapy_id"), ["therapy_id"], unique=False)

    op.create_table(
        "late_effect",
        sa.Column("kind", sa.String(length=40), nullable=True),
        sa.Column("date", sa.String(length=10), nullable=True),
        sa.Column("resolved_date", sa.String(length=10), nullable=True),
        sa.Column("grade", sa.String(length=40), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("source_kind", sa.String(length=20), nullable=False),
        sa.Column("source_id", sa.String(length=80), nullable=False),
        sa.Column(
            "absent",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "accepted",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_by", sa.Uuid(), nullable=True),
        sa.Column("error_because", sa.Text(), nullable=True),
        sa.Column("therapy_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["person.id"], name=op.f("fk_late_effect_changed_by")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["person.id"], name=op.f("fk_late_effect_entered_by")
        ),
        sa.ForeignKeyConstraint(["error_by"], ["person.id"], name=op.f("fk_late_effect_error_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_late_effect_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_late_effect_patient_id")
        ),
        sa.ForeignKeyConstraint(
            ["therapy_id"], ["therapy.id"], name=op.f("fk_late_effect_therapy_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_late_effect")),
    )
    with op.batch_alter_table("late_effect") as batch_op:
        batch_op.create_index(batch_op.f("ix_late_effect_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_late_effect_therapy_id"), ["therapy_id"], unique=False)

    op.create_table(
        "lesion",
        sa.Column("label", sa.String(length=80), nullable=True),
        sa.Column("organ", sa.String(length=40), nullable=True),
        sa.Column("is_node", sa.String(length=40), nullable=True),
        sa.Column("role", sa.String(length=40), nullable=True),
        sa.Column("treated_before", sa.String(length=40), nullable=True),
        sa.Column("first_seen", sa.String(length=10), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("source_kind", sa.String(length=20), nullable=False),
        sa.Column("source_id", sa.String(length=80), nullable=False),
        sa.Column(
            "absent",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "accepted",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_by", sa.Uuid(), nullable=True),
        sa.Column("error_because", sa.Text(), nullable=True),
        sa.Column("tumour_id", sa.Uuid(), nullable=True),
        sa.Column("baseline_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["baseline_id"], ["response.id"], name=op.f("fk_lesion_baseline_id")
        ),
        sa.ForeignKeyConstraint(["changed_by"], ["person.id"], name=op.f("fk_lesion_changed_by")),
        sa.ForeignKeyConstraint(["entered_by"], ["person.id"], name=op.f("fk_lesion_entered_by")),
        sa.ForeignKeyConstraint(["error_by"], ["person.id"], name=op.f("fk_lesion_error_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_lesion_organisation_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_lesion_patient_id")),
        sa.ForeignKeyConstraint(["tumour_id"], ["tumour.id"], name=op.f("fk_lesion_tumour_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lesion")),
    )
    with op.batch_alter_table("lesion") as batch_op:
        batch_op.create_index(batch_op.f("ix_lesion_baseline_id"), ["baseline_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_lesion_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_lesion_tumour_id"), ["tumour_id"], unique=False)

    op.create_table(
        "measurement",
        sa.Column("lesion_id", sa.Uuid(), nullable=True),
        sa.Column("response_id", sa.Uuid(), nullable=True),
        sa.Column(
            "size_mm", sa.Numeric().with_variant(sa.String(length=40), "sqlite"), nullable=True
        ),
        sa.Column("state", sa.String(length=40), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("source_kind", sa.String(length=20), nullable=False),
        sa.Column("source_id", sa.String(length=80), nullable=False),
        sa.Column(
            "absent",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "accepted",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_by", sa.Uuid(), nullable=True),
        sa.Column("error_because", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["person.id"], name=op.f("fk_measurement_changed_by")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["person.id"], name=op.f("fk_measurement_entered_by")
        ),
        sa.ForeignKeyConstraint(["error_by"], ["person.id"], name=op.f("fk_measurement_error_by")),
        sa.ForeignKeyConstraint(
            ["lesion_id"], ["lesion.id"], name=op.f("fk_measurement_lesion_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_measurement_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_measurement_patient_id")
        ),
        sa.ForeignKeyConstraint(
            ["response_id"], ["response.id"], name=op.f("fk_measurement_response_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_measurement")),
    )
    with op.batch_alter_table("measurement") as batch_op:
        batch_op.create_index(batch_op.f("ix_measurement_lesion_id"), ["lesion_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_measurement_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_measurement_response_id"), ["response_id"], unique=False
        )


def tables_of_sheets() -> None:
    """What pages over several entries need: what was not done, other boards, drafts."""
    op.create_table(
        "overview",
        sa.Column("date", sa.String(length=10), nullable=True),
        sa.Column("ct_mri", sa.String(length=40), nullable=True),
        sa.Column("sstr_done", sa.String(length=40), nullable=True),
        sa.Column("fdg_done", sa.String(length=40), nullable=True),
        sa.Column("primary_resected", sa.String(length=40), nullable=True),
        sa.Column("liver_directed", sa.String(length=40), nullable=True),
        sa.Column("ssa", sa.String(length=40), nullable=True),
        sa.Column("prrt", sa.String(length=40), nullable=True),
        sa.Column("targeted", sa.String(length=40), nullable=True),
        sa.Column("chemotherapy", sa.String(length=40), nullable=True),
        sa.Column("progressed", sa.String(length=40), nullable=True),
        sa.Column("board", sa.String(length=40), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("source_kind", sa.String(length=20), nullable=False),
        sa.Column("source_id", sa.String(length=80), nullable=False),
        sa.Column(
            "absent",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "accepted",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_by", sa.Uuid(), nullable=True),
        sa.Column("error_because", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["changed_by"], ["person.id"], name=op.f("fk_overview_changed_by")),
        sa.ForeignKeyConstraint(["entered_by"], ["person.id"], name=op.f("fk_overview_entered_by")),
        sa.ForeignKeyConstraint(["error_by"], ["person.id"], name=op.f("fk_overview_error_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_overview_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_overview_patient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_overview")),
    )
    with op.batch_alter_table("overview") as batch_op:
        batch_op.create_index(batch_op.f("ix_overview_patient_id"), ["patient_id"], unique=False)

    op.create_table(
        "board_opinion",
        sa.Column("date", sa.String(length=10), nullable=True),
        sa.Column("board", sa.String(length=200), nullable=True),
        sa.Column(
            "recommendation",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column("followed", sa.String(length=40), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("source_kind", sa.String(length=20), nullable=False),
        sa.Column("source_id", sa.String(length=80), nullable=False),
        sa.Column(
            "absent",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "accepted",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_by", sa.Uuid(), nullable=True),
        sa.Column("error_because", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["person.id"], name=op.f("fk_board_opinion_changed_by")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["person.id"], name=op.f("fk_board_opinion_entered_by")
        ),
        sa.ForeignKeyConstraint(
            ["error_by"], ["person.id"], name=op.f("fk_board_opinion_error_by")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_board_opinion_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_board_opinion_patient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_opinion")),
    )
    with op.batch_alter_table("board_opinion") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_board_opinion_patient_id"), ["patient_id"], unique=False
        )

    op.create_table(
        "sheet_draft",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("page", sa.String(length=60), nullable=False),
        sa.Column(
            "typed",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_sheet_draft_patient_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_sheet_draft_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sheet_draft")),
        sa.UniqueConstraint("patient_id", "person_id", "page", name="uq_sheet_draft_one"),
    )

    op.create_table(
        "follow_up_due",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("test", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("is_dated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_follow_up_due_patient_id")
        ),
        sa.PrimaryKeyConstraint("patient_id", "test", "kind", name=op.f("pk_follow_up_due")),
    )
    with op.batch_alter_table("follow_up_due") as batch_op:
        batch_op.create_index("ix_follow_up_due_on", ["kind", "on", "patient_id", "test"])
        batch_op.create_index("ix_follow_up_due_test", ["kind", "test", "on", "patient_id"])


VISIT = ("progression_since", "therapies_go_on", "imaging_since")


def columns_of_visits() -> None:
    """What is asked at a visit and has no entry of its own."""
    with op.batch_alter_table("follow_up") as batch_op:
        for name in VISIT:
            batch_op.add_column(sa.Column(name, sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("next_visit", sa.String(length=10), nullable=True))


def more_columns() -> None:
    with op.batch_alter_table("biomarker") as batch_op:
        batch_op.add_column(
            sa.Column(
                "accepted",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(none_as_null=True), "postgresql"
                ),
                server_default="{}",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("error_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("error_by", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("error_because", sa.Text(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_biomarker_error_by"), "person", ["error_by"], ["id"]
        )

    with op.batch_alter_table("follow_up") as batch_op:
        batch_op.add_column(sa.Column("contact_kind", sa.String(length=40), nullable=True))
        batch_op.add_column(
            sa.Column(
                "accepted",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(none_as_null=True), "postgresql"
                ),
                server_default="{}",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("error_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("error_by", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("error_because", sa.Text(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_follow_up_error_by"), "person", ["error_by"], ["id"]
        )

    with op.batch_alter_table("history") as batch_op:
        batch_op.add_column(
            sa.Column(
                "accepted",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(none_as_null=True), "postgresql"
                ),
                server_default="{}",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("error_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("error_by", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("error_because", sa.Text(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_history_error_by"), "person", ["error_by"], ["id"]
        )

    with op.batch_alter_table("imaging") as batch_op:
        batch_op.add_column(sa.Column("krenning_scale", sa.String(length=40), nullable=True))
        batch_op.add_column(
            sa.Column(
                "suv_max", sa.Numeric().with_variant(sa.String(length=40), "sqlite"), nullable=True
            )
        )
        batch_op.add_column(sa.Column("netpet", sa.String(length=40), nullable=True))
        batch_op.add_column(
            sa.Column(
                "sites",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(none_as_null=True), "postgresql"
                ),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("transfer_status", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("transfer_date", sa.String(length=10), nullable=True))
        batch_op.add_column(sa.Column("archive_link", sa.String(length=500), nullable=True))
        batch_op.add_column(
            sa.Column(
                "accepted",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(none_as_null=True), "postgresql"
                ),
                server_default="{}",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("error_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("error_by", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("error_because", sa.Text(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_imaging_error_by"), "person", ["error_by"], ["id"]
        )

    with op.batch_alter_table("pathology") as batch_op:
        batch_op.add_column(sa.Column("report_kind", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("review_of_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("insm1_ihc", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("slides_status", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("slides_date", sa.String(length=10), nullable=True))
        batch_op.add_column(
            sa.Column(
                "accepted",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(none_as_null=True), "postgresql"
                ),
                server_default="{}",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("error_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("error_by", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("error_because", sa.Text(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_pathology_review_of_id"), "pathology", ["review_of_id"], ["id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_pathology_error_by"), "person", ["error_by"], ["id"]
        )

    with op.batch_alter_table("progression") as batch_op:
        batch_op.add_column(
            sa.Column(
                "accepted",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(none_as_null=True), "postgresql"
                ),
                server_default="{}",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("error_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("error_by", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("error_because", sa.Text(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_progression_error_by"), "person", ["error_by"], ["id"]
        )

    with op.batch_alter_table("response") as batch_op:
        batch_op.add_column(sa.Column("timepoint", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("non_target", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("new_lesion_seen_on", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("derived_target", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("derived_response", sa.String(length=20), nullable=True))
        batch_op.add_column(
            sa.Column(
                "derived_sum_mm",
                sa.Numeric().with_variant(sa.String(length=40), "sqlite"),
                nullable=True,
            )
        )
        batch_op.add_column(
            sa.Column(
                "derived_nadir_mm",
                sa.Numeric().with_variant(sa.String(length=40), "sqlite"),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("derived_status", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("derived_version", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("contradictions", sa.String(length=400), nullable=True))
        batch_op.add_column(
            sa.Column(
                "derivation",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(none_as_null=True), "postgresql"
                ),
                nullable=True,
            )
        )
        batch_op.add_column(
            sa.Column(
                "findings",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(none_as_null=True), "postgresql"
                ),
                server_default="[]",
                nullable=False,
            )
        )
        batch_op.add_column(
            sa.Column(
                "accepted",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(none_as_null=True), "postgresql"
                ),
                server_default="{}",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("error_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("error_by", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("error_because", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("baseline_id", sa.Uuid(), nullable=True))
        batch_op.create_index(batch_op.f("ix_response_baseline_id"), ["baseline_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_response_error_by"), "person", ["error_by"], ["id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_response_baseline_id"), "response", ["baseline_id"], ["id"]
        )

    with op.batch_alter_table("staging") as batch_op:
        batch_op.add_column(
            sa.Column(
                "accepted",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(none_as_null=True), "postgresql"
                ),
                server_default="{}",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("error_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("error_by", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("error_because", sa.Text(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_staging_error_by"), "person", ["error_by"], ["id"]
        )

    with op.batch_alter_table("stated_endpoint") as batch_op:
        batch_op.add_column(
            sa.Column(
                "accepted",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(none_as_null=True), "postgresql"
                ),
                server_default="{}",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("error_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("error_by", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("error_because", sa.Text(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_stated_endpoint_error_by"), "person", ["error_by"], ["id"]
        )

    with op.batch_alter_table("therapy") as batch_op:
        batch_op.add_column(sa.Column("setting", sa.String(length=40), nullable=True))
        batch_op.add_column(
            sa.Column(
                "treated_sites",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(none_as_null=True), "postgresql"
                ),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("trial", sa.String(length=80), nullable=True))
        batch_op.add_column(
            sa.Column(
                "dose_value",
                sa.Numeric().with_variant(sa.String(length=40), "sqlite"),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("dose_unit", sa.String(length=40), nullable=True))
        batch_op.add_column(
            sa.Column(
                "interval_days",
                sa.Numeric().with_variant(sa.String(length=40), "sqlite"),
                nullable=True,
            )
        )
        batch_op.add_column(
            sa.Column(
                "line_override",
                sa.Numeric().with_variant(sa.String(length=40), "sqlite"),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("line_override_reason", sa.String(length=300), nullable=True))
        batch_op.add_column(
            sa.Column(
                "accepted",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(none_as_null=True), "postgresql"
                ),
                server_default="{}",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("error_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("error_by", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("error_because", sa.Text(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_therapy_error_by"), "person", ["error_by"], ["id"]
        )

    with op.batch_alter_table("tumour") as batch_op:
        batch_op.add_column(
            sa.Column(
                "accepted",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(none_as_null=True), "postgresql"
                ),
                server_default="{}",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("error_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("error_by", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("error_because", sa.Text(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_tumour_error_by"), "person", ["error_by"], ["id"]
        )


def downgrade() -> None:
    with op.batch_alter_table("follow_up_due") as batch_op:
        batch_op.drop_index("ix_follow_up_due_test")
        batch_op.drop_index("ix_follow_up_due_on")
    op.drop_table("follow_up_due")
    for table in ("overview", "board_opinion"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_index(batch_op.f(f"ix_{table}_patient_id"))
    for table in ("sheet_draft", "board_opinion", "overview"):
        op.drop_table(table)
    with op.batch_alter_table("follow_up") as batch_op:
        for name in ("next_visit", *reversed(VISIT)):
            batch_op.drop_column(name)
    with op.batch_alter_table(
        "tumour",
    ) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_tumour_error_by"), type_="foreignkey")
        batch_op.drop_column("error_because")
        batch_op.drop_column("error_by")
        batch_op.drop_column("error_at")
        batch_op.drop_column("accepted")

    with op.batch_alter_table(
        "therapy",
    ) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_therapy_error_by"), type_="foreignkey")
        batch_op.drop_column("error_because")
        batch_op.drop_column("error_by")
        batch_op.drop_column("error_at")
        batch_op.drop_column("accepted")
        batch_op.drop_column("line_override_reason")
        batch_op.drop_column("line_override")
        batch_op.drop_column("interval_days")
        batch_op.drop_column("dose_unit")
        batch_op.drop_column("dose_value")
        batch_op.drop_column("trial")
        batch_op.drop_column("treated_sites")
        batch_op.drop_column("setting")

    with op.batch_alter_table(
        "stated_endpoint",
    ) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_stated_endpoint_error_by"), type_="foreignkey")
        batch_op.drop_column("error_because")
        batch_op.drop_column("error_by")
        batch_op.drop_column("error_at")
        batch_op.drop_column("accepted")

    with op.batch_alter_table(
        "staging",
    ) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_staging_error_by"), type_="foreignkey")
        batch_op.drop_column("error_because")
        batch_op.drop_column("error_by")
        batch_op.drop_column("error_at")
        batch_op.drop_column("accepted")

    with op.batch_alter_table(
        "response",
    ) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_response_baseline_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_response_error_by"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_response_baseline_id"))
        batch_op.drop_column("baseline_id")
        batch_op.drop_column("error_because")
        batch_op.drop_column("error_by")
        batch_op.drop_column("error_at")
        batch_op.drop_column("accepted")
        batch_op.drop_column("findings")
        batch_op.drop_column("derivation")
        batch_op.drop_column("contradictions")
        batch_op.drop_column("derived_version")
        batch_op.drop_column("derived_status")
        batch_op.drop_column("derived_nadir_mm")
        batch_op.drop_column("derived_sum_mm")
        batch_op.drop_column("derived_response")
        batch_op.drop_column("derived_target")
        batch_op.drop_column("new_lesion_seen_on")
        batch_op.drop_column("non_target")
        batch_op.drop_column("timepoint")

    with op.batch_alter_table(
        "progression",
    ) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_progression_error_by"), type_="foreignkey")
        batch_op.drop_column("error_because")
        batch_op.drop_column("error_by")
        batch_op.drop_column("error_at")
        batch_op.drop_column("accepted")

    with op.batch_alter_table(
        "pathology",
    ) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_pathology_error_by"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_pathology_review_of_id"), type_="foreignkey")
        batch_op.drop_column("error_because")
        batch_op.drop_column("error_by")
        batch_op.drop_column("error_at")
        batch_op.drop_column("accepted")
        batch_op.drop_column("slides_date")
        batch_op.drop_column("slides_status")
        batch_op.drop_column("insm1_ihc")
        batch_op.drop_column("review_of_id")
        batch_op.drop_column("report_kind")

    with op.batch_alter_table(
        "imaging",
    ) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_imaging_error_by"), type_="foreignkey")
        batch_op.drop_column("error_because")
        batch_op.drop_column("error_by")
        batch_op.drop_column("error_at")
        batch_op.drop_column("accepted")
        batch_op.drop_column("archive_link")
        batch_op.drop_column("transfer_date")
        batch_op.drop_column("transfer_status")
        batch_op.drop_column("sites")
        batch_op.drop_column("netpet")
        batch_op.drop_column("suv_max")
        batch_op.drop_column("krenning_scale")

    with op.batch_alter_table(
        "history",
    ) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_history_error_by"), type_="foreignkey")
        batch_op.drop_column("error_because")
        batch_op.drop_column("error_by")
        batch_op.drop_column("error_at")
        batch_op.drop_column("accepted")

    with op.batch_alter_table(
        "follow_up",
    ) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_follow_up_error_by"), type_="foreignkey")
        batch_op.drop_column("error_because")
        batch_op.drop_column("error_by")
        batch_op.drop_column("error_at")
        batch_op.drop_column("accepted")
        batch_op.drop_column("contact_kind")

    with op.batch_alter_table(
        "biomarker",
    ) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_biomarker_error_by"), type_="foreignkey")
        batch_op.drop_column("error_because")
        batch_op.drop_column("error_by")
        batch_op.drop_column("error_at")
        batch_op.drop_column("accepted")

    drop_tables()


def drop_tables() -> None:
    with op.batch_alter_table(
        "measurement",
    ) as batch_op:
        batch_op.drop_index(batch_op.f("ix_measurement_response_id"))
        batch_op.drop_index(batch_op.f("ix_measurement_patient_id"))
        batch_op.drop_index(batch_op.f("ix_measurement_lesion_id"))

    op.drop_table("measurement")
    with op.batch_alter_table(
        "lesion",
    ) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lesion_tumour_id"))
        batch_op.drop_index(batch_op.f("ix_lesion_patient_id"))
        batch_op.drop_index(batch_op.f("ix_lesion_baseline_id"))

    op.drop_table("lesion")
    with op.batch_alter_table(
        "late_effect",
    ) as batch_op:
        batch_op.drop_index(batch_op.f("ix_late_effect_therapy_id"))
        batch_op.drop_index(batch_op.f("ix_late_effect_patient_id"))

    op.drop_table("late_effect")
    with op.batch_alter_table(
        "cycle",
    ) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cycle_therapy_id"))
        batch_op.drop_index(batch_op.f("ix_cycle_patient_id"))

    op.drop_table("cycle")
    with op.batch_alter_table(
        "adverse_event",
    ) as batch_op:
        batch_op.drop_index(batch_op.f("ix_adverse_event_therapy_id"))
        batch_op.drop_index(batch_op.f("ix_adverse_event_patient_id"))

    op.drop_table("adverse_event")
    with op.batch_alter_table(
        "syndrome",
    ) as batch_op:
        batch_op.drop_index(batch_op.f("ix_syndrome_tumour_id"))
        batch_op.drop_index(batch_op.f("ix_syndrome_patient_id"))

    op.drop_table("syndrome")
    with op.batch_alter_table(
        "metastasis",
    ) as batch_op:
        batch_op.drop_index(batch_op.f("ix_metastasis_tumour_id"))
        batch_op.drop_index(batch_op.f("ix_metastasis_patient_id"))

    op.drop_table("metastasis")
    with op.batch_alter_table(
        "genomic_finding",
    ) as batch_op:
        batch_op.drop_index(batch_op.f("ix_genomic_finding_tumour_id"))
        batch_op.drop_index(batch_op.f("ix_genomic_finding_patient_id"))

    op.drop_table("genomic_finding")
    with op.batch_alter_table(
        "symptom_diary",
    ) as batch_op:
        batch_op.drop_index(batch_op.f("ix_symptom_diary_patient_id"))

    op.drop_table("symptom_diary")
    with op.batch_alter_table(
        "support_need",
    ) as batch_op:
        batch_op.drop_index(batch_op.f("ix_support_need_patient_id"))

    op.drop_table("support_need")
    with op.batch_alter_table(
        "questionnaire",
    ) as batch_op:
        batch_op.drop_index(batch_op.f("ix_questionnaire_patient_id"))

    op.drop_table("questionnaire")
    with op.batch_alter_table(
        "heart_assessment",
    ) as batch_op:
        batch_op.drop_index(batch_op.f("ix_heart_assessment_patient_id"))

    op.drop_table("heart_assessment")
    with op.batch_alter_table(
        "follow_up_plan",
    ) as batch_op:
        batch_op.drop_index("ix_follow_up_plan_next_due")

    op.drop_table("follow_up_plan")
    with op.batch_alter_table(
        "entry_change",
    ) as batch_op:
        batch_op.drop_index("ix_entry_change_patient_id")

    op.drop_table("entry_change")
    with op.batch_alter_table(
        "document",
    ) as batch_op:
        batch_op.drop_index("ix_document_patient_id")
        batch_op.drop_index(batch_op.f("ix_document_entry_id"))

    op.drop_table("document")
    with op.batch_alter_table(
        "support_contact",
    ) as batch_op:
        batch_op.drop_index("ix_support_contact_country")

    op.drop_table("support_contact")
