"""Signing in, passwords, accounts and memberships."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from registry.access import ROLE_LABELS, Role
from registry.forms import Choice, HouseForm, Option, Secret, Text


class SignInForm(HouseForm):
    """E-mail and password."""

    email = Text(
        _l("E-mail address"), needed=_l("Enter your e-mail address."), autocomplete="username"
    )
    password = Secret(
        _l("Password"), needed=_l("Enter your password."), autocomplete="current-password"
    )


class PasswordForm(HouseForm):
    """One's own password."""

    current = Secret(
        _l("Current password"),
        needed=_l("Enter your current password."),
        autocomplete="current-password",
    )
    password = Secret(
        _l("New password"),
        help=_l("At least 12 characters. Several words are easier to keep than one."),
        needed=_l("Enter a new password."),
        autocomplete="new-password",
    )
    again = Secret(
        _l("New password again"),
        needed=_l("Enter the new password again."),
        autocomplete="new-password",
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """The two must be the same."""
        good: bool = super().validate(extra_validators)
        if good and self.password.data != self.again.data:
            self.again.errors.append(_("This is not the same as the new password above."))
            return False
        return good


class PersonForm(HouseForm):
    """A new account with its first role."""

    name = Text(_l("Name"), needed=_l("Enter the name."))
    email = Text(_l("E-mail address"), needed=_l("Enter the e-mail address."))
    telephone = Text(_l("Telephone"), longest=60)
    organisation = Choice(_l("Organisation"), needed=_l("Choose the organisation."))
    role = Choice(
        _l("Role"),
        options=lambda: [Option(role.value, ROLE_LABELS[role]) for role in Role],
        needed=_l("Choose the role."),
    )


class MembershipForm(HouseForm):
    """One more role of an account."""

    organisation = Choice(_l("Organisation"), needed=_l("Choose the organisation."))
    role = Choice(
        _l("Role"),
        options=lambda: [Option(role.value, ROLE_LABELS[role]) for role in Role],
        needed=_l("Choose the role."),
    )


def with_organisations(form: Any, organisations: Any) -> Any:
    """Offer these organisations in the form's choice."""
    options = [Option(str(one.id), one.name) for one in organisations]
    form.organisation._options = options
    if form.organisation.typed:
        form.organisation.errors = []
        form.organisation.read()
    return form
