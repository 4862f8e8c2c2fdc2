"""Writing referrals: drafts, sending, every step of the table, and what is said beside.

For the room of boards: `list_for_board(viewer, referral_id, on=…)`; what is listed is read with
`queries.listed_for_board(viewer)`. A message or an answer has documents by their entry: kind
`referral_message` with the message's id, `referral_event` with that of the answer's event.
"""

from registry.referrals.actions.days import close_on, open_again_on
from registry.referrals.actions.drafts import NewPatient, save_draft, start_draft
from registry.referrals.actions.reading import read
from registry.referrals.actions.steps import list_for_board, submit, take
from registry.referrals.actions.taking import More, Taking, who_was_first
from registry.referrals.actions.talking import letter_sent, say, was_discussed
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
    "More",
    "NewPatient",
    "Result",
    "Taking",
    "close_on",
    "hand_over",
    "keep_setting",
    "keep_text",
    "letter_sent",
    "list_for_board",
    "move_transfer",
    "note_transfer",
    "open_again_on",
    "read",
    "remove_text",
    "remove_view",
    "save_draft",
    "save_view",
    "say",
    "start_draft",
    "submit",
    "take",
    "take_many",
    "was_discussed",
    "who_was_first",
]
