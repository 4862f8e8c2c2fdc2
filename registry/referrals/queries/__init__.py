"""Reading referrals: every query takes the viewer; the hospital, or the centre asked, may know."""

from registry.referrals.queries.advising import AdviceRow, advice, unacknowledged
from registry.referrals.queries.centre_counts import (
    MOST,
    Counts,
    Frame,
    View,
    counts,
    frame,
    moved,
    moved_since,
)
from registry.referrals.queries.centre_list import (
    Filters,
    Mark,
    WorkRow,
    age_text,
    colleagues,
    today_here,
    worklist,
)
from registry.referrals.queries.hospital_list import MineRow, mine, waited
from registry.referrals.queries.known import (
    LiveRow,
    contact_of,
    facts_of_patient,
    last_of_own,
    live_of_patients,
)
from registry.referrals.queries.on_chart import ReferralRow, of_patient, pseudonyms
from registry.referrals.queries.reach import (
    by_form_key,
    fresh,
    referral,
    referral_to_write,
    sides,
    step,
    steps,
)
from registry.referrals.queries.sent import (
    EventRow,
    events,
    last_event,
    latest_submission,
    open_request,
    other_live,
    others_of_patient,
    submissions,
)
from registry.referrals.queries.team import Load, team
from registry.referrals.queries.texts import text, texts
from registry.referrals.queries.transfers import TransferRow, transfer, transfers
from registry.referrals.queries.waiting import Period, waiting_times, years

__all__ = [
    "MOST",
    "AdviceRow",
    "Counts",
    "EventRow",
    "Filters",
    "Frame",
    "LiveRow",
    "Load",
    "Mark",
    "MineRow",
    "Period",
    "ReferralRow",
    "TransferRow",
    "View",
    "WorkRow",
    "advice",
    "age_text",
    "by_form_key",
    "colleagues",
    "contact_of",
    "counts",
    "events",
    "facts_of_patient",
    "frame",
    "fresh",
    "last_event",
    "last_of_own",
    "latest_submission",
    "live_of_patients",
    "mine",
    "moved",
    "moved_since",
    "of_patient",
    "open_request",
    "other_live",
    "others_of_patient",
    "pseudonyms",
    "referral",
    "referral_to_write",
    "sides",
    "step",
    "steps",
    "submissions",
    "team",
    "text",
    "texts",
    "today_here",
    "transfer",
    "transfers",
    "unacknowledged",
    "waited",
    "waiting_times",
    "worklist",
    "years",
]
