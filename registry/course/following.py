"""What follows from an entry as it is typed, ready to be shown beside it.

Each function takes the values typed so far and the record they would stand in, and gives small
frozen rows in words. Nothing is kept here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from flask_babel import ngettext

from registry import codes
from registry.clinical import agreement, doses, follow_up, follow_up_record, prrt, toxicity, units
from registry.clinical.results import Derived
from registry.course import facts, licence, rules, wording
from registry.course import queries as course
from registry.course.models import Tumour
from registry.course.queries import due
from registry.course.rules import lines as therapy_lines
from registry.course.rules import wellbeing
from registry.dates import PartialDate
from registry.language import gettext as _
from registry.patients.models import Patient

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Note:
    """One thing that follows: what it is about, the answer, and why. `kind`: fine or look."""

    label: str
    answer: str
    reasons: tuple[str, ...] = ()
    kind: str = "fine"


@dataclass(frozen=True)
class Table:
    """Things side by side."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    differs: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Following:
    """All that follows. `offers` limits the options of a question to these: name → codes; `fills`
    chooses the option of a list that nobody has chosen from yet, for all to see."""

    beside: wording.Beside | None = None
    notes: tuple[Note, ...] = ()
    table: Table | None = None
    offers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    suggests: Mapping[str, Sequence[str]] = field(default_factory=dict)
    fills: Mapping[str, str] = field(default_factory=dict)
    no_stages: bool = False


@dataclass(frozen=True)
class Draft:
    """An entry as typed: its kind, values and links, the record around it, the entry if kept."""

    entity: str
    patient: Patient
    values: Values
    links: Mapping[str, Any]  # by name of the link: the entry it points to
    entry: Any = None

    @property
    def tumour(self) -> Tumour | None:
        """The tumour it is about."""
        found = self.links.get("tumour")
        return found if isinstance(found, Tumour) else None

    def others(self, entity: str, **where: Any) -> list[Any]:
        """The standing entries of a kind with these values, without this one, oldest first."""
        found = course.entries(self.patient, entity, **where)
        return [one for one in found if self.entry is None or one.id != self.entry.id]


def follows(draft: Draft) -> Following:
    """What follows from a draft; empty where nothing does."""
    made = {
        "pathology": _pathology,
        "staging": _staging,
        "imaging": _imaging,
        "biomarker": _biomarker,
        "therapy": _therapy,
        "cycle": _cycle,
        "adverse_event": _adverse_event,
        "questionnaire": _questionnaire,
        "response": _response,
    }.get(draft.entity)
    return made(draft) if made else Following()


def derived_columns(draft: Draft) -> dict[str, Any]:
    """What would be kept beside a draft of a pathology or staging."""
    if draft.entity == "pathology":
        return rules.derive_pathology(draft.values, topography=_topography(draft))
    return _stage_columns(draft) if draft.entity == "staging" else {}


def _topography(draft: Draft) -> str | None:
    return draft.tumour.primary_site if draft.tumour else None


# -- pathology ---------------------------------------------------------------------------------


def _pathology(draft: Draft) -> Following:
    derived = derived_columns(draft)
    beside = wording.beside("pathology", draft.values, derived)
    local = draft.links.get("review_of")
    table = _agreement(local, {**draft.values, **derived}) if local is not None else None
    return Following(beside=beside, notes=_grade_before(draft, derived), table=table)


def _agreement(local: Any, review: Values) -> Table:
    """A local report beside the review of the same specimen, field by field."""
    one = course.text_row(local) | {"derived_category": local.derived_category or ""}
    other = {name: "" if v is None else str(facts.plain(v)) for name, v in review.items()}
    compared = agreement.compare(one, other)
    rows = tuple(
        (
            _("Grade") if row.field == "grade" else wording.label("pathology", row.field),
            _said(row.field, row.local),
            _said(row.field, row.review),
            wording.reason(row.reason),
        )
        for row in compared
    )
    columns = (_("Finding"), _("Local report"), _("This review"), _("Agreement"))
    differs = tuple(row.verdict == agreement.DIFFER for row in compared)
    return Table(_("Local report and central review"), columns, rows, differs)


def _said(name: str, text: str) -> str:
    if name == "grade":
        return _(agreement.grade_label(text)) if text else ""
    if name in ("ki67_percent", "mitoses_per_2mm2"):
        unit = wording.unit("pathology", name)
        return f"{text} {unit}" if text else ""
    return wording.value("pathology", name, text)


