"""Referrals, what was sent with them, what happened to them, and the advice given."""

from registry.referrals.models.advice import Advice
from registry.referrals.models.asking import InformationRequest
from registry.referrals.models.referral import Referral
from registry.referrals.models.sent import ReferralEvent, Submission
from registry.referrals.models.texts import TextBlock
from registry.referrals.models.transfers import StudyTransfer
from registry.referrals.models.worklist import SavedView, WorklistSetting

__all__ = [
    "Advice",
    "InformationRequest",
    "Referral",
    "ReferralEvent",
    "SavedView",
    "StudyTransfer",
    "Submission",
    "TextBlock",
    "WorklistSetting",
]
