"""Saying whether two records are of one patient."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm.attributes import flag_modified

from registry import audit
from registry.access import Viewer
from registry.db import db, new_id, now
from registry.errors import Conflict, Invalid
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.patients.matching import merging, pairs, queries, states
from registry.patients.matching.models import Match, MatchAnswer, Merge
from registry.patients.models import Patient
from registry.people import actions as people

audit.learn(
    {
        "found a pair": _l("Found two records that may be of one patient"),
        "opened pair": _l("Opened a pair of records that may be of one patient"),
        "answered pair": _l("Said whether two records are of one patient"),
        "asked again of pair": _l("Opened the question again whether two records are of one"),
        "joined records": _l("Joined two records of a patient"),
        "took records apart": _l("Took two joined records apart"),
    }
)


def answer(found: Match, said: str, *, by: Viewer, version: int, because: str = "") -> None:
    """Say of a pair whether it is one person; what follows is in `states.follows`.

    Raises Invalid for no answer, Conflict on an old copy or where it was decided meanwhile.
    """
    if said not in states.ANSWERS:
        raise Invalid(_("Choose one of the options."), field="answer")
    _fresh(found, version)
    if found.state != states.OPEN:
        raise Conflict(_("This was decided meanwhile."))
    side = queries.side_of(by, found)
    before = found.asked
    db.session.add(
        MatchAnswer(
            id=new_id(), match_id=found.id, side=side, answer=said, because=because.strip(),
            by=by.person_id, organisation_id=by.organisation_id,
        )
    )  # fmt: skip
    db.session.flush()
    newest = {one.side: one.answer for one in pairs.answers(found.id)}
    found.state, found.asked = states.follows(found.asked, newest)
    if found.state == states.APART:
        found.decided_at, found.decided_by = now(), by.person_id
        found.decided_organisation_id = by.organisation_id
    # A change that leaves the row as it was still makes another copy of it.
    flag_modified(found, "agreement")
    db.session.flush()
    _record("answered pair", found, side, said, by=by)
    if found.asked != before or found.state == states.SAME:
        told = [one for one in pairs.asked_people(found) if one != by.person_id]
        pairs.tell_once(dict.fromkeys(told, found.id))


def ask_again(found: Match, *, by: Viewer, version: int) -> None:
    """Open a pair again that was held for two people: somebody was mistaken."""
    _fresh(found, version)
    if found.state != states.APART:
        raise Conflict(_("This was decided meanwhile."))
    side = queries.side_of(by, found)
    db.session.add(
        MatchAnswer(
            id=new_id(), match_id=found.id, side=side, answer=states.UNSURE, by=by.person_id,
            organisation_id=by.organisation_id,
        )
    )  # fmt: skip
    for other in (states.FIRST, states.SECOND, states.BOTH):
        newest = {one.side: one.answer for one in pairs.answers(found.id)}
        if newest.get(other) == states.IS_APART and other != side:
            raise Conflict(_("The other side holds them for two people: ask it."))
    found.state, found.decided_at, found.decided_by = states.OPEN, None, None
    found.decided_organisation_id = None
    db.session.flush()
    _record("asked again of pair", found, side, states.UNSURE, by=by)


def join(
    found: Match, kept: Patient, moved: Patient, *, by: Viewer, version: int, because: str,
    take: list[str], chosen: dict[str, str],
) -> Merge:  # fmt: skip
    """Join the records of a pair that is held for one person, and tell those who had either.

    Raises what `merging.join` does, and Conflict on an old copy.
    """
    _fresh(found, version)
    places = pairs.places_of((kept.id, moved.id))
    made = merging.join(kept, moved, by=by, because=because, take=take, chosen=chosen, match=found)
    _tell(made, places[kept.id] | places[moved.id], "records_joined", by=by)
    return made


def take_apart(merge: Merge, *, by: Viewer, because: str) -> None:
    """Take joined records apart, and tell those who have either."""
    merging.take_apart(merge, by=by, because=because)
    places = pairs.places_of((merge.kept_id, merge.moved_id))
    _tell(merge, places[merge.kept_id] | places[merge.moved_id], "records_taken_apart", by=by)


def _fresh(found: Match, version: int) -> None:
    if found.version != version:
        raise Conflict(_("This was changed by somebody else while you were working on it."))


def _record(what: str, found: Match, side: str, said: str, *, by: Viewer) -> None:
    """Kept with the records whose side was answered for: the other one's readers learn nothing."""
    about = {
        states.FIRST: (found.first_id,),
        states.SECOND: (found.second_id,),
        states.BOTH: (found.first_id, found.second_id),
    }[side]
    for patient_id in about:
        audit.record(
            what, by=by, subject=("match", found.id), patient_id=patient_id,
            changes={"answer": [None, said]},
        )  # fmt: skip


def _tell(merge: Merge, places: set[UUID], why: str, *, by: Viewer) -> None:
    told = {one for some in pairs.who_answer(places).values() for one in some}
    people.tell(sorted(told - {by.person_id}), why, subject=("patient_merge", merge.id))
