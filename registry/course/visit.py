"""A follow-up visit on one page: the contact, what was going on, what is new since.

What was last known is shown beside the questions and taken over only by hand. Markers measured
before stand ready with their unit and limit; only values are typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from werkzeug.datastructures import MultiDict

from registry.clinical import units
from registry.course import fast, wording
from registry.course.actions.sheet import Row
from registry.course.queries import Record
from registry.course.sheet import MOST_ROWS, Part, Sheet, Slot, id_of
from registry.course.wording import pretty
from registry.dates import PartialDate, today
from registry.forms import Option
from registry.language import gettext as _
from registry.language import lazy_gettext as _l

CONTACT, SAMPLED = "contact__0__date", "sampled"
#: Kinds of therapy that happen on a day and do not go on.
_EVENTS = {"surgery", "liver-directed", "ablation", "radiotherapy"}
#: What is asked and was known before.
_LAST_KNOWN = ("vital_status", "disease_status", "ecog", "weight_kg")
MOST_MARKERS = 8


def _going_on() -> list[Option]:
    return [Option("on", _("Goes on")), Option("stopped", _("Stopped"))]


CONTACT_SLOT = Slot(
    "contact",
    "follow_up",
    ("date", "contact_kind", "vital_status", "death_date", "death_cause", "disease_status", "ecog",
     "weight_kg", "progression_since", "imaging_since", "next_visit"),
    title=_l("Contact"),
    changes={"next_visit": {"future": True}},
)  # fmt: skip
THERAPY_SLOT = Slot(
    "therapy",
    "therapy",
    ("stop", "stop_reason"),
    many=True,
    changes={
        "stop": {"show_if": ("course", frozenset({"stopped"})), "help": ""},
        "stop_reason": {"show_if": ("course", frozenset({"stopped"}))},
    },
    leads={"stop": _l("Stopped on")},
    extra={"course": fast.quick_choice(_l("This therapy"), _going_on)},
)
PROGRESSION_SLOT = Slot(
    "progression", "progression", ("date", "kind", "basis", "sites"),
    asked_if=("contact__0__progression_since", "yes"),
)  # fmt: skip
IMAGING_SLOT = Slot(
    "imaging", "imaging", ("modality", "date", "krenning", "fdg_result", "result"), many=True,
    asked_if=("contact__0__imaging_since", "yes"),
    changes={
        "krenning": {"show_if": ("modality", frozenset(
            ("PET_68GA_DOTATATE", "PET_68GA_DOTATOC", "PET_68GA_DOTANOC", "PET_64CU_DOTATATE",
             "SPECT_111IN_PENTETREOTIDE", "SPECT_99MTC_TEKTROTYD", "SSTR_NOS")))},
        "fdg_result": {"show_if": ("modality", frozenset({"PET_18F_FDG"}))},
    },
)  # fmt: skip
ONGOING_SLOT = Slot(
    "ongoing", "adverse_event", ("grade", "stop"), many=True, leads={"stop": _l("Gone since")}
)
EVENT_SLOT = Slot(
    "event", "adverse_event", ("term", "grade", "start"), many=True, decides="term",
    title=_l("New side effect"), dated_from=CONTACT,
)  # fmt: skip
DIARY_SLOT = Slot(
    "diary", "symptom_diary", ("flushing_per_day", "stools_per_day", "pain", "wellbeing"),
    dated_from=CONTACT,
)  # fmt: skip
OTHER_MARKER = Slot(
    "marker", "biomarker", ("analyte", "value", "unit", "upper_limit"), many=True,
    decides="value", dated_from=SAMPLED, title=_l("Another marker or blood value"),
)  # fmt: skip


def _marker_slot(number: int, last: Any) -> Slot:
    own = units.canonical(last.unit or "", last.analyte or "")
    asked = ("value", "upper_limit", "ppi") if _rises_on_ppi(last) else ("value", "upper_limit")
    return Slot(
        f"known{number}",
        "biomarker",
        asked,
        title=wording.value("biomarker", "analyte", last.analyte),
        fixed={"assay": last.assay} if last.assay else {},
        decides="value",
        measures=((last.analyte, own),),
        dated_from=SAMPLED,
        leads={"value": wording.value("biomarker", "analyte", last.analyte)},
        changes={"value": {"width": 8}},
    )


def _rises_on_ppi(marker: Any) -> bool:
    """Chromogranin A and gastrin rise on a proton-pump inhibitor: without the answer the value
    says little."""
    return str(marker.analyte).startswith(("CGA", "GASTRIN"))


def markers_before(record: Record) -> list[Any]:
    """The last value of every marker measured before, in the order they came up; at most a few."""
    last: dict[str, Any] = {}
    for one in record.of("biomarker"):
        if one.analyte and one.unit:
            last[one.analyte] = one
    return list(last.values())[-MOST_MARKERS:]


def going_on(record: Record) -> list[Any]:
    """The therapies that nothing says have stopped."""
    return [
        one
        for one in record.therapies
        if one.therapy_class not in _EVENTS
        and one.stop is None
        and one.stop_reason is None
        and "stop" not in one.absent
    ]


def ongoing_events(record: Record) -> list[Any]:
    """The side effects that nothing says are gone."""
    return [
        one
        for one in record.of("adverse_event")
        if one.stop is None and "stop" not in one.absent and one.outcome in (None, "ongoing")
    ]


def _with_sent(
    found: list[Any], every: list[Any], key: str, typed: MultiDict[str, str] | None
) -> list[Any]:
    """These, and those that stood on the page that was sent: a page sent twice is about them."""
    if typed is None:
        return found
    sent = {typed.get(f"{key}__{number}__entry") for number in range(MOST_ROWS)}
    return [one for one in every if one in found or str(one.id) in sent]


class Visit:
    """The page of one visit, from the record or from what was typed."""

    def __init__(
        self,
        record: Record,
        *,
        form_key: UUID,
        typed: MultiDict[str, str] | None,
        may_change: Any,
    ) -> None:
        self.record = record
        self.therapies = _with_sent(going_on(record), record.therapies, "therapy", typed)
        self.events = _with_sent(
            ongoing_events(record), record.of("adverse_event"), "ongoing", typed
        )
        self.markers = markers_before(record)
        self.known = [_marker_slot(n, last) for n, last in enumerate(self.markers)]
        slots = [
            CONTACT_SLOT, PROGRESSION_SLOT, IMAGING_SLOT, *self.known, OTHER_MARKER, EVENT_SLOT,
            DIARY_SLOT,
        ]  # fmt: skip
        if self.therapies:
            slots.insert(1, THERAPY_SLOT)
        if self.events:
            slots.append(ONGOING_SLOT)
        self.sheet = Sheet(
            slots,
            {**self._sent_before(form_key), "therapy": self.therapies, "ongoing": self.events},
            form_key=form_key,
            typed=typed,
            begun=self._begun(),
            may_change=may_change,
        )
        self.sheet.add_shared(
            SAMPLED, _l("Date of the samples"), lead=_l("Date of the samples (else of the contact)")
        )
        self._suggest()

    def _sent_before(self, form_key: UUID) -> dict[str, list[Any]]:
        """The entries that this very form made when it was sent before."""
        slots = (CONTACT_SLOT, PROGRESSION_SLOT, IMAGING_SLOT, OTHER_MARKER, EVENT_SLOT, DIARY_SLOT)
        found = {}
        for slot in (*slots, *self.known):
            ids = {id_of(form_key, f"{slot.key}__{n}") for n in range(MOST_ROWS)}
            found[slot.key] = [one for one in self.record.of(slot.entity) if one.id in ids]
        return found

    def _begun(self) -> dict[str, Mapping[str, Any]]:
        """Today as the date, and units and limits as last time: all of it stands in the boxes."""
        begun: dict[str, Mapping[str, Any]] = {"contact__0": {"date": PartialDate.of(today())}}
        for slot, last in zip(self.known, self.markers, strict=True):
            begun[f"{slot.key}__0"] = {"upper_limit": last.upper_limit}
        return begun

    def _suggest(self) -> None:
        contacts = [one for one in self.record.of("follow_up") if not self._is_own(one)]
        for entry in contacts:  # the latest that says it
            self.sheet.suggest("contact", _LAST_KNOWN, entry)
        for slot, last in zip(self.known, self.markers, strict=True):
            words = f"{wording.value('biomarker', 'value', last.value)} {pretty(last.unit)}"
            field = self.sheet.one(slot.key)["value"]
            if last.value is not None:
                field.suggestion = fast.Suggestion("", words, wording.when(last))

    def _is_own(self, entry: Any) -> bool:
        return bool(entry.id == self.sheet.one("contact").entry_id)

    def named(self, part: Part) -> str:
        """What a row is called: the therapy or side effect it is about."""
        return wording.named(part.entry) if part.entry is not None else part.called

    def rows(self, tumour_id: UUID | None) -> list[Row]:
        """The entries of the visit: the contact, what stopped, what is new."""
        found = self.sheet.rows({"tumour_id": tumour_id})
        return [self._whole(row) for row in found if not self._goes_on(row.key)]

    def _goes_on(self, key: str) -> bool:
        part = self._part(key)
        return part.slot is THERAPY_SLOT and part["course"].data != "stopped"

    def _part(self, key: str) -> Part:
        return next(part for part in self.sheet if part.key == key)

    def _whole(self, row: Row) -> Row:
        values = dict(row.values)
        part = self._part(row.key)
        if part.slot is CONTACT_SLOT:
            values["therapies_go_on"] = self.therapies_go_on
        if part.slot in (*self.known, OTHER_MARKER) and values.get("date") is None:
            values["date"] = self.sheet.one("contact")["date"].data
        return Row(row.key, row.entity, row.entry_id, row.version, values, row.absent, row.links)

    @property
    def therapies_go_on(self) -> str | None:
        """Yes when every therapy was said to go on, no when one stopped, else not said."""
        if not self.therapies:
            return None
        answers = [part["course"].data for part in self.sheet.parts["therapy"]]
        if "stopped" in answers:
            return "no"
        return "yes" if all(answer == "on" for answer in answers) else None

    def check(self) -> bool:
        """Everything, and that a therapy that stopped says when."""
        fine = self.sheet.check()
        for part in self.sheet.parts.get("therapy", []):
            if part["course"].data == "stopped" and part["stop"].is_empty:
                part["stop"].errors.append(_("Enter when it stopped, or ? if that is not known."))
                fine = False
        return fine
