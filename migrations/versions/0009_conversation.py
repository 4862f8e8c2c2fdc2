"""the conversation and the clock of a referral

Revision 0009, after 0008.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
BEFORE = (
    "draft", "submitted", "information_requested", "accepted", "advised", "acknowledged",
    "closed", "declined", "withdrawn",
)  # fmt: skip
NOW = (*BEFORE[:4], "listed_for_board", *BEFORE[4:])
LIVE = "phase = 'live'"

#: Columns a referral gets: moments and days.
MOMENTS = ("clock_from", "first_look_at", "complete_at", "listed_at", "escalated_at", "said_at")
DAYS = ("board_on", "look_due")


def _json() -> sa.types.TypeEngine[object]:
    return sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True), "postgresql"
    )


def _state_in(states: tuple[str, ...]) -> str:
    return f"state IN ({', '.join(repr(one) for one in states)})"


def _states(states: tuple[str, ...]) -> None:
    """Which states a referral may stand in. SQLite builds the table anew, with its other checks."""
    with op.batch_alter_table("referral") as batch:
        batch.drop_constraint(op.f("ck_referral_state"), type_="check")
        batch.create_check_constraint(op.f("ck_referral_state"), _state_in(states))


def upgrade() -> None:
    """Columns of the clock, what is said, who has read it, and closed days."""
    for name in MOMENTS:
        op.add_column("referral", sa.Column(name, MOMENT, nullable=True))
    for name in DAYS:
        op.add_column("referral", sa.Column(name, sa.Date(), nullable=True))
    op.add_column("referral", sa.Column("said_by", sa.Uuid(), nullable=True))
    _states(NOW)
    op.execute("UPDATE referral SET clock_from = submitted_at WHERE submitted_at IS NOT NULL")
    for column in ("look_due", "deadline"):
        wanted = LIVE + (f" AND {column} IS NOT NULL" if column == "look_due" else "")
        op.create_index(
            f"ix_referral_late_{column}",
            "referral",
            ["to_organisation_id", column],
            sqlite_where=sa.text(wanted),
            postgresql_where=sa.text(wanted),
        )
    op.add_column(
        "referral_event",
        sa.Column("details", _json(), nullable=False, server_default=sa.text("'{}'")),
    )
    op.add_column(
        "information_request",
        sa.Column("items", _json(), nullable=False, server_default=sa.text("'[]'")),
    )
    op.add_column("information_request", sa.Column("by_date", sa.Date(), nullable=True))
    op.add_column(
        "information_request",
        sa.Column("stops_clock", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    op.add_column(
        "information_request",
        sa.Column("answer", sa.Text(), nullable=False, server_default=sa.text("''")),
    )
    op.add_column("information_request", sa.Column("withdrawn_at", MOMENT, nullable=True))
    op.add_column("information_request", sa.Column("reminded_at", MOMENT, nullable=True))
    op.add_column("notice", sa.Column("numbers", _json(), nullable=True))
    _tables()


def _tables() -> None:
    op.create_table(
        "referral_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("form_key", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('message', 'note')", name=op.f("ck_referral_message_kind")),
        sa.ForeignKeyConstraint(
            ["referral_id"], ["referral.id"], name=op.f("fk_referral_message_referral_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_referral_message_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_referral_message_organisation_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral_message")),
        sa.UniqueConstraint("form_key", name=op.f("uq_referral_message_form_key")),
    )
    op.create_index("ix_referral_message_referral_id", "referral_message",
                    ["referral_id", "at", "id"])  # fmt: skip
    op.create_table(
        "referral_reading",
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("read_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["referral_id"], ["referral.id"], name=op.f("fk_referral_reading_referral_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_referral_reading_person_id")
        ),
        sa.PrimaryKeyConstraint("referral_id", "person_id", name=op.f("pk_referral_reading")),
    )
    op.create_table(
        "former_centre",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("from_at", MOMENT, nullable=False),
        sa.Column("left_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["referral_id"], ["referral.id"], name=op.f("fk_former_centre_referral_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_former_centre_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_centre")),
    )
    op.create_index(op.f("ix_former_centre_referral_id"), "former_centre", ["referral_id"])
    op.create_index(
        "ix_former_centre_organisation_id", "former_centre", ["organisation_id", "left_at"]
    )
    op.create_table(
        "closed_day",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("why", sa.String(100), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_closed_day_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["added_by"], ["person.id"], name=op.f("fk_closed_day_added_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closed_day")),
        sa.UniqueConstraint("organisation_id", "day", name="uq_closed_day_one"),
    )  # fmt: skip
    op.create_table(
        "morning_look",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_morning_look_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "day", name=op.f("pk_morning_look")),
    )


def downgrade() -> None:
    """Without them again: what is listed for the board stands as accepted."""
    for name in (
        "morning_look", "closed_day", "former_centre", "referral_reading", "referral_message",
    ):  # fmt: skip
        op.drop_table(name)
    op.execute("ALTER TABLE notice DROP COLUMN numbers")
    for name in ("items", "by_date", "stops_clock", "answer", "withdrawn_at", "reminded_at"):
        op.execute(f"ALTER TABLE information_request DROP COLUMN {name}")
    op.execute("ALTER TABLE referral_event DROP COLUMN details")
    for column in ("look_due", "deadline"):
        op.drop_index(f"ix_referral_late_{column}", table_name="referral")
    op.execute("UPDATE referral SET state = 'accepted' WHERE state = 'listed_for_board'")
    _states(BEFORE)
    for name in (*MOMENTS, *DAYS, "said_by"):
        op.execute(f"ALTER TABLE referral DROP COLUMN {name}")
