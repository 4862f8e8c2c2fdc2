"""How complete a record is, section by section: answered, answered with why not, open, not asked.

Level 1 is the minimal data set (`clinical/data/level1_items.csv`), item by item; which items apply
follows from the dictionary (`show_if`) and from *done so far*. Level 2 are the other clinical
variables of the kinds of entries that the record has. "Not known" is an answer, shown apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple

from registry import dictionary
from registry.clinical import tables
from registry.course import level1
from registry.course.models import BY_NAME, ENTITIES, Tumour
from registry.course.queries import Record
from registry.dictionary import Identity, Level
from registry.language import gettext as _
from registry.language import in_each_language
from registry.language import lazy_gettext as _l

ANSWERED, ABSENT, MISSING, NOT_ASKED = "answered", "absent", "missing", "not_asked"

GROUPS = {
    "patient": _l("Patient and consent"),
    "referral": _l("Referral"),
    "state": _l("The patient at first contact"),
    "tumour": _l("Tumour"),
    "pathology": _l("Pathology"),
    "staging": _l("Stage"),
    "imaging": _l("Imaging"),
    "markers": _l("Markers and blood values"),
    "therapy": _l("Therapies so far"),
    "board": _l("Tumour board"),
    "follow_up": _l("Follow-up"),
}


class Item(NamedTuple):
    """One item: what it is called, how it stands, where on the level-1 page it is asked, and of
    level 2 the latest entry that has no answer yet."""

    name: str
    label: str
    state: str
    anchor: str
    entry_id: str = ""


@dataclass(frozen=True)
class Part:
    """The items of one section."""

    key: str
    label: str
    items: tuple[Item, ...]

    def count(self, state: str) -> int:
        """How many items stand so."""
        return self._counts[state]

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(item.state for item in self.items)

    @property
    def asked(self) -> int:
        """How many items apply."""
        return len(self.items) - self.count(NOT_ASKED)

    @property
    def done(self) -> int:
        """How many have an answer, be it why there is none."""
        return self.asked - self.count(MISSING)

    @property
    def absent(self) -> int:
        """How many of these say why there is no value."""
        return self.count(ABSENT)

    @property
    def gap(self) -> Item | None:
        """The first item without an answer."""
        return next((item for item in self.items if item.state == MISSING), None)


@dataclass(frozen=True)
class Completeness:
    """Both levels of one record."""

    level1: tuple[Part, ...]
    level2: tuple[Part, ...]

    def of_level(self, level: int) -> tuple[Part, ...]:
        """The sections of a level."""
        return self.level1 if level == 1 else self.level2

    def share(self, level: int) -> int:
        """How much of a level is answered, in whole percent, rounded down."""
        asked = sum(part.asked for part in self.of_level(level))
        done = sum(part.done for part in self.of_level(level))
        return 100 * done // asked if asked else 0

    def missing(self, level: int) -> int:
        """How many items of a level are open."""
        return sum(part.count(MISSING) for part in self.of_level(level))

    @property
    def gap(self) -> Item | None:
        """The first open item of level 1."""
        return next((part.gap for part in self.level1 if part.gap), None)


#: Items of level 1 under another name or in another slot than their own.
_PLACES = {
    "state.ecog": ("state", "ecog"),
    "state.ecog_date": ("state", "date"),
    "state.weight_kg": ("state", "weight_kg"),
    "state.hereditary_syndrome": ("tumour", "hereditary_syndrome"),
    "pathology.specimen_date": ("pathology", "date"),
    "staging.staging_date": ("staging", "date"),
    "staging.mets_other": ("tumour", "metastatic_sites"),
    "imaging.ct_mri_date": ("ct", "date"),
    "imaging.sstr_done": ("overview", "sstr_done"),
    "imaging.sstr_tracer": ("sstr", "modality"),
    "imaging.sstr_date": ("sstr", "date"),
    "imaging.sstr_score": ("sstr", "krenning"),
    "imaging.fdg_done": ("overview", "fdg_done"),
    "imaging.fdg_date": ("fdg", "date"),
    "imaging.fdg_result": ("fdg", "fdg_result"),
    "markers.cga_value": ("cga", "value"),
    "markers.cga_date": ("cga", "date"),
    "markers.cga_ppi": ("cga", "ppi"),
    "markers.hiaa_value": ("hiaa", "value"),
    "markers.hiaa_date": ("hiaa", "date"),
    "markers.hormone": ("hormone", "value"),
    "markers.egfr": ("egfr", "value"),
    "markers.haemoglobin": ("hb", "value"),
    "markers.platelets": ("plt", "value"),
    "therapy.primary_resected": ("overview", "primary_resected"),
    "therapy.surgery_date": ("surgery", "start"),
    "therapy.residual": ("surgery", "residual"),
    "therapy.liver_directed": ("liver", "agent"),
    "therapy.ssa": ("ssa", "agent"),
    "therapy.prrt": ("prrt", "agent"),
    "therapy.targeted": ("targeted", "agent"),
    "therapy.chemotherapy": ("chemo", "agent"),
    "board.board_date": ("board", "date"),
    "board.recommendation": ("board", "recommendation"),
    "follow_up.last_contact_date": ("last", "date"),
    "follow_up.vital_status": ("last", "vital_status"),
    "follow_up.disease_status": ("last", "disease_status"),
    "follow_up.death_date": ("last", "death_date"),
    "follow_up.death_cause": ("last", "death_cause"),
    "follow_up.progression_date": ("progression", "date"),
}
_IN_HISTORY = ("height_cm", "smoking", "cardiac_comorbidity", "renal_comorbidity", "diabetes",
               "other_malignancy", "family_history_endocrine")  # fmt: skip
#: What is asked only once the marker has a value.
_OF_A_VALUE = {"markers.cga_date", "markers.cga_ppi", "markers.hiaa_date"}
_GIVEN = {"liver", "ssa", "prrt", "targeted", "chemo"}


def of(
    record: Record,
    *,
    tumour: Tumour | None = None,
    consents: Mapping[str, str] | None = None,
    referral: Mapping[str, str] | None = None,
) -> Completeness:
    """How complete the record of a patient is; level 1 for one tumour, the first if none is named.

    `consents` has purpose → answer; `referral` has the items the referral answers ("referral.…",
    "board.…"), None where the centre registered the patient itself.
    """
    tumour = tumour or (record.tumours[0] if record.tumours else None)
    facts = _Facts(record, tumour, consents or {}, referral)
    return Completeness(_level1(facts), _level2(record))


# -- level 1 -----------------------------------------------------------------------------------


class _Facts:
    """The record as the items ask it."""

    def __init__(
        self,
        record: Record,
        tumour: Tumour | None,
        consents: Mapping[str, str],
        referral: Mapping[str, str] | None,
    ) -> None:
        self.record, self.consents, self.referral = record, consents, referral
        self.stored = level1.placed(record, tumour)
        self.stored["last"] = self.stored["contact"] or self.stored["state"]
        self.implied = level1.implied(self.stored)
        self.last = _last_therapy(self.stored)

    def state(self, item: str) -> str:
        """How an item of the level-1 set stands."""
        group, name = item.split(".", 1)
        if group == "patient":
            return self._patient(name)
        if group == "referral":
            return self._referral(item)
        if item in ("therapy.stop_reason", "therapy.best_response"):
            return self._of_last(name)
        if group == "board" and (self.referral or {}).get(item):
            return ANSWERED
        slot, column = place(item)
        if not self._asked(item, slot):
            return NOT_ASKED
        return self._answer(slot, column)

    def _patient(self, name: str) -> str:
        if name.startswith("consent_"):
            answer = self.consents.get(name.removeprefix("consent_"), "")
            return {"": MISSING, "not_asked": ABSENT}.get(answer, ANSWERED)
        column = "region" if name == "country_region" else name
        return _stands(self.record.patient, column)

    def _referral(self, item: str) -> str:
        if self.referral is None:
            return NOT_ASKED
        return ANSWERED if self.referral.get(item) else MISSING

    def _done(self, name: str) -> str:
        """Yes, no, not_known or "" of *done so far*; an entry that is there says yes."""
        for one in self.stored["overview"]:
            if getattr(one, name):
                return str(getattr(one, name))
            if name in one.absent:
                return "not_known"
        return self.implied.get(name, "")

    def _asked(self, item: str, slot: str) -> bool:
        if item in _OF_A_VALUE:
            return self._answer(slot, "value") == ANSWERED
        if item == "markers.hormone":
            return self._has_other_syndrome()
        condition = _asked_if(slot)
        return condition is None or slot in _GIVEN or self._done(condition) == "yes"

    def _has_other_syndrome(self) -> bool:
        return any(
            one.functioning == "yes" and one.syndrome not in (None, "carcinoid", "none")
            for one in self.stored["tumour"]
        )

    def _answer(self, slot: str, column: str) -> str:
        done = _asked_if(slot)
        said = self._done(done) if done else self._done(column) if slot == "overview" else "yes"
        if slot == "overview" or (done and said != "yes"):
            return {"yes": ANSWERED, "no": ANSWERED, "not_known": ABSENT}.get(said, MISSING)
        states = [_stands(one, column) for one in self.stored[slot]]
        if not states:
            return NOT_ASKED if _waits(slot, column) else MISSING
        return next((s for s in (ANSWERED, ABSENT, MISSING) if s in states), NOT_ASKED)

    def _of_last(self, name: str) -> str:
        if self.last is None:
            return NOT_ASKED
        ended = self.last.stop is not None or self.last.stop_reason is not None
        if name == "stop_reason" and not ended:
            return NOT_ASKED
        return _stands(self.last, name)


def _last_therapy(stored: Mapping[str, Sequence[Any]]) -> Any:
    """The last therapy but surgery: it is the one that goes on, stops, and has a best response."""
    given = [one for key in level1.THERAPIES if key != "surgery" for one in stored[key]]
    dated = [one for one in given if one.start is not None]
    return max(dated, key=lambda one: (one.start, str(one.id))) if dated else None


def _stands(entry: Any, name: str) -> str:
    if getattr(entry, name) not in (None, "", []):
        return ANSWERED
    if name in (entry.absent or {}):
        return ABSENT
    condition = _variables(type(entry).entity)[name].show_if
    if condition and getattr(entry, condition[0]) not in condition[1]:
        return NOT_ASKED
    return MISSING


def _waits(slot: str, column: str) -> bool:
    """Does the question wait for another answer of an entry that is not there yet?"""
    entity = "follow_up" if slot == "last" else _slots()[slot].entity
    return _variables(entity)[column].show_if is not None


@cache
def _slots() -> dict[str, Any]:
    return {slot.key: slot for slot in level1.SLOTS}


def _asked_if(slot: str) -> str | None:
    """Which answer of *done so far* a slot hangs on."""
    condition = _slots()[slot].asked_if if slot in _slots() else None
    return condition[0].rsplit("__", 1)[1] if condition else None


@cache
def _variables(entity: str) -> Mapping[str, dictionary.Variable]:
    if entity in BY_NAME:
        return dictionary.described(BY_NAME[entity])
    from registry.patients.models import Patient

    return dictionary.described(Patient)


@cache
def place(item: str) -> tuple[str, str]:
    """Slot and column that answer an item of the level-1 set."""
    if item in _PLACES:
        return _PLACES[item]
    group, name = item.split(".", 1)
    return ("history" if name in _IN_HISTORY else group), name


@cache
def anchor(item: str) -> str:
    """The id of the question on the level-1 page."""
    group, name = item.split(".", 1)
    if group == "referral":
        return "referral"
    if group == "patient":
        return f"patient__{'region' if name == 'country_region' else name}"
    if item in ("therapy.stop_reason", "therapy.best_response"):
        return "therapy"
    slot, column = place(item)
    waiting = _asked_if(slot)
    if slot == "last":
        slot = "state"
    if waiting and column in ("agent", "modality", "date", "start"):
        return f"overview__0__{waiting}"
    return f"{slot}__0__{column}"


@in_each_language
def _asked_first() -> tuple[tuple[str, str, str], ...]:
    """The items of level 1: group, name and label."""
    return tuple(
        (row["group"], f"{row['group']}.{row['variable']}", _(row["label"]).replace("%%", "%"))
        for row in tables.rows("level1_items")
    )


def _level1(facts: _Facts) -> tuple[Part, ...]:
    found: dict[str, list[Item]] = {group: [] for group in GROUPS}
    for group, name, label in _asked_first():
        found[group].append(Item(name, label, facts.state(name), anchor(name)))
    return tuple(Part(key, str(GROUPS[key]), tuple(items)) for key, items in found.items())


# -- level 2 -----------------------------------------------------------------------------------

#: Kept only where a source states it so, or where something derived is wrong: no gap when empty.
_NEVER_A_GAP = {
    "interval", "interval_unit", "age_at_diagnosis", "age_group_stated", "extent_stated",
    "type_stated", "change_kind", "line_override", "comparator", "race_stated", "transfer_date",
    "slides_date", "resolved_date", "stop", "mixed_component_pct", "dose_unit", "note",
    "new_lesion_seen_on", "label",
}  # fmt: skip


@cache
def _extended(entity: str) -> tuple[str, ...]:
    model = BY_NAME[entity]
    return tuple(
        name
        for name, declared in _variables(entity).items()
        if declared.level is Level.EXTENDED
        and declared.identity is Identity.CLINICAL
        and dictionary.kind_of(model, name) != "derived"
        and name not in _NEVER_A_GAP
    )


@in_each_language
def _labels(entity: str) -> tuple[tuple[str, str], ...]:
    """The variables of level 2 of a kind of entry: name and label."""
    return tuple((name, str(_variables(entity)[name].label)) for name in _extended(entity))


def _level2(record: Record) -> tuple[Part, ...]:
    found = []
    for model in ENTITIES:
        entries = record.of(model.entity)
        labels = _labels(model.entity)
        if not entries or not labels or model.entity == "stated_endpoint":
            continue
        absent = {name for one in entries for name in one.absent or ()}
        items = tuple(_item(entries, name, label, absent) for name, label in labels)
        found.append(Part(model.entity, str(model.entity_label), items))
    return tuple(found)


def _item(entries: Sequence[Any], name: str, label: str, absent: Container[str]) -> Item:
    state = _best(entries, name, absent)
    open_in = (one for one in reversed(entries) if _stands(one, name) == MISSING)
    gap = next(open_in, None) if state == MISSING else None
    return Item(name, label, state, "", str(gap.id) if gap is not None else "")


def _best(entries: Sequence[Any], name: str, absent: Container[str]) -> str:
    """How a variable stands over the entries of a kind: once answered is answered. `absent` are the
    variables of which some entry says why there is no value."""
    for one in entries:
        value = getattr(one, name)
        if value is not None and value != "" and value != []:
            return ANSWERED
    if name in absent:
        return ABSENT
    condition = _variables(entries[0].entity)[name].show_if
    if condition and not any(getattr(one, condition[0]) in condition[1] for one in entries):
        return NOT_ASKED
    return MISSING
