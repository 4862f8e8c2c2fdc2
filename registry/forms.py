"""The house form: fields made from the dictionary, that know their wording and keep what was typed.

A field answers two things: a value, or why there is none (`absent`, `because`). `facts()` gives
plain values and the absences; `raw()` gives what was typed, to keep a draft.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import wtforms
from werkzeug.datastructures import MultiDict
from wtforms.fields.choices import SelectChoice

from registry import codes as vocabularies
from registry import dictionary
from registry.clinical import ki67
from registry.dates import PartialDate, today
from registry.dictionary import Variable
from registry.language import gettext as _
from registry.language import lazy_gettext as _l

ABSENT_LABELS = {
    "not_known": _l("Not known"),
    "not_done": _l("Not done"),
    "not_applicable": _l("Not applicable"),
    "not_available": _l("Not available, because…"),
}

#: How many options a coded question may have to be shown as radios.
RADIOS = 6


class HouseField(wtforms.Field):
    """What every field of the house has; see templates/ui/forms.html for how it is shown."""

    kind = "text"

    def __init__(
        self,
        label: Any = "",
        *,
        help: Any = "",
        needed: Any = "",
        unit: str = "",
        width: int = 20,
        absent_codes: Sequence[str] = (),
        show_if: tuple[str, frozenset[str]] | None = None,
        autocomplete: str = "off",
        check: Callable[[Any], str | None] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(label, description=help, **options)
        self.needed = needed  # the message when it is empty; empty: may stay empty
        self.needed_word: Any = ""  # shown beside the label where few of many are needed
        self.unit = unit
        self.width = width
        self.show_if = show_if
        self.autocomplete = autocomplete
        self.check = check
        self.absent_codes = tuple(absent_codes)
        self.absent = ""
        self.because = ""
        self.typed: list[str] = []
        self.bad_parts: set[str] = set()
        self.warnings: list[str] = []
        self.errors: list[str] = []
        self.data: Any = None

    @property
    def required(self) -> bool:
        """Does an empty answer block sending?"""
        return bool(self.needed)

    @property
    def absent_choices(self) -> list[tuple[str, Any]]:
        """The answers that may stand in the place of a value."""
        return [(code, ABSENT_LABELS[code]) for code in self.absent_codes]

    @property
    def names(self) -> list[str]:
        """Every name under which this field is sent."""
        own = [self.name]
        return [*own, f"{self.name}-absent", f"{self.name}-because"] if self.absent_codes else own

    def process(
        self,
        formdata: Any = None,
        data: Any = wtforms.utils.unset_value,
        extra_filters: Any = None,
    ) -> None:
        """Read what was sent, else what is stored: a value, or {"why": code, "because": text}."""
        self.errors, self.warnings, self.bad_parts = [], [], set()
        if isinstance(data, dict) and "why" in data:
            self.absent, self.because, data = data["why"], data.get("because", ""), None
        self.process_data(None if data is wtforms.utils.unset_value else data)
        if formdata is not None and any(name in formdata for name in self.names):
            self.absent = formdata.get(f"{self.name}-absent", "").strip()
            self.because = formdata.get(f"{self.name}-because", "").replace("\x00", "").strip()
            if self.absent not in self.absent_codes:
                self.absent = ""
            self.typed = [text.replace("\x00", "") for text in formdata.getlist(self.name)]
            self.read()

    def read(self) -> None:
        """Turn what was typed into `data`; put a message into `errors` where that fails."""
        self.data = self.typed[0].strip() or None if self.typed else None

    def _value(self) -> str:
        if self.typed:
            return self.typed[0]
        return "" if self.data is None else str(self.data)

    @property
    def is_empty(self) -> bool:
        """Nothing was answered, not even why not."""
        return self.data in (None, "", []) and not self.absent and not self.errors

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        """Add the messages; a value and a reason for having none contradict each other."""
        if self.is_empty and self.needed:
            self.errors.append(str(self.needed))
        if self.data not in (None, "", []) and self.absent:
            self.errors.append(_("Give a value, or say why there is none, not both."))
        if self.absent == "not_available" and not self.because:
            self.errors.append(_("Say why it is not available."))
        if self.data not in (None, "", []) and self.check and not self.errors:
            found = self.check(self.data)
            if found:
                self.errors.append(found)
        return not self.errors

    def iter_choices(self) -> Iterable[SelectChoice]:
        """Options of a choice; none by default."""
        return iter(())


class Text(HouseField):
    """One line of text."""

    def __init__(self, label: Any = "", *, longest: int = 200, **options: Any) -> None:
        super().__init__(label, **options)
        self.longest = longest

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        """Refuse what the column cannot hold."""
        if self.data and len(self.data) > self.longest:
            self.errors.append(_("Use at most %(n)s characters.", n=self.longest))
        return super().validate(form, extra_validators)


class LongText(Text):
    """Several lines of text."""

    kind = "long_text"

    def __init__(self, label: Any = "", *, longest: int = 10000, **options: Any) -> None:
        super().__init__(label, longest=longest, **options)

    def read(self) -> None:
        """Line ends as one character."""
        super().read()
        if self.data:
            self.data = self.data.replace("\r\n", "\n")


class Link(Text):
    """An address of another system, opened by the reader's own browser."""

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        """Only https: an address that begins otherwise may be a script."""
        if self.data and not re.fullmatch(r"https://[^\s<>\"']+", self.data):
            self.errors.append(_("Enter an address that begins with https://."))
        return super().validate(form, extra_validators)


