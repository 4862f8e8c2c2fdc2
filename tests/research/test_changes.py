"""What a release says of the one before it."""

from __future__ import annotations

import csv
import io
import random

import pytest

from registry.dates import PartialDate, today
from registry.db import db
from registry.patients import actions as patients
from registry.research.releases import changes
from tests import make_research

OLD = "patient_id,tumour_id,site,absent\nA,1,C25,\nA,2,C17,\nB,1,C34,\n"
NEW = "patient_id,tumour_id,site,size\nA,1,C25,3\nA,3,C17,4\nB,1,C35,\nC,1,C25,\n"


def test_rows_are_compared_by_patient_and_row() -> None:
    found = changes.between(io.BytesIO(OLD.encode()), io.BytesIO(NEW.encode()))
    assert (found.added, found.gone, found.changed) == (2, 1, 1)
    assert found.as_json()["cells_changed"] == {"site": 1}
    assert (found.columns_new, found.columns_gone) == (["size"], ["absent"])


def _written(rows: dict[tuple[str, str], list[str]]) -> io.BytesIO:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["patient_id", "tumour_id", "site", "size"])
    writer.writerows([*key, *cells] for key, cells in sorted(rows.items()))
    return io.BytesIO(out.getvalue().encode())


@pytest.mark.parametrize("at_once", [64, 300, 1 << 20])
def test_files_are_compared_alike_however_much_is_read_at_once(monkeypatch, at_once) -> None:
    monkeypatch.setattr(changes, "_BYTES", at_once)
    draw = random.Random(at_once)
    cells = ("", "C25", "1;2", 'a "quoted", text', "two\nlines", "Zoë")
    for kept in (0.0, 0.5, 0.9, 1.0):
        keys = [(f"P{draw.randrange(30):02}", f"T{one:03}") for one in range(120)]
        old = {key: [draw.choice(cells), draw.choice(cells)] for key in keys}
        new = {key: list(row) for key, row in old.items() if draw.random() < kept}
        expected = dict.fromkeys(("site", "size"), 0)
        for row in new.values():
            for at, name in enumerate(expected):
                if draw.random() < 0.2:
                    row[at] += "x"
                    expected[name] += 1
        changed = sum(1 for key, row in new.items() if row != old[key])
        more = {
            ("P99" if draw.random() < 0.5 else "A00", f"N{one}"): ["C25", ""] for one in range(9)
        }
        found = changes.between(_written(old), _written(new | more))
        assert (found.added, found.gone, found.changed) == (9, len(old) - len(new), changed)
        assert found.by_column == {name: number for name, number in expected.items() if number}
        assert found.gone_keys == {key[0] for key in old.keys() - new.keys()}


def test_a_file_without_rows_is_compared_too() -> None:
    found = changes.between(_written({}), _written({("A", "1"): ["", ""]}))
    assert (found.added, found.gone) == (1, 0)
    found = changes.between(_written({("A", "1"): ["", ""]}), _written({}))
    assert (found.added, found.gone, found.gone_keys) == (0, 1, {"A"})


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
