"""Writing referrals: drafts, sending, and every step of the table."""

from registry.referrals.actions.drafts import NewPatient, save_draft, start_draft
from registry.referrals.actions.steps import submit, take
from registry.referrals.actions.taking import Taking, who_was_first
from registry.referrals.actions.texts import keep_text, remove_text
from registry.referrals.actions.transfers import move_transfer, note_transfer
from registry.referrals.actions.worklist import (
    Result,
    hand_over,
    keep_setting,
    remove_view,
    save_view,
    take_many,
)

__all__ = [
    "NewPatient",
    "Result",
    "Taking",
    "hand_over",
    "keep_setting",
    "keep_text",
    "move_transfer",
    "note_transfer",
    "remove_text",
    "remove_view",
    "save_draft",
    "save_view",
    "start_draft",
    "submit",
    "take",
    "take_many",
    "who_was_first",
]