class Items(HouseField):
    """Answers to numbered items, each in a small box. `data` is {item number as text: answer}."""

    kind = "items"

    def __init__(
        self, label: Any = "", *, groups: Sequence[tuple[str, Sequence[int]]] = (), **options: Any
    ) -> None:
        super().__init__(label, **options)
        self.groups = groups  # (title, item numbers)
        self.boxes: dict[str, str] = {}

    @property
    def numbers(self) -> list[int]:
        """Every item there is a box for."""
        return [number for _title, numbers in self.groups for number in numbers]

    @property
    def names(self) -> list[str]:
        """Every name under which this field is sent."""
        return [f"{self.name}-{number}" for number in self.numbers]

    def process(
        self,
        formdata: Any = None,
        data: Any = wtforms.utils.unset_value,
        extra_filters: Any = None,
    ) -> None:
        """Read the boxes that were sent, else what is stored."""
        self.errors, self.warnings, self.bad_parts = [], [], set()
        stored = {} if data is wtforms.utils.unset_value else dict(data or {})
        self.boxes = {str(number): str(answer) for number, answer in stored.items()}
        if formdata is not None and any(name in formdata for name in self.names):
            sent = {str(n): formdata.get(f"{self.name}-{n}", "").strip() for n in self.numbers}
            self.boxes = {number: text.replace("\x00", "") for number, text in sent.items() if text}
        self._read_boxes()

    def _read_boxes(self) -> None:
        self.bad_parts = {
            number
            for number, text in self.boxes.items()
            if not (text.isascii() and text.isdigit() and len(text) < 3)
        }
        self.data = {n: int(text) for n, text in self.boxes.items() if n not in self.bad_parts}
        self.data = self.data or None
        if self.bad_parts:
            wrong = ", ".join(sorted(self.bad_parts, key=lambda text: text.zfill(4)))
            self.errors.append(_("Enter whole numbers; look at item %(items)s.", items=wrong))

    @property
    def first_wrong(self) -> str:
        """The box a message leads to: the first that is wrong, else none."""
        wrong = [str(number) for number in self.numbers if str(number) in self.bad_parts]
        return wrong[0] if wrong else ""

    @property
    def is_empty(self) -> bool:
        """No box filled."""
        return not self.boxes

    def _value(self) -> str:
        return ""


class Secret(Text):
    """A password: never shown again."""

    kind = "password"

    def read(self) -> None:
        """Kept exactly as typed."""
        self.data = self.typed[0] or None if self.typed else None

    def _value(self) -> str:
        return ""


class Number(HouseField):
    """A decimal number; comma or point. Outside the possible range it is refused."""

    kind = "number"

    def __init__(
        self,
        label: Any = "",
        *,
        plausible: tuple[Decimal, Decimal] | None = None,
        possible: tuple[Decimal, Decimal] | None = None,
        whole: bool = False,
        width: int = 5,
        **options: Any,
    ) -> None:
        super().__init__(label, width=width, **options)
        self.plausible, self.possible, self.whole = plausible, possible, whole

    def read(self) -> None:
        """Refuse what is no number; keep every digit."""
        super().read()
        if self.data is None:
            return
        text = self.data.replace(",", ".").replace(" ", "").replace("\N{MINUS SIGN}", "-")
        self.data = None
        if not re.fullmatch(r"[+-]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})", text):
            self.errors.append(_("Enter a number, such as 12 or 12.5."))
            return
        try:
            self.data = Decimal(text)
        except InvalidOperation:  # the pattern should have refused it
            self.errors.append(_("Enter a number, such as 12 or 12.5."))

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        """Refuse the impossible, point out the implausible."""
        value = self.data
        if value is not None:
            if self.whole and value != value.to_integral_value():
                self.errors.append(_("Enter a whole number."))
            if self.possible and not self.possible[0] <= value <= self.possible[1]:
                self.errors.append(
                    _("Must be from %(low)s to %(high)s.", **self._limits(self.possible))
                )
            elif self.plausible and not self.plausible[0] <= value <= self.plausible[1]:
                self.warnings.append(
                    _(
                        "Unusual: most are from %(low)s to %(high)s. Please check.",
                        **self._limits(self.plausible),
                    )
                )
        return super().validate(form, extra_validators)

    def _limits(self, limits: tuple[Decimal, Decimal]) -> dict[str, str]:
        low, high = (f"{limit:f}" for limit in limits)
        return {"low": low, "high": f"{high} {self.unit}".strip()}


