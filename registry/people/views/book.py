"""The audit, read by administrators and privacy officers; reading it is kept in it."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any
from uuid import UUID

from flask import Response, current_app, render_template, request, url_for

from registry import audit, web
from registry.access import ROLE_LABELS, Right, Role
from registry.language import gettext as _
from registry.people.queries import book
from registry.people.queries.book import Entry, Filters
from registry.people.rules import words
from registry.people.views.room import room

ASKED = ("since", "until", "who", "organisation", "action", "kind", "pseudonym")
#: What a cell must not begin with: a spreadsheet would take it for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
audit.learn(words.ACTIONS)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def _filters(chosen: dict[str, str]) -> Filters:
    pseudonym = chosen["pseudonym"]
    patient_id: UUID | None = None
    if pseudonym:
        find = current_app.extensions["netreg_patient_of_pseudonym"]
        patient_id = find(web.viewer(), pseudonym)
    return Filters(
        since=_day(chosen["since"]),
        until=_day(chosen["until"]),
        who=chosen["who"],
        organisation_id=web.as_id(chosen["organisation"]),
        action=chosen["action"] if chosen["action"] in audit.words() else "",
        kind=chosen["kind"] if chosen["kind"] in kinds() else "",
        patient_id=patient_id,
        nobody=bool(pseudonym) and patient_id is None,
    )


def kinds() -> dict[str, Any]:
    """The kinds of subjects in words: those of the rooms, and the entries of a record."""
    return {**current_app.extensions["netreg_entry_kinds"](), **words.SUBJECTS}


def _chosen() -> dict[str, str]:
    return {name: request.args.get(name, "").strip()[:100] for name in ASKED}


def _word_of(entry: Entry) -> str:
    return audit.word(entry.action)


def _changes(entry: Entry) -> str:
    """What changed, in words, of things that are about no patient."""
    said = []
    for name, pair in entry.changes.items():
        if name not in _LABELS:
            continue  # a word of the inside, such as the number of a record
        before, after = pair if isinstance(pair, list) and len(pair) == 2 else (None, pair)
        label = _LABELS[name]()
        if name == "role":
            before, after = (_role(one) for one in (before, after))
        shown = [one for one in (before, after) if isinstance(one, (str, int, float)) and one != ""]
        if name == "cover" or not shown:
            said.append(str(label))
        elif len(shown) == 2 and shown[0] != shown[1]:
            said.append(f"{label}: {shown[0]} → {shown[1]}")
        else:
            said.append(f"{label}: {shown[-1]}")
    return "; ".join(said)


def _role(code: Any) -> Any:
    return str(ROLE_LABELS[Role(code)]) if code in {one.value for one in Role} else code


_LABELS = {
    "role": lambda: _("role"),
    "organisation": lambda: _("organisation"),
    "code": lambda: _("code"),
    "project": lambda: _("project"),
    "cover": lambda: _("cover"),
    "until_date": lambda: _("last day"),
    "name": lambda: _("name"),
    "email": lambda: _("e-mail address"),
    "telephone": lambda: _("telephone"),
    "kind": lambda: _("kind"),
    "country": lambda: _("country"),
    "region": lambda: _("region"),
    "city": lambda: _("city"),
    "latitude": lambda: _("latitude"),
    "longitude": lambda: _("longitude"),
    "time_zone": lambda: _("time zone"),
    "languages": lambda: _("languages"),
    "emergency_telephone": lambda: _("emergency telephone"),
    "sites": lambda: _("primary sites"),
    "services": lambda: _("services"),
    "weekly_capacity": lambda: _("cases in a week"),
    "board_weekday": lambda: _("day of the board"),
    "board_cutoff": lambda: _("until when cases are listed"),
    "cutoff_weekday": lambda: _("last day to list a case"),
    "cutoff_time": lambda: _("last time to list a case"),
    "countries": lambda: _("countries it takes patients from"),
    "how_to_refer": lambda: _("how to refer"),
    "website": lambda: _("website"),
    "accreditation": lambda: _("accreditation"),
}


@room.page("/administration/audit", right=Right.READ_AUDIT)
def audit_book() -> Any:
    """Who did or opened what, newest first."""
    viewer, chosen = web.viewer(), _chosen()
    filters = _filters(chosen)
    before = web.as_number(request.args.get("before"), digits=15)
    found = book.entries(viewer, filters, before=before)
    shown = found[: book.SHOWN]
    audit.opened(
        "opened audit", by=viewer, subject=("audit", "page"), patient_id=filters.patient_id
    )
    kept: dict[str, Any] = {name: text for name, text in chosen.items() if text}
    older = ""
    if len(found) > len(shown):
        older = url_for("people.audit_book", **kept, before=shown[-1].number)
    return render_template(
        "people/audit.html",
        entries=shown,
        chosen=chosen,
        filtered=bool(kept),
        nobody=filters.nobody,
        older=older,
        first=not before,
        first_url=url_for("people.audit_book", **kept),
        csv_url=url_for("people.audit_csv", **kept),
        most=book.MOST_LINES,
        pseudonyms=_pseudonyms(shown),
        places=book.places(viewer),
        actions=sorted(((code, audit.word(code)) for code in audit.words()), key=lambda x: x[1]),
        kinds=sorted(((code, str(text)) for code, text in kinds().items()), key=lambda x: x[1]),
        kind_words={code: str(text) for code, text in kinds().items()},
        word_of=_word_of,
        changes_of=_changes,
    )


def _pseudonyms(entries: list[Entry]) -> dict[UUID, str]:
    ids = {one.patient_id for one in entries if one.patient_id}
    found: dict[UUID, str] = current_app.extensions["netreg_pseudonyms"](web.viewer(), ids)
    return found


@room.page("/administration/audit.csv", right=Right.READ_AUDIT)
def audit_csv() -> Any:
    """The same as a file."""
    viewer = web.viewer()
    filters = _filters(_chosen())
    entries = list(book.all_entries(viewer, filters))
    audit.opened(
        "downloaded audit", by=viewer, subject=("audit", "csv"), patient_id=filters.patient_id
    )
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        [
            _("When (UTC)"), _("Who"), _("For"), _("Organisation"), _("What"), _("About"),
            _("Pseudonym"), _("Changes"),
        ]
    )  # fmt: skip
    names = kinds()
    pseudonyms: dict[UUID, str] = {}
    for first in range(0, len(entries), 500):
        pseudonyms |= _pseudonyms(entries[first : first + 500])
    for one in entries:
        line = [
            one.at.isoformat(timespec="seconds"),
            one.who,
            one.for_name,
            one.organisation,
            _word_of(one),
            str(names.get(one.kind, _("Other"))),
            pseudonyms.get(one.patient_id, "") if one.patient_id else "",
            _changes(one),
        ]
        writer.writerow([cell(text) for text in line])
    return Response(
        "\ufeff" + out.getvalue(),
        mimetype="text/csv",
        headers={"Content-Disposition": "attachment; filename=audit.csv"},
    )


def cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
