"""The matcher against cases worked out by hand: every criterion met, not met and not known.

Expected verdicts were written down from the criterion and the value, not from the code.
"""

from __future__ import annotations

import pytest

from registry.boards import trial_files
from registry.boards.models import Trial
from registry.boards.rules import trials as rules
from registry.boards.rules.trials import MET, NOT_MET, UNKNOWN, Case
from registry.clinical.ki67 import parse_ki67

#: criterion, what is wanted, what is known of the patient, verdict, value used
BY_HAND = [
    ("site", ["pancreas", "small_bowel"], {"site": "pancreas"}, MET, "pancreas"),
    ("site", ["pancreas"], {"site": "lung"}, NOT_MET, "lung"),
    ("site", ["pancreas"], {}, UNKNOWN, ""),
    ("grade", ["G2", "G3"], {"grade": "G3"}, MET, "G3"),
    ("grade", ["G2"], {"grade": "NEC"}, NOT_MET, "NEC"),
    ("grade", ["G2"], {}, UNKNOWN, ""),
    ("differentiation", ["well"], {"differentiation": "well"}, MET, "well"),
    ("differentiation", ["well"], {"differentiation": "poor"}, NOT_MET, "poor"),
    ("differentiation", ["well"], {"differentiation": "unknown"}, UNKNOWN, "unknown"),
    ("ki67", [10, 55], {"ki67": "10"}, MET, "10"),
    ("ki67", [10, 55], {"ki67": "55"}, MET, "55"),
    ("ki67", [10, 55], {"ki67": "9.9"}, NOT_MET, "9.9"),
    ("ki67", [10, 55], {"ki67": "60"}, NOT_MET, "60"),
    ("ki67", [10, 55], {"ki67": "15-20"}, MET, "15-20"),  # the whole range lies within
    ("ki67", [10, 55], {"ki67": "3-20"}, UNKNOWN, "3-20"),  # it only overlaps
    ("ki67", [10, 55], {"ki67": "<10"}, NOT_MET, "<10"),  # 10 itself is not reached
    ("ki67", [10, 55], {"ki67": ">20"}, UNKNOWN, ">20"),  # may be 80
    ("ki67", [20, None], {"ki67": ">20"}, MET, ">20"),
    ("ki67", [None, 20], {"ki67": "<3"}, MET, "<3"),
    ("ki67", [10, 55], {}, UNKNOWN, ""),
    ("sstr", ["positive"], {"sstr": "positive"}, MET, "positive"),
    ("sstr", ["positive"], {"sstr": "negative"}, NOT_MET, "negative"),
    ("sstr", ["positive"], {"sstr": "mixed"}, UNKNOWN, "mixed"),
    ("sstr", ["positive"], {}, UNKNOWN, ""),
    ("functioning", ["no"], {"functioning": "no"}, MET, "no"),
    ("functioning", ["no"], {"functioning": "yes"}, NOT_MET, "yes"),
    ("functioning", ["no"], {"functioning": "not_known"}, UNKNOWN, "not_known"),
    ("metastatic", ["yes"], {"metastatic": "yes"}, MET, "yes"),
    ("metastatic", ["yes"], {"metastatic": "no"}, NOT_MET, "no"),
    ("metastatic", ["yes"], {}, UNKNOWN, ""),
    ("prior_lines", [0, 1], {"prior_lines": 0}, MET, "0"),
    ("prior_lines", [0, 1], {"prior_lines": 2}, NOT_MET, "2"),
    ("prior_lines", [1, None], {}, UNKNOWN, ""),
    ("prior_any", ["SSA"], {"had": {"SSA", "PRRT"}}, MET, "SSA"),
    ("prior_any", ["SSA"], {"had": {"PRRT"}, "therapies_known": True}, NOT_MET, ""),
    ("prior_any", ["SSA"], {"had": {"PRRT"}}, UNKNOWN, ""),
    ("prior_none", ["PRRT"], {"had": {"SSA"}, "therapies_known": True}, MET, ""),
    ("prior_none", ["PRRT"], {"had": {"PRRT"}}, NOT_MET, "PRRT"),
    ("prior_none", ["PRRT"], {"had": {"SSA"}}, UNKNOWN, ""),
    ("age", [18, None], {"age": (62, 62)}, MET, "62"),
    ("age", [18, 75], {"age": (80, 80)}, NOT_MET, "80"),
    ("age", [18, 75], {"age": (75, 76)}, UNKNOWN, "75–76"),  # the birth date leaves both open
    ("age", [18, 75], {}, UNKNOWN, ""),
    ("ecog", [0, 1], {"ecog": 1}, MET, "1"),
    ("ecog", [0, 1], {"ecog": 2}, NOT_MET, "2"),
    ("ecog", [0, 1], {}, UNKNOWN, ""),
    ("country", ["NL", "DE"], {"country": "NL"}, MET, "NL"),
    ("country", ["NL"], {"country": "SE"}, NOT_MET, "SE"),
    ("country", ["NL"], {}, UNKNOWN, ""),
]


