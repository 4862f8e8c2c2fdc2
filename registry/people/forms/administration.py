"""Forms of the administration: organisations, people, roles, covers, requests, code lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from registry import codes
from registry.access import COVERED_BY_LEADS, GIVEN_BY_LEADS, ROLE_LABELS, Role
from registry.dates import PartialDate
from registry.forms import (
    Choice,
    Choices,
    CodeField,
    HouseForm,
    LongText,
    Number,
    Option,
    PartialDateField,
    Text,
)
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.people.forms.account import SearchedChoice
from registry.people.models import NETWORK_OFFICE, REFERENCE_CENTRE, REFERRING_HOSPITAL
from registry.people.rules import joining

KINDS = {
    REFERRING_HOSPITAL: _l("Referring hospital"),
    REFERENCE_CENTRE: _l("Reference centre"),
    NETWORK_OFFICE: _l("Network office"),
}
_CENTRE = frozenset({REFERENCE_CENTRE})
_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{1,19}")
_TELEPHONE = re.compile(r"[+0-9][0-9 ()/.-]{4,}")


def _roles(roles: Iterable[Role] = Role) -> list[Option]:
    return [Option(role.value, ROLE_LABELS[role]) for role in roles]


def _zones() -> list[Option]:
    named = sorted(zone for zone in available_timezones() if "/" in zone and zone[:4] != "Etc/")
    return [Option(zone, zone) for zone in ["UTC", *named]]


_WEEKDAYS = (
    _l("Monday"),
    _l("Tuesday"),
    _l("Wednesday"),
    _l("Thursday"),
    _l("Friday"),
    _l("Saturday"),
    _l("Sunday"),
)


def weekdays() -> list[Option]:
    """Monday is 0."""
    return [Option(str(number), day) for number, day in enumerate(_WEEKDAYS)]


def offered(name: str, chosen: Iterable[str] = ()) -> list[Option]:
    """A code list as options; a retired code only where it is chosen already."""
    kept = set(chosen)
    return [
        Option(one.code, one.shown())
        for one in codes.codes(name).values()
        if not one.retired or one.code in kept
    ]


class CodedChoices(Choices):
    """Any number of codes of a list."""

    def __init__(self, label: Any = "", *, codes: str = "", **rest: Any) -> None:
        super().__init__(label, options=lambda: offered(codes, self.stored), **rest)
        self.stored: list[str] = []

    def process_data(self, value: Any) -> None:
        """What is stored may be kept, though it is retired."""
        self.stored = list(value or [])
        super().process_data(value)


def _telephone(text: str) -> str | None:
    if _TELEPHONE.fullmatch(text):
        return None
    return str(_("Enter a telephone number, such as +31 20 555 0100."))


_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def _time_of_day(text: str) -> str | None:
    return None if _TIME_OF_DAY.fullmatch(text) else str(_("Enter a time such as 12:00."))


def country_codes(text: str) -> list[str]:
    """The codes in a list of countries as typed."""
    return list(dict.fromkeys(re.findall(r"[^\s,;]+", text.upper())))


def _countries_problem(text: str) -> str | None:
    unknown = [one for one in country_codes(text) if one not in codes.codes("country")]
    if not unknown:
        return None
    return str(_("No country has the code %(code)s.", code=unknown[0]))


def _day(label: Any, **options: Any) -> Any:
    return PartialDateField(label, whole=True, future=True, **options)


def day_of(field: Any) -> date | None:
    """The day in a date field."""
    return field.data.earliest if isinstance(field.data, PartialDate) else None


def offer(field: Any, options: Sequence[Option]) -> None:
    """Give a choice its options, and read what was sent against them."""
    field._options = list(options)
    if field.typed:
        field.errors = []
        field.read()


def with_organisations(form: Any, organisations: Any) -> Any:
    """Offer these organisations in the form's choice."""
    offer(form.organisation, [Option(str(one.id), one.name) for one in organisations])
    return form


def with_people(form: Any, people: Any) -> Any:
    """Offer these people as cover."""
    offer(form.cover, [Option(str(one.id), f"{one.name}, {one.email}") for one in people])
    return form


# -- organisations -----------------------------------------------------------------------------