def _grade_before(draft: Draft, derived: Values) -> tuple[Note, ...]:
    """The grade of the specimens before, and what to say where this one is another."""
    tumour = draft.tumour
    earlier = [
        one for one in draft.others("pathology") if tumour is None or one.tumour_id == tumour.id
    ]
    rows = [_grade_row(one) for one in earlier]
    date = draft.values.get("date")
    this = {
        "id": str(draft.entry.id) if draft.entry else "this",
        "date": date.iso if isinstance(date, PartialDate) else "",
        "derived_category": derived.get("derived_category") or "",
        "grade_stated": draft.values.get("grade_stated") or "",
        "change_kind": draft.values.get("change_kind") or "",
        "report_kind": draft.values.get("report_kind") or "",
        "review_of_id": str(draft.links["review_of"].id) if draft.links.get("review_of") else "",
    }
    changes = agreement.grade_changes(agreement.grade_course([*rows, this]))
    found = [one for one in changes if one.after.id == this["id"]]
    return tuple(
        Note(
            _("Grade over time"),
            _("Higher than before") if one.direction == agreement.UP else _("Lower than before"),
            (wording.reason(one.reason),),
            kind="fine" if one.stated else "look",
        )
        for one in found
    )


def _grade_row(one: Any) -> dict[str, str]:
    return course.text_row(one) | {"derived_category": one.derived_category or ""}


# -- stage and imaging -------------------------------------------------------------------------


def _staging(draft: Draft) -> Following:
    beside = wording.beside("staging", draft.values, _stage_columns(draft))
    return Following(beside=beside, no_stages=beside is None and not licence.may_derive_stages())


def _stage_columns(draft: Draft) -> dict[str, Any]:
    tumour = draft.tumour
    categories = [p.derived_category for p in course.pathologies(tumour)] if tumour else []
    return rules.derive_staging(
        draft.values,
        topography=_topography(draft),
        grade_category=rules.category_for_staging(categories),
        diagnosis_date=tumour.diagnosis_date if tumour else None,
        licensed=licence.may_derive_stages(),
    )


def _imaging(draft: Draft) -> Following:
    """The scale that the camera has, for a planar picture has no PET scale; and whether the
    examination comes before its time."""
    scale = rules.krenning_scale(draft.values.get("modality"))
    offers = {"krenning_scale": [scale]} if scale else {}
    return Following(notes=tuple(_too_early(draft)), offers=offers)


def _too_early(draft: Draft) -> list[Note]:
    """That a new examination comes sooner after the last one than the follow-up plan has it."""
    test = follow_up_record.test_of_imaging(draft.values.get("modality") or "")
    day = draft.values.get("date")
    if not test or not day or draft.entry is not None:
        return []
    plan = due.plan_of(draft.patient.id)
    for item in plan.items if plan else ():
        if (item["test"], item["kind"]) != (test, "due") or not (item["last"] and item["from"]):
            continue
        last, due_from = PartialDate(item["last"]), date.fromisoformat(item["from"])
        early = follow_up.before_its_time(item["last"], due_from, day.latest)
        if early is not None and last.certainly_before(day):
            label = _("Sooner than the follow-up plan has it")
            return [Note(label, "", (wording.reason(early),), kind="look")]
    return []


# -- laboratory --------------------------------------------------------------------------------


def _biomarker(draft: Draft) -> Following:
    analyte = draft.values.get("analyte")
    if not analyte:
        return Following()
    notes = [*_usual_unit(draft.values), *_times_limit(draft.values), *_value_before(draft)]
    offered = list(units.units(analyte))
    return Following(notes=tuple(notes), suggests={"unit": offered})


def _usual_unit(values: Values) -> list[Note]:
    """What the value is in the analyte's own unit; nothing where it is in that unit."""
    value, unit = values.get("value"), values.get("unit")
    own = units.units(values["analyte"])
    if value is None or not unit or not own or units.canonical(unit, values["analyte"]) == own[0]:
        return []
    found = units.convert(values["analyte"], value, unit, own[0])
    reasons = tuple(wording.reason(one) for one in found.reasons)
    if found.value is None:
        return [Note(_("In the usual unit"), _("Cannot be converted"), reasons, kind="look")]
    shown = f"{values.get('comparator') or ''}{found.shown} {wording.pretty(own[0])}"
    return [Note(_("In the usual unit"), shown, reasons)]


