"""The level-1 data set of a patient on one page; and how complete a record is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import current_app, jsonify, render_template, request
from werkzeug.datastructures import MultiDict

from registry import audit, web
from registry.access import Right
from registry.clinical.edit_checks import REFUSE
from registry.course import actions, completeness, level1, queries, sheet, wording
from registry.course.actions import sheet as keeping
from registry.course.fast import QuickChoice, quick_field
from registry.course.models import Tumour
from registry.course.queries.drafts import sheet_draft
from registry.course.sheet import Part, Sheet
from registry.course.views.room import room
from registry.dates import PartialDate, today
from registry.db import new_id
from registry.errors import Conflict, NotFound
from registry.forms import HouseForm, Option, again, raw
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.patients import actions as patient_actions
from registry.patients import queries as patients
from registry.patients import rules as patient_rules
from registry.patients.models import Patient

audit.learn(
    {
        "opened level 1": _l("Opened: %(what)s", what=_l("Level 1")),
        "opened completeness": _l("Opened: %(what)s", what=_l("Completeness")),
    }
)

# -- who the patient is ------------------------------------------------------------------------

PLAIN = ("sex_at_birth", "birth_date", "country", "region")


def _answers() -> list[Option]:
    return [Option("yes", _("Yes")), Option("no", _("No")), Option("not_asked", _("Not asked"))]


class PatientPart(HouseForm):
    """The patient's own items of level 1. Never kept in a draft."""

    sex_at_birth: Any = quick_field(Patient, "sex_at_birth")
    birth_date: Any = quick_field(Patient, "birth_date", help="")
    country: Any = quick_field(Patient, "country")
    region: Any = quick_field(Patient, "region")
    consent_care = QuickChoice(patient_rules.PURPOSES["care"], options=_answers)
    consent_registry = QuickChoice(patient_rules.PURPOSES["registry"], options=_answers)
    consent_research_use = QuickChoice(patient_rules.PURPOSES["research_use"], options=_answers)
    consent_research_contact = QuickChoice(
        patient_rules.PURPOSES["research_contact"], options=_answers
    )


def _patient_part(patient: Patient, typed: Any = None) -> Any:
    if typed is not None and "patient__shown" in typed:
        return PatientPart(typed, prefix="patient__")
    consents = patients.consents(web.viewer(), patient.id)
    stored: dict[str, Any] = {name: getattr(patient, name) for name in PLAIN}
    stored |= {f"consent_{purpose}": one.answer for purpose, one in consents.items()}
    return PatientPart(stored=stored, absent=patient.absent, prefix="patient__")


def _keep_patient(patient: Patient, part: Any, version: str | None) -> bool:
    """Write what differs; False with a message where somebody changed the patient meanwhile."""
    viewer, said = web.viewer(), part.facts(PLAIN)
    differs = {n: v for n, v in said.values.items() if v != getattr(patient, n)}
    absent = {n: w for n, w in patient.absent.items() if n not in PLAIN} | said.absent
    if (differs or absent != patient.absent) and str(patient.version) != version:
        part.sex_at_birth.errors.append(
            _("This was changed by somebody else while you were working on it.")
        )
        return False
    patient_actions.change(patient, by=viewer, facts=differs, absent=absent)
    current = patients.consents(viewer, patient.id)
    for purpose in patient_rules.PURPOSES:
        answer = part[f"consent_{purpose}"].data
        known = current.get(purpose)
        if answer and (known is None or known.answer != answer):
            given_on = None if answer == "not_asked" else PartialDate.of(today())
            patient_actions.answer_consent(
                patient.id, purpose, answer, by=viewer, given_on=given_on
            )
    return True


# -- the page ----------------------------------------------------------------------------------


