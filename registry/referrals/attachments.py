"""Files of a referral: reports, pictures and key images, and those of its messages and answers.

How a room's page has files is told in docs/documents.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from werkzeug.datastructures import FileStorage

from registry.access import Right, Viewer
from registry.errors import Forbidden, Invalid
from registry.patients import queries as patients
from registry.patients.documents import arriving, queries
from registry.patients.documents.queries import ArrivingRow, DocumentRow
from registry.referrals import rules
from registry.referrals.models import Referral
from registry.referrals.queries import sides

#: The largest request with files in it, as a browser without scripts sends them.
LARGEST_REQUEST = 41 * 1024 * 1024 + 256 * 1024

Belongs = tuple[str, UUID]


@dataclass(frozen=True)
class Files:
    """The files of a referral as a page shows them."""

    referral_id: UUID
    rows: list[DocumentRow]
    under_way: list[ArrivingRow]
    may_add: bool

    @property
    def to_decide(self) -> int:
        """How many wait for a decision of whoever sent them."""
        return sum(1 for one in self.under_way if one.state in ("differs", "refused"))

    def of(self, kind: str, subject_id: UUID) -> list[DocumentRow]:
        """Those of one message or answer."""
        return [one for one in self.rows if (one.entry_kind, one.entry_id) == (kind, subject_id)]


def may_add(viewer: Viewer, referral: Referral) -> bool:
    """May the viewer send files with a referral they were given?"""
    return (
        viewer.may(Right.STEP)
        and bool(sides(viewer, referral))
        and referral.state != rules.WITHDRAWN
    )


def files(viewer: Viewer, referral: Referral) -> Files:
    """The files of a referral that was fetched for the viewer. Three queries, any number."""
    kinds = patients.relation(viewer, referral.patient_id)
    return Files(
        referral.id,
        queries.of_referral(viewer, referral.id, referral.patient_id, kinds),
        queries.arriving(viewer, referral.id, referral.patient),
        may_add(viewer, referral),
    )


def begin(
    referral: Referral,
    *,
    by: Viewer,
    name: str,
    size: int,
    kind: str = "",
    belongs: Belongs | None = None,
) -> UUID:
    """Say that a file will come with a referral; gives its id. Raises Forbidden and Invalid."""
    if not may_add(by, referral):
        raise Forbidden()
    return arriving.begin(
        referral.patient,
        by=by,
        name=name,
        size=size,
        kind=kind,
        referral_id=referral.id,
        entry=belongs,
    ).id


def receive(
    referral: Referral,
    sent: Iterable[FileStorage],
    *,
    by: Viewer,
    kind: str = "",
    belongs: Belongs | None = None,
) -> list[UUID]:
    """Take the files that came with a form; gives their ids. They are looked at in the background.

    Raises Invalid, with the name of the file, for one that is not taken at all.
    """
    taken = []
    for one in sent:
        if not one.filename:
            continue
        size = one.stream.seek(0, 2)
        one.stream.seek(0)
        try:
            arriving_id = begin(
                referral, by=by, name=one.filename, size=size, kind=kind, belongs=belongs
            )
            arriving.take_whole(arriving.found(by, arriving_id), one.stream)
        except Invalid as refused:
            raise Invalid(refused.message, field="files") from refused
        taken.append(arriving_id)
    return taken


def link(ids: Iterable[UUID], *, to: Belongs, referral: Referral, by: Viewer) -> None:
    """Have files the viewer sent before, by script, belong to a message or an answer."""
    arriving.link(ids, to=to, referral_id=referral.id, by=by)


def sent_before(form: Mapping[str, Any]) -> list[UUID]:
    """The ids of files that a page's script sent before its form (`attached`)."""
    found = []
    for text in form.getlist("attached"):  # type: ignore[attr-defined]
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found[:50]
