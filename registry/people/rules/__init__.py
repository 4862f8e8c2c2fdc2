"""Passwords, throttling and what notices say."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from registry.language import lazy_gettext as _l

#: Failed sign-ins after which an account, or an address, must wait (OWASP ASVS 6.3.1).
WINDOW = timedelta(minutes=15)
ACCOUNT_TRIES = 8
ADDRESS_TRIES = 40

SHORTEST_PASSWORD = 12

_hasher = PasswordHasher()

NOTICES = {
    "referral_received": _l("A new referral has arrived."),
    "referral_accepted": _l("A referral was accepted."),
    "information_requested": _l("The centre asks for more information."),
    "information_given": _l("The information asked for has arrived."),
    "referral_declined": _l("A referral was declined."),
    "referral_withdrawn": _l("A referral was withdrawn."),
    "advice_given": _l("Advice has been given on a referral."),
    "advice_acknowledged": _l("Advice was acknowledged."),
    "referral_assigned": _l("A referral was assigned to you."),
    "referral_closed": _l("A referral was closed."),
    "pair_to_look_at": _l("Two records may be one: please look."),
    "records_joined": _l("Two records were joined."),
    "records_taken_apart": _l("Two joined records were taken apart."),
    "referral_reopened": _l("A referral was reopened."),
    "referral_redirected": _l("A referral was passed on to another centre."),
    "referral_listed": _l("A referral was listed for the board."),
    "referral_deferred": _l("A referral was taken off the board list."),
    "question_taken_back": _l("The centre took its question back."),
    "message_received": _l("There is a new message about a referral."),
    "urgent_referral_received": _l("An urgent referral has arrived."),
    "urgent_information_requested": _l("The centre asks for more information, urgently."),
    "urgent_message_received": _l("There is a new message about an urgent referral."),
    "information_late": _l("Information that was asked for is late."),
    "cases_late": _l("Referrals at your centre are overdue, or about to be."),
    "cases_escalated": _l("Referrals at your centre have been overdue for a working day."),
    "release_made": _l("A release is ready."),
    "import_checked": _l("A file was checked: look at what it would bring in."),
    "import_done": _l("A file was brought in."),
    "import_failed": _l("A file could not be brought in."),
    "import_undone": _l("An import was undone."),
    "export_made": _l("The data you asked for are ready."),
    "export_failed": _l("The data you asked for could not be made."),
    "release_failed": _l("A release could not be made."),
    "grant_given": _l("You may make releases for a project."),
    "grant_ended": _l("Your grant for a project was ended."),
    "grant_ends_soon": _l("Your grant for a project ends within a month: ask for more time."),
    "request_received": _l("A request for access to data has arrived or was answered."),
    "request_moved": _l("The access committee has something to say about your request."),
    "account_requested": _l("Somebody asks for an account."),
    "confirmation_asked": _l("Somebody asks you to confirm a role or a cover of their own."),
    "confirmation_decided": _l(
        "An administrator has decided about the role or cover you asked for."
    ),
    "cover_arranged": _l("You cover for a colleague who is away."),
    "covered": _l("A colleague covers for you while you are away."),
    "board_invited": _l("You are invited to a board meeting."),
    "board_needs": _l("A board needs something from you for a case."),
    "board_opinion_due": _l("A written consultation ends soon and waits for your opinion."),
    "board_reminder": _l("A board's recommendation waits for you to acknowledge it."),
}

#: What the numbers of a notice count: never what stands in a record.
NUMBERS = {
    "late": _l("Overdue: %(num)s"),
    "today": _l("Due today: %(num)s"),
    "soon": _l("Due within two working days: %(num)s"),
    "unseen": _l("Nobody has looked at in time: %(num)s"),
    "waiting": _l("Information asked for is late: %(num)s"),
    "escalated": _l("Overdue for a working day: %(num)s"),
}

#: Notices about the work with accounts rather than with cases.
ABOUT_ACCOUNTS = frozenset(
    {"account_requested", "confirmation_asked", "confirmation_decided", "cover_arranged", "covered"}
)


def hash_password(password: str) -> str:
    """argon2id with the library's current parameters."""
    return _hasher.hash(password)


def password_is(stored: str, password: str) -> bool:
    """Is this the password? Takes as long for a wrong one."""
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def nobodys_hash() -> str:
    """Compared with when there is no such account, so that both take the same time. Made when it
    is first asked for: a tenth of a second that no start has to wait."""
    return hash_password("there is no such account")