class Desk:
    """What is on the table: the record, the tumour it is about, the page as it is typed."""

    def __init__(self, patient: Patient, tumour_id: UUID | None, typed: Any = None) -> None:
        self.viewer = web.viewer()
        self.patient = patient
        self.record = queries.record_of(patient)
        self.tumour = self._tumour(tumour_id)
        self.page = f"level1:{self.tumour.id if self.tumour else 'first'}"
        self.draft = None if typed is not None else sheet_draft(self.viewer, patient.id, self.page)
        kept = again(self.draft.typed) if self.draft else None
        self.typed: MultiDict[str, str] | None = typed if typed is not None else kept
        key = web.as_id(self.typed.get("form_key")) if self.typed is not None else None
        kinds = patients.relation(self.viewer, patient.id)
        self.sheet: Sheet = level1.sheet(
            self.record,
            self.tumour,
            form_key=key or new_id(),
            typed=self.typed,
            may_change=lambda entry: queries.may_change(self.viewer, kinds, entry),
        )
        self.who = _patient_part(patient, typed)

    def _tumour(self, tumour_id: UUID | None) -> Tumour | None:
        if tumour_id is None:
            return self.record.tumours[0] if self.record.tumours else None
        found = next((one for one in self.record.tumours if one.id == tumour_id), None)
        if found is None:
            raise NotFound()
        return found

    @property
    def links(self) -> dict[str, UUID | None]:
        """What the entries are about: the tumour of the page, also while it is new."""
        part = self.sheet.one("tumour")
        about = None if part.is_empty and part.entry is None else part.entry_id
        return {"tumour_id": about}

    def completeness(self) -> completeness.Completeness:
        """How complete the stored record is."""
        return completeness_of(self.record, self.tumour)


def completeness_of(
    record: queries.Record, tumour: Tumour | None = None
) -> completeness.Completeness:
    """How complete a record is, with what the rooms beside it know."""
    given = patients.consents(web.viewer(), record.patient.id)
    return completeness.of(
        record,
        tumour=tumour,
        consents={purpose: one.answer for purpose, one in given.items()},
        referral=_referral(record.patient.id),
    )


def _referral(patient_id: UUID) -> dict[str, str] | None:
    """The level-1 items that the patient's referral answers; the room above tells them."""
    ask = current_app.extensions.get("netreg_level1_of_referral")
    found: dict[str, str] | None = ask(web.viewer(), patient_id) if ask else None
    return found


def _sent() -> MultiDict[str, str]:
    return again(raw(request.form, leave_out=("do", "add", "seen", "rest")))


@room.page("/patients/<uuid:patient_id>/level-1", right=Right.WRITE_COURSE, methods=("GET", "POST"))
def level_1(patient_id: UUID) -> Any:
    """Everything level 1 asks, on one page. Nothing has to be complete to be kept."""
    patient = patients.patient_to_write(web.viewer(), patient_id)
    tumour_id = web.as_id(request.values.get("tumour_id"))
    if request.method == "GET":
        return _page(Desk(patient, tumour_id))
    typed = _sent()
    if "rest" in request.form:
        sheet_rest(typed, request.form["rest"])
    desk = Desk(patient, tumour_id, typed)
    if "add" in request.form or "rest" in request.form:
        return _further(desk)
    if not _acceptable(desk):
        return _page(desk), 422
    outcome = keeping.save(patient, desk.sheet.rows(desk.links), by=web.viewer())
    refuse(desk.sheet, outcome)
    if not outcome.is_kept:
        page = _page(desk, clashes(desk.sheet, outcome))
        return page, 409 if outcome.clashes else 422
    if not _keep_patient(patient, desk.who, request.form.get("patient__version")):
        return _page(desk), 409
    actions_drop(desk)
    return _kept(desk, outcome)


def actions_drop(desk: Desk) -> None:
    """What was kept needs no draft; a first tumour's draft had no tumour to be named by."""
    for page in {desk.page, "level1:first"}:
        keeping.drop_draft(desk.patient, page, by=web.viewer())


