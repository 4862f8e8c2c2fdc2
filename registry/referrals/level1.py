"""What a patient's referral answers of the level-1 data set, for the room below that asks."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from registry import codes, web
from registry.access import Viewer
from registry.referrals import queries
from registry.referrals.queries import ReferralRow


def items(viewer: Viewer, patient_id: UUID) -> dict[str, str] | None:
    """Item ("referral.question") to its answer in words, from the first referral and its advice;
    None where no referral is known: the centre registered the patient itself."""
    return items_of(queries.of_patient(viewer, patient_id))


def items_of(sent: Sequence[ReferralRow]) -> dict[str, str] | None:
    """The same of a patient's referrals, newest first, as `queries.of_patient` gives them."""
    if not sent:
        return None
    first = sent[-1]
    found = {
        "referral.received_date": web.local_time(first.submitted_at, "day"),
        "referral.referring_hospital": first.from_name,
        "referral.question": codes.label("question", first.question),
        "referral.urgency_stated": codes.label("urgency", first.urgency),
    }
    advice = next((one for referral in reversed(sent) for one in referral.advice), None)
    if advice is not None:
        found["board.board_date"] = web.local_time(advice.at, "day")
        found["board.recommendation"] = "; ".join(
            codes.label("advice_kind", kind) for kind in advice.kinds
        )
    return found
