"""Organisations, people, what they are where, how they join, and what they are told."""

from registry.people.models.code_lists import LocalCode
from registry.people.models.joining import AccountRequest, Confirmation, Invitation, PasswordLink
from registry.people.models.notices import Mail, Notice
from registry.people.models.organisation import (
    NETWORK_OFFICE,
    REFERENCE_CENTRE,
    REFERRING_HOSPITAL,
    Organisation,
)
from registry.people.models.person import Cover, Membership, Person, SignIn, SignInFailure

__all__ = [
    "NETWORK_OFFICE",
    "REFERENCE_CENTRE",
    "REFERRING_HOSPITAL",
    "AccountRequest",
    "Confirmation",
    "Cover",
    "Invitation",
    "LocalCode",
    "Mail",
    "Membership",
    "Notice",
    "Organisation",
    "PasswordLink",
    "Person",
    "SignIn",
    "SignInFailure",
]
