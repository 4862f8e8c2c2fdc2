"""Fields that are answered with few keys: one box for a date, one key for a choice, signs for why
there is no value.

They are the house's fields (labels, ranges and lists from the dictionary) in another dress. In a
box `?` stands for not known, `-` for not done, `x` for not applicable and `! text` for not
available, because. What was understood is shown back. Everything works without scripts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from babel.dates import get_month_names
from flask_babel import get_locale

from registry import codes, dictionary
from registry.dates import PartialDate, today
from registry.forms import (
    ABSENT_LABELS,
    Choice,
    Choices,
    CodeField,
    HouseField,
    Ki67Field,
    LongText,
    Number,
    Option,
    PartialDateField,
    Text,
    field_for,
)
from registry.language import gettext as _

#: What is typed in the place of a value.
SIGNS = {"?": "not_known", "-": "not_done", "x": "not_applicable"}
SIGN_OF = {why: sign for sign, why in SIGNS.items()} | {"not_available": "!"}
#: How the value of a choice says that there is none.
ABSENT = "absent:"


@dataclass(frozen=True)
class Suggestion:
    """What was last known: shown beside the question, taken over only by hand."""

    value: str  # as it would be typed or chosen
    words: str
    when: str = ""


class Quick(HouseField):
    """What quick fields have in common."""

    suggestion: Suggestion | None = None
    lead: Any = ""  # the question in this page's words, where they differ from the dictionary's

    @property
    def names(self) -> list[str]:
        """One name: the reasons are typed into the same box."""
        return [self.name]

    @property
    def asked(self) -> Any:
        """The question."""
        return self.lead or self.label.text

    @property
    def understood(self) -> str:
        """How the answer is read; empty where that goes without saying."""
        if self.absent:
            label = str(ABSENT_LABELS[self.absent])
            return label.rstrip("…") + (f" {self.because}" if self.because else "")
        return ""

    @property
    def signs(self) -> str:
        """The signs this question takes, for the page's script."""
        return "".join(SIGN_OF[code] for code in self.absent_codes if code in SIGN_OF)

    def _take_sign(self) -> bool:
        """Is a reason typed in the place of a value?"""
        text = self.typed[0].strip() if self.typed else ""
        why = SIGNS.get(text.lower(), "")
        if text.startswith("!") and "not_available" in self.absent_codes:
            self.absent, self.because, self.data = "not_available", text[1:].strip(), None
            return True
        if why in self.absent_codes:
            self.absent, self.because, self.data = why, "", None
            return True
        return False

    def read(self) -> None:
        """A sign, else a value."""
        self.absent = self.because = ""
        if not self._take_sign():
            super().read()

    def _value(self) -> str:
        if self.typed or not self.absent:
            return str(super()._value())
        return SIGN_OF[self.absent] + (f" {self.because}" if self.because else "")


class QuickText(Quick, Text):
    """One line of text."""


class QuickLongText(Quick, LongText):
    """Several lines of text."""


class QuickNumber(Quick, Number):
    """A number, or a sign."""


class QuickKi67(Quick, Ki67Field):
    """Ki-67 as stated, or a sign."""


class QuickDate(Quick, PartialDateField):
    """A date in one box: 12.3.2024, 12/3/2024, 2024-03-12, 12 Mar 2024, 3/2024, 2024. Day first."""

    kind = "one_date"

    def process_data(self, value: Any) -> None:
        """Show a stored date as it would be typed."""
        super().process_data(value)
        self.raw_parts = {}

    def read(self) -> None:
        """The box to a date; the page shows how it is read."""
        self.absent = self.because = ""
        self.data = None
        if self._take_sign():
            return
        text = self.typed[0].strip() if self.typed else ""
        if not text:
            return
        try:
            self.data = read_date(text)
        except ValueError:
            self.errors.append(_("Enter a date such as 12.3.2024, 3/2024 or 2024."))

    @property
    def is_empty(self) -> bool:
        """Nothing typed."""
        return HouseField.is_empty.fget(self)  # type: ignore[attr-defined, no-any-return]

    @property
    def understood(self) -> str:
        """The date in words: who types the month first sees it here."""
        from registry.course import wording

        return wording.date(self.data) or super().understood

    def _value(self) -> str:
        if self.typed:
            return self.typed[0]
        if self.data is None:
            return Quick._value(self) if self.absent else ""
        year, month, day = self.data.parts
        return ".".join(str(part) for part in (day, month, year) if part)


def read_date(text: str) -> PartialDate:
    """A typed date; a lone `t` is today. Raises ValueError for what is no date."""
    text = text.strip().lower()
    if text == "t":
        return PartialDate.of(today())
    pieces = [piece for piece in re.split(r"[\s./,-]+", text) if piece]
    if not 1 <= len(pieces) <= 3:
        raise ValueError(text)
    if len(pieces[0]) == 4 and len(pieces) > 1 and pieces[0].isdigit():
        pieces.reverse()  # 2024-03-12
    year, month, day = [*reversed(pieces), "", ""][:3]
    return PartialDate.from_parts(year, _month(month), day)


def _month(text: str) -> str:
    """The number of a month that may be written as a word, in the page's language."""
    if not text or text.isdigit():
        return text
    for width in ("abbreviated", "wide"):
        for language in (get_locale() or "en", "en"):
            for number, name in get_month_names(width, locale=language).items():
                if name.lower().rstrip(".") == text.rstrip("."):
                    return str(number)
    raise ValueError(text)


