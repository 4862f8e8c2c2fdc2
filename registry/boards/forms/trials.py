"""The form of one trial of the directory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from registry import codes
from registry.boards.rules import trials as rules
from registry.forms import (
    Choice,
    Choices,
    CodeField,
    HouseForm,
    Link,
    Number,
    Option,
    PartialDateField,
    Text,
    code_options,
    yes_no,
)
from registry.language import gettext as _
from registry.language import lazy_gettext as _l

#: Criteria that stand in the form under their own name.
_LISTS = ("site", "grade", "differentiation", "sstr", "prior_any", "prior_none")
_YES_NO = ("functioning", "metastatic")
_RANGES = tuple(name for name, (_label, form) in rules.CRITERIA.items() if form == "range")


def _of(list_name: str, *, without: Sequence[str] = ()) -> Callable[[], list[Option]]:
    return lambda: [one for one in code_options(list_name) if one.value not in without]


def _grades() -> list[Option]:
    return [Option(one, _("NEC") if one == "NEC" else one) for one in rules.GRADES]


def _places(text: str) -> list[str]:
    """Country codes as they are typed: `NL, de; SE`."""
    return [one.upper() for one in text.replace(";", " ").replace(",", " ").split()]


def _countries(text: str) -> str | None:
    unknown = [one for one in _places(text) if not codes.known("country", one)]
    return _("No such country: %(code)s", code=", ".join(unknown)) if unknown else None


def _end(label: Any, most: int, unit: str = "") -> Number:
    limits = (Decimal(0), Decimal(most))
    return Number(label, possible=limits, unit=unit, width=4, whole=not unit)


class TrialForm(HouseForm):
    """A trial: what it is, where, and whom it takes. A criterion left empty is none."""

    code = Text(
        _l("Number"), help=_l("Such as NCT01234567"), longest=40, needed=_l("Enter the number.")
    )
    title = Text(_l("Title"), longest=300, width=0, needed=_l("Enter the title."))
    phase = Text(_l("Phase"), longest=20, width=4)
    status = Choice(
        _l("State"),
        options=lambda: [Option(code, label) for code, label in rules.STATUSES.items()],
        needed=_l("Choose the state."),
    )
    countries = Text(
        _l("Countries where it recruits"), help=_l("Such as NL, DE, SE"), check=_countries
    )
    contact = Text(_l("Contact"), longest=300)
    link = Link(_l("Link"), longest=500)
    checked_on = PartialDateField(_l("Looked at on"), whole=True)
    site = Choices(_l("Primary site"), options=_of("triage_group"))
    grade = Choices(_l("Grade"), options=_grades)
    differentiation = Choices(
        _l("Differentiation"), options=_of("differentiation", without=("unknown",))
    )
    ki67_from, ki67_to = _end(_l("Ki-67 from"), 100, "%"), _end(_l("Ki-67 to"), 100, "%")
    sstr = Choices(
        _l("SSTR imaging"),
        options=lambda: [Option("positive", _("Positive")), Option("negative", _("Negative"))],
    )
    functioning = Choice(_l("Functioning"), options=yes_no)
    metastatic = Choice(_l("Metastatic"), options=yes_no)
    prior_lines_from = _end(_l("Lines of systemic therapy from"), 20)
    prior_lines_to = _end(_l("Lines of systemic therapy to"), 20)
    prior_any = Choices(_l("Has had any of"), options=_of("therapy_class"))
    prior_any_agent = CodeField(_l("Has had this agent"), codes="therapy")
    prior_none = Choices(_l("Has had none of"), options=_of("therapy_class"))
    prior_none_agent = CodeField(_l("Has not had this agent"), codes="therapy")
    age_from, age_to = _end(_l("Age from"), 120), _end(_l("Age to"), 120)
    ecog_from, ecog_to = _end(_l("ECOG from"), 4), _end(_l("ECOG to"), 4)
    country = Text(_l("Country of the patient"), help=_l("Such as NL, DE, SE"), check=_countries)

    def told(self) -> dict[str, Any]:
        """The facts of the trial, as a row of a file says them."""
        said = {name: self[name].data or "" for name in ("code", "title", "phase", "status",
                                                         "contact", "link")}  # fmt: skip
        day = self.checked_on.data
        return {
            **said,
            "checked_on": day.iso if day else "",
            "countries": _places(self.countries.data or ""),
            "criteria": self._criteria(),
        }

    def _criteria(self) -> dict[str, Any]:
        found: dict[str, Any] = {name: list(self[name].data) for name in _LISTS}
        for name in ("prior_any", "prior_none"):
            more = self[f"{name}_agent"].data
            found[name] += [more] if more and more not in found[name] else []
        found |= {name: [self[name].data] if self[name].data else [] for name in _YES_NO}
        found["country"] = _places(self.country.data or "")
        for name in _RANGES:
            ends = [_plain(self[f"{name}_{end}"].data) for end in ("from", "to")]
            found[name] = [] if ends == [None, None] else ends
        return {name: wanted for name, wanted in found.items() if wanted}


def _plain(value: Decimal | None) -> int | float | None:
    if value is None:
        return None
    return int(value) if value == int(value) else float(value)


def form_of(sent: Any = None, found: Any = None) -> TrialForm:
    """The form, with a stored trial in it; agents it names stand among its options."""
    form = TrialForm(sent, stored=_stored(found) if found is not None and sent is None else None)
    criteria = found.criteria if found is not None else {}
    for name in ("prior_any", "prior_none"):
        field = form[name]
        agents = [one for one in criteria.get(name, ()) if not codes.known("therapy_class", one)]
        field._options = [
            *code_options("therapy_class"),
            *(Option(one, codes.label("therapy", one)) for one in agents),
        ]
        if sent is not None:
            field.process(sent)
    return form


def _stored(found: Any) -> dict[str, Any]:
    stored: dict[str, Any] = {
        name: getattr(found, name)
        for name in ("code", "title", "phase", "status", "contact", "link", "checked_on")
    }
    stored["countries"] = ", ".join(found.countries)
    for name, wanted in found.criteria.items():
        if name in _RANGES:
            ends = zip(("from", "to"), wanted, strict=True)
            stored |= {f"{name}_{e}": None if v is None else Decimal(str(v)) for e, v in ends}
        elif name in _YES_NO:
            stored[name] = wanted[0] if len(wanted) == 1 else ""
        else:
            stored[name] = ", ".join(wanted) if name == "country" else list(wanted)
    return stored


#: The box a message about a column of the file belongs to.
BOXES = {name: f"{name}_from" for name in _RANGES}
