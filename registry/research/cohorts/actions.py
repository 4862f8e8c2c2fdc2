"""Making cohorts, saving versions of them, and telling how many they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask_babel import force_locale

from registry import audit
from registry.access import Right, Viewer
from registry.db import db, now
from registry.errors import Conflict, Forbidden, Invalid
from registry.keys import ring
from registry.language import gettext as _
from registry.research.cohorts import criteria, disclosure, evaluating
from registry.research.cohorts.criteria import Criteria, Criterion, Path
from registry.research.models import Cohort, CohortVersion, ToldCount


def _name(text: str) -> str:
    name = text.strip()
    if not name:
        raise Invalid(_("Enter a name."), field="name")
    if len(name) > 200:
        raise Invalid(_("A name has at most 200 letters."), field="name")
    return name


def make_cohort(*, by: Viewer, name: str, like: dict[str, Any] | None = None) -> Cohort:
    """Begin a cohort: everybody of research, or criteria that may be read."""
    by.need(Right.COUNT)
    if by.person_id is None:
        raise Forbidden()
    made = Cohort(
        name=_name(name),
        owner_id=by.person_id,
        criteria=like or Criteria().as_json(),
        told=[],
    )
    db.session.add(made)
    db.session.flush()
    _recount(made)
    audit.record("made cohort", by=by, subject=("cohort", made.id))
    return made


def _own(cohort: Cohort, by: Viewer) -> None:
    by.need(Right.COUNT)
    if cohort.owner_id != by.person_id:
        raise Forbidden(_("Only the person who made a cohort changes it. You can copy it."))


#: So many earlier states of what is being worked on can be gone back to.
_UNDO = 20


def _change(cohort: Cohort, fresh: Criteria, by: Viewer) -> None:
    if fresh.as_json() == cohort.criteria:
        return
    cohort.earlier = [*cohort.earlier, cohort.criteria][-_UNDO:]
    _set(cohort, fresh.as_json(), by)


def _set(cohort: Cohort, kept: dict[str, Any], by: Viewer) -> None:
    cohort.criteria, cohort.changed_at = kept, now()
    _recount(cohort)
    db.session.flush()
    audit.record("changed cohort", by=by, subject=("cohort", cohort.id))


def add_criterion(
    cohort: Cohort,
    *,
    by: Viewer,
    path: Path | None,
    match: str,
    added: Criterion,
    grouped: bool = False,
) -> None:
    """Add a criterion to the step or group there, `grouped` as the first of a new group in it, or
    for None as a new step. Raises Forbidden, Invalid."""
    _own(cohort, by)
    if match not in criteria.MATCHES:
        raise Invalid(_("Choose how these hold."), field="match")
    asked = Criteria.of(cohort.criteria)
    if grouped and path:
        _change(cohort, _sensible(lambda: asked.with_group(path, match, added)), by)
    else:
        _change(cohort, _sensible(lambda: asked.with_criterion(path, match, added)), by)


def _sensible(made: Callable[[], Criteria]) -> Criteria:
    """Criteria that were made, or Invalid where they say nothing."""
    try:
        return made()
    except criteria.Unclear as unclear:
        raise Invalid(str(unclear), field=unclear.field) from unclear


def change_criterion(cohort: Cohort, *, by: Viewer, path: Path, instead: Criterion) -> None:
    """Put another criterion in the place of the one there. Raises Forbidden, Invalid."""
    _own(cohort, by)
    asked = Criteria.of(cohort.criteria)
    _change(cohort, _sensible(lambda: asked.with_other(path, instead)), by)


def drop_criterion(cohort: Cohort, *, by: Viewer, path: Path) -> None:
    """Take a criterion, group or step out. Raises Forbidden, Invalid."""
    _own(cohort, by)
    _change(cohort, _sensible(lambda: Criteria.of(cohort.criteria).without(path)), by)


def set_match(cohort: Cohort, *, by: Viewer, path: Path, match: str) -> None:
    """Say how the criteria of a step or group hold. Raises Forbidden, Invalid."""
    _own(cohort, by)
    _change(cohort, _sensible(lambda: Criteria.of(cohort.criteria).matched(path, match)), by)


def undo(cohort: Cohort, *, by: Viewer) -> None:
    """Go back to what was there before the last change. Raises Forbidden, Conflict."""
    _own(cohort, by)
    if not cohort.earlier:
        raise Conflict(_("There is no change to undo."))
    before = cohort.earlier[-1]
    cohort.earlier = cohort.earlier[:-1]
    _set(cohort, before, by)


def take_version(cohort: Cohort, *, by: Viewer, saved: CohortVersion) -> None:
    """Go on from a saved version of it. Raises Forbidden."""
    _own(cohort, by)
    _change(cohort, Criteria.of(saved.criteria), by)


def rename(cohort: Cohort, *, by: Viewer, name: str) -> None:
    """Give it another name. Raises Forbidden, Invalid."""
    _own(cohort, by)
    cohort.name = _name(name)
    db.session.flush()
    audit.record("renamed cohort", by=by, subject=("cohort", cohort.id))


def discard(cohort: Cohort, *, by: Viewer) -> None:
    """Throw one away of which no version was saved. What was told of it is remembered. Raises
    Forbidden, Conflict."""
    _own(cohort, by)
    if cohort.versions:
        raise Conflict(_("A cohort with saved versions is kept: a request may name one."))
    audit.record("discarded cohort", by=by, subject=("cohort", cohort.id))
    db.session.delete(cohort)
    db.session.flush()


def count_again(cohort: Cohort, *, by: Viewer) -> None:
    """Count with what the registry holds now."""
    _own(cohort, by)
    cohort.changed_at = now()
    _recount(cohort)
    audit.record("counted cohort", by=by, subject=("cohort", cohort.id))


def save_version(cohort: Cohort, *, by: Viewer) -> CohortVersion:
    """Keep the criteria as they are, under the next number. Raises Conflict where nothing changed
    since the last."""
    _own(cohort, by)
    last = cohort.versions[0] if cohort.versions else None
    if last is not None and last.criteria == cohort.criteria:
        raise Conflict(_("Version %(n)s has the same criteria.", n=last.number))
    asked = Criteria.of(cohort.criteria)
    with force_locale("en"):  # like a release, what is frozen is in English
        sentence = criteria.sentence(asked, evaluating.spoken(asked, evaluating.subjects()))
    saved = CohortVersion(
        cohort_id=cohort.id,
        number=last.number + 1 if last else 1,
        criteria=cohort.criteria,
        sentence=sentence,
        told=cohort.told,
        saved_by=cohort.owner_id,
    )
    db.session.add(saved)
    db.session.flush()
    db.session.expire(cohort, ["versions"])
    audit.record(
        "saved cohort",
        by=by,
        subject=("cohort", cohort.id),
        changes={"number": [None, saved.number]},
    )
    return saved


def share(cohort: Cohort, *, by: Viewer, shared: bool) -> None:
    """Let other researchers read it by its link, or no longer."""
    _own(cohort, by)
    before, cohort.shared = cohort.shared, shared
    db.session.flush()
    audit.record(
        "shared cohort", by=by, subject=("cohort", cohort.id), changes={"shared": [before, shared]}
    )


# -- telling -----------------------------------------------------------------------------------


def tell(sets: Sequence[set[UUID]]) -> list[disclosure.Answer]:
    """What may be told of each set of patients, kept so that later ones are compared with it.

    By whoever asks, for whatever project, in whatever words: there is one memory for the house.
    """
    _see_each_other()
    key = key_of_marks()
    return [_tell(len(people), disclosure.sketch(people, key)) for people in sets]


def tell_grown(sets: Sequence[disclosure.Growing]) -> list[disclosure.Answer]:
    """The same of sets of which only size and sketch are there, made with `key_of_marks`."""
    _see_each_other()
    return [_tell(one.size, one.sketch) for one in sets]


def key_of_marks() -> bytes:
    """The key by which people are marked in sketches."""
    return ring().derive("disclosure control")


def _see_each_other() -> None:
    if db.engine.dialect.name == "postgresql":  # two who count at once must see each other
        db.session.execute(sa.text("LOCK TABLE told_count IN SHARE ROW EXCLUSIVE MODE"))


def _tell(size: int, mark: bytes) -> disclosure.Answer:
    near = sa.select(ToldCount.sketch, ToldCount.number).where(
        ToldCount.size.between(size - disclosure.NEAR, size + disclosure.NEAR)
    )
    earlier = [disclosure.Told(*row) for row in db.session.execute(near)]
    found = disclosure.answer(size, mark, earlier)
    if found.fresh:
        db.session.add(ToldCount(size=size, sketch=mark, number=found.number))
        db.session.flush()
    return found


def _recount(cohort: Cohort) -> None:
    left = evaluating.people(db.session.execute, Criteria.of(cohort.criteria))
    cohort.told = [as_json(one) for one in tell(left)]


def count(asked: Criteria, *, by: Viewer) -> list[dict[str, Any]]:
    """What is told of criteria that are kept nowhere, step by step: for the command."""
    by.need(Right.COUNT)
    return [as_json(one) for one in tell(evaluating.people(db.session.execute, asked))]


def as_json(told: disclosure.Answer) -> dict[str, Any]:
    """A number, or why there is none."""
    if told.withheld:
        return {"number": None, "why": "near_another"}
    return {"number": told.number, "why": "few" if told.number is None else ""}