class Ki67Field(HouseField):
    """Ki-67 as stated: a value, a range, or a limit such as <3."""

    kind = "text"

    def read(self) -> None:
        """Refuse what is no value, range or limit; keep the text as stated."""
        super().read()
        if self.data is not None:
            try:
                ki67.parse_ki67(self.data)
            except ValueError:
                self.errors.append(
                    _("Enter Ki-67 as a number (12), a range (3-20) or a limit (<3), 0 to 100.")
                )
                self.data = None


class PartialDateField(HouseField):
    """Year, month and year, or a full date, in three boxes."""

    kind = "partial_date"
    parts = ("day", "month", "year")

    def __init__(
        self, label: Any = "", *, future: bool = False, whole: bool = False, **options: Any
    ) -> None:
        super().__init__(label, **options)
        self.future, self.whole = future, whole
        self.raw_parts: dict[str, str] = {}

    @property
    def names(self) -> list[str]:
        """The three boxes, and the reasons."""
        boxes = [f"{self.name}-{part}" for part in self.parts]
        return [*boxes, *super().names]

    def process_data(self, value: Any) -> None:
        """Show a stored date in its boxes."""
        self.data = value if isinstance(value, PartialDate) else None
        if isinstance(value, str) and value:
            self.data = PartialDate(value)
        self.raw_parts = {}
        if self.data:
            year, month, day = self.data.parts
            self.raw_parts = {
                "year": f"{year:04}",
                "month": str(month or ""),
                "day": str(day or ""),
            }

    def process(
        self,
        formdata: Any = None,
        data: Any = wtforms.utils.unset_value,
        extra_filters: Any = None,
    ) -> None:
        """Take the boxes, or one text YYYY-MM-DD under the plain name."""
        self._sent = formdata
        super().process(formdata, data, extra_filters)

    def read(self) -> None:
        """Three boxes to a date; says which box is wrong."""
        sent = {p: self._sent.get(f"{self.name}-{p}", "").strip() for p in self.parts}
        if not any(sent.values()) and self.typed and self.typed[0].strip():
            pieces = [*self.typed[0].strip().split("-"), "", ""]
            sent = {"year": pieces[0], "month": pieces[1], "day": pieces[2]}
        self.raw_parts, self.data = sent, None
        if not any(sent.values()):
            return
        try:
            self.data = PartialDate.from_parts(sent["year"], sent["month"], sent["day"])
        except ValueError:
            self.bad_parts = self._wrong(sent)
            self.errors.append(
                _("Enter a real date: day, month and year. Day and month may be empty.")
                if not self.whole
                else _("Enter a real date: day, month and year.")
            )

    @staticmethod
    def _wrong(sent: Mapping[str, str]) -> set[str]:
        wrong = set()
        if not re.fullmatch(r"[0-9]{4}", sent["year"]):
            wrong.add("year")
        for part, most in (("month", 12), ("day", 31)):
            number = re.fullmatch(r"[0-9]{1,2}", sent[part])
            if sent[part] and not (number and 1 <= int(sent[part]) <= most):
                wrong.add(part)
        if sent["day"] and not sent["month"]:
            wrong.add("month")
        return wrong or {"day"}

    @property
    def is_empty(self) -> bool:
        """No box filled, no reason given."""
        return not any(self.raw_parts.values()) and not self.absent

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        """Not in the future, not before 1900."""
        if isinstance(self.data, PartialDate):
            if self.whole and self.data.precision != "day":
                self.errors.append(_("Enter day, month and year."))
            if not self.future and self.data.earliest > today():
                self.errors.append(_("This date is in the future."))
            if self.data.earliest.year < 1900:
                self.errors.append(_("The year must be 1900 or later."))
        return super().validate(form, extra_validators)


