"""the tumour board

Revision 0013, after 0012.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

#: What was signed is never changed or removed, by whatever way somebody comes to the database.
LOCKED = "what was signed is not changed"


def upgrade() -> None:
    """Boards, meetings, agenda, recommendations and what became of them; trials."""
    op.create_table(
        "board",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("cross_centre", sa.Boolean(), nullable=False),
        sa.Column("time_zone", sa.String(length=60), nullable=False),
        sa.Column("every_weeks", sa.Integer(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("starts", sa.String(length=5), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("cutoff_hours", sa.Integer(), nullable=False),
        sa.Column(
            "quorum",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("two_signatures", sa.Boolean(), nullable=False),
        sa.Column("video_link", sa.String(length=500), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("capacity > 0", name=op.f("ck_board_capacity")),
        sa.CheckConstraint("every_weeks BETWEEN 0 AND 8", name=op.f("ck_board_every_weeks")),
        sa.CheckConstraint("minutes BETWEEN 5 AND 600", name=op.f("ck_board_minutes")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_board_weekday")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_board_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board")),
    )
    with op.batch_alter_table("board", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_board_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "calendar_feed",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_calendar_feed_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("person_id", name=op.f("uq_calendar_feed_person_id")),
    )
    op.create_table(
        "trial",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("phase", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column(
            "countries",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("contact", sa.String(length=300), nullable=False),
        sa.Column("link", sa.String(length=500), nullable=False),
        sa.Column(
            "criteria",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("checked_on", sa.String(length=10), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "status IN ('open', 'soon', 'paused', 'closed')", name=op.f("ck_trial_status")
        ),
        sa.ForeignKeyConstraint(["changed_by"], ["person.id"], name=op.f("fk_trial_changed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trial")),
        sa.UniqueConstraint("code", name=op.f("uq_trial_code")),
    )
    op.create_table(
        "board_member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("board_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("discipline", sa.String(length=30), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["board_id"], ["board.id"], name=op.f("fk_board_member_board_id")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_board_member_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_member")),
    )
    with op.batch_alter_table("board_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_board_member_board_id"), ["board_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_board_member_person_id"), ["person_id"], unique=False)
        batch_op.create_index(
            "uq_board_member_now",
            ["board_id", "person_id"],
            unique=True,
            sqlite_where=sa.text("left_at IS NULL"),
            postgresql_where=sa.text("left_at IS NULL"),
        )

    op.create_table(
        "meeting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("board_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cutoff_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column(
            "quorum",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("two_signatures", sa.Boolean(), nullable=False),
        sa.Column("video_link", sa.String(length=500), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_because", sa.String(length=300), nullable=False),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'cancelled') = (cancelled_because <> '')", name=op.f("ck_meeting_cancelled")
        ),
        sa.CheckConstraint("kind IN ('meeting', 'written')", name=op.f("ck_meeting_kind")),
        sa.CheckConstraint(
            "state IN ('planned', 'under_way', 'held', 'cancelled')", name=op.f("ck_meeting_state")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_meeting_order")),
        sa.ForeignKeyConstraint(["board_id"], ["board.id"], name=op.f("fk_meeting_board_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_meeting_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting")),
        sa.UniqueConstraint("board_id", "starts_at", name="uq_meeting_date"),
    )
    with op.batch_alter_table("meeting", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_meeting_board_id"), ["board_id"], unique=False)
        batch_op.create_index("ix_meeting_place", ["organisation_id", "starts_at"], unique=False)

    op.create_table(
        "agenda_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=True),
        sa.Column("why", sa.String(length=12), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("question", sa.String(length=40), nullable=False),
        sa.Column("question_text", sa.Text(), nullable=False),
        sa.Column("presenter_id", sa.Uuid(), nullable=True),
        sa.Column("images_link", sa.String(length=500), nullable=False),
        sa.Column("pathology_link", sa.String(length=500), nullable=False),
        sa.Column("late_because", sa.String(length=300), nullable=False),
        sa.Column("deferred_for", sa.String(length=30), nullable=False),
        sa.Column("deferred_text", sa.String(length=500), nullable=False),
        sa.Column("carried_from_id", sa.Uuid(), nullable=True),
        sa.Column("discussed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("listed_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(state = 'deferred') = (deferred_for <> '')", name=op.f("ck_agenda_item_deferred")
        ),
        sa.CheckConstraint(
            "state IN ('listed', 'discussed', 'deferred', 'removed')",
            name=op.f("ck_agenda_item_state"),
        ),
        sa.CheckConstraint("why IN ('referral', 'review', 'own')", name=op.f("ck_agenda_item_why")),
        sa.ForeignKeyConstraint(
            ["carried_from_id"], ["agenda_item.id"], name=op.f("fk_agenda_item_carried_from_id")
        ),
        sa.ForeignKeyConstraint(
            ["listed_by"], ["person.id"], name=op.f("fk_agenda_item_listed_by")
        ),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["meeting.id"], name=op.f("fk_agenda_item_meeting_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_agenda_item_patient_id")
        ),
        sa.ForeignKeyConstraint(
            ["presenter_id"], ["person.id"], name=op.f("fk_agenda_item_presenter_id")
        ),
        sa.ForeignKeyConstraint(
            ["referral_id"], ["referral.id"], name=op.f("fk_agenda_item_referral_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agenda_item")),
        sa.UniqueConstraint("meeting_id", "patient_id", name="uq_agenda_item_patient"),
    )
    with op.batch_alter_table("agenda_item", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_agenda_item_carried_from_id"), ["carried_from_id"], unique=False
        )
        batch_op.create_index("ix_agenda_item_order", ["meeting_id", "place", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_agenda_item_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_agenda_item_referral_id"), ["referral_id"], unique=False
        )

    op.create_table(
        "attendance",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("discipline", sa.String(length=30), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "left_at IS NULL OR left_at >= arrived_at", name=op.f("ck_attendance_order")
        ),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["meeting.id"], name=op.f("fk_attendance_meeting_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_attendance_person_id")),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["person.id"], name=op.f("fk_attendance_recorded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attendance")),
        sa.UniqueConstraint("meeting_id", "person_id", name="uq_attendance_one"),
    )
    op.create_table(
        "meeting_guest",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("discipline", sa.String(length=30), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["person.id"], name=op.f("fk_meeting_guest_invited_by")
        ),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["meeting.id"], name=op.f("fk_meeting_guest_meeting_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_meeting_guest_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting_guest")),
        sa.UniqueConstraint("meeting_id", "person_id", name="uq_meeting_guest_one"),
    )
    with op.batch_alter_table("meeting_guest", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_meeting_guest_person_id"), ["person_id"], unique=False)

    op.create_table(
        "agenda_need",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.String(length=300), nullable=False),
        sa.Column("asked_of", sa.String(length=120), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("met_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("met_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "person_id IS NOT NULL OR asked_of <> ''", name=op.f("ck_agenda_need_asked")
        ),
        sa.CheckConstraint("(met_at IS NULL) = (met_by IS NULL)", name=op.f("ck_agenda_need_met")),
        sa.ForeignKeyConstraint(["asked_by"], ["person.id"], name=op.f("fk_agenda_need_asked_by")),
        sa.ForeignKeyConstraint(
            ["item_id"], ["agenda_item.id"], name=op.f("fk_agenda_need_item_id")
        ),
        sa.ForeignKeyConstraint(["met_by"], ["person.id"], name=op.f("fk_agenda_need_met_by")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_agenda_need_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agenda_need")),
    )
    with op.batch_alter_table("agenda_need", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_agenda_need_item_id"), ["item_id"], unique=False)

    op.create_table(
        "board_vote",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("choice", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "choice IN ('agree', 'agree_but', 'disagree', 'abstain')",
            name=op.f("ck_board_vote_choice"),
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["agenda_item.id"], name=op.f("fk_board_vote_item_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_board_vote_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_vote")),
        sa.UniqueConstraint("item_id", "person_id", name="uq_board_vote_one"),
    )
    op.create_table(
        "recommendation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amended_because", sa.String(length=500), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "draft",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_by", sa.Uuid(), nullable=True),
        sa.Column(
            "content",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column("review_date", sa.String(length=10), nullable=True),
        sa.Column("locked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "(locked_at IS NULL) = (sha256 = '')", name=op.f("ck_recommendation_locked")
        ),
        sa.CheckConstraint(
            "(number = 1) = (amended_because = '')", name=op.f("ck_recommendation_amended")
        ),
        sa.CheckConstraint(
            "(locked_at IS NULL) = (content IS NULL)", name=op.f("ck_recommendation_content")
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_recommendation_number")),
        sa.ForeignKeyConstraint(
            ["item_id"], ["agenda_item.id"], name=op.f("fk_recommendation_item_id")
        ),
        sa.ForeignKeyConstraint(
            ["saved_by"], ["person.id"], name=op.f("fk_recommendation_saved_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recommendation")),
        sa.UniqueConstraint("item_id", "number", name="uq_recommendation_number"),
    )
    with op.batch_alter_table("recommendation", schema=None) as batch_op:
        batch_op.create_index("ix_recommendation_review", ["review_date"], unique=False)

    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("recommendation_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.String(length=20), nullable=False),
        sa.Column("address", sa.String(length=400), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("advice_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_by", sa.Uuid(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_by", sa.String(length=200), nullable=False),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(told_at IS NULL) = (told_by = '')", name=op.f("ck_delivery_told")),
        sa.CheckConstraint(
            "recipient IN ('referrer', 'family_doctor', 'patient')",
            name=op.f("ck_delivery_recipient"),
        ),
        sa.ForeignKeyConstraint(["advice_id"], ["advice.id"], name=op.f("fk_delivery_advice_id")),
        sa.ForeignKeyConstraint(["opened_by"], ["person.id"], name=op.f("fk_delivery_opened_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_delivery_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_delivery_person_id")),
        sa.ForeignKeyConstraint(
            ["recommendation_id"], ["recommendation.id"], name=op.f("fk_delivery_recommendation_id")
        ),
        sa.ForeignKeyConstraint(["sent_by"], ["person.id"], name=op.f("fk_delivery_sent_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("recommendation_id", "recipient", name="uq_delivery_recipient"),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delivery_advice_id"), ["advice_id"], unique=False)
        batch_op.create_index("ix_delivery_due_at", ["due_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_delivery_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "dissent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recommendation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_dissent_person_id")),
        sa.ForeignKeyConstraint(
            ["recommendation_id"], ["recommendation.id"], name=op.f("fk_dissent_recommendation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dissent")),
    )
    with op.batch_alter_table("dissent", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_dissent_recommendation_id"), ["recommendation_id"], unique=False
        )

    op.create_table(
        "implementation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recommendation_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("option", sa.Integer(), nullable=True),
        sa.Column("dated", sa.String(length=10), nullable=True),
        sa.Column("therapy_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "outcome = 'done' OR reason <> ''", name=op.f("ck_implementation_reason")
        ),
        sa.CheckConstraint(
            "outcome IN ('done', 'changed', 'not_done')", name=op.f("ck_implementation_outcome")
        ),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("fk_implementation_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_implementation_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["recommendation_id"],
            ["recommendation.id"],
            name=op.f("fk_implementation_recommendation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["therapy_id"], ["therapy.id"], name=op.f("fk_implementation_therapy_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_implementation")),
    )
    with op.batch_alter_table("implementation", schema=None) as batch_op:
        batch_op.create_index(
            "ix_implementation_recommendation_id", ["recommendation_id", "at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_implementation_therapy_id"), ["therapy_id"], unique=False
        )

    op.create_table(
        "recommendation_edit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recommendation_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "typed",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("fk_recommendation_edit_by")),
        sa.ForeignKeyConstraint(
            ["recommendation_id"],
            ["recommendation.id"],
            name=op.f("fk_recommendation_edit_recommendation_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recommendation_edit")),
        sa.UniqueConstraint("recommendation_id", "revision", name="uq_recommendation_edit_one"),
    )
    op.create_table(
        "signature",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recommendation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_signature_person_id")),
        sa.ForeignKeyConstraint(
            ["recommendation_id"],
            ["recommendation.id"],
            name=op.f("fk_signature_recommendation_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature")),
        sa.UniqueConstraint("recommendation_id", "person_id", name="uq_signature_one"),
    )
    _lock()


def _lock() -> None:
    """Refuse to change or remove a signed recommendation, and what belongs to its text."""
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER recommendation_keep_{event.lower()} BEFORE {event} "
                "ON recommendation WHEN OLD.locked_at IS NOT NULL "
                f"BEGIN SELECT RAISE(ABORT, '{LOCKED}'); END"
            )
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER dissent_keep_{event.lower()} BEFORE {event} ON dissent "  # noqa: S608
                "WHEN (SELECT locked_at FROM recommendation WHERE id = OLD.recommendation_id) "
                f"IS NOT NULL BEGIN SELECT RAISE(ABORT, '{LOCKED}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION recommendation_keep() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{LOCKED}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER recommendation_keep BEFORE UPDATE OR DELETE ON recommendation "
        "FOR EACH ROW WHEN (OLD.locked_at IS NOT NULL) EXECUTE FUNCTION recommendation_keep()"
    )
    op.execute(
        "CREATE FUNCTION dissent_keep() RETURNS trigger LANGUAGE plpgsql AS $$ "  # noqa: S608
        "BEGIN IF (SELECT locked_at FROM recommendation WHERE id = OLD.recommendation_id) "
        f"IS NOT NULL THEN RAISE EXCEPTION '{LOCKED}'; END IF; "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER dissent_keep BEFORE UPDATE OR DELETE ON dissent "
        "FOR EACH ROW EXECUTE FUNCTION dissent_keep()"
    )


def downgrade() -> None:
    """Without the board."""
    if op.get_bind().dialect.name == "postgresql":
        for table in ("recommendation", "dissent"):
            op.execute(f"DROP TRIGGER {table}_keep ON {table}")
            op.execute(f"DROP FUNCTION {table}_keep()")
    op.drop_table("signature")
    op.drop_table("recommendation_edit")
    with op.batch_alter_table("implementation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_implementation_therapy_id"))
        batch_op.drop_index("ix_implementation_recommendation_id")

    op.drop_table("implementation")
    with op.batch_alter_table("dissent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dissent_recommendation_id"))

    op.drop_table("dissent")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delivery_organisation_id"))
        batch_op.drop_index("ix_delivery_due_at")
        batch_op.drop_index(batch_op.f("ix_delivery_advice_id"))

    op.drop_table("delivery")
    with op.batch_alter_table("recommendation", schema=None) as batch_op:
        batch_op.drop_index("ix_recommendation_review")

    op.drop_table("recommendation")
    op.drop_table("board_vote")
    with op.batch_alter_table("agenda_need", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_agenda_need_item_id"))

    op.drop_table("agenda_need")
    with op.batch_alter_table("meeting_guest", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_meeting_guest_person_id"))

    op.drop_table("meeting_guest")
    op.drop_table("attendance")
    with op.batch_alter_table("agenda_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_agenda_item_referral_id"))
        batch_op.drop_index(batch_op.f("ix_agenda_item_patient_id"))
        batch_op.drop_index("ix_agenda_item_order")
        batch_op.drop_index(batch_op.f("ix_agenda_item_carried_from_id"))

    op.drop_table("agenda_item")
    with op.batch_alter_table("meeting", schema=None) as batch_op:
        batch_op.drop_index("ix_meeting_place")
        batch_op.drop_index(batch_op.f("ix_meeting_board_id"))

    op.drop_table("meeting")
    with op.batch_alter_table("board_member", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_board_member_now",
            sqlite_where=sa.text("left_at IS NULL"),
            postgresql_where=sa.text("left_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_board_member_person_id"))
        batch_op.drop_index(batch_op.f("ix_board_member_board_id"))

    op.drop_table("board_member")
    op.drop_table("trial")
    op.drop_table("calendar_feed")
    with op.batch_alter_table("board", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_board_organisation_id"))

    op.drop_table("board")
