"""The pages of people: the way in, one's account, and the administration."""

from registry.people.views import (
    account,
    book,
    code_lists,
    cover,
    joining,
    organisations,
    overview,
    requests,
    signing_in,
    staff,
)
from registry.people.views.room import room
from registry.people.views.signing_in import SignedIn, find_viewer, manager

__all__ = [
    "SignedIn",
    "account",
    "book",
    "code_lists",
    "cover",
    "find_viewer",
    "joining",
    "manager",
    "organisations",
    "overview",
    "requests",
    "room",
    "signing_in",
    "staff",
]