def a_case(facts):
    facts = dict(facts)
    if "ki67" in facts:
        facts["ki67"] = parse_ki67(facts["ki67"])
    if "had" in facts:
        facts["had"] = frozenset(facts["had"])
    return Case(**facts)


@pytest.mark.parametrize(("name", "wanted", "facts", "verdict", "used"), BY_HAND)
def test_each_criterion_against_a_value(name, wanted, facts, verdict, used):
    [held] = rules.match("T", "T", {name: wanted}, a_case(facts)).held
    assert (held.verdict, held.used) == (verdict, used)


def test_the_table_has_every_criterion_with_every_verdict():
    seen = {(name, verdict) for name, _w, _f, verdict, _u in BY_HAND}
    assert seen == {(n, v) for n in rules.CRITERIA for v in (MET, NOT_MET, UNKNOWN)}


def test_one_criterion_not_met_decides_before_what_is_not_known():
    wanted = {"grade": ["G3"], "ecog": [0, 1], "sstr": ["positive"]}

    def answer(**facts):
        return rules.match("T", "T", wanted, a_case(facts)).answer

    assert answer(grade="G3", ecog=0, sstr="positive") == rules.FITS
    assert answer(grade="G3", ecog=0) == rules.OPEN
    assert answer(grade="G1") == rules.DOES_NOT_FIT


def test_grade_3_and_carcinoma_are_always_looked_at():
    assert [g for g in rules.GRADES if Case(grade=g).always] == ["G3", "NEC"]


HEAD = "code,title,status,grade,ki67_from,ki67_to,countries\r\n"


def trial_of(facts):
    return Trial(**facts)


def test_what_is_taken_away_can_be_brought_in_again():
    text = HEAD + "NCT-1,A trial,open,G2;G3,10,55,NL;DE\r\n"
    [read] = trial_files.read_csv(text)
    assert read["criteria"] == {"grade": ["G2", "G3"], "ki67": [10, 55]}
    one = trial_of(read)
    assert trial_files.read_csv(trial_files.write_csv([one])) == [read]
    assert trial_files.read_yaml(trial_files.write_yaml([one])) == [read]


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (",A trial,open,,,,", "code"),
        ("NCT-1,A trial,maybe,,,,", "status"),
        ("NCT-1,A trial,open,G9,,,", "grade"),
        ("NCT-1,A trial,open,G2,ten,,", "ki67_from"),
        ("NCT-1,A trial,open,G2,55,10,", "ki67"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(row, column):
    with pytest.raises(trial_files.Bad) as bad:
        trial_files.read_csv(HEAD + row + "\r\n")
    assert (bad.value.row, bad.value.column) == (2, column)


def test_a_cell_that_a_spreadsheet_would_run_is_text():
    [read] = trial_files.read_csv(HEAD + "NCT-1,=1+1,open,,,,\r\n")
    assert "'=1+1" in trial_files.write_csv([trial_of(read)])


def test_yaml_that_makes_objects_is_refused():
    with pytest.raises(trial_files.Bad):
        trial_files.read_yaml("!!python/object/apply:os.system ['true']")
