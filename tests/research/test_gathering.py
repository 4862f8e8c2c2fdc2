"""What is worked out for many rows at once, beside the same worked out one by one."""

from __future__ import annotations

import base64
import hmac
import itertools
import os
import random
from decimal import Decimal
from uuid import UUID, uuid4

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from scipy.stats import chisquare

from registry.course.models import BY_NAME
from registry.dates import PartialDate
from registry.db import db, new_id, now
from registry.keys import ring
from registry.patients.models import Patient
from registry.research import rules
from registry.research.models import Release
from registry.research.releases import days
from registry.research.releases.ahead import ahead
from registry.research.releases.cells import Cases, Rows, ids_of
from registry.research.releases.days import NONE, Dates
from registry.research.releases.gathering import Chosen
from registry.research.releases.naming import names_by_project, names_of
from registry.research.releases.pseudonyms import DigestPseudonyms, Pseudonyms
from registry.research.releases.reading import Table, held
from registry.research.releases.spilling import Spill
from tests import make_research

DATES = (
    None, "1961", "1961-03", "1961-03-27", "1961-12-31", "2020", "2020-02", "2020-02-28",
    "2020-02-29", "2021-02-28", "2021-03-01",
)  # fmt: skip
PAIRS = list(itertools.product(DATES, DATES))


def _dates(texts) -> tuple[list[PartialDate | None], Dates]:
    """Dates one by one, and the same at once."""
    single = [None if text is None else PartialDate(text) for text in texts]
    known = [days.numbers(one) for one in single if one is not None]
    places = iter(range(len(known)))
    return single, Dates.of(
        days.listed(known), np.array([NONE if d is None else next(places) for d in single])
    )


def test_days_and_months_of_many_are_those_of_each():
    origins, many_origins = _dates([one for one, _other in PAIRS])
    whens, many_whens = _dates([other for _one, other in PAIRS])
    found = days.since(many_origins, many_whens)
    for at, (origin, when) in enumerate(zip(origins, whens, strict=True)):
        expected = rules.since(origin, when)
        assert (str(found.days[at]) if found.in_days[at] else "") == expected.days
        assert (str(found.months[at]) if found.in_months[at] else "") == expected.months
        why = rules.NO_DIAGNOSIS_DATE if found.no_origin[at] else ""
        assert (rules.PARTIAL_DATE if found.partial[at] else why) == expected.why


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        ("1961-03-27", "2026-03-26", 64),
        ("1961-03-27", "2026-03-27", 65),
        ("1961", "2026-12-31", 65),
        ("1961", "2026", None),
        ("1961", "2026-06", None),
    ],
)
def test_age_only_where_precision_decides(born, day, age):
    found = days.years(*(_dates([one])[1] for one in (born, day)))
    assert (found.years[0] if found.known[0] else None) == age


def _ages(born, when) -> set[int]:
    """Every age that some reading of the two dates allows at an end of what they can mean."""
    return {
        end.year - start.year - ((end.month, end.day) < (start.month, start.day))
        for start, end in ((born.latest, when.earliest), (born.earliest, when.latest))
    }


def test_years_of_many_are_those_of_each():
    births, many_births = _dates([one for one, _other in PAIRS])
    whens, many_whens = _dates([other for _one, other in PAIRS])
    found = days.years(many_births, many_whens)
    for at, (born, when) in enumerate(zip(births, whens, strict=True)):
        both = born is not None and when is not None
        contradictory = both and when.certainly_before(born)
        ages = _ages(born, when) if both and not contradictory else set()
        expected = ages.pop() if len(ages) == 1 else None
        assert (found.years[at] if found.known[at] else None) == expected
        assert found.contradictory[at] == contradictory
        assert found.partial[at] == (both and not contradictory and expected is None)


