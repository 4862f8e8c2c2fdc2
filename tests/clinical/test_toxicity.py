"""CTCAE terms: complete, found by the words people use, with the grades that exist."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from registry.clinical import tables
from registry.clinical.toxicity import find, folded, grade_problem, term, terms, worst

GRADES = [  # of CTCAE v5.0
    ("anemia", (1, 2, 3, 4, 5)),
    ("diarrhea", (1, 2, 3, 4, 5)),
    ("nausea", (1, 2, 3)),
    ("fatigue", (1, 2, 3)),
    ("alopecia", (1, 2)),
    ("platelet_count_decreased", (1, 2, 3, 4)),
    ("creatinine_increased", (1, 2, 3, 4)),
    ("febrile_neutropenia", (3, 4, 5)),
    ("myelodysplastic_syndrome", (4, 5)),
    ("flushing", (1, 2, 3)),
    ("hyperglycemia", (1, 2, 3, 4, 5)),
    ("eosinophilia", (1, 3)),
    ("cardiac_arrest", (4, 5)),
]


def test_the_list_is_whole():
    assert len(terms()) == 837
    organs = {row["code"] for row in tables.rows("codes/ctcae_soc")}
    assert len(organs) == 26
    assert {found.organ_class for found in terms().values()} == organs
    others = [code for code in terms() if code.startswith("other_")]
    assert len(others) == 26  # one "other, specify" an organ class
    for found in terms().values():
        assert found.grades
        assert set(found.grades) <= {1, 2, 3, 4, 5}
        assert list(found.grades) == sorted(found.grades)
    labels = [found.label.lower() for found in terms().values()]
    assert labels == sorted(labels)


@pytest.mark.parametrize(("code", "grades"), GRADES)
def test_the_grades_of_a_term(code, grades):
    assert term(code).grades == grades
    for grade in (1, 2, 3, 4, 5):
        assert (grade_problem(code, grade) is None) == (grade in grades)


def test_a_grade_that_does_not_exist_says_which_do():
    text = grade_problem("nausea", 5).text()
    assert text == "Grade 5 does not exist for Nausea: grades 1, 2, 3."
    with pytest.raises(ValueError, match="unknown code"):
        grade_problem("no_such_term", 1)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("diarrhoea", "diarrhea"), ("Diarrhea", "diarrhea"), ("DIARRHÉA", "diarrhea"),
        ("anaemia", "anemia"), ("platelet", "platelet_count_decreased"),
        ("thrombocytopenia", "platelet_count_decreased"), ("neutropenia", "febrile_neutropenia"),
        ("tired", "fatigue"), ("flush", "flushing"), ("oedema limbs", "edema_limbs"),
        ("limbs oedema", "edema_limbs"), ("localised oedema", "localized_edema"),
        ("hand-foot syndrome", "palmar_plantar_erythrodysesthesia"),
        ("MDS", "myelodysplastic_syndrome"),
        ("high blood pressure", "hypertension"), ("qt", "electrocardiogram_qt_corrected_interval"),
        ("acute kidney", "acute_kidney_injury"), ("tumour pain", "tumor_pain"),
        ("haemorrhage gastric", "gastric_hemorrhage"),
    ],
)  # fmt: skip
def test_a_term_is_found_by_the_words_people_use(text, first):
    assert find(text)[0].code == first


def test_other_words_come_after_the_terms_that_hold_them():
    found = [one.code for one in find("neutropenia")]
    assert found == ["febrile_neutropenia", "neutrophil_count_decreased"]
    assert find("") == find("  ") == find("xyzzy") == ()
    assert len(find("a")) == 20
    assert len(find("a", most=3)) == 3


def test_every_other_word_leads_to_a_term():
    for row in tables.rows("ctcae_words"):
        assert row["code"] in terms()
        assert row["code"] in {found.code for found in find(row["word"], most=900)}


@given(st.sampled_from(sorted(terms())), st.text(max_size=12))
@example("anemia", "AOE")
def test_every_term_is_found_by_its_name_and_no_text_fails(code, noise):
    label = terms()[code].label
    assert find(label)[0].code == code
    assert find(label.upper())[0].code == code
    find(noise)
    assert folded(folded(noise)) == folded(noise)


def test_the_worst_grade_of_each_term():
    events = [("nausea", 1), ("anemia", 2), ("nausea", 3), ("fatigue", 3)]
    assert worst(events) == {"fatigue": 3, "nausea": 3, "anemia": 2}
    assert list(worst(events)) == ["fatigue", "nausea", "anemia"]