def notes_of_rows(
    entity: str, rows: Sequence[Values], earlier: Decimal = Decimal(0)
) -> list[list[Note]]:
    """What follows from each of several entries of a kind, given in the order of their page;
    `earlier` as in `cycle_notes`."""
    order = sorted(range(len(rows)), key=lambda place: _row_place(entity, rows[place], place))
    found: dict[int, list[Note]] = {}
    for at, place in enumerate(order):
        before = [rows[one] for one in order[:at]]
        found[place] = _notes_of_row(entity, rows[place], before, earlier)
    return [found[place] for place in range(len(rows))]


def _row_place(entity: str, values: Values, place: int) -> tuple[bool, Any, int]:
    day = values.get("date")
    dated = isinstance(day, PartialDate)
    return not dated, day.earliest if isinstance(day, PartialDate) else "", place


def _notes_of_row(
    entity: str, values: Values, before: Sequence[Values], earlier: Decimal
) -> list[Note]:
    if entity == "biomarker" and values.get("analyte"):
        return [*_usual_unit(values), *_times_limit(values), *_change_of_value(values, before)]
    if entity == "cycle":
        return _cycle_in_short([SimpleNamespace(**one) for one in before], values, earlier)
    if entity == "adverse_event" and values.get("term"):
        grades = ", ".join(str(one) for one in toxicity.term(values["term"]).grades)
        return [Note(_("Grades of this side effect: %(grades)s", grades=grades), "")]
    return _change_of_diary(values, before) if entity == "symptom_diary" else []


def _change_of_value(values: Values, before: Sequence[Values]) -> list[Note]:
    """By how much a value changed since the one before, where the two can be compared."""
    analyte, value = values["analyte"], values.get("value")
    earlier = [
        one
        for one in before
        if one.get("analyte") == analyte and one.get("value") and one.get("date")
    ]
    if not earlier or value is None or values.get("comparator") or earlier[-1].get("comparator"):
        return []
    last = earlier[-1]
    ends = [((one.get("unit") or ""), (one.get("assay") or "")) for one in (last, values)]
    why = units.not_comparable(analyte, ends[0], ends[1])
    unit = wording.pretty(last.get("unit") or "")
    said = f"{wording.number(last['value'])} {unit} ({wording.date(last['date'])})"
    if why is not None:
        return [Note(_("The value before"), f"{said}. {wording.reason(why)}", kind="look")]
    change = f"{(value - last['value']) * 100 / last['value']:+.0f} %"
    return [Note(_("Since the value before"), f"{change}, {said}")]


def _change_of_diary(values: Values, before: Sequence[Values]) -> list[Note]:
    """How each symptom changed since the entry before."""
    said = []
    for name in ("flushing_per_day", "stools_per_day", "pain", "wellbeing"):
        last = next((one[name] for one in reversed(before) if one.get(name) is not None), None)
        if values.get(name) is not None and last is not None and values[name] != last:
            said.append(f"{wording.label('symptom_diary', name)} {values[name] - last:+}")
    return [Note(_("Since the entry before"), ", ".join(said))] if said else []


def _times_limit(values: Values) -> list[Note]:
    if values.get("value") is None:
        return []
    limit = values.get("upper_limit")
    if limit is None:
        return []
    found = units.times_upper_limit(values["value"], limit, values.get("comparator") or "")
    reasons = tuple(wording.reason(one) for one in found.reasons)
    return [Note(_("Times the upper limit"), found.answer, reasons)]


def _value_before(draft: Draft) -> list[Note]:
    """The value before of the same analyte, where the two can be compared."""
    date = draft.values.get("date")
    earlier = [
        one
        for one in draft.others("biomarker", analyte=draft.values["analyte"])
        if one.value is not None
        and one.date is not None
        and (not isinstance(date, PartialDate) or one.date.earliest <= date.earliest)
    ]
    if not earlier:
        return []
    last = earlier[-1]
    ends = [(draft.values.get("unit") or "", draft.values.get("assay") or "")]
    why = units.not_comparable(last.analyte, (last.unit or "", last.assay or ""), ends[0])
    unit = wording.pretty(last.unit or "")
    said = f"{wording.number(last.value)} {unit} ({wording.date(last.date)})"
    reasons = (wording.reason(why),) if why else ()
    return [Note(_("The value before"), said, reasons, kind="look" if why else "fine")]


# -- therapies ---------------------------------------------------------------------------------


