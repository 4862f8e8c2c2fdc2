"""what a cohort asked before its last changes, so that they can be undone; what a project was told
in its releases; whether a request joins a project of others

Revision 0017, after 0016.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kind = sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True), "postgresql"
    )
    with op.batch_alter_table("cohort") as table:
        table.add_column(sa.Column("earlier", kind, nullable=False, server_default="[]"))
    # Not in batch: a table that is rebuilt loses the triggers that keep what was released.
    op.add_column("research_release", sa.Column("recoded", kind, nullable=True))
    op.add_column(
        "access_request",
        sa.Column("joins", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    op.drop_column("access_request", "joins")
    op.drop_column("research_release", "recoded")
    with op.batch_alter_table("cohort") as table:
        table.drop_column("earlier")
