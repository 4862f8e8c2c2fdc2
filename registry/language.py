"""Texts in the reader's language, looked up quickly: a long page says a thousand.

`gettext` and `lazy_gettext` say what flask_babel's say, in a fifth of the time: which language the
reader reads is asked of the request once, and what a language says for a text is remembered. Only
texts of the program go through here, never a word that somebody typed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, TypeVarTuple

from babel.dates import get_month_names
from babel.support import NullTranslations
from flask import g
from flask_babel import Domain, get_babel, get_locale
from flask_babel.speaklater import LazyString
from markupsafe import Markup

from registry.dates import PartialDate

#: More texts than the product has; beyond it somebody hands in what is no text of ours.
_MOST = 20_000

Named = TypeVarTuple("Named")
R = TypeVar("R")


class Spoken:
    """One language: its translations, and what was asked of them before."""

    def __init__(self, translations: Any) -> None:
        self.translations = translations
        self.texts: dict[str, str] = {}
        self.shown: dict[str, Markup] = {}  # what templates say without values, as in a page
        self.made: dict[Any, Any] = {}  # what `in_each_language` made of the program's own texts

    def say(self, text: str) -> str:
        """A text, translated."""
        found = self.texts.get(text)
        if found is None:
            if len(self.texts) >= _MOST:
                self.texts.clear()
            found = self.texts[text] = str(self.translations.ugettext(text))
        return found


class Catalogue(Domain):
    """The translations, found once a request and not once a text."""

    def __init__(self) -> None:
        super().__init__()
        self._spoken: dict[int, Spoken] = {}  # by the translations, which the domain keeps

    def spoken(self) -> Spoken:
        """The reader's language, kept in the request while it is the one asked for."""
        translations = super().get_translations()
        found = self._spoken.setdefault(id(translations), Spoken(translations))
        context = g._get_current_object().__dict__.get("_flask_babel")
        if context is not None:
            context.spoken = (getattr(context, "babel_locale", None), found)
        return found

    def get_translations(self) -> Any:
        """The translations for the reader's language."""
        return spoken().translations


def spoken() -> Spoken:
    """The reader's language, also while another one is forced."""
    try:
        context = g._get_current_object().__dict__.get("_flask_babel")
    except RuntimeError:  # outside of an application texts are as they are written
        return Spoken(NullTranslations())
    if context is not None:
        kept = context.__dict__.get("spoken")
        if kept is not None and kept[0] is context.__dict__.get("babel_locale"):
            return kept[1]  # type: ignore[no-any-return]
    catalogue: Catalogue = get_babel().instance.domain_instance
    return catalogue.spoken()


def gettext(text: str, /, **values: Any) -> str:
    """A text of the program in the reader's language, with values put into it."""
    said = spoken().say(text)
    return said % values if values else said


def lazy_gettext(text: str, /, **values: Any) -> LazyString:
    """A text that is put into the reader's language when it is shown."""
    return LazyString(gettext, text, **values)


def in_each_language(make: Callable[[*Named], R]) -> Callable[[*Named], R]:
    """Remember, for each language, what a function makes of the program's own texts.

    For labels of variables, codes and items, which are the same for every patient and request: its
    arguments name such a thing. Nothing of a patient may go in or come out.
    """

    @wraps(make)
    def made(*named: *Named) -> R:
        known, key = spoken().made, (make, named)
        if key not in known:
            if len(known) >= _MOST:
                known.clear()
            known[key] = make(*named)
        found: R = known[key]
        return found

    return made


@in_each_language
def months() -> tuple[str, ...]:
    """The short names of the months, by their number; the first is empty."""
    names = get_month_names("abbreviated", "format", get_locale() or "en")
    return ("", *(names[number] for number in range(1, 13)))


def written(value: PartialDate | None) -> str:
    """A date as precise as it was stated: 12 Mar 2024, Mar 2024 or 2024; empty without one."""
    if value is None:
        return ""
    year, month, day = value.iso[:4], value.iso[5:7], value.iso[8:]
    if not month:
        return year
    name = months()[int(month)]
    return f"{int(day)} {name} {year}" if day else f"{name} {year}"
