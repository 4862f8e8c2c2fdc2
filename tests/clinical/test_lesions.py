"""Lesions over assessments: the worked examples through the lesion list, carrying, limits."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.clinical.lesions import assess, best_of, proposed
from registry.clinical.response import derive_response
from tests.clinical import examples

LIVER = {"id": "l1", "label": "segment VII", "organ": "liver", "role": "target"}
NODE = {"id": "n1", "label": "mesenteric node", "organ": "nodes", "role": "target"}
BONE = {"id": "b1", "organ": "bone", "role": "non_target"}


def visits(*dates, **first):
    found = [{"id": f"r{n}", "date": day, "timepoint": "follow_up"} for n, day in enumerate(dates)]
    found[0]["timepoint"] = "baseline"
    found[-1] |= first
    return found


def measured(**sizes):
    """l1=(40, 25, "gone") -> measurements of lesion l1 at r0, r1, r2; None leaves one out."""
    states = {"gone": "disappeared", "small": "too_small", "ne": "not_evaluable"}
    found = []
    for lesion, series in sizes.items():
        for place, size in enumerate(series):
            if size is None:
                continue
            word = isinstance(size, str)
            found.append(
                {"lesion_id": lesion, "response_id": f"r{place}",
                 "size_mm": "" if word else str(size),
                 "state": states.get(size, size) if word else "measured"}
            )  # fmt: skip
    return found


@pytest.mark.parametrize("row", examples.rows("recist_cases"), ids=examples.named)
def test_worked_example(row):
    """The same cases as in test_response, entered lesion by lesion."""
    kinds = row["target_kinds"]
    series = json.loads(row["target_series_json"], parse_float=str, parse_int=str)
    lesions = [
        {"id": f"l{n}", "organ": "" if kind == "e" else "nodes", "role": "target",
         "is_node": "yes" if kind == "n" else "no"}
        for n, kind in enumerate(kinds)
    ]  # fmt: skip
    # Nodes are one organ, of which the examples count as many as they like up to two.
    found_visits = visits(*(f"20{10 + n}-01-01" for n in range(max(len(series), 1))))
    found_visits[-1] |= {"non_target": row["non_target"], "new_lesion": row["new_lesion"]}
    entered = [
        {"lesion_id": f"l{n}", "response_id": f"r{place}", "size_mm": size, "state": "measured"}
        for place, sizes in enumerate(series)
        for n, size in enumerate(sizes)
        if size is not None
    ]
    if kinds.count("n") > 2:
        pytest.skip("more nodes than one organ may have")
    last = assess(lesions, found_visits, entered)[-1]
    assert last.response.answer == row["expected_overall"]
    assert last.response.target_response == row["expected_target"]


def test_bob_over_three_assessments():
    """Sums worked by hand: 40 + 20 = 60; 25 + 12 = 37; 34 + 12 = 46."""
    lesions = [LIVER, NODE]
    entered = measured(l1=(40, 25, 34), n1=(20, 12, 12))
    first, second, third = assess(
        lesions, visits("2020-01-08", "2020-10-01", "2022-12-20"), entered
    )
    assert (first.response.current_sum, first.response.answer) == (60, "NE")
    assert (first.from_baseline, first.from_nadir, first.growth) == (None, None, None)
    assert (second.response.current_sum, second.response.answer) == (37, "PR")
    assert round(second.from_baseline, 1) == Decimal("-38.3")
    assert (third.response.nadir_sum, third.response.current_sum) == (37, 46)
    assert third.response.answer == "PD"
    assert round(third.from_nadir, 1) == Decimal("24.3")
    assert round(third.from_baseline, 1) == Decimal("-23.3")
    assert third.growth < 0
    assert all(one.is_complete and not one.problems for one in (first, second, third))
    assert best_of([first, second, third]).answer == "PR"
    assert best_of([first, second, third], confirmation_required=True).answer == "SD"


def test_too_small_is_5_mm_and_gone_is_none():
    found = assess([LIVER, NODE], visits("2020", "2021", "2022"),
                   measured(l1=(40, "small", "gone"), n1=(20, "gone", "gone")))  # fmt: skip
    assert [one.response.current_sum for one in found] == [60, 5, 0]
    assert found[1].targets[0].reason.text() == "Too small to measure: counts as 5 mm."
    assert found[2].response.answer == "CR"


def test_nothing_is_carried_forward_in_silence():
    entered = measured(l1=(40, 38), n1=(20, None))
    second = assess([LIVER, NODE], visits("2020", "2021"), entered)[1]
    assert (second.targets[1].size_mm, second.response.answer) == (None, "NE")
    assert not second.is_complete
    offered = proposed([LIVER, NODE, BONE], visits("2020", "2021"), entered)
    assert (offered["l1"].size_mm, offered["n1"].size_mm) == (38, 20)
    assert offered["n1"].reason.text() == "As on 2020: confirm or change."
    assert "b1" not in offered
    not_seen = measured(l1=(40, "ne"))
    assert proposed([LIVER], visits("2020", "2021"), not_seen)["l1"].size_mm == 40


def test_progression_needs_no_complete_measurement():
    entered = measured(l1=(40, 80), n1=(20, None))
    assert assess([LIVER, NODE], visits("2020", "2021"), entered)[1].response.answer == "PD"


@pytest.mark.parametrize(
    ("states", "stated", "non_target"),
    [
        (("present", "present"), "", "NONCR"),
        (("present", "worse"), "", "PD"),
        (("present", "disappeared"), "", "CR"),
        (("present", "not_evaluable"), "", "NE"),
        (("present", None), "", "NE"),
        (("present", "worse"), "NONCR", "NONCR"),
    ],
)
def test_lesions_that_are_not_measured(states, stated, non_target):
    second = assess(
        [LIVER, BONE], visits("2020", "2021", non_target=stated), measured(l1=(40, 40), b1=states)
    )[1]
    assert second.non_target == non_target
    assert bool(second.problems) == (stated == "NONCR")


@pytest.mark.parametrize(
    ("seen_on", "answer"),
    [("CT_MULTIPHASE", "PD"), ("PET_18F_FDG", "PD"), ("", "PD"), ("PET_68GA_DOTATATE", "SD"),
     ("SPECT_111IN_PENTETREOTIDE", "SD")],
)  # fmt: skip
def test_a_new_lesion_on_sstr_imaging_alone_is_no_progression(seen_on, answer):
    # docs/clinical/response.md: it counts when CT or MRI shows it as well.
    seen = visits("2020", "2021", new_lesion="yes", new_lesion_seen_on=seen_on)
    entered = measured(l1=(30, 30))
    assert assess([LIVER], seen, entered)[1].response.answer == answer


def test_a_new_lesion():
    new = {"id": "x", "organ": "lung", "role": "new"}
    entered = [*measured(l1=(40, 20)), {"lesion_id": "x", "response_id": "r1", "state": "present"}]
    second = assess([LIVER, new], visits("2020", "2021"), entered)[1]
    assert (second.new_lesion, second.response.answer) == ("yes", "PD")
    denied = assess([LIVER, new], visits("2020", "2021", new_lesion="no"), entered)[1]
    assert denied.new_lesion == "no"
    assert "new lesion" in denied.problems[0].text()
    unsure = assess([LIVER, new], visits("2020", "2021", new_lesion="equivocal"), entered)[1]
    assert unsure.response.answer == "PR"


@pytest.mark.parametrize(
    ("lesions", "sizes", "said"),
    [
        ([{**LIVER, "id": f"l{n}", "organ": f"o{n}"} for n in range(6)],
         {f"l{n}": (20,) for n in range(6)}, "More than 5 targets."),
        ([{**LIVER, "id": f"l{n}"} for n in range(3)], {f"l{n}": (20,) for n in range(3)},
         "More than 2 targets in one organ: liver."),
        ([{**NODE, "id": f"l{n}", "organ": o, "is_node": "yes"}
          for n, o in enumerate(("nodes", "mesentery", "mediastinum"))],
         {f"l{n}": (20,) for n in range(3)}, "More than 2 targets in one organ: nodes."),
        ([LIVER], {"l1": (9,)}, "segment VII: 9 mm; a target has 10 mm or more."),
        ([NODE], {"n1": (14,)}, "mesenteric node: 14 mm; a target has 15 mm or more."),
        ([LIVER], {"l1": (501,)}, "segment VII: a size of 501 mm is not possible."),
        ([LIVER], {}, "segment VII: a target needs a size at the baseline."),
        ([{**LIVER, "treated_before": "yes"}], {"l1": (20,)},
         "segment VII: in a treated area a target only when it has grown since."),
        ([LIVER], {"l1": (20,), "l1 ": ()}, ""),
        ([LIVER], {"l1": (10,)}, ""),
        ([NODE], {"n1": (15,)}, ""),
        ([LIVER], {"l1": (500,)}, ""),
    ],
)  # fmt: skip
def test_limits_of_the_targets_are_said_at_the_baseline(lesions, sizes, said):
    (baseline,) = assess(lesions, visits("2020"), measured(**sizes))
    assert said in [problem.text() for problem in baseline.problems] or not said
    assert bool(baseline.problems) == bool(said)


def test_a_lesion_measured_twice_counts_once():
    entered = [*measured(l1=(40, 30)), *measured(l1=(None, 20))]
    second = assess([LIVER], visits("2020", "2021"), entered)[1]
    assert second.response.current_sum == 20
    assert "twice" in second.problems[0].text()


def test_no_growth_rate_without_days_and_no_best_without_a_date():
    assert assess([LIVER], visits("2020", "2021"), measured(l1=(40, 20)))[1].growth is None
    assert best_of(assess([LIVER], visits(""), measured(l1=(40,)))) is None
    assert best_of(()) is None
    assert assess([LIVER], [], []) == ()


SIZES = st.lists(
    st.lists(st.none() | st.integers(0, 100), min_size=2, max_size=2), min_size=1, max_size=5
)


@given(st.tuples(st.integers(15, 100), st.integers(15, 100)), SIZES)
def test_the_last_assessment_is_the_response_of_its_series(first, later):
    series = [list(first), *later]
    entered = measured(
        l1=tuple(row[0] for row in series), n1=tuple(row[1] for row in series)
    )  # fmt: skip
    days = [f"{2000 + n}-06-01" for n in range(len(series))]
    last = assess([LIVER, NODE], visits(*days), entered)[-1]
    expected = derive_response(
        target_kinds="en",
        series=[[None if s is None else Decimal(s) for s in row] for row in series],
        non_target="NONE",
        new_lesion="no",
    )
    assert last.response == expected
    if last.from_nadir is not None and last.from_baseline is not None:
        assert last.from_nadir >= last.from_baseline
