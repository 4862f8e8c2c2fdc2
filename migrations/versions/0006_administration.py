"""administration

Revision 0006, after 0005.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def _json() -> sa.types.TypeEngine[object]:
    return sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True), "postgresql"
    )


def upgrade() -> None:
    """Invitations, requests, cover, mail, local codes, and who acted for whom."""
    op.create_table(
        "heartbeat",
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "job_failure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("job", sa.String(60), nullable=False),
        sa.Column("problem", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_failure")),
    )
    op.create_index("ix_job_failure_at", "job_failure", ["at"])
    _people()
    _joining()
    _mail()
    _audit()


def _people() -> None:
    one = sa.text("1")
    op.add_column(
        "organisation", sa.Column("version", sa.Integer(), nullable=False, server_default=one)
    )
    op.add_column("person", sa.Column("version", sa.Integer(), nullable=False, server_default=one))
    op.add_column(
        "person", sa.Column("notice_mail", _json(), nullable=False, server_default=sa.text("'{}'"))
    )
    op.create_table(
        "cover",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("absent_id", sa.Uuid(), nullable=False),
        sa.Column("cover_id", sa.Uuid(), nullable=False),
        sa.Column("from_date", sa.Date(), nullable=False),
        sa.Column("until_date", sa.Date(), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.CheckConstraint("until_date >= from_date", name=op.f("ck_cover_order")),
        sa.CheckConstraint("absent_id <> cover_id", name=op.f("ck_cover_two_people")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_cover_organisation_id")
        ),
        sa.ForeignKeyConstraint(["absent_id"], ["person.id"], name=op.f("fk_cover_absent_id")),
        sa.ForeignKeyConstraint(["cover_id"], ["person.id"], name=op.f("fk_cover_cover_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cover")),
    )
    op.create_index("ix_cover_cover_id_until_date", "cover", ["cover_id", "until_date"])
    op.create_index("ix_cover_absent_id_until_date", "cover", ["absent_id", "until_date"])
    with op.batch_alter_table("sign_in") as batch:
        batch.add_column(sa.Column("cover_id", sa.Uuid(), nullable=True))
        batch.create_foreign_key(op.f("fk_sign_in_cover_id"), "cover", ["cover_id"], ["id"])
    op.create_table(
        "local_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("list", sa.String(40), nullable=False),
        sa.Column("code", sa.String(30), nullable=False),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("why", sa.String(500), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.Column("added_by_id", sa.Uuid(), nullable=True),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("retired_at", MOMENT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["added_by_id"], ["person.id"], name=op.f("fk_local_code_added_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_local_code")),
        sa.UniqueConstraint("list", "code", name="uq_local_code_list_code"),
    )


def _joining() -> None:
    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("telephone", sa.String(60), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("from_date", sa.Date(), nullable=False),
        sa.Column("until_date", sa.Date(), nullable=True),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("invited_at", MOMENT, nullable=False),
        sa.Column("invited_by_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("accepted_at", MOMENT, nullable=True),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "until_date IS NULL OR until_date >= from_date", name=op.f("ck_invitation_order")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_invitation_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["invited_by_id"], ["person.id"], name=op.f("fk_invitation_invited_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
    )
    op.create_index(op.f("ix_invitation_email"), "invitation", ["email"])
    op.create_index(op.f("ix_invitation_organisation_id"), "invitation", ["organisation_id"])
    op.create_table(
        "password_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_password_link_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_link")),
    )
    op.create_index(op.f("ix_password_link_person_id"), "password_link", ["person_id"])
    op.create_table(
        "account_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("telephone", sa.String(60), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("organisation_stated", sa.String(200), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("decision", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (decision = '')", name=op.f("ck_account_request_decided")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_account_request_organisation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["person.id"], name=op.f("fk_account_request_decided_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_request")),
    )
    op.create_index(op.f("ix_account_request_email"), "account_request", ["email"])
    op.create_index(
        "ix_account_request_waiting",
        "account_request",
        ["at"],
        sqlite_where=sa.text("decided_at IS NULL"),
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.create_table(
        "confirmation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("absent_id", sa.Uuid(), nullable=True),
        sa.Column("from_date", sa.Date(), nullable=False),
        sa.Column("until_date", sa.Date(), nullable=True),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("decision", sa.String(20), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by", sa.String(200), nullable=False),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (decision = '')", name=op.f("ck_confirmation_decided")
        ),
        sa.CheckConstraint(
            "(absent_id IS NULL) = (role <> '')", name=op.f("ck_confirmation_role_or_cover")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_confirmation_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_confirmation_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["absent_id"], ["person.id"], name=op.f("fk_confirmation_absent_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmation")),
    )
    op.create_index(op.f("ix_confirmation_person_id"), "confirmation", ["person_id"])


def _mail() -> None:
    op.create_table(
        "mail",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("failed_at", MOMENT, nullable=True),
        sa.Column("problem", sa.String(200), nullable=False),
        sa.CheckConstraint(
            "(person_id IS NULL) <> (address = '')", name=op.f("ck_mail_one_addressee")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_mail_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
    )
    op.create_index(op.f("ix_mail_person_id"), "mail", ["person_id"])
    op.create_index("ix_mail_sent_at", "mail", ["sent_at"])
    op.create_index("ix_mail_failed_at", "mail", ["failed_at"])
    op.create_index(
        "ix_mail_waiting",
        "mail",
        ["due_at"],
        sqlite_where=sa.text("sent_at IS NULL AND failed_at IS NULL"),
        postgresql_where=sa.text("sent_at IS NULL AND failed_at IS NULL"),
    )
    with op.batch_alter_table("notice") as batch:
        batch.add_column(
            sa.Column("mail", sa.String(10), nullable=False, server_default=sa.text("''"))
        )
        batch.add_column(sa.Column("digest_id", sa.Uuid(), nullable=True))
        batch.create_foreign_key(
            op.f("fk_notice_digest_id"), "mail", ["digest_id"], ["id"], ondelete="SET NULL"
        )
    op.create_index(op.f("ix_notice_digest_id"), "notice", ["digest_id"])
    op.create_index(
        "ix_notice_daily",
        "notice",
        ["at"],
        sqlite_where=sa.text("mail = 'daily' AND digest_id IS NULL"),
        postgresql_where=sa.text("mail = 'daily' AND digest_id IS NULL"),
    )


def _audit() -> None:
    # Adding columns leaves the table and its triggers as they are, on SQLite too.
    op.add_column("audit_entry", sa.Column("for_id", sa.Uuid(), nullable=True))
    op.add_column(
        "audit_entry",
        sa.Column("for_name", sa.String(200), nullable=False, server_default=sa.text("''")),
    )
    op.create_index("ix_audit_entry_person_id", "audit_entry", ["person_id", "id"])
    op.create_index("ix_audit_entry_at", "audit_entry", ["at"])


def downgrade() -> None:
    """Without them again. What an audit entry said of "for" goes with its columns."""
    op.drop_index("ix_audit_entry_at", table_name="audit_entry")
    op.drop_index("ix_audit_entry_person_id", table_name="audit_entry")
    # Not in batch mode: SQLite would rebuild the table and lose its triggers.
    op.execute("ALTER TABLE audit_entry DROP COLUMN for_name")
    op.execute("ALTER TABLE audit_entry DROP COLUMN for_id")
    op.drop_index("ix_notice_daily", table_name="notice")
    op.drop_index(op.f("ix_notice_digest_id"), table_name="notice")
    with op.batch_alter_table("notice") as batch:
        batch.drop_constraint(op.f("fk_notice_digest_id"), type_="foreignkey")
        batch.drop_column("digest_id")
        batch.drop_column("mail")
    with op.batch_alter_table("sign_in") as batch:
        batch.drop_constraint(op.f("fk_sign_in_cover_id"), type_="foreignkey")
        batch.drop_column("cover_id")
    for name in (
        "mail", "confirmation", "account_request", "password_link", "invitation", "local_code",
        "cover", "job_failure", "heartbeat",
    ):  # fmt: skip
        op.drop_table(name)
    op.execute("ALTER TABLE person DROP COLUMN notice_mail")
    op.execute("ALTER TABLE person DROP COLUMN version")
    op.execute("ALTER TABLE organisation DROP COLUMN version")