class OrganisationForm(HouseForm):
    """A hospital, a centre or the network's office."""

    kind = Choice(
        _l("Kind"),
        options=lambda: [Option(kind, label) for kind, label in KINDS.items()],
        needed=_l("Choose the kind."),
    )
    name = Text(_l("Name"), needed=_l("Enter the name."), width=30)
    code = Text(
        _l("Short code"),
        help=_l("Capital letters, digits and -, such as NL-TULP. It stays as it is."),
        needed=_l("Enter a short code."),
        longest=20,
        check=lambda text: (
            None
            if _CODE.fullmatch(text)
            else _("Use 2 to 20 capital letters, digits and -, such as NL-TULP.")
        ),
    )
    country = CodeField(_l("Country"), codes="country", needed=_l("Choose the country."))
    region = Text(_l("Region"), longest=100)
    city = Text(_l("City"), longest=100, needed=_l("Enter the city."))
    latitude = Number(
        _l("Latitude"),
        help=_l("In degrees, such as 52.37. For finding the nearest centre."),
        possible=(Decimal(-90), Decimal(90)),
        width=10,
    )
    longitude = Number(
        _l("Longitude"),
        help=_l("In degrees, east of Greenwich positive."),
        possible=(Decimal(-180), Decimal(180)),
        width=10,
    )
    time_zone = SearchedChoice(
        _l("Time zone"),
        help=_l("Deadlines and times are shown in it."),
        options=_zones,
        needed=_l("Choose the time zone."),
    )
    languages = CodedChoices(_l("Languages spoken with colleagues"), codes="language")
    emergency_telephone = Text(
        _l("Emergency telephone"),
        help=_l("Day and night. Referring doctors see it when a case is urgent."),
        longest=60,
        check=_telephone,
        show_if=("kind", _CENTRE),
    )
    sites = CodedChoices(
        _l("Primary sites it takes"), codes="triage_group", show_if=("kind", _CENTRE)
    )
    services = CodedChoices(_l("Services"), codes="service", show_if=("kind", _CENTRE))
    weekly_capacity = Number(
        _l("Cases the board can discuss in a week"),
        whole=True,
        possible=(Decimal(0), Decimal(500)),
        plausible=(Decimal(1), Decimal(60)),
        show_if=("kind", _CENTRE),
    )
    board_weekday = Choice(
        _l("Day of the tumour board"), options=weekdays, show_if=("kind", _CENTRE)
    )
    cutoff_weekday = Choice(
        _l("Last day to list a case"),
        help=_l("The weekday before the board, with the time."),
        options=weekdays,
        show_if=("kind", _CENTRE),
    )
    cutoff_time = Text(
        _l("Last time on that day"),
        help=_l("Such as 12:00, in the time zone of the centre."),
        longest=5,
        check=_time_of_day,
        show_if=("kind", _CENTRE),
    )
    board_cutoff = Text(
        _l("More about when a case can be listed"),
        help=_l("Such as: later for red flags, by telephone."),
        longest=60,
        show_if=("kind", _CENTRE),
    )
    countries = Text(
        _l("Countries it takes patients from"),
        help=_l("Two-letter codes with commas, such as NL, BE, DE. Empty: from anywhere."),
        longest=400,
        check=_countries_problem,
        show_if=("kind", _CENTRE),
    )
    how_to_refer = LongText(
        _l("How to refer"),
        help=_l("Everybody can read it in the public directory."),
        longest=2000,
        show_if=("kind", _CENTRE),
    )
    website = Text(
        _l("Website"),
        longest=200,
        width=30,
        check=lambda text: (
            None if text.startswith("https://") else _("Enter an address that begins with https://")
        ),
        show_if=("kind", _CENTRE),
    )
    accreditation = Text(
        _l("Accreditation"),
        help=_l("By whom, and until when."),
        width=30,
        show_if=("kind", _CENTRE),
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """A centre needs what referring doctors rely on; a place has both coordinates or none."""
        good: bool = super().validate(extra_validators)
        found: list[tuple[Any, str]] = []
        if self.kind.data == REFERENCE_CENTRE:
            if self.emergency_telephone.is_empty:
                found.append((self.emergency_telephone, _("Enter the number for emergencies.")))
            if not self.sites.data:
                found.append((self.sites, _("Choose the primary sites the centre takes.")))
        if self.cutoff_weekday.is_empty != self.cutoff_time.is_empty:
            empty = self.cutoff_time if self.cutoff_time.is_empty else self.cutoff_weekday
            found.append((empty, _("Enter both the day and the time, or neither.")))
        if (self.latitude.data is None) != (self.longitude.data is None):
            missing = self.longitude if self.longitude.data is None else self.latitude
            found.append((missing, _("Enter both latitude and longitude, or neither.")))
        for field, message in found:
            if not field.errors:
                field.errors.append(message)
        return good and not found

    def values(self) -> dict[str, Any]:
        """What the form says, as the organisation keeps it. What only a centre has is left empty
        elsewhere."""
        centre = self.kind.data == REFERENCE_CENTRE
        weekday = self.board_weekday.data
        capacity = self.weekly_capacity.data
        return {
            "kind": self.kind.data,
            "name": self.name.data.strip(),
            "country": self.country.data,
            "region": self.region.data or "",
            "city": self.city.data or "",
            "latitude": float(self.latitude.data) if self.latitude.data is not None else None,
            "longitude": float(self.longitude.data) if self.longitude.data is not None else None,
            "time_zone": self.time_zone.data,
            "languages": self.languages.data,
            "emergency_telephone": (self.emergency_telephone.data or "") if centre else "",
            "sites": self.sites.data if centre else [],
            "services": self.services.data if centre else [],
            "weekly_capacity": int(capacity) if centre and capacity is not None else None,
            "board_weekday": int(weekday) if centre and weekday else None,
            "cutoff_weekday": int(self.cutoff_weekday.data)
            if centre and self.cutoff_weekday.data
            else None,
            "cutoff_time": (self.cutoff_time.data or None) if centre else None,
            "board_cutoff": (self.board_cutoff.data or "") if centre else "",
            "countries": country_codes(self.countries.data or "") if centre else [],
            "how_to_refer": (self.how_to_refer.data or "") if centre else "",
            "website": (self.website.data or "") if centre else "",
            "accreditation": (self.accreditation.data or "") if centre else "",
        }


def stored(place: Any) -> dict[str, Any]:
    """An organisation as the form shows it."""
    found = {name: getattr(place, name) for name in OrganisationForm()._fields}
    days = {
        name: None if found[name] is None else str(found[name])
        for name in ("board_weekday", "cutoff_weekday")
    }
    return {**found, **days, "countries": ", ".join(found["countries"] or [])}


# -- people ------------------------------------------------------------------------------------


class PersonForm(HouseForm):
    """How an account is called and reached."""

    name = Text(_l("Name"), needed=_l("Enter the name."))
    email = Text(
        _l("E-mail address"),
        help=_l("The person signs in with it."),
        needed=_l("Enter the e-mail address."),
        width=30,
    )
    telephone = Text(_l("Telephone"), longest=60)


class RoleForm(HouseForm):
    """What somebody is, where, from when until when."""

    organisation = SearchedChoice(_l("Organisation"), needed=_l("Choose the organisation."))
    role = Choice(_l("Role"), options=_roles, needed=_l("Choose the role."))
    from_date = _day(_l("First day"), help=_l("Empty: today."))
    until_date = _day(_l("Last day"), help=_l("Empty: without an end."))


class InviteForm(PersonForm, RoleForm):
    """Somebody who is to open an account."""


class UntilForm(HouseForm):
    """Until when a role holds."""

    until_date = _day(_l("Last day"), help=_l("Empty: without an end."))


class CoverForm(HouseForm):
    """Who sits in for a person, where and how long."""

    cover = SearchedChoice(_l("Who covers"), needed=_l("Choose who covers."))
    organisation = Choice(_l("In the seat at"), needed=_l("Choose the organisation."))
    from_date = _day(_l("First day"), needed=_l("Enter the first day."))
    until_date = _day(_l("Last day"), needed=_l("Enter the last day."))


class LeadCoverForm(HouseForm):
    """Who sits in for whom, in one's own organisation."""

    absent = SearchedChoice(_l("Who is away"), needed=_l("Choose who is away."))
    cover = SearchedChoice(_l("Who covers"), needed=_l("Choose who covers."))
    from_date = _day(_l("First day"), needed=_l("Enter the first day."))
    until_date = _day(_l("Last day"), needed=_l("Enter the last day."))


def with_colleagues(form: Any, colleagues: Iterable[tuple[Any, Sequence[Role]]]) -> Any:
    """Offer those who work here; as absent only whose seat a lead may have covered."""
    covering, absent = [], []
    for person, roles in colleagues:
        one = Option(
            str(person.id), ", ".join([person.name, *(str(ROLE_LABELS[role]) for role in roles)])
        )
        covering.append(one)
        if set(roles) <= set(COVERED_BY_LEADS):
            absent.append(one)
    offer(form.cover, covering)
    offer(form.absent, absent)
    return form


# -- requests ----------------------------------------------------------------------------------


class ApproveForm(HouseForm):
    """What somebody who asked is let be."""

    organisation = SearchedChoice(_l("Organisation"), needed=_l("Choose the organisation."))
    role = Choice(_l("Role"), options=_roles, needed=_l("Choose the role."))


def for_leads(form: ApproveForm) -> ApproveForm:
    """A lead gives fewer roles than an administrator."""
    offer(form.role, _roles(GIVEN_BY_LEADS))
    return form


class RefuseForm(HouseForm):
    """Why somebody gets no account."""

    reason = Choice(
        _l("Reason"),
        options=lambda: [Option(code, text) for code, text in joining.REFUSALS.items()],
        needed=_l("Choose the reason."),
    )


# -- code lists --------------------------------------------------------------------------------


class CodeForm(HouseForm):
    """A local code."""

    list = Choice(_l("List"), needed=_l("Choose the list."))
    label = Text(
        _l("What it is called"),
        help=_l("As it should be read in forms and charts, without the word “local”."),
        needed=_l("Enter what it is called."),
        width=30,
    )
    code = Text(
        _l("Code"),
        help=_l("Letters, digits and _, such as TRIAL_X12. It stands in exports and stays."),
        needed=_l("Enter a code."),
        longest=30,
    )
    source = Text(
        _l("Source"),
        help=_l("Where its meaning can be looked up: a trial number, a label, a paper."),
        needed=_l("Enter where its meaning can be looked up."),
        width=30,
    )
    why = LongText(_l("Why it is needed"), longest=500)