@dataclass(frozen=True)
class Option:
    """One option of a choice."""

    value: str
    label: Any
    hint: Any = ""
    group: str = ""  # of a long list: shown only with this answer to another question
    other: str = ""  # other words it is found by


class Choice(HouseField):
    """One of a few options (radios) or of a list (select)."""

    kind = "choice"

    def __init__(
        self,
        label: Any = "",
        *,
        options: Callable[[], Sequence[Option]] | Sequence[Option] = (),
        **rest: Any,
    ) -> None:
        super().__init__(label, **rest)
        self._options = options

    @property
    def options(self) -> Sequence[Option]:
        """The options, asked anew so that labels follow the language."""
        return self._options() if callable(self._options) else self._options

    def iter_choices(self) -> Iterable[SelectChoice]:
        """The options as WTForms has them."""
        for option in self.options:
            yield SelectChoice(value=option.value, label=str(option.label))

    def selected(self, value: str) -> bool:
        """Is this option chosen?"""
        return bool(value == self._value())

    def read(self) -> None:
        """Take an option by its value or by its label typed in full; refuse what is not offered."""
        super().read()
        if self.data is None or self.data in {option.value for option in self.options}:
            return
        typed = self.data.casefold()
        named = [option.value for option in self.options if str(option.label).casefold() == typed]
        self.data = named[0] if len(named) == 1 else None
        if self.data is None:
            self.errors.append(_("Choose one of the options."))


class Choices(Choice):
    """Any number of options (checkboxes). `data` is a list of codes, in the list's order."""

    kind = "choices"

    def process_data(self, value: Any) -> None:
        """Stored as a list."""
        self.data = list(value) if value else []

    def read(self) -> None:
        """Keep the known ones in the list's order; an unknown one is refused."""
        offered = [option.value for option in self.options]
        sent = [text for text in self.typed if text]
        self.data = [value for value in offered if value in sent]
        if set(sent) - set(offered):
            self.errors.append(_("Choose from the options."))

    def selected(self, value: str) -> bool:
        """Is this option among the chosen?"""
        return value in (self.data or [])


#: How many entries of a list a message names.
MOST_ALIKE = 6


class CodeField(Choice):
    """A code of a long list, found by typing. An open list keeps a well-formed other code."""

    kind = "code"

    def __init__(self, label: Any = "", *, codes: str = "", **rest: Any) -> None:
        super().__init__(label, options=lambda: code_options(codes), **rest)
        self.codes = codes

    def read(self) -> None:
        """Take the code, or `code label` as the list shows it."""
        self.data = self.typed[0].strip() or None if self.typed else None
        if self.data is None:
            return
        listed = vocabularies.codes(self.codes)
        if self.data in listed:
            return
        as_typed = self.data.split(" ", 1)[0]
        first = as_typed.upper()
        by_label = {code.shown().casefold(): code.code for code in listed.values()}
        if first in listed:
            self.data = first
        elif as_typed in listed and len(as_typed) < len(self.data):
            self.data = as_typed
        elif self.data.casefold() in by_label:
            self.data = by_label[self.data.casefold()]
        elif vocabularies.acceptable(self.codes, first) and first == self.data.upper():
            self.data = first
            self.warnings.append(_("This code is not in the list; it is kept as stated."))
        else:
            self.errors.append(self._which(self.data))
            self.data = None

    def _which(self, text: str) -> str:
        """What to choose from: without scripts no list opens, and only the message can say it."""
        listed = vocabularies.codes(self.codes).values()
        like = [one for one in listed if text.casefold() in one.shown().casefold()]
        if not 0 < len(like) <= MOST_ALIKE:
            return str(_("Choose from the list, or enter a full code."))
        found = "; ".join(self.as_listed(one.code, one.shown()) for one in like)
        return str(_("Write which one: %(found)s.", found=found))

    def _value(self) -> str:
        return self.data or (self.typed[0] if self.typed else "")

    @property
    def shown(self) -> str:
        """What stands in the box."""
        if self.data and vocabularies.known(self.codes, self.data):
            return self.as_listed(self.data, vocabularies.label(self.codes, self.data))
        return self._value()

    def as_listed(self, code: str, label: Any) -> str:
        """An option as the list shows it: with its code where people know the code itself."""
        return f"{code} {label}" if self._code_is_known else str(label)

    @property
    def _code_is_known(self) -> bool:
        """ICD-O, ORPHA and country codes are in use outside of this house; our own are not."""
        return vocabularies.is_open(self.codes) or self.codes in {"country", "orpha"}


