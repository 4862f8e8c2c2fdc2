"""Which messages there are, who wants them when, and when they are tried again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from registry.language import lazy_gettext as _l

IMMEDIATE, DAILY, OFF = "immediate", "daily", "off"
HOW = {
    IMMEDIATE: _l("At once"),
    DAILY: _l("Once a day, together"),
    OFF: _l("Not by e-mail"),
}

#: What is told at once unless the person says otherwise; the rest once a day.
AT_ONCE = frozenset(
    {
        "referral_received",
        "information_requested",
        "information_given",
        "advice_given",
        "referral_declined",
        "account_requested",
        "confirmation_asked",
        "cover_arranged",
        "board_invited",
        "board_needs",
        "message_received",
        "information_late",
    }
)

#: What nobody can silence, or be told only once a day: somebody waits who must not wait.
NOT_SILENCED = frozenset(
    {
        "urgent_referral_received",
        "urgent_information_requested",
        "urgent_message_received",
        "cases_late",
        "cases_escalated",
    }
)

#: Messages beside the notices: (subject, paragraphs, what the link says). Values are filled in.
LETTERS: dict[str, tuple[Any, tuple[Any, ...], Any]] = {
    "invitation": (
        _l("You are invited to the NET Registry"),
        (
            _l("%(by)s invites you to work in the NET Registry for %(organisation)s."),
            _l("Follow the link and choose a password. It works once, until %(until)s."),
            _l("If you do not know what this is about, do nothing: no account is made."),
        ),
        _l("Open your account"),
    ),
    "password_link": (
        _l("Choose a new password"),
        (
            _l("Somebody, probably you, asked for a new password for your account."),
            _l("The link works once, until %(until)s."),
            _l("If it was not you, do nothing: your password stays as it is."),
        ),
        _l("Choose a new password"),
    ),
    "account_asked_for": (
        _l("Your request for an account"),
        (
            _l("We have received your request for an account in the NET Registry."),
            _l("It goes to the lead of the organisation you named. You will be told by e-mail."),
        ),
        _l("NET Registry"),
    ),
    "have_account": (
        _l("Your request for an account"),
        (
            _l("Somebody, probably you, asked for an account with this e-mail address."),
            _l("You have an account, or are already invited. You can choose a new password."),
        ),
        _l("Forgot your password?"),
    ),
    "request_refused": (
        _l("Your request for an account"),
        (
            _l("Your request for an account in the NET Registry was not accepted."),
            _l("The reason: %(reason)s"),
        ),
        _l("NET Registry"),
    ),
    "digest": (
        _l("What happened since yesterday"),
        (_l("These things happened in cases and tasks you work on:"),),
        _l("See all notices"),
    ),
}

#: After this the message is given up.
GIVE_UP = timedelta(days=2)
LONGEST_PAUSE = timedelta(hours=6)
KEEP_SENT = timedelta(days=90)
#: The hour (UTC) after which the day's notices are put together.
DIGEST_HOUR = 5


def pause(tries: int) -> timedelta:
    """How long to wait after so many tries: 1, 2, 4, … minutes, at most six hours."""
    return min(timedelta(minutes=2 ** min(tries - 1, 12)), LONGEST_PAUSE)


def digest_until(moment: datetime) -> datetime:
    """What was told before this moment is due in a digest: the last digest hour that has passed."""
    today = moment.replace(hour=DIGEST_HOUR, minute=0, second=0, microsecond=0)
    return today if today <= moment else today - timedelta(days=1)


def wish(why: str, wishes: dict[str, Any]) -> str:
    """When a person is told of this by mail: as they want it, where they have the choice."""
    if why in NOT_SILENCED:
        return IMMEDIATE
    said = wishes.get(why)
    if said in HOW:
        return str(said)
    return IMMEDIATE if why in AT_ONCE else DAILY
