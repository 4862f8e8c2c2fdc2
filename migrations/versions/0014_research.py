"""cohorts, their versions, the counts that were told, and requests for access

Revision 0014, after 0013.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def _json(name: str, **other: str) -> sa.Column[object]:
    kind = sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True), "postgresql"
    )
    return sa.Column(name, kind, nullable=False, **other)


def upgrade() -> None:
    op.create_table(
        "cohort",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        _json("criteria"),
        _json("told"),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_cohort_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohort")),
    )
    op.create_index(op.f("ix_cohort_owner_id"), "cohort", ["owner_id"])
    op.create_table(
        "cohort_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        _json("criteria"),
        sa.Column("sentence", sa.Text(), nullable=False),
        _json("told"),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohort.id"], name=op.f("fk_cohort_version_cohort_id")
        ),
        sa.ForeignKeyConstraint(
            ["saved_by"], ["person.id"], name=op.f("fk_cohort_version_saved_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohort_version")),
        sa.UniqueConstraint("cohort_id", "number", name=op.f("uq_cohort_version_number")),
    )
    op.create_table(
        "told_count",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sketch", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_told_count")),
    )
    op.create_index(op.f("ix_told_count_size"), "told_count", ["size"])
    _requests()
    for column in _deidentified():
        op.add_column("access_grant", column)
    op.add_column("research_release", _json("formats", server_default="[]"))


def _deidentified() -> list[sa.Column[object]]:
    """How what leaves is made unrecognisable: approved with the grant. What was granted before
    gets the defaults."""
    return [
        sa.Column("smallest_group", sa.Integer(), nullable=False, server_default="5"),
        sa.Column("age_band", sa.Integer(), nullable=False, server_default="5"),
        sa.Column("times", sa.String(length=20), nullable=False, server_default="days"),
    ]


def _requests() -> None:
    op.create_table(
        "access_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("researcher_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("project", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.String(length=40), nullable=False),
        sa.Column("funding", sa.Text(), nullable=False),
        sa.Column("outputs", sa.Text(), nullable=False),
        _json("use_codes"),
        _json("analyses"),
        sa.Column("cohort_version_id", sa.Uuid(), nullable=False),
        _json("variables"),
        sa.Column("until_date", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("amends_id", sa.Uuid(), nullable=True),
        *_deidentified(),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'questions', 'approved', 'refused', 'withdrawn', "
            "'revoked', 'replaced')",
            name=op.f("ck_access_request_state"),
        ),
        sa.CheckConstraint(
            "grant_id IS NOT NULL OR state NOT IN ('approved', 'revoked', 'replaced')",
            name=op.f("ck_access_request_granted"),
        ),
        sa.ForeignKeyConstraint(
            ["researcher_id"], ["person.id"], name=op.f("fk_access_request_researcher_id")
        ),
        sa.ForeignKeyConstraint(
            ["cohort_version_id"],
            ["cohort_version.id"],
            name=op.f("fk_access_request_cohort_version_id"),
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["access_grant.id"], name=op.f("fk_access_request_grant_id")
        ),
        sa.ForeignKeyConstraint(
            ["amends_id"], ["access_request.id"], name=op.f("fk_access_request_amends_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_request")),
    )
    for name in ("researcher_id", "grant_id", "amends_id", "state"):
        op.create_index(op.f(f"ix_access_request_{name}"), "access_request", [name])
    op.create_table(
        "access_request_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("until_date", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["access_request.id"], name=op.f("fk_access_request_event_request_id")
        ),
        sa.ForeignKeyConstraint(
            ["by_id"], ["person.id"], name=op.f("fk_access_request_event_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_request_event")),
    )
    op.create_index(
        op.f("ix_access_request_event_request_id"), "access_request_event", ["request_id"]
    )
    _outputs()


def _outputs() -> None:
    op.create_table(
        "research_output",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=400), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("doi", sa.String(length=220), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('article', 'abstract', 'report', 'guideline', 'other')",
            name=op.f("ck_research_output_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["access_request.id"], name=op.f("fk_research_output_request_id")
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["research_release.id"], name=op.f("fk_research_output_release_id")
        ),
        sa.ForeignKeyConstraint(
            ["added_by"], ["person.id"], name=op.f("fk_research_output_added_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_research_output")),
    )
    for name in ("request_id", "release_id"):
        op.create_index(op.f(f"ix_research_output_{name}"), "research_output", [name])
    op.create_table(
        "network_figures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sketch", sa.LargeBinary(), nullable=False),
        _json("content"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_figures")),
    )
    op.create_index(op.f("ix_network_figures_made_at"), "network_figures", ["made_at"])


def downgrade() -> None:
    op.drop_column("research_release", "formats")
    for name in ("times", "age_band", "smallest_group"):
        op.drop_column("access_grant", name)
    op.drop_table("network_figures")
    op.drop_table("research_output")
    op.drop_table("access_request_event")
    op.drop_table("access_request")
    op.drop_table("told_count")
    op.drop_table("cohort_version")
    op.drop_table("cohort")
