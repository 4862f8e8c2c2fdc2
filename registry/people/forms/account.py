"""Signing in, passwords, asking for an account, and the invitation one accepts."""

from __future__ import annotations

from typing import Any

from registry.access import ROLE_LABELS
from registry.forms import Choice, HouseForm, LongText, Option, Secret, Text
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.people.rules import joining


class SignInForm(HouseForm):
    """E-mail and password."""

    email = Text(
        _l("E-mail address"), needed=_l("Enter your e-mail address."), autocomplete="username"
    )
    password = Secret(
        _l("Password"), needed=_l("Enter your password."), autocomplete="current-password"
    )


class NewPasswordForm(HouseForm):
    """A new password, twice."""

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


class PasswordForm(NewPasswordForm):
    """One's own password, by who knows the current one."""

    current = Secret(
        _l("Current password"),
        needed=_l("Enter your current password."),
        autocomplete="current-password",
    )


class AcceptForm(NewPasswordForm):
    """The account one was invited to."""

    name = Text(
        _l("Your name"),
        help=_l("As colleagues should see it, with your title."),
        needed=_l("Enter your name."),
        autocomplete="name",
    )


class ForgotForm(HouseForm):
    """The address of one's account."""

    email = Text(
        _l("E-mail address"), needed=_l("Enter your e-mail address."), autocomplete="username"
    )


class SearchedChoice(Choice):
    """One of a long list, found by typing."""

    kind = "search"


class RequestForm(HouseForm):
    """Asking for an account."""

    name = Text(
        _l("Your name"),
        help=_l("With your title, such as Dr Alice Adler."),
        needed=_l("Enter your name."),
        autocomplete="name",
    )
    email = Text(
        _l("E-mail address at work"),
        needed=_l("Enter your e-mail address."),
        autocomplete="email",
    )
    telephone = Text(
        _l("Telephone"),
        help=_l("So that somebody can ring you back to make sure it is you."),
        longest=60,
        autocomplete="tel",
    )
    organisation = SearchedChoice(_l("Organisation"))
    organisation_stated = Text(
        _l("If it is not in the list: name and place of the organisation"), width=30
    )
    role = Choice(
        _l("What you will do"),
        options=lambda: [Option(role.value, ROLE_LABELS[role]) for role in joining.ASKABLE],
        needed=_l("Choose what you will do."),
    )
    note = LongText(
        _l("Anything else"),
        help=_l("Never write about a patient here."),
        longest=500,
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """An organisation, from the list or in words."""
        good: bool = super().validate(extra_validators)
        if not self.organisation.data and not self.organisation_stated.data:
            if not self.organisation.errors:
                self.organisation.errors.append(
                    _("Choose your organisation, or name it below if it is not in the list.")
                )
            return False
        return good