def _rows(entity, model, records, patients):
    """Rows as they are taken up: (place of the patient, values)."""
    names = sorted({name for _place, values in records for name in values} | {"id"})
    table = Table(entity, model, names)
    columns = {name: [values.get(name) for _place, values in records] for name in table.names}
    return Rows(
        table,
        np.array([place for place, _values in records]),
        pa.array([f"{at:016}" for at in range(len(records))]),
        np.stack(ids_of(held("id", pa.array(columns.pop("id")))), 1),
        {name: _column(texts) for name, texts in columns.items()},
        patients,
    )


def _column(texts):
    """A column as it is taken up: the places of its texts, and those."""
    different = sorted({text for text in texts if text is not None})
    places = {None: NONE, **{text: at for at, text in enumerate(different)}}
    return np.array([places[text] for text in texts]), different


def _id(number):
    return f"00000000-0000-7000-8000-{number:012x}"


def test_the_last_standing_and_the_first_tumour_of_many_are_those_of_each(app):
    draw = random.Random(3)
    tumours, seen = [], []
    for patient in range(60):
        for _one in range(draw.choice((0, 1, 1, 2, 3))):
            when = draw.choice(DATES)
            tumours.append((patient, {"id": _id(draw.getrandbits(40)), "diagnosis_date": when}))
        for _one in range(draw.choice((0, 1, 2, 4))):
            dated = draw.random() < 0.5
            seen.append((patient, {
                "id": _id(draw.getrandbits(40)),
                "vital_status": draw.choice(("alive", "dead", "lost", None)),
                "date": draw.choice(DATES) if dated else None,
                "death_date": draw.choice((None, None, "2021-03")),
                "interval": draw.choice((None, "12", "365.250", "1")) if not dated else None,
                "interval_unit": draw.choice(("months", "days", "years", "not_known", None)),
            }))  # fmt: skip
    patients = [(at, {"id": _id(at), "birth_date": "1961"}) for at in range(60)]
    cases = Cases(Pseudonyms("NET-ONE"), {
        "patient": _rows("patient", Patient, patients, 60),
        "tumour": _rows("tumour", BY_NAME["tumour"], tumours, 60),
        "follow_up": _rows("follow_up", BY_NAME["follow_up"], seen, 60),
    })  # fmt: skip
    for patient in range(60):
        own = [(at, row) for at, (place, row) in enumerate(tumours) if place == patient]
        dates = [PartialDate(r["diagnosis_date"]) if r["diagnosis_date"] else None for _, r in own]
        origin = rules.first_diagnosis(dates)
        assert cases.origins.key[patient] == (days.numbers(origin)[-1] if origin else NONE)
        stated = [one for one, when in zip(own, dates, strict=True) if when == origin]
        first = min(stated, key=lambda one: one[1]["id"], default=(NONE,))[0]
        assert cases.first_tumours[patient] == first
        own = {
            row["id"]: (at, {
                **row,
                "interval": row["interval"] and Decimal(row["interval"]),
                **{n: row[n] and PartialDate(row[n]) for n in ("date", "death_date")},
            })
            for at, (place, row) in enumerate(seen) if place == patient
        }  # fmt: skip
        last = rules.last_standing([row for _at, row in own.values()], origin)
        assert cases.last_follow_ups[patient] == (own[last["id"]][0] if last else NONE)


def _halves(ids):
    numbers = [UUID(one).int for one in ids]
    return tuple(
        np.array([one >> shift & 2**64 - 1 for one in numbers], np.uint64) for shift in (64, 0)
    )


def test_a_pseudonym_is_the_enciphered_id_under_a_key_of_project_and_kind(app):
    names, ids = Pseudonyms("NET-ONE"), [_id(7), _id(8), str(uuid4())]
    key = ring().derive("research names of tumour in NET-ONE")
    expected = []
    for one in ids:  # a block alone, chained to nothing, is enciphered as it is
        sealed = Cipher(algorithms.AES256(key), modes.CBC(bytes(16))).encryptor()
        number = int.from_bytes(sealed.update(UUID(one).bytes)[:10], "big")
        digits = [number >> 5 * place & 31 for place in reversed(range(16))]
        expected.append("".join("234567ABCDEFGHIJKLMNOPQRSTUVWXYZ"[digit] for digit in digits))
    many = names.many("tumour", *_halves(ids))
    assert [bytes(row).decode() for row in many] == expected
    assert [names.of("tumour", UUID(one)) for one in ids] == expected
    others = (Pseudonyms("NET-TWO").of("tumour", UUID(ids[0])), names.of("patient", UUID(ids[0])))
    assert len({expected[0], *others}) == 3
    numbers = names.numbers("shift", *_halves(map(_id, range(2000))), 100)
    assert set(numbers.tolist()) == set(range(100))
    assert chisquare(np.bincount(numbers)).pvalue > 0.01


