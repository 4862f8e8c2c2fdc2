"""research: grants, releases and their files

Revision 0003, after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _json(name: str, *, nullable: bool) -> sa.Column[object]:
    kind = sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True), "postgresql"
    )
    return sa.Column(name, kind, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "access_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("researcher_id", sa.Uuid(), nullable=False),
        sa.Column("from_date", sa.Date(), nullable=False),
        sa.Column("until_date", sa.Date(), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("until_date >= from_date", name=op.f("ck_access_grant_period")),
        sa.CheckConstraint(
            "granted_by <> researcher_id", name=op.f("ck_access_grant_not_to_oneself")
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (end_reason IS NULL)",
            name=op.f("ck_access_grant_ended"),
        ),
        sa.ForeignKeyConstraint(
            ["researcher_id"], ["person.id"], name=op.f("fk_access_grant_researcher_id")
        ),
        sa.ForeignKeyConstraint(
            ["granted_by"], ["person.id"], name=op.f("fk_access_grant_granted_by")
        ),
        sa.ForeignKeyConstraint(["ended_by"], ["person.id"], name=op.f("fk_access_grant_ended_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_grant")),
    )
    op.create_index(op.f("ix_access_grant_project"), "access_grant", ["project"])
    op.create_index(op.f("ix_access_grant_researcher_id"), "access_grant", ["researcher_id"])

    op.create_table(
        "research_release",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("project", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        _json("criteria", nullable=False),
        sa.Column("phase", sa.String(length=20), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("maker", sa.Uuid(), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        _json("drafts", nullable=False),
        sa.Column("error", sa.String(length=20), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        _json("manifest", nullable=True),
        sa.Column("dictionary_version", sa.String(length=64), nullable=True),
        _json("rule_versions", nullable=True),
        sa.Column("code_version", sa.String(length=40), nullable=True),
        sa.CheckConstraint(
            "state IN ('requested', 'making', 'made', 'failed', 'cancelled')",
            name=op.f("ck_research_release_state"),
        ),
        sa.CheckConstraint(
            "(state = 'made') = (made_at IS NOT NULL) "
            "AND (state = 'made') = (manifest IS NOT NULL)",
            name=op.f("ck_research_release_made"),
        ),
        sa.CheckConstraint(
            "(state = 'making') = (maker IS NOT NULL) AND (maker IS NULL) = (heartbeat_at IS NULL)",
            name=op.f("ck_research_release_making"),
        ),
        sa.CheckConstraint(
            "(state = 'failed') = (error IS NOT NULL)", name=op.f("ck_research_release_failed")
        ),
        sa.CheckConstraint("done <= total", name=op.f("ck_research_release_progress")),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["access_grant.id"], name=op.f("fk_research_release_grant_id")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["person.id"], name=op.f("fk_research_release_requested_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_research_release")),
        sa.UniqueConstraint("project", "number", name="uq_research_release_number"),
    )
    op.create_index(op.f("ix_research_release_grant_id"), "research_release", ["grant_id"])
    op.create_index("ix_research_release_state", "research_release", ["state"])

    op.create_table(
        "release_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("media_type", sa.String(length=60), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("size >= 0", name=op.f("ck_release_file_size")),
        sa.ForeignKeyConstraint(
            ["release_id"], ["research_release.id"], name=op.f("fk_release_file_release_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_file")),
        sa.UniqueConstraint("release_id", "name", name="uq_release_file_name"),
        sa.UniqueConstraint("file_id", name=op.f("uq_release_file_file_id")),
    )
    op.create_index(
        "ix_audit_entry_release",
        "audit_entry",
        ["subject_id", "id"],
        sqlite_where=sa.text("subject_kind = 'release'"),
        postgresql_where=sa.text("subject_kind = 'release'"),
    )
    _freeze()


def _freeze() -> None:
    """What was released stays as it was, whoever asks. SQLite loses these triggers when a later
    migration rebuilds a table: it has to make them again."""
    kept = "a release that was made is never changed"
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER release_file_keep_{event.lower()} BEFORE {event} ON release_file "
                f"BEGIN SELECT RAISE(ABORT, '{kept}'); END"
            )
            op.execute(
                f"CREATE TRIGGER research_release_keep_{event.lower()} "
                f"BEFORE {event} ON research_release WHEN OLD.state = 'made' "
                f"BEGIN SELECT RAISE(ABORT, '{kept}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION release_keep() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{kept}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER release_file_keep BEFORE UPDATE OR DELETE ON release_file "
        "FOR EACH ROW EXECUTE FUNCTION release_keep()"
    )
    op.execute(
        "CREATE TRIGGER research_release_keep BEFORE UPDATE OR DELETE ON research_release "
        "FOR EACH ROW WHEN (OLD.state = 'made') EXECUTE FUNCTION release_keep()"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER research_release_keep ON research_release")
        op.execute("DROP TRIGGER release_file_keep ON release_file")
        op.execute("DROP FUNCTION release_keep()")
    op.drop_index("ix_audit_entry_release", table_name="audit_entry")
    op.drop_table("release_file")
    op.drop_index("ix_research_release_state", table_name="research_release")
    op.drop_index(op.f("ix_research_release_grant_id"), table_name="research_release")
    op.drop_table("research_release")
    op.drop_index(op.f("ix_access_grant_researcher_id"), table_name="access_grant")
    op.drop_index(op.f("ix_access_grant_project"), table_name="access_grant")
    op.drop_table("access_grant")
