"""What a release says of the one before it."""

from __future__ import annotations

import io

from registry.dates import PartialDate, today
from registry.db import db
from registry.patients import actions as patients
from registry.research.releases import changes
from tests import make_research

OLD = "patient_id,tumour_id,site,absent\nA,1,C25,\nA,2,C17,\nB,1,C34,\n"
NEW = "patient_id,tumour_id,site,size\nA,1,C25,3\nA,3,C17,4\nB,1,C35,\nC,1,C25,\n"


def test_rows_are_compared_by_patient_and_row() -> None:
    found = changes.between(io.StringIO(OLD), io.StringIO(NEW))
    assert (found.added, found.gone, found.changed) == (2, 1, 1)
    assert found.as_json()["cells_changed"] == {"site": 1}
    assert (found.columns_new, found.columns_gone) == (["size"], ["absent"])


def test_who_withdrew_or_is_restricted_leaves_the_next_release_with_a_count(client) -> None:
    clara = make_research.clinic()
    anna, bea, cora, *_rest = make_research.patients(4, by=clara)
    entry = make_research.entry(bea, "tumour", primary_site="C25.2")
    given = make_research.grant(make_research.office())
    first = make_research.made(given)
    assert first.manifest["made"]["since_previous"] is None
    patients.answer_consent(anna.id, "research_use", "no", by=clara)
    patients.restrict(cora.id, "objection", "", by=clara, asked_on=PartialDate.of(today()))
    make_research.patients(1, "male", by=clara)
    entry.primary_site = "C25.0"
    db.session.commit()
    second = make_research.made(given)
    since = second.manifest["made"]["since_previous"]
    assert (since["release"], since["patients_added"], since["patients_gone"]) == (1, 1, 2)
    assert since["patients_gone_without_consent"] == 2
    assert since["files"]["tumours.csv"]["cells_changed"] == {"primary_site": 1}
    third = make_research.made(given)
    assert third.manifest["made"]["since_previous"]["patients_gone"] == 0
    assert (
        make_research.content(second)["patients.csv"]
        == make_research.content(third)["patients.csv"]
    )
