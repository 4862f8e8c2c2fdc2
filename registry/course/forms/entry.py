"""One form for every entity of the course: fields from the dictionary, laid out in sections."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from registry.clinical import quality_of_life
from registry.course import facts as facts_
from registry.course.forms.fields import ANSWERED, ASKED_WITH, special
from registry.course.forms.layout import KEY_QUESTION, SECTIONS, Section
from registry.course.models import BY_NAME, links_of
from registry.course.rules import wellbeing
from registry.forms import Choice, Facts, HouseForm, Option, field_for
from registry.language import gettext as _
from registry.language import lazy_gettext as _l


def sections(entity: str) -> tuple[Section, ...]:
    """How the questions of an entity are laid out."""
    return SECTIONS[entity]


class EntryForm(HouseForm):
    """A form for one entry of the course."""

    entity: str
    links: tuple[str, ...] = ()

    def validate(self, extra_validators: Any = None) -> bool:
        """Check every field; an entry must say at least what it is about."""
        fine = bool(super().validate(extra_validators))
        name, message = KEY_QUESTION.get(self.entity, ("", ""))
        if self.entity == "response" and self["timepoint"].data == "baseline":
            name = ""  # a baseline is not judged
        if name and self[name].is_empty and not self[name].errors:
            self[name].errors.append(str(message))
            return False
        if self.entity == "questionnaire":
            fine = self._check_items() and fine
        if fine and not name and self.stated().is_empty:
            self[self.first_name].errors.append(_("Nothing is entered yet."))
            return False
        return fine

    def _check_items(self) -> bool:
        """Only items of the instrument, and only answers it offers."""
        instrument, answers = self["instrument"].data, self["answers"]
        if not instrument or answers.errors or not answers.data:
            return not answers.errors
        said = {"answers": answers.data}
        foreign = wellbeing.not_of(instrument, said)
        wrong = foreign or wellbeing.impossible(instrument, said)
        if wrong:
            answers.bad_parts = {str(item) for item in wrong}
            listed = ", ".join(str(item) for item in wrong)
            answers.errors.append(
                _("The instrument has no item %(items)s.", items=listed)
                if foreign
                else _("The instrument has no such answer; look at item %(items)s.", items=listed)
            )
        return not wrong

    def stated(self) -> Facts:
        """What the form says, without the answers to questions that do not arise."""
        said = self.facts(facts_.names(self.entity))
        values = {name: None if value == [] else value for name, value in said.values.items()}
        absent = dict(said.absent)
        for name in said.values:
            if not self.arises(name):
                values[name] = None
                absent.pop(name, None)
        return Facts(values, absent)

    def arises(self, name: str) -> bool:
        """Is the question asked, given the answer it depends on?"""
        condition = self[name].show_if
        if condition is None:
            return True
        if (self.entity, name) in ASKED_WITH and not self[name].is_empty:
            return True
        on = self[condition[0]]
        met = (ANSWERED in condition[1] and not on.is_empty) or on.data in condition[1]
        return met and self.arises(condition[0])

    def link(self, name: str) -> str:
        """The chosen tumour or therapy; empty where none is asked for or chosen."""
        return (self[name].data or "") if name in self.links else ""

    @property
    def used(self) -> set[str]:
        """The questions that have an answer, an error or a warning."""
        return {f.short_name for f in self if not f.is_empty or f.errors or f.warnings}

    @property
    def first_name(self) -> str:
        """The question that comes first."""
        return sections(self.entity)[0].names[0]

    def refuse(self, field: str, message: str) -> None:
        """Show a refusal where it belongs; where there is no such field, at the first one."""
        name = field.removesuffix("_id") if field not in self else field
        place = self[name] if name in self else self[self.first_name]
        if message not in place.errors:
            place.errors.append(message)

    def warn(self, field: str, message: str) -> None:
        """Show a warning where it belongs."""
        if message not in self[field].warnings:
            self[field].warnings.append(message)

    @property
    def mark(self) -> str:
        """A mark of the warnings now shown; sent back with the form it says they were seen."""
        if not self.warnings:
            return ""
        said = {name: [self[name].warnings, str(self[name].data)] for name in self.warnings}
        text = json.dumps(said, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


_NO_LINKS: Mapping[str, Sequence[Option]] = {}


def _items() -> list[tuple[str, list[int]]]:
    """The item numbers of every instrument."""
    return [(name, quality_of_life.item_numbers(name)) for name in quality_of_life.INSTRUMENTS]


@cache
def _fields(entity: str) -> Mapping[str, Any]:
    model = BY_NAME[entity]
    more: dict[str, dict[str, Any]] = {}
    if entity == "questionnaire":
        more["answers"] = {"groups": _items()}
    return {
        name: special(entity, name, field_for(model, name, **more.get(name, {})))
        for name in facts_.names(entity)
    }


LINK_LABELS = {
    "tumour": _l("About which tumour"),
    "therapy": _l("About which therapy"),
    "review_of": _l("Review of which report"),
    "baseline": _l("Compared with which baseline"),
    "response": _l("At which assessment"),
    "lesion": _l("Which lesion"),
}


def form_class(
    entity: str, links_to: Mapping[str, Sequence[Option]] = _NO_LINKS
) -> type[EntryForm]:
    """The form of an entity; it also asks which of the options a link means, where there are."""
    links = {
        name: Choice(LINK_LABELS[name], options=list(options))
        for name, options in links_to.items()
        if options
    }
    members = {**_fields(entity), **links, "entity": entity, "links": tuple(links)}
    return type(f"{entity.title().replace('_', '')}Form", (EntryForm,), members)


def stored(entry: Any) -> dict[str, Any]:
    """What a form shows of an entry: its values and links."""
    links = {name: str(getattr(entry, f"{name}_id") or "") for name in links_of(type(entry))}
    return {**facts_.stated(entry), **links}


def laid_out(entity: str) -> Iterable[str]:
    """Every question that stands in a section."""
    return [name for section in SECTIONS[entity] for name in section.names]
