"""What is on the table while one entry is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry.course import forms, queries, wording
from registry.course.following import Draft
from registry.course.forms import EntryForm
from registry.course.models import BY_NAME, Tumour, links_of
from registry.errors import NotFound
from registry.forms import Option
from registry.patients.models import Patient


@dataclass(frozen=True)
class Desk:
    """What is on the table while one entry is written: whose it is, and what it may belong to."""

    entity: str
    patient: Patient
    linkable: Mapping[str, Sequence[Any]]  # by link: the entries it may point to
    entry: Any = None

    @property
    def model(self) -> Any:
        """The mapped class of the entity."""
        return BY_NAME[self.entity]

    @property
    def tumours(self) -> Sequence[Any]:
        """The patient's tumours, where the entry is about one."""
        return self.linkable.get("tumour", ())

    def form(self, sent: Any = None, stored: Any = None, absent: Any = None) -> EntryForm:
        """The form, from what was sent, else from what is stored."""
        asked = {
            name: [Option(str(one.id), wording.named(one)) for one in found]
            for name, found in self.linkable.items()
            if name != "tumour" or len(found) > 1
        }
        return forms.form_class(self.entity, asked)(sent, stored=stored, absent=absent)

    def linked(self, form: EntryForm, name: str) -> Any:
        """What a link points to: the only tumour, else what was chosen."""
        found = self.linkable.get(name, ())
        if name == "tumour" and len(found) == 1:
            return found[0]
        chosen = form.link(name)
        return next((one for one in found if str(one.id) == chosen), None)

    def tumour(self, form: EntryForm) -> Tumour | None:
        """The tumour an entry is about: its own, else that of what it belongs to."""
        own = self.linked(form, "tumour")
        if own is None:
            parents = (self.linked(form, name) for name in ("therapy", "baseline", "review_of"))
            ids = {one.tumour_id for one in parents if one is not None}
            own = next((one for one in self.tumours if one.id in ids), None)
        return own  # type: ignore[no-any-return]

    def links(self, form: EntryForm) -> dict[str, Any]:
        """The ids of what the entry points to, by column."""
        found = {name: self.linked(form, name) for name in links_of(self.model)}
        return {f"{name}_id": one.id if one else None for name, one in found.items()}

    def draft(self, form: EntryForm) -> Draft:
        """The entry as it is typed."""
        links = {name: self.linked(form, name) for name in links_of(self.model)}
        if "tumour" in links:
            links["tumour"] = self.tumour(form)
        return Draft(self.entity, self.patient, form.stated().values, links, self.entry)


def desk_for(entity: str, patient: Patient, entry: Any = None) -> Desk:
    """The desk for an entry of a patient fetched to write. NotFound for no such entity."""
    if entity not in BY_NAME:
        raise NotFound()
    names = links_of(BY_NAME[entity])
    return Desk(entity, patient, queries.linkable(patient.id, names, but=entry), entry)