def _kept(desk: Desk, outcome: keeping.Outcome) -> Any:
    web.done(_("Saved. Entries written: %(n)s.", n=outcome.saved))
    if request.form.get("do") == "stay":
        about = {"tumour_id": desk.links["tumour_id"]} if len(desk.record.tumours) > 1 else {}
        return web.go("course.level_1", patient_id=desk.patient.id, **about)
    return web.go("chart.chart", patient_id=desk.patient.id)


def _acceptable(desk: Desk) -> bool:
    """Is everything right, and if something is unusual, was that seen?"""
    fine = desk.who.validate()
    fine = desk.sheet.check() and fine
    fine = check_dates(desk.sheet, desk.patient) and fine
    return fine and desk.sheet.mark in ("", request.form.get("seen", ""))


def check_dates(made: Sheet, patient: Patient) -> bool:
    """Dates that cannot be are refused, unusual ones pointed out, at their box."""
    diagnosed = made.one("tumour")["diagnosis_date"].data if "tumour" in made.slots else None
    fine = True
    for part in made:
        if part.locked or part.is_empty or not made.arises(part.slot):
            continue
        fine = _dates_of(part, patient, diagnosed) and fine
    return fine


def _dates_of(part: Part, patient: Patient, diagnosed: Any) -> bool:
    about = Tumour(diagnosis_date=diagnosed) if diagnosed else None
    problems = actions.date_problems(
        part.slot.entity, patient, part.stated().values, entry=part.entry, tumour=about
    )
    for problem in problems:
        words = wording.reason(problem.reason)
        place = part.place(problem.variable)
        (place.errors if problem.severity == REFUSE else place.warnings).append(words)
    return not any(problem.severity == REFUSE for problem in problems)


def refuse(made: Sheet, outcome: keeping.Outcome) -> None:
    """Show what could not be kept where it was typed."""
    by_key = {part.key: part for part in made}
    for key, column, message in outcome.refusals:
        by_key[key].place(column).errors.append(message)


def clashes(made: Sheet, outcome: keeping.Outcome) -> list[dict[str, str]]:
    """Question by question: what was typed here, what stands in the record now."""
    lines = []
    for part in made:
        if part.key not in outcome.clashes:
            continue
        entry = queries.entry(web.viewer(), part.slot.entity, part.entry_id)
        said = part.stated()
        for name in part.slot.names:
            mine = wording.value(part.slot.entity, name, said.values[name])
            stands = wording.value(part.slot.entity, name, getattr(entry, name))
            mine = mine or wording.absence(said.absent.get(name))
            stands = stands or wording.absence(entry.absent.get(name))
            if mine != stands:
                label = f"{part.called}: {wording.label(part.slot.entity, name)}"
                lines.append({"label": label, "mine": mine, "stands": stands})
        part.entry, part.version = entry, entry.version
    return lines


def _further(desk: Desk) -> Any:
    """One more row, or the rest of a group answered, without scripts: kept as a draft, shown."""
    slot = request.form.get("add", "")
    kept = desk.sheet.kept()
    if slot in desk.sheet.slots:
        kept[f"{slot}__rows"] = [str(len(desk.sheet.parts[slot]) + 1)]
    before = sheet_draft(web.viewer(), desk.patient.id, desk.page)
    version = before.version if before else 0
    keeping.keep_draft(desk.patient, desk.page, kept, by=web.viewer(), version=version)
    return web.go(
        "course.level_1",
        patient_id=desk.patient.id,
        tumour_id=request.form.get("tumour_id") or None,
        _anchor=slot or request.form.get("rest", "").split("=")[0],
    )


#: Groups whose open questions can be answered together.
GROUPS = {
    "illnesses": ("history", ("cardiac_comorbidity", "renal_comorbidity", "diabetes",
                              "other_malignancy", "family_history_endocrine")),
    "metastases": ("staging", ("mets_liver", "mets_nodes_distant", "mets_bone",
                               "mets_peritoneum", "mets_lung", "mets_brain")),
    "treated": ("overview", ("primary_resected", "liver_directed", "ssa", "prrt", "targeted",
                             "chemotherapy")),
}  # fmt: skip


