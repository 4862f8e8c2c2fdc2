"""Edit checks in a form: what cannot be is refused at its field, the rest is asked about once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from registry import web
from registry.clinical.edit_checks import REFUSE, Finding
from registry.course import actions, facts, following, queries, wording
from registry.course.forms import EntryForm
from registry.course.queries.findings import row
from registry.course.rules import checks
from registry.course.views.desk import Desk


def draft_row(desk: Desk, form: EntryForm, entry_id: Any) -> dict[str, Any]:
    """The entry as it would be kept, for the checks across entries.

    What contradicts itself within a grade or stage is shown beside it and not asked about.
    """
    said, draft = form.stated(), desk.draft(form)
    found = row(desk.entry) if desk.entry is not None else {}
    found |= following.derived_columns(draft)
    found |= {name: facts.plain(value) for name, value in said.values.items()}
    found |= {f"{name}_id": str(one.id) if one else "" for name, one in draft.links.items()}
    return found | {"id": str(entry_id), "absent": said.absent, "error_at": None, "findings": []}


def found(
    desk: Desk,
    form: EntryForm,
    entry_id: Any,
    *,
    derived: Mapping[str, Any] | None = None,
    beside: Mapping[str, list[dict[str, Any]]] | None = None,
) -> list[Finding]:
    """What the entry as it is typed would contradict; with what is `derived` from it, and with the
    entries that would be kept `beside` it, by entity."""
    this = draft_row(desk, form, entry_id) | dict(derived or {}) | {"findings": []}
    return queries.draft_findings(desk.patient, {desk.entity: [this], **(beside or {})})


def show(desk: Desk, form: EntryForm, findings: Iterable[Finding], entry_id: Any) -> None:
    """Put each finding where it is entered: an error where it cannot be, else a warning.

    What was accepted for these very values is asked about no more.
    """
    accepted = (desk.entry.accepted or {}) if desk.entry is not None else {}
    for one in findings:
        name = checks.field_of(one, desk.entity)
        text = wording.reason(one.reason)
        if one.severity == REFUSE and name in form:
            form.refuse(name, text)
        elif one.code != checks.UNUSUAL and not _is_accepted(one, accepted):
            form.warn(name if name in form else form.first_name, text)


def accept_shown(
    patient: Any, entries: Iterable[Any], shown: Iterable[Finding], because: str
) -> None:
    """Keep the reason given for what was shown of entries that were just kept."""
    codes = {one.code for one in shown if one.severity != REFUSE}
    if not because or not codes:
        return
    open_ = [one for one in queries.findings_at(patient, entries) if one.accepted is None]
    for entry in entries:
        keys = {
            one.key: one.mark
            for one in open_
            if one.entry.id == entry.id
            and one.finding.code in codes
            and one.finding.severity != REFUSE
        }
        if keys:
            actions.accept(
                entry, by=web.viewer(), version=entry.version, warnings=keys, because=because
            )


def _is_accepted(one: Finding, accepted: Any) -> bool:
    return bool(accepted.get(checks.key_of(one), {}).get("mark") == checks.mark_of(one))


def to_accept(findings: Iterable[Finding], entity: str, entry_id: UUID) -> dict[str, str]:
    """The warnings shown at an entry: key and mark, for `actions.accept`."""
    return {
        checks.key_of(one): checks.mark_of(one)
        for one in findings
        if one.severity != REFUSE and one.entries[0] == (entity, str(entry_id))
    }
