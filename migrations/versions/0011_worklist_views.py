"""saved views of a worklist, what one likes to see on it, and an index for each filter

Revision 0011, after 0010.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
_ORDER = ["urgency_rank", "deadline", "id"]
#: Each filter of the worklist is one range of an index, in the worklist's order.
_INDEXES = {
    "ix_referral_by_state": ["to_organisation_id", "state", *_ORDER],
    "ix_referral_by_site": ["to_organisation_id", "phase", "site_group", *_ORDER],
    "ix_referral_by_grade": ["to_organisation_id", "phase", "grade_group", *_ORDER],
    "ix_referral_by_assignee": ["to_organisation_id", "phase", "assignee_id", *_ORDER],
    "ix_referral_moved": ["to_organisation_id", "moved_at"],
    "ix_referral_submitted_at": ["submitted_at"],
}


def upgrade() -> None:
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("filters", _JSON, nullable=False),
        sa.Column("columns", _JSON, nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_saved_view_person_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_saved_view_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint(
            "organisation_id", "person_id", "name", name=op.f("uq_saved_view_name")
        ),
    )
    op.create_table(
        "worklist_setting",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("columns", _JSON, nullable=False),
        sa.Column("keys_off", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_worklist_setting_person_id")
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_worklist_setting")),
    )
    for name, columns in _INDEXES.items():
        op.create_index(name, "referral", columns)


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, "referral")
    op.drop_table("worklist_setting")
    op.drop_table("saved_view")
