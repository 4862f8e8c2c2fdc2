"""of whom a centre asks for information

Revision 0016, after 0015.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("information_request") as table:
        table.add_column(sa.Column("asked_of", sa.String(length=120), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("information_request") as table:
        table.drop_column("asked_of")