def code_options(name: str) -> list[Option]:
    """A code list as options, in the reader's language."""
    return [Option(code.code, code.shown()) for code in vocabularies.codes(name).values()]


def yes_no() -> list[Option]:
    """Yes and no; that it is not known is one of the absences."""
    return [Option("yes", _("Yes")), Option("no", _("No"))]


# -- from the dictionary -----------------------------------------------------------------------


def field_for(
    model: type[Any], name: str, *, prefix: str = "", needed: Any = "", **changes: Any
) -> Any:
    """The field of a variable: label, help, unit, ranges and options come from its column."""
    declared = dictionary.of(model, name)
    kind = dictionary.kind_of(model, name)
    show_if = declared.show_if
    options: dict[str, Any] = {
        "help": declared.help,
        "unit": declared.unit,
        "width": declared.width,
        "absent_codes": declared.absent,
        "show_if": (prefix + show_if[0], show_if[1]) if show_if else None,
        "needed": needed,
    }
    options.update(changes)
    return _MAKERS[kind](declared, options)


def _number(declared: Variable, options: dict[str, Any]) -> Any:
    ranges: dict[str, Any] = {"plausible": declared.plausible, "possible": declared.possible}
    if options["width"] == 20:
        options["width"] = 5
    return Number(declared.label, **ranges, **options)


def _code(declared: Variable, options: dict[str, Any]) -> Any:
    if len(vocabularies.codes(declared.codes)) > 40 or vocabularies.is_open(declared.codes):
        return CodeField(declared.label, codes=declared.codes, **options)
    name = declared.codes
    return Choice(declared.label, options=lambda: code_options(name), **options)


_MAKERS: dict[str, Callable[[Variable, dict[str, Any]], Any]] = {
    "text": lambda declared, options: Text(declared.label, **options),
    "long_text": lambda declared, options: LongText(declared.label, **options),
    "link": lambda declared, options: Link(declared.label, longest=500, **options),
    "items": lambda declared, options: Items(declared.label, **options),
    "number": _number,
    "ki67": lambda declared, options: Ki67Field(declared.label, **options),
    "partial_date": lambda declared, options: PartialDateField(declared.label, **options),
    "code": _code,
    "codes": lambda declared, options: Choices(
        declared.label, options=lambda: code_options(declared.codes), **options
    ),
    "yes_no": lambda declared, options: Choice(declared.label, options=yes_no, **options),
}


@dataclass(frozen=True)
class Facts:
    """What a form says: values by name (None where there is none), and why values are absent."""

    values: dict[str, Any]
    absent: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Nothing was answered at all."""
        return not self.absent and all(v in (None, "", []) for v in self.values.values())


class HouseForm(wtforms.Form):
    """A form of house fields. Made with what was sent, else with stored values."""

    def __init__(
        self,
        formdata: Any = None,
        *,
        stored: Mapping[str, Any] | None = None,
        absent: Mapping[str, Any] | None = None,
        prefix: str = "",
    ) -> None:
        data = dict(stored or {})
        data.update(absent or {})
        super().__init__(formdata=formdata, prefix=prefix, data=data)

    def facts(self, names: Iterable[str] | None = None) -> Facts:
        """Plain values and absences, for an action."""
        chosen = list(names) if names is not None else [f.short_name for f in self]
        values: dict[str, Any] = {}
        absent: dict[str, dict[str, str]] = {}
        for name in chosen:
            one = self[name]
            values[name] = one.data
            if one.absent and one.data in (None, "", []):
                absent[name] = {"why": one.absent}
                if one.because:
                    absent[name]["because"] = one.because
        return Facts(values, absent)

    def take(self, name: str, other: HouseForm) -> None:
        """Answer a question as another form of this kind answers it."""
        self._fields[name] = other[name]
        setattr(self, name, other[name])

    @property
    def warnings(self) -> dict[str, list[str]]:
        """What is unusual without being wrong."""
        return {f.name: f.warnings for f in self if f.warnings}


def raw(formdata: MultiDict[str, str], leave_out: Iterable[str] = ()) -> dict[str, list[str]]:
    """What was typed, to be kept as a draft and shown again as it was."""
    skipped = {"csrf_token", "version", *leave_out}
    return {
        name: [text.replace("\x00", "") for text in formdata.getlist(name)]
        for name in formdata
        if name not in skipped
    }


def again(kept: Mapping[str, Sequence[str]]) -> MultiDict[str, str]:
    """What was kept, as if it were sent now."""
    return MultiDict([(name, text) for name, texts in kept.items() for text in texts])
