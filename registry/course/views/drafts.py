"""What is typed into the page of an entry, a table or an assessment, and is not saved yet.

The page sends itself while it is typed into; opened again it shows what was typed and says so.
What is kept are the page's own boxes and nothing else, so that no identity gets into a draft.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import jsonify, request
from werkzeug.datastructures import MultiDict

from registry import web
from registry.access import Right
from registry.course import facts, queries
from registry.course.actions import sheet as keeping
from registry.course.forms import table as rows_
from registry.course.forms.assessment import ASKED, LESION, SIZE
from registry.course.forms.table import TABLES
from registry.course.models import BY_NAME, SheetDraft, links_of
from registry.course.queries.drafts import sheet_draft
from registry.course.views.desk import Desk
from registry.course.views.room import room
from registry.errors import Conflict, Invalid
from registry.forms import again, raw
from registry.language import gettext as _
from registry.patients import queries as patients
from registry.patients.models import Patient

#: Boxes of a page that are no questions: which entry, begun from what, why the unusual is right.
_BESIDE = {"entry_id", "because", "opened", "asked", "new", "baseline"}
_PAGE = re.compile(r"(entry|new|table|assessment):([a-z0-9_]+)(?::([0-9a-f-]{8,36}))?")
_ROW = re.compile(r"([rs][0-9]{1,6})-(.+)")
_OF_A_ROW = {"id", "version", "lesion", "known", "same"}
_LONGEST = 60  # of a page's name, as its column
#: More than this nobody types into a page.
MOST = 300_000  # characters


@dataclass(frozen=True)
class Typed:
    """A draft on the desk: what was typed, as if it were sent now."""

    draft: SheetDraft
    sent: MultiDict[str, str]

    @property
    def opened(self) -> int | None:
        """The version of the entry that was opened when this was typed."""
        return web.as_number(self.sent.get("opened"))


# -- which page ----------------------------------------------------------------------------------


def asked(desk: Desk) -> dict[str, str]:
    """What the address of a page asks for, beside the entity."""
    names = (*links_of(desk.model), "from", "review_of", "new")
    return {name: request.args[name] for name in names if request.args.get(name)}


def entry_page(desk: Desk) -> str:
    """The page of one entry; of a new one by what its address asks for."""
    if desk.entry is not None:
        return f"entry:{desk.entity}:{desk.entry.id}"
    return f"new:{desk.entity}:{_digest(asked(desk))}"


def table_page(desk: Desk, parent: Any) -> str:
    """The page of a table, by what its rows belong to."""
    return f"table:{desk.entity}" + (f":{parent.id}" if parent is not None else "")


def assessment_page(desk: Desk) -> str:
    """The page of an assessment with its lesions."""
    if desk.entry is not None:
        return f"assessment:response:{desk.entry.id}"
    return f"assessment:response:{_digest(asked(desk))}"


def _digest(said: Mapping[str, str]) -> str:
    text = "&".join(f"{name}={value}" for name, value in sorted(said.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


# -- reading -------------------------------------------------------------------------------------


def typed(patient: Patient, page: str) -> Typed | None:
    """What this person typed into a page and did not save; asked when the page is opened."""
    draft = sheet_draft(web.viewer(), patient.id, page)
    return Typed(draft, again(draft.typed)) if draft is not None else None


def is_kept_already(entity: str, sent: Mapping[str, str]) -> bool:
    """Was the new entry of a page saved meanwhile?"""
    return queries.exists(entity, web.as_id(sent.get("entry_id")))


def version_to_send(found: Typed | None) -> Any:
    """Which draft the page goes on from."""
    return request.form.get("draft_version") or (found.draft.version if found else 0)


def is_thrown_away() -> bool:
    """Was it asked to throw the draft away?"""
    return request.form.get("do") == "discard"


def throw_away(patient: Patient, page: str) -> Any:
    """Forget what was typed; the page is opened anew."""
    drop(patient, page)
    web.done(_("What was not saved is thrown away."))
    return web.go(str(request.endpoint), **(request.view_args or {}), **request.args.to_dict())


def drop(patient: Patient, page: str) -> None:
    """The page was saved, or thrown away."""
    keeping.drop_draft(patient, page, by=web.viewer())


# -- keeping -------------------------------------------------------------------------------------


@room.page("/patients/<uuid:patient_id>/course/draft", right=Right.WRITE_COURSE, methods=("POST",))
def draft(patient_id: UUID) -> Any:
    """A page saves itself as a draft."""
    patient = patients.patient_to_write(web.viewer(), patient_id)
    page = request.form.get("draft_page", "")
    said = _PAGE.fullmatch(page)
    if said is None or said[2] not in BY_NAME or len(page) > _LONGEST:
        raise Invalid(_("There is no such page."))
    kept = _own_boxes(said[1], said[2])
    if said[1] == "table" and said[2] in TABLES:
        kept = _but_unchanged(patient, said[2], kept)
    if sum(len(text) for texts in kept.values() for text in texts) > MOST:
        raise Invalid(_("This is too much to be kept as a draft. Save it."))
    if said[1] in ("new", "assessment") and is_kept_already(said[2], request.form):
        raise Invalid(_("This was saved meanwhile."))
    version = web.as_number(request.form.get("draft_version")) or 0
    try:
        found = keeping.keep_draft(patient, page, kept, by=web.viewer(), version=version)
    except Conflict:
        return jsonify(link=request.referrer or ""), 409
    return jsonify(version=found.version, saved_at=found.saved_at.isoformat())


def _own_boxes(kind: str, entity: str) -> dict[str, list[str]]:
    """What was typed into the boxes such a page has."""
    columns: Iterable[str] = facts.names(entity)
    if kind == "table" and entity in TABLES:
        columns = TABLES[entity].names
    elif kind == "assessment":
        columns = {*ASKED, *LESION, *SIZE}
    own = {*columns, *links_of(BY_NAME[entity])}
    found = {name: texts for name, texts in raw(request.form).items() if _is_own(name, own)}
    if kind == "entry" or (kind == "assessment" and request.form.get("entry")):
        found["opened"] = [request.form.get("version", "")]
    return found


def _but_unchanged(
    patient: Patient, entity: str, kept: dict[str, list[str]]
) -> dict[str, list[str]]:
    """Without the rows of entries that say what stands: what others make of those is not ours."""
    stands = {one.id: one for one in queries.entries(patient, entity)}
    same = set()
    for row in rows_.sent_rows(entity, again(kept)):
        entry = stands.get(row.entry_id)
        if entry is not None and entry.version == row.version and not row.form.errors:
            stored = rows_.stored_row(entity, row.number, entry)
            if row.form.stated() == stored.form.stated():
                same.add(row.number)
    return {name: texts for name, texts in kept.items() if _row_of(name) not in same}


def _row_of(name: str) -> int | None:
    row = _ROW.fullmatch(name)
    return int(row[1][1:]) if row is not None else None


def _is_own(name: str, own: set[str]) -> bool:
    row = _ROW.fullmatch(name)
    if row is not None:
        return row[2] in _OF_A_ROW or row[2].partition("-")[0] in own
    return name in _BESIDE or name.partition("-")[0] in own
