"""Writing referrals: drafts, sending, and every step of the table."""

from registry.referrals.actions.drafts import NewPatient, save_draft, start_draft
from registry.referrals.actions.steps import submit, take
from registry.referrals.actions.taking import Taking, who_was_first
from registry.referrals.actions.transfers import move_transfer, note_transfer

__all__ = [
    "NewPatient",
    "Taking",
    "move_transfer",
    "note_transfer",
    "save_draft",
    "start_draft",
    "submit",
    "take",
    "who_was_first",
]