def sheet_rest(typed: MultiDict[str, str], said: str) -> None:
    """Answer the open questions of a group alike: `group=answer`, as the button says."""
    group, _equals, answer = said.partition("=")
    if group in GROUPS and answer in ("no", "absent:not_known"):
        slot, names = GROUPS[group]
        for name in names:
            if not typed.get(f"{slot}__0__{name}"):
                typed.setlist(f"{slot}__0__{name}", [answer])


def _page(desk: Desk, both: list[dict[str, str]] | None = None) -> str:
    audit.opened(
        "opened level 1",
        by=web.viewer(),
        subject=("patient", desk.patient.id),
        patient_id=desk.patient.id,
    )
    complete = desk.completeness()
    return render_template(
        "course/level1.html",
        desk=desk,
        sheet=desk.sheet,
        who=desk.who,
        both=both,
        complete=complete,
        start=request.args.get("from") or (complete.gap.anchor if complete.gap else ""),
        referral=_referral(desk.patient.id),
        identity=patients.identity(desk.patient),
        tumour_words=wording.tumour,
        groups=GROUPS,
        therapies=level1.THERAPIES,
        laboratory=level1.LABORATORY,
        blank={s.key: sheet.blank(s, desk.sheet.form_key) for s in level1.SLOTS if s.many},
        draft_version=_draft_version(desk),
    )


def _draft_version(desk: Desk) -> Any:
    return request.form.get("version") or (desk.draft.version if desk.draft else 0)


@room.page("/patients/<uuid:patient_id>/level-1/draft", right=Right.WRITE_COURSE, methods=("POST",))
def level_1_draft(patient_id: UUID) -> Any:
    """The page saves itself as a draft."""
    patient = patients.patient_to_write(web.viewer(), patient_id)
    desk = Desk(patient, web.as_id(request.form.get("tumour_id")), _sent())
    return keep_draft(desk.sheet, patient, desk.page)


def keep_draft(made: Sheet, patient: Patient, page: str) -> Any:
    """Keep a draft, or throw it away where that was asked; answered to a script or to a person."""
    if request.form.get("do") == "discard":
        keeping.drop_draft(patient, page, by=web.viewer())
        web.done(_("What was not saved is thrown away."))
        where = "course.visit" if page == "visit" else "course.level_1"
        return web.go(where, patient_id=patient.id)
    version = web.as_number(request.form.get("version")) or 0
    try:
        draft = keeping.keep_draft(patient, page, made.kept(), by=web.viewer(), version=version)
    except Conflict:
        return jsonify(link=request.referrer or ""), 409
    return jsonify(version=draft.version, saved_at=draft.saved_at.isoformat())


@room.page("/patients/<uuid:patient_id>/completeness", right=Right.READ_RECORD)
def complete(patient_id: UUID) -> Any:
    """Levels 1 and 2 of one record, section by section."""
    record = queries.record(web.viewer(), patient_id)
    audit.opened(
        "opened completeness",
        by=web.viewer(),
        subject=("patient", patient_id),
        patient_id=patient_id,
    )
    tumour_id = web.as_id(request.args.get("tumour_id"))
    tumour = next((one for one in record.tumours if one.id == tumour_id), None)
    kinds = patients.relation(web.viewer(), patient_id)
    return render_template(
        "course/completeness.html",
        found=completeness_of(record, tumour),
        record=record,
        tumour=tumour or (record.tumours[0] if record.tumours else None),
        tumour_words=wording.tumour,
        identity=patients.identity(record.patient),
        may_write=patients.may_write(web.viewer(), kinds),
        may_change=patients.may_write(web.viewer(), kinds) and patient_rules.TREATING in kinds,
    )
