"""A contact of the support directory."""

from __future__ import annotations

from typing import Any

from registry.forms import (
    Choice,
    Choices,
    CodeField,
    HouseForm,
    Link,
    LongText,
    Text,
    code_options,
)
from registry.knowledge import rules
from registry.knowledge.models import SupportContact
from registry.language import gettext as _
from registry.language import lazy_gettext as _l


def _email(text: str) -> str | None:
    return None if rules.is_email(text) else _("Enter an address such as name@example.org.")


def _telephone(text: str) -> str | None:
    return None if rules.is_telephone(text) else _("Enter a telephone number.")


class ContactForm(HouseForm):
    """Whom patients can turn to."""

    name = Text(_l("Name"), needed=_l("Enter the name."), longest=rules.LONGEST["name"], width=30)
    kind = Choice(
        _l("Kind"),
        options=lambda: code_options("support_contact_kind"),
        needed=_l("Choose the kind."),
    )
    country = CodeField(
        _l("Country"),
        codes="country",
        help=_l("Leave empty for one that is there for every country."),
    )
    what_for = LongText(
        _l("What for"),
        help=_l("In plain words: it stands in the patient's letter."),
        longest=rules.LONGEST["what_for"],
    )
    website = Link(
        _l("Website"), help=_l("Begins with https://."), longest=rules.LONGEST["website"], width=30
    )
    telephone = Text(_l("Telephone"), longest=rules.LONGEST["telephone"], check=_telephone)
    email = Text(_l("E-mail"), longest=rules.LONGEST["email"], check=_email)
    languages = Choices(_l("Languages spoken"), options=lambda: code_options("language"))

    def validate(self, extra_validators: Any = None) -> bool:
        """A contact nobody can reach is none."""
        good: bool = super().validate(extra_validators)
        if good and not (self.website.data or self.telephone.data or self.email.data):
            self.website.errors.append(
                _("Give a website, a telephone number or an e-mail address.")
            )
            return False
        return good

    def values(self) -> dict[str, Any]:
        """The columns."""
        found = {name: self[name].data or "" for name in rules.LONGEST if name != "languages"}
        return {**found, "languages": self.languages.data or []}


def stored(found: SupportContact) -> dict[str, Any]:
    """What the form shows of a contact."""
    return {name: getattr(found, name) or None for name in rules.LONGEST}