def test_a_project_of_older_rules_keeps_the_digests_it_was_named_by(app):
    ids = [_id(7), _id(8)]
    key = ring().derive("research pseudonyms NET-ONE")
    digests = [hmac.digest(key, f"tumour:{one}".encode(), "sha256") for one in ids]
    names = DigestPseudonyms("NET-ONE")
    many = names.many("tumour", *_halves(ids))
    assert [bytes(row) for row in many] == [base64.b32encode(one[:10]) for one in digests]
    shifts = names.numbers("tumour", *_halves(ids), 36_524)
    assert shifts.tolist() == [int.from_bytes(one[:16], "big") % 36_524 for one in digests]


def test_the_first_release_decides_how_a_project_is_named(app):
    given = make_research.grant(make_research.office(), coarse=rules.Coarse(1, 1))
    assert type(names_of("NET-ONE")) is Pseudonyms
    make_research.made(given)
    assert type(names_of("NET-ONE")) is Pseudonyms
    old = make_research.asked(given)
    for number, version in ((1, "4"), (2, "5")):
        db.session.execute(
            sa.insert(Release).values(
                id=new_id(), grant_id=old.grant_id, project="NET-OLD", number=number,
                state=rules.MADE, requested_by=old.requested_by, criteria={}, manifest={},
                made_at=now(), rule_versions={"release": version, "derived": {}},
            )
        )  # fmt: skip
    assert type(names_of("NET-OLD")) is DigestPseudonyms
    found = {project: type(names) for project, names in names_by_project().items()}
    assert found == {"NET-ONE": Pseudonyms, "NET-OLD": DigestPseudonyms}


def test_every_patient_has_the_place_of_its_pseudonym_and_strangers_have_none(app):
    names = Pseudonyms("NET-ONE")
    alike = [f"01a20985-3d88-7000-8000-{number:012x}" for number in (1, 255, 9, 2**40)]
    ids = [*alike, *(f"{number:08x}-0000-7000-8000-00000000000a" for number in (5, 2**31, 7))]
    chosen = Chosen.of([held("id", pa.array(some)) for some in (ids[:3], ids[3:])], names)
    in_order = sorted(ids, key=lambda one: names.of("patient", UUID(one)))
    asked = [*reversed(ids), "01a20985-3d88-7000-8000-000000000002", _id(0), "f" * 8 + _id(0)[8:]]
    expected = [*(in_order.index(one) for one in reversed(ids)), -1, -1, -1]
    assert chosen.places(*_halves(asked)).tolist() == expected


def test_what_is_laid_aside_is_read_back_in_order_and_by_nobody_else(app):
    spill = Spill()
    for key, text in ((1, b"Zonneveld"), (2, b"b"), (1, b"c")):
        spill.put(key, text)
    assert spill.take(1) == [b"Zonneveld", b"c"]
    assert spill.take(3) == []
    lies = os.pread(spill._file.fileno(), 1 << 20, 0)
    assert len(lies) == spill._size
    assert b"Zonneveld" not in lies
    folder = app.extensions["netreg_settings"].instance / "files"
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    spill.close()


def test_what_comes_next_is_made_in_order_and_its_errors_are_told():
    assert list(ahead(iter_of(3))) == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        list(ahead(iter_of(2, wrong=True)))


def iter_of(number, *, wrong=False):
    """So many numbers, and an error at the end if one is wanted."""
    yield from range(number)
    if wrong:
        raise ZeroDivisionError
