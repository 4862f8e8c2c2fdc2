"""pairs that may be one patient, joined records, and who a patient was

Revision 0012, after 0011.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def _json() -> sa.types.TypeEngine[object]:
    return sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True), "postgresql"
    )


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    """Every patient there is becomes due: the worker finds them by the new fingerprints."""
    _pairs()
    _joined()
    op.create_table(
        "identity_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("names", _json(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        _to("identity_change", "patient_id", "patient"),
        _to("identity_change", "by", "person"),
        _to("identity_change", "organisation_id", "organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_change")),
    )
    op.create_index("ix_identity_change_patient_id", "identity_change", ["patient_id", "at", "id"])
    op.drop_index("ix_name_index_kind_value", "name_index")
    op.create_index("ix_name_index_found", "name_index", ["kind", "value", "patient_id"])
    op.execute(
        "INSERT INTO match_due (patient_id, at)"
        " SELECT id, created_at FROM patient WHERE NOT provisional"
    )


def _pairs() -> None:
    op.create_table(
        "match_due",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        _to("match_due", "patient_id", "patient"),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_match_due")),
    )
    op.create_index("ix_match_due_at", "match_due", ["at"])
    op.create_table(
        "match_pair",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("second_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("agreement", _json(), nullable=False),
        sa.Column("rule_version", sa.String(20), nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("asked", sa.String(10), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_organisation_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("first_id <> second_id", name=op.f("ck_match_pair_two")),
        sa.CheckConstraint(
            "state IN ('open', 'same', 'apart', 'joined', 'lapsed')",
            name=op.f("ck_match_pair_state"),
        ),
        sa.CheckConstraint(
            "asked IN ('together', 'one_side', 'each_side')", name=op.f("ck_match_pair_asked")
        ),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (state IN ('open', 'same'))", name=op.f("ck_match_pair_decided")
        ),
        _to("match_pair", "first_id", "patient"),
        _to("match_pair", "second_id", "patient"),
        _to("match_pair", "decided_by", "person"),
        _to("match_pair", "decided_organisation_id", "organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_pair")),
        sa.UniqueConstraint("first_id", "second_id", name="uq_match_pair_two"),
    )
    op.create_index("ix_match_pair_second_id", "match_pair", ["second_id"])
    op.create_index("ix_match_pair_state", "match_pair", ["state", "found_at"])
    op.create_table(
        "match_answer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("match_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.String(10), nullable=False),
        sa.Column("answer", sa.String(10), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "answer IN ('same', 'apart', 'unsure')", name=op.f("ck_match_answer_answer")
        ),
        sa.CheckConstraint(
            "side IN ('first', 'second', 'both')", name=op.f("ck_match_answer_side")
        ),
        _to("match_answer", "match_id", "match_pair"),
        _to("match_answer", "by", "person"),
        _to("match_answer", "organisation_id", "organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_answer")),
    )
    op.create_index("ix_match_answer_match_id", "match_answer", ["match_id", "at", "id"])


def _joined() -> None:
    op.create_table(
        "patient_merge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kept_id", sa.Uuid(), nullable=False),
        sa.Column("moved_id", sa.Uuid(), nullable=False),
        sa.Column("match_id", sa.Uuid(), nullable=True),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("before", _json(), nullable=False),
        sa.Column("taken", _json(), nullable=False),
        sa.Column("undone_at", MOMENT, nullable=True),
        sa.Column("undone_by", sa.Uuid(), nullable=True),
        sa.Column("undone_because", sa.Text(), nullable=True),
        sa.CheckConstraint("kept_id <> moved_id", name=op.f("ck_patient_merge_two")),
        sa.CheckConstraint(
            "(undone_at IS NULL) = (undone_because IS NULL)", name=op.f("ck_patient_merge_undone")
        ),
        _to("patient_merge", "kept_id", "patient"),
        _to("patient_merge", "moved_id", "patient"),
        _to("patient_merge", "match_id", "match_pair"),
        _to("patient_merge", "by", "person"),
        _to("patient_merge", "organisation_id", "organisation"),
        _to("patient_merge", "undone_by", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_merge")),
    )
    in_force = sa.text("undone_at IS NULL")
    op.create_index(
        "uq_patient_merge_in_force", "patient_merge", ["moved_id"], unique=True,
        sqlite_where=in_force, postgresql_where=in_force,
    )  # fmt: skip
    op.create_index("ix_patient_merge_kept_id", "patient_merge", ["kept_id"])
    op.create_index("ix_patient_merge_match_id", "patient_merge", ["match_id"])


def downgrade() -> None:
    """Joined records stay joined; what was said of pairs, and who patients were, goes."""
    op.drop_index("ix_name_index_found", "name_index")
    op.create_index("ix_name_index_kind_value", "name_index", ["kind", "value"])
    for table in ("identity_change", "patient_merge", "match_answer", "match_pair", "match_due"):
        op.drop_table(table)
