"""imports in full

Revision 0007, after 0006.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UPLOAD_STATES = (
    "'uploaded', 'asked_check', 'checking', 'checked', 'asked', 'bringing', 'brought', 'failed',"
    " 'discarded'"
)
IMPORT_STATES = "'writing', 'done', 'undoing', 'undone'"
EXPORT_STATES = "'asked', 'making', 'made', 'failed', 'cancelled', 'expired'"


def _json() -> sa.types.TypeEngine:
    return sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True), "postgresql"
    )


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    with op.batch_alter_table("import") as table:
        table.add_column(sa.Column("changed", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("refused", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(
            sa.Column("state", sa.String(length=20), nullable=False, server_default="done")
        )
        table.add_column(sa.Column("person_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("maker", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("heartbeat_at", moment, nullable=True))
        table.add_column(sa.Column("undone_at", moment, nullable=True))
        table.add_column(sa.Column("undone_by", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("undo", _json(), nullable=True))
        table.add_column(sa.Column("done", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("total", sa.Integer(), nullable=False, server_default="0"))
        table.create_foreign_key("fk_import_person_id", "person", ["person_id"], ["id"])
        table.create_foreign_key("fk_import_undone_by", "person", ["undone_by"], ["id"])
        table.create_check_constraint(op.f("ck_import_state"), f"state IN ({IMPORT_STATES})")
    with op.batch_alter_table("import") as table:
        for name in ("changed", "refused", "state", "done", "total"):
            table.alter_column(name, server_default=None)
    with op.batch_alter_table("source_row") as table:
        table.add_column(sa.Column("made", _json(), nullable=True))
    # Without it every pathology that is taken back is looked for in all others.
    op.create_index(op.f("ix_pathology_review_of_id"), "pathology", ["review_of_id"])
    op.create_table(
        "import_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("variable", sa.String(length=60), nullable=False),
        sa.Column("before", _json(), nullable=True),
        sa.Column("after", _json(), nullable=True),
        sa.Column("conflict", sa.Boolean(), nullable=False),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["import.id"], name=op.f("fk_import_change_import_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_import_change_patient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_change")),
    )
    op.create_index("ix_import_change_import_id", "import_change", ["import_id", "position"])
    op.create_index(op.f("ix_import_change_patient_id"), "import_change", ["patient_id"])
    op.create_table(
        "saved_map",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("toml", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("saved_at", moment, nullable=False),
        sa.Column("saved_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_saved_map_organisation_id")
        ),
        sa.ForeignKeyConstraint(["saved_by"], ["person.id"], name=op.f("fk_saved_map_saved_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_map")),
        sa.UniqueConstraint("organisation_id", "name", "version", name="uq_saved_map_version"),
    )
    op.create_table(
        "import_upload",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("form_key", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("files", _json(), nullable=False),
        sa.Column("toml", sa.Text(), nullable=False),
        sa.Column("choices", _json(), nullable=False),
        sa.Column("phase", sa.String(length=20), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("maker", sa.Uuid(), nullable=True),
        sa.Column("heartbeat_at", moment, nullable=True),
        sa.Column("drafts", _json(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("report_file_id", sa.Uuid(), nullable=True),
        sa.Column("refused_file_id", sa.Uuid(), nullable=True),
        sa.Column("refused_size", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(f"state IN ({UPLOAD_STATES})", name=op.f("ck_import_upload_state")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_import_upload_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_import_upload_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["import.id"], name=op.f("fk_import_upload_import_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_upload")),
        sa.UniqueConstraint("form_key", name=op.f("uq_import_upload_form_key")),
    )
    op.create_index(
        "ix_import_upload_organisation_id", "import_upload", ["organisation_id", "created_at"]
    )
    op.create_index("ix_import_upload_state", "import_upload", ["state"])
    op.create_table(
        "centre_export",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("form_key", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("maker", sa.Uuid(), nullable=True),
        sa.Column("heartbeat_at", moment, nullable=True),
        sa.Column("drafts", _json(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("patients", sa.Integer(), nullable=False),
        sa.CheckConstraint(f"state IN ({EXPORT_STATES})", name=op.f("ck_centre_export_state")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_centre_export_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_centre_export_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_centre_export")),
        sa.UniqueConstraint("form_key", name=op.f("uq_centre_export_form_key")),
    )
    op.create_index(
        "ix_centre_export_organisation_id", "centre_export", ["organisation_id", "asked_at"]
    )


def downgrade() -> None:
    op.drop_table("centre_export")
    op.drop_table("import_upload")
    op.drop_table("saved_map")
    op.drop_table("import_change")
    op.drop_index(op.f("ix_pathology_review_of_id"), table_name="pathology")
    with op.batch_alter_table("source_row") as table:
        table.drop_column("made")
    with op.batch_alter_table("import") as table:
        table.drop_constraint(op.f("ck_import_state"), type_="check")
        table.drop_constraint("fk_import_undone_by", type_="foreignkey")
        table.drop_constraint("fk_import_person_id", type_="foreignkey")
        for name in (
            "total", "done", "undo", "undone_by", "undone_at", "heartbeat_at", "maker",
            "person_id", "state", "refused", "changed",
        ):  # fmt: skip
            table.drop_column(name)