def _therapy(draft: Draft) -> Following:
    values = draft.values
    notes = [*_class(values), *_schedule(values), *_unchecked_dose(values), *_line(draft)]
    fills = _usual_dose_unit(draft.values) if draft.entry is None else {}
    return Following(notes=tuple(notes), fills=fills)


def _usual_dose_unit(values: Values) -> dict[str, str]:
    """The unit of a dose that stands there without one, where the agent has one ingredient."""
    agent = values.get("agent") or ""
    ingredients = doses.ingredients(agent)
    if values.get("dose_value") is None or values.get("dose_unit") or len(ingredients) != 1:
        return {}
    own = doses.unit(agent, ingredients[0])
    return {"dose_unit": own} if codes.known("dose_unit", own) else {}


def _unchecked_dose(values: Values) -> list[Note]:
    """That a dose is in a unit whose usual range is not known."""
    agent, dose, unit = values.get("agent") or "", values.get("dose_value"), values.get("dose_unit")
    ingredients = doses.ingredients(agent)
    if dose is None or not unit or len(ingredients) != 1:
        return []
    judged = doses.check_stated(agent, ingredients[0], dose, unit)
    if judged.answer != doses.NOT_CHECKED:
        return []
    return [Note(_("Dose"), _("Not checked"), (wording.reason(judged.reasons[0]),))]


def _class(values: Values) -> list[Note]:
    own = therapy_lines.class_of(values.get("agent"))
    stated = values.get("therapy_class")
    if not own or not stated or own == stated or stated == "trial":
        return []
    said = codes.label("therapy_class", own)
    why = _("The agent belongs to: %(kind)s.", kind=said)
    return [Note(_("Kind of therapy"), said, (why,), kind="look")]


def _schedule(values: Values) -> list[Note]:
    row = therapy_lines.usual(values.get("agent"))
    if not row or not row.get("schedule"):
        return []
    flags = row.get("safety_flags") or ""
    reasons = (_("To watch for: %(what)s", what=flags),) if flags else ()
    return [Note(_("Usual"), row["schedule"], reasons)]


def _line(draft: Draft) -> list[Note]:
    """The derived line with its reason, as if the therapy stood in the record."""
    record = course.part_of_record(draft.patient, ("therapy", "progression"))
    this = str(draft.entry.id) if draft.entry else "this"
    tumour = draft.links.get("tumour")
    given = [one for one in course.given(record) if one.id != this]
    given.append(therapy_lines.Given(this, str(tumour.id) if tumour else "", draft.values))
    found = therapy_lines.lines(given, course.progressions(record)).get(this)
    if found is None or not draft.values.get("start"):
        return []
    reasons = tuple(wording.reason(one) for one in found.reasons)
    notes = [Note(_("Line of therapy"), wording.line(found.derived), reasons)]
    if found.overruled:
        notes.append(Note(_("Line as overruled"), wording.line(found.number), kind="look"))
    return notes


def _cycle(draft: Draft) -> Following:
    """Activity in all, and kidney function against the first that was measured."""
    therapy = draft.links.get("therapy")
    if therapy is None:
        return Following()
    before = draft.others("cycle", therapy_id=therapy.id)
    earlier = earlier_activity(draft.patient, therapy)
    return Following(notes=tuple(cycle_notes(before, draft.values, earlier)))


def earlier_activity(patient: Patient, therapy: Any) -> Decimal:
    """GBq of the patient's earlier courses with the same radionuclide."""
    if therapy.therapy_class != prrt.PRRT:
        return Decimal(0)
    courses = course.entries(patient, "therapy", therapy_class=prrt.PRRT)
    if len(courses) < 2:
        return Decimal(0)
    return prrt.activity_before(therapy, courses, course.entries(patient, "cycle"))


_MEASURED = ("egfr", "creatinine", "haemoglobin", "platelets")


def _cycle_in_short(before: Sequence[Any], values: Values, earlier: Decimal) -> list[Note]:
    """As `cycle_notes` for a row of a table: the changes in one line, nothing for an empty row."""
    if all(value is None for value in values.values()):
        return []
    named = (_("eGFR"), _("Creatinine"), _("Haemoglobin"), _("Platelets"))
    changes = [
        f"{name} {_signed(change)} %"
        for name, column in zip(named, _MEASURED, strict=True)
        if (change := _since_first(before, values, column)) is not None
    ]
    notes = _activity_notes(before, values, earlier)
    return [*notes, Note(_("Since the first cycle"), ", ".join(changes))] if changes else notes


