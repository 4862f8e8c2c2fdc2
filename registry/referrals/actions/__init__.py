"""Writing referrals: drafts, sending, and every step of the table."""

from registry.referrals.actions.drafts import NewPatient, save_draft, start_draft
from registry.referrals.actions.steps import submit, take
from registry.referrals.actions.taking import Taking, who_was_first

__all__ = ["NewPatient", "Taking", "save_draft", "start_draft", "submit", "take", "who_was_first"]
