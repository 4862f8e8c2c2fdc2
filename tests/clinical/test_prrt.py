"""Activity of several courses of radionuclide therapy."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest

from registry.clinical import prrt
from registry.dates import PartialDate


def course(name, agent, start, kind="PRRT"):
    day = PartialDate(start) if start else None
    return SimpleNamespace(id=name, agent=agent, start=day, therapy_class=kind)


def cycles(name, *given):
    return [SimpleNamespace(therapy_id=name, activity_gbq=Decimal(g) if g else None) for g in given]


# 7.4 + 7.3 + (not known) + 7.4 = 22.1 in the first course; 90Y has another dose to the kidney.
COURSES = [
    course("first", "PRRT_LU_DOTATATE", "2018-05"),
    course("yttrium", "PRRT_Y90", "2016-01-10"),
    course("again", "PRRT_LU_RETREAT", "2021-03-01"),
    course("third", "PRRT_LU_DOTATATE", "2024-02-01"),
    course("undated", "PRRT_LU_DOTATATE", ""),
    course("sirt", "LIV_SIRT", "2019-01-01", "liver-directed"),
]
GIVEN = [
    *cycles("first", "7.4", "7.3", "", "7.4"), *cycles("yttrium", "4.1"),
    *cycles("again", "7.2", "7.1"), *cycles("third", "7.4"), *cycles("undated", "7.4"),
    *cycles("sirt", "1.8"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "before"),
    [("first", "0"), ("yttrium", "0"), ("again", "22.1"), ("third", "36.4"), ("undated", "0"),
     ("sirt", "0")],
)  # fmt: skip
def test_earlier_courses_of_one_radionuclide_add_up(name, before):
    this = next(one for one in COURSES if one.id == name)
    assert prrt.activity_before(this, COURSES, GIVEN) == Decimal(before)


def test_the_radionuclide_of_an_agent():
    agents = ("PRRT_LU_DOTATATE", "PRRT_LU_EDOTREOTIDE", "PRRT_Y90", "PRRT_AC_DOTATATE", "", None)
    assert [prrt.nuclide(one) for one in agents] == ["177Lu", "177Lu", "90Y", "225Ac", "", ""]