def _signed(change: Decimal) -> str:
    return f"{change:+.0f}"


def _since_first(before: Sequence[Any], values: Values, name: str) -> Decimal | None:
    """The change in per cent against the first cycle that has a value; None without one."""
    now: Decimal | None = values.get(name)
    first = _first(before, name)
    return None if now is None or not first else (now - first) * 100 / first


def _first(before: Sequence[Any], name: str) -> Any:
    return next((getattr(one, name) for one in before if getattr(one, name) is not None), None)


def cycle_notes(before: Sequence[Any], values: Values, earlier: Decimal = Decimal(0)) -> list[Note]:
    """What a cycle adds up to with those before it, and the change of what was measured first.

    `earlier` are the GBq of the patient's earlier courses.
    """
    notes = _activity_notes(before, values, earlier)
    for name in _MEASURED:
        change = _since_first(before, values, name)
        if change is None:
            continue
        first, unit = _first(before, name), wording.unit("cycle", name)
        said = _("%(change)s %% since the first cycle (%(first)s %(unit)s)",
                 change=_signed(change), first=wording.number(first), unit=unit)  # fmt: skip
        notes.append(Note(wording.label("cycle", name), said))
    return notes


def _activity_notes(before: Sequence[Any], values: Values, earlier: Decimal) -> list[Note]:
    notes: list[Note] = []
    given = [one.activity_gbq for one in before if one.activity_gbq is not None]
    this = values.get("activity_gbq")
    if this is not None or given:
        total = sum([*given, *([this] if this is not None else [])], Decimal(0))
        said = ngettext("%(total)s GBq in %(num)s cycle", "%(total)s GBq in %(num)s cycles",
                        len(given) + (this is not None), total=wording.number(total))  # fmt: skip
        notes.append(Note(_("Activity in all"), said))
        if earlier:
            said = _("%(total)s GBq", total=wording.number(total + earlier))
            notes.append(Note(_("With earlier courses"), said))
    return notes


# -- side effects, quality of life, response ---------------------------------------------------


def _adverse_event(draft: Draft) -> Following:
    term = draft.values.get("term")
    if not term:
        return Following()
    grades = [str(one) for one in toxicity.term(term).grades]
    said = _("Grades of this side effect: %(grades)s", grades=", ".join(grades))
    return Following(notes=(Note(said, ""),), offers={"grade": grades})


def _questionnaire(draft: Draft) -> Following:
    instrument = draft.values.get("instrument")
    if not instrument or not draft.values.get("answers"):
        return Following()
    before = _questionnaire_before(draft)
    derived = wellbeing.derive_questionnaire(draft.values)
    scores = before.scores if before is not None else None
    changes = wellbeing.changes(instrument, derived, scores)
    when = wording.when(before) if before is not None else ""
    columns: tuple[str, ...] = (_("Scale"), _("Score"))
    if before is not None:
        columns = (*columns, _("Before: %(date)s", date=when), _("Change"))
    rows = tuple(
        (
            wording.scale(instrument, one.scale),
            wording.score(one.score) or wording.reason(one.reasons[0]),
            wording.score(one.before),
            wording.size_of_change(one.size, one.direction),
        )[: len(columns)]
        for one in changes
    )
    differs = tuple(one.size in ("moderate", "large") for one in changes)
    return Following(table=Table(_("Scores"), columns, rows, differs))


def _questionnaire_before(draft: Draft) -> Any:
    date = draft.values.get("date")
    earlier = [
        one
        for one in draft.others("questionnaire", instrument=draft.values["instrument"])
        if one.date is not None
        and (not isinstance(date, PartialDate) or one.date.earliest < date.earliest)
    ]
    return earlier[-1] if earlier else None


def _response(draft: Draft) -> Following:
    """The response kept beside the stated one, where lesions were measured."""
    entry = draft.entry
    kept = (entry.derivation or {}).get("response") if entry is not None else None
    if kept is None:
        return Following()
    result = Derived.from_json(kept)
    reasons = tuple(wording.reason(one) for one in result.reasons)
    answer = wording.value("response", "derived_response", entry.derived_response)
    stated = draft.values.get("response_stated")
    differs = bool(stated and entry.derived_response and stated != entry.derived_response)
    kind = "look" if differs else "fine"
    return Following(notes=(Note(_("Response by the lesions"), answer or "–", reasons, kind),))