class QuickChoice(Quick, Choice):
    """One of a list; that there is no answer is one of the options. Each option has its key."""

    kind = "quick_choice"

    vocabulary = ""  # the whole list, where only some of it is offered

    @cached_property
    def listed(self) -> Sequence[Option]:
        """The answers that are offered, in the reader's language; asked once a page."""
        return list(Choice.options.fget(self))  # type: ignore[attr-defined]

    @property
    def options(self) -> Sequence[Option]:
        """The answers, one that is stored and not offered, then the reasons for having none."""
        values = {option.value for option in self.listed}
        also = [self.data] if self.vocabulary and self.data and self.data not in values else []
        return [
            *self.listed,
            *(Option(code, codes.label(self.vocabulary, code)) for code in also),
            # "Because" needs words: it is said on the entry's own page, and kept where it was said.
            *(
                Option(ABSENT + code, ABSENT_LABELS[code])
                for code in self.absent_codes
                if code not in values and (code != "not_available" or self.absent == code)
            ),
        ]

    @staticmethod
    def keyed(options: Sequence[Option]) -> list[tuple[Option, str]]:
        """These options, each with the key that chooses it."""
        return keys_for(options)

    @property
    def understood(self) -> str:
        """An option says it itself."""
        return ""

    def read(self) -> None:
        """An option, or why there is none."""
        text = self.typed[0].strip() if self.typed else ""
        self.absent, self.data = "", None
        if text.startswith(ABSENT):
            why = text.removeprefix(ABSENT)
            if why in self.absent_codes:
                self.absent = why
            else:
                self.errors.append(_("Choose one of the options."))
        elif self.vocabulary and text and codes.acceptable(self.vocabulary, text):
            self.data = text
        else:
            self.because = ""
            Choice.read(self)

    def _value(self) -> str:
        if self.absent:
            return ABSENT + self.absent
        return Choice._value(self)


class QuickCode(Quick, CodeField):
    """A code of a long list, found by typing; or a sign."""

    def _value(self) -> str:
        if self.absent and not self.typed:
            return Quick._value(self)
        return CodeField._value(self)

    @property
    def shown(self) -> str:
        """What stands in the box."""
        return self._value() if self.absent else str(super().shown)


class QuickCodes(Quick, Choices):
    """Several of a list, each chosen in a list of its own; or why there is none."""

    kind = "quick_codes"
    boxes = 2

    @property
    def reasons(self) -> list[Option]:
        """The reasons for having none."""
        return [
            Option(ABSENT + code, self.reason_words.get(code, ABSENT_LABELS[code]))
            for code in self.absent_codes
        ]

    reason_words: dict[str, Any] = {}

    @property
    def chosen(self) -> list[str]:
        """What each list shows, one more than is chosen."""
        values = [ABSENT + self.absent] if self.absent else list(self.data or [])
        return [*values, *[""] * max(1, self.boxes - len(values))]

    @property
    def understood(self) -> str:
        """An option says it itself."""
        return ""

    def read(self) -> None:
        """The chosen ones, or a reason."""
        reasons = [text.removeprefix(ABSENT) for text in self.typed if text.startswith(ABSENT)]
        self.typed = [text for text in self.typed if not text.startswith(ABSENT)]
        self.absent = next((why for why in reasons if why in self.absent_codes), "")
        Choices.read(self)


_QUICK: dict[type[Any], type[Any]] = {
    Text: QuickText,
    LongText: QuickLongText,
    Number: QuickNumber,
    Ki67Field: QuickKi67,
    PartialDateField: QuickDate,
    Choice: QuickChoice,
    CodeField: QuickCode,
    Choices: QuickCodes,
}


def quick_field(model: type[Any], name: str, **changes: Any) -> Any:
    """The quick field of a variable; `changes` as for `registry.forms.field_for`, and `options`
    where only some answers of its list are offered."""
    options = changes.pop("options", None)
    made = field_for(model, name, **changes)
    made.field_class = _QUICK[made.field_class]
    if options is not None:
        of = dictionary.of(model, name).codes
        made.field_class = type("Some", (QuickChoice,), {"vocabulary": of})
        made.kwargs.pop("codes", None)
        made.kwargs["options"] = options
    return made


def quick_choice(label: Any, options: Callable[[], Sequence[Option]], **rest: Any) -> Any:
    """A question of the page itself that no column answers."""
    return QuickChoice(label, options=options, **rest)


def some_of(name: str, wanted: Iterable[str]) -> Callable[[], list[Option]]:
    """Some codes of a list, in this order, as options."""
    chosen = list(wanted)
    return lambda: [Option(code, codes.label(name, code)) for code in chosen]


def keys_for(options: Sequence[Option]) -> list[tuple[Option, str]]:
    """Options with the key that chooses each: a sign for a reason, else the first letter or digit
    of its words that is still free. Empty where none is left."""
    taken: set[str] = set()
    found = []
    for option in options:
        if option.value.startswith(ABSENT):
            key = SIGN_OF.get(option.value.removeprefix(ABSENT), "")
        else:
            words = str(option.label).lower().replace("µ", "")  # on few keyboards
            letters = (c for c in words if c.isalnum() and c not in taken)
            key = next(letters, "")
        taken.add(key)
        found.append((option, key))
    return found


@cache
def agents(therapy_class: str) -> tuple[str, ...]:
    """The agents and procedures of a kind of therapy, in the list's order."""
    from registry.clinical import tables

    return tuple(
        row["code"] for row in tables.rows("codes/therapy") if row["class"] == therapy_class
    )
