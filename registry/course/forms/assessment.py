"""An assessment with its lesions: what is asked of the assessment, and one row a lesion."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from werkzeug.datastructures import MultiDict

from registry.clinical.lesions import Size
from registry.course import wording
from registry.course.fast import quick_field
from registry.course.forms.layout import Section
from registry.course.models import Lesion, Measurement
from registry.db import new_id
from registry.forms import HouseForm
from registry.language import gettext as _
from registry.web import as_id

LESION = ("label", "organ", "is_node", "role", "treated_before")
SIZE = ("size_mm", "state")
#: What is asked of the assessment itself, beside the lesions.
ASKED = ("date", "criteria", "response_stated", "non_target", "new_lesion", "new_lesion_seen_on",
         "note")  # fmt: skip
#: Rows that one page sends at most.
MOST_SPOTS = 40

BASELINE, FOLLOW_UP = "baseline", "follow_up"


class SizeForm(HouseForm):
    """The size of a lesion that is known already."""

    size_mm = quick_field(Measurement, "size_mm")
    state = quick_field(Measurement, "state")


class LesionForm(SizeForm):
    """A lesion that is entered for the first time, with its size."""

    label = quick_field(Lesion, "label")
    organ = quick_field(Lesion, "organ")
    is_node = quick_field(Lesion, "is_node")
    role = quick_field(Lesion, "role")
    treated_before = quick_field(Lesion, "treated_before")


@dataclass
class Spot:
    """One lesion on the page: known or new, its size box, and how it was before."""

    number: int
    lesion_id: UUID
    form: Any
    lesion: Any = None  # None: entered here for the first time
    measurement: Any = None
    measurement_version: int = 0
    before: Size | None = None
    as_before: bool = False

    @property
    def prefix(self) -> str:
        """What the names of its boxes begin with."""
        return f"s{self.number}-"

    @property
    def is_new(self) -> bool:
        """Entered here for the first time."""
        return self.lesion is None

    @property
    def is_blank(self) -> bool:
        """A row for a new lesion that nobody used."""
        said = [f for f in self.form if f.short_name not in ("state", "role")]
        return self.is_new and all(f.is_empty for f in said)

    @property
    def name(self) -> str:
        """What the lesion is called."""
        return wording.title(self.lesion) if self.lesion is not None else _("New lesion")

    @property
    def role(self) -> str:
        """Target, not a target, new."""
        return str((self.lesion.role if self.lesion else self.form["role"].data) or "")

    @property
    def state(self) -> str:
        """How the lesion is: as chosen, measured where a size stands, as before where said so."""
        if self.as_before and self.before is not None and not self.form["state"].data:
            return self.before.state
        size = self.form["size_mm"].data
        return self.form["state"].data or ("measured" if size is not None else "")

    @property
    def size(self) -> Decimal | None:
        """The size in mm, where one stands or it was said to be as before."""
        size: Decimal | None = self.form["size_mm"].data
        before = self.before if self.as_before else None
        if size is not None or before is None or before.state != self.state:
            return size
        return None if self.state in ("disappeared", "too_small") else before.size_mm

    def take(self, kept: Any) -> None:
        """Put the size that is kept into the boxes."""
        form = SizeForm(stored={name: getattr(kept, name) for name in SIZE}, prefix=self.prefix)
        for name in SIZE:
            self.form.take(name, form)
        self.as_before = False

    def row(self) -> dict[str, str]:
        """The lesion as the rule reads it."""
        said = {name: getattr(self.lesion, name) for name in LESION} if self.lesion else {
            name: self.form[name].data for name in LESION
        }  # fmt: skip
        return {n: str(v or "") for n, v in said.items()} | {"id": str(self.lesion_id)}

    def size_row(self, response_id: UUID) -> dict[str, str]:
        """The size as the rule reads it."""
        return {
            "lesion_id": str(self.lesion_id),
            "response_id": str(response_id),
            "state": self.state,
            "size_mm": "" if self.size is None else f"{self.size:f}",
        }

    def validate(self, *, first: bool) -> bool:
        """Check the boxes; a lesion that is entered must say where it is and how large."""
        fine = bool(self.form.validate())
        if self.is_new:
            if self.form["organ"].is_empty:
                self.form["organ"].errors.append(_("Choose the organ."))
                fine = False
            if not self.role:
                self.form["role"].data = "target" if first else "new"
        if self.state == "measured" and self.size is None:
            self.form["size_mm"].errors.append(_("Enter the size."))
            fine = False
        if self.state == "disappeared" and self.size not in (None, Decimal(0)):
            self.form["size_mm"].errors.append(_("It is said to have disappeared: no size then."))
            fine = False
        return fine


def sections(first: bool) -> tuple[Section, ...]:
    """How the questions about the assessment are laid out; a baseline is not judged."""
    if first:
        return (Section(_("Baseline"), ("date", "criteria", "note")),)
    return (
        Section(_("Assessment"), ("date", "criteria", "response_stated")),
        Section(
            _("Beside the targets"), ("non_target", "new_lesion", "new_lesion_seen_on", "note")
        ),
    )


def known_spots(
    lesions: Sequence[Any], sent: MultiDict[str, str] | None, stored: Any, before: Any
) -> list[Spot]:
    """A row for every lesion of the series. `stored` and `before` answer for a lesion."""
    spots = []
    for number, lesion in _numbered(lesions, sent):
        kept = stored(lesion)
        values = {name: getattr(kept, name) for name in SIZE} if kept is not None else {}
        prefix = f"s{number}-"
        version = sent.get(f"{prefix}version", "") if sent is not None else ""
        spots.append(
            Spot(
                number,
                lesion.id,
                SizeForm(sent, stored=values, prefix=prefix),
                lesion,
                kept,
                _version(version) if sent is not None else (kept.version if kept else 0),
                before.get(str(lesion.id)),
                sent is not None and sent.get(f"{prefix}same") == "yes",
            )
        )
    return spots


def _numbered(
    lesions: Sequence[Any], sent: MultiDict[str, str] | None
) -> Iterator[tuple[int, Any]]:
    """The lesions, each with the row it had on the page that was sent: one that was marked as
    entered in error since then must not give its size to the next."""
    rows = _sent_rows(sent) if sent is not None else {}
    for place, lesion in enumerate(lesions):
        behind = MOST_SPOTS + place if rows else place
        yield rows.get(lesion.id, behind), lesion


def _sent_rows(sent: MultiDict[str, str]) -> dict[UUID, int]:
    """The row each lesion has on a page that was sent, those entered there among them."""
    found = {}
    for number in range(MOST_SPOTS):
        for name in ("known", "lesion"):
            said = as_id(sent.get(f"s{number}-{name}"))
            if said is not None:
                found[said] = number
    return found


def new_spots(
    first_number: int,
    sent: MultiDict[str, str] | None,
    blank: int,
    known: Collection[UUID] = frozenset(),
    again: Sequence[dict[str, Any]] = (),
) -> list[Spot]:
    """Rows for lesions entered here: those that were sent, else those `again` and empty ones."""
    rows = _sent_rows(sent) if sent is not None else {}
    there = [
        (number, lesion_id)
        for lesion_id, number in rows.items()
        if lesion_id not in known and sent is not None and f"s{number}-lesion" in sent
    ]
    first = max([first_number, *(number + 1 for number in rows.values())])
    last = first + max(blank, len(again) + 1 if again else 0)
    numbers = there or [(number, new_id()) for number in range(first, last)]
    stored = {number: values for (number, _id), values in zip(numbers, again, strict=False)}
    return [
        Spot(
            number,
            lesion_id,
            LesionForm(sent, stored=stored.get(number), prefix=f"s{number}-"),
        )
        for number, lesion_id in numbers
    ]


def again(lesion: Any) -> dict[str, Any]:
    """What a new series takes over of a lesion: what and where it is. It is measured anew, and
    whether one that was new then is a target now is for the reader to say."""
    values = {name: getattr(lesion, name) for name in LESION}
    return values | {"role": None if lesion.role == "new" else lesion.role}


def _version(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
