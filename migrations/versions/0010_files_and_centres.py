"""files of a referral, and what finds the right centre

Revision 0010, after 0009.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def _json() -> sa.types.TypeEngine[object]:
    return sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True), "postgresql"
    )


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def _documents() -> None:
    with op.batch_alter_table("document") as table:
        table.add_column(sa.Column("referral_id", sa.Uuid(), nullable=True))
        table.add_column(
            sa.Column(
                "virus_scan", sa.String(length=20), nullable=False, server_default="not_scanned"
            )
        )
        table.add_column(sa.Column("about", _json(), nullable=True))
        table.add_column(sa.Column("accepted_because", sa.Text(), nullable=True))
        table.add_column(sa.Column("accepted_by", sa.Uuid(), nullable=True))
        table.create_index(op.f("ix_document_referral_id"), ["referral_id"])
        table.create_foreign_key(op.f("fk_document_accepted_by"), "person", ["accepted_by"], ["id"])
        table.create_check_constraint(
            op.f("ck_document_virus_scan"), "virus_scan IN ('not_scanned', 'clean', 'infected')"
        )
        table.create_check_constraint(
            op.f("ck_document_accepted"), "(accepted_because IS NULL) = (accepted_by IS NULL)"
        )
    with op.batch_alter_table("document") as table:
        table.alter_column("virus_scan", server_default=None)


def _arriving() -> None:
    op.create_table(
        "arriving_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("referral_id", sa.Uuid(), nullable=True),
        sa.Column("entry_kind", sa.String(length=40), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("header", sa.Text(), nullable=True),
        sa.Column("differs", _json(), nullable=True),
        sa.Column("accepted_because", sa.Text(), nullable=True),
        sa.Column("accepted_by", sa.Uuid(), nullable=True),
        sa.Column("started_at", _moment(), nullable=False),
        sa.Column("touched_at", _moment(), nullable=False),
        sa.CheckConstraint(
            "state IN ('arriving', 'waiting', 'differs', 'refused')",
            name=op.f("ck_arriving_file_state"),
        ),
        sa.CheckConstraint(
            "received >= 0 AND received <= size", name=op.f("ck_arriving_file_received")
        ),
        sa.ForeignKeyConstraint(
            ["accepted_by"], ["person.id"], name=op.f("fk_arriving_file_accepted_by")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"],
            name=op.f("fk_arriving_file_organisation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_arriving_file_patient_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_arriving_file_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arriving_file")),
    )  # fmt: skip
    op.create_index(op.f("ix_arriving_file_patient_id"), "arriving_file", ["patient_id"])
    op.create_index(op.f("ix_arriving_file_referral_id"), "arriving_file", ["referral_id"])
    op.create_index(op.f("ix_arriving_file_state"), "arriving_file", ["state", "touched_at"])


def _transfers() -> None:
    op.create_table(
        "study_transfer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("modality", sa.String(length=40), nullable=False),
        sa.Column("dated", sa.String(length=10), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("link", sa.String(length=500), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("entered_at", _moment(), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", _moment(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state IN ('requested', 'sent', 'received', 'returned', 'not_possible')",
            name=op.f("ck_study_transfer_state"),
        ),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["person.id"], name=op.f("fk_study_transfer_changed_by")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["person.id"], name=op.f("fk_study_transfer_entered_by")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"],
            name=op.f("fk_study_transfer_organisation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["referral_id"], ["referral.id"], name=op.f("fk_study_transfer_referral_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study_transfer")),
    )  # fmt: skip
    op.create_index(op.f("ix_study_transfer_referral_id"), "study_transfer", ["referral_id"])


def _texts() -> None:
    op.create_table(
        "text_block",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("changed_at", _moment(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_text_block_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_block")),
        sa.UniqueConstraint("person_id", "label", name="uq_text_block_label"),
    )


def _centres() -> None:
    with op.batch_alter_table("organisation") as table:
        table.add_column(sa.Column("cutoff_weekday", sa.Integer(), nullable=True))
        table.add_column(sa.Column("cutoff_time", sa.String(length=5), nullable=True))
        table.add_column(sa.Column("countries", _json(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("how_to_refer", sa.Text(), nullable=False, server_default=""))
        table.add_column(
            sa.Column("website", sa.String(length=200), nullable=False, server_default="")
        )
        table.add_column(
            sa.Column("in_directory", sa.Boolean(), nullable=False, server_default=sa.true())
        )
        table.create_check_constraint(
            op.f("ck_organisation_board_cutoff"),
            "(cutoff_weekday IS NULL) = (cutoff_time IS NULL)",
        )
    with op.batch_alter_table("organisation") as table:
        for name in ("countries", "how_to_refer", "website", "in_directory"):
            table.alter_column(name, server_default=None)


def upgrade() -> None:
    """Files that come in piece by piece, examinations on their way, texts of one's own, and what
    the directory of centres says."""
    _documents()
    _arriving()
    _transfers()
    _texts()
    _centres()
    op.create_index(op.f("ix_referral_advised_at"), "referral", ["advised_at"])


def downgrade() -> None:
    """Files that were still coming in are let go; documents stay."""
    op.drop_index(op.f("ix_referral_advised_at"), table_name="referral")
    with op.batch_alter_table("organisation") as table:
        table.drop_constraint(op.f("ck_organisation_board_cutoff"), type_="check")
        for name in (
            "cutoff_weekday", "cutoff_time", "countries", "how_to_refer", "website", "in_directory",
        ):  # fmt: skip
            table.drop_column(name)
    op.drop_table("text_block")
    op.drop_table("study_transfer")
    op.drop_table("arriving_file")
    with op.batch_alter_table("document") as table:
        table.drop_constraint(op.f("ck_document_accepted"), type_="check")
        table.drop_constraint(op.f("ck_document_virus_scan"), type_="check")
        table.drop_constraint(op.f("fk_document_accepted_by"), type_="foreignkey")
        table.drop_index(op.f("ix_document_referral_id"))
        for name in ("referral_id", "virus_scan", "about", "accepted_because", "accepted_by"):
            table.drop_column(name)
