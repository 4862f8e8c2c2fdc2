"""Referrals: what was sent, asked, said and done, the advice given, and a centre's closed days."""

from registry.referrals.models.advice import Advice
from registry.referrals.models.asking import InformationRequest
from registry.referrals.models.days import ClosedDay, MorningLook
from registry.referrals.models.referral import Referral
from registry.referrals.models.sent import ReferralEvent, Submission
from registry.referrals.models.talking import MESSAGE, NOTE, FormerCentre, Message, Reading
from registry.referrals.models.texts import TextBlock
from registry.referrals.models.transfers import StudyTransfer
from registry.referrals.models.worklist import SavedView, WorklistSetting

__all__ = [
    "MESSAGE",
    "NOTE",
    "Advice",
    "ClosedDay",
    "FormerCentre",
    "InformationRequest",
    "Message",
    "MorningLook",
    "Reading",
    "Referral",
    "ReferralEvent",
    "SavedView",
    "StudyTransfer",
    "Submission",
    "TextBlock",
    "WorklistSetting",
]
