"""PDF pages: what is to stand on them is text and nothing else, and the same facts are the same
bytes."""

from __future__ import annotations

import io

import pypdf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from registry import pdf

LAYOUT = "letters/letter.typ"
#: What typst would read as markup, code, a label, a comment, a reference, or an escape.
MARKUP = (
    '#sys.version #panic("x") $x^2$ *b* _i_ `raw` @ref <label> // /* = - + ~ \\u{41} \\\\ "q" '
    '#"} #) ] [ #read("letter.typ") https://example.org O\'Brien -- ---'
)


def letter(**facts):
    return {
        "language": "en",
        "direction": "ltr",
        "title": "Summary letter",
        "letterhead": {"name": "Centre", "lines": []},
        "product": "NET Registry",
        "draft": "",
        "recipient_label": "To",
        "recipient": [],
        "about_label": "About",
        "about": [],
        "dated": "5 Jan 2026",
        "greeting": "",
        "intro": [],
        "note_title": "",
        "note": [],
        "sections": [],
        "closing": [],
        "signature": [],
        "running": "N4KQ-7M2X",
        "page_words": "Page {page} of {pages}",
        "state": "",
        **facts,
    }


def words(data: bytes) -> str:
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages]
    return "".join("".join(pages).split())


def test_the_same_facts_are_the_same_bytes():
    facts = letter(intro=["One."], note=["Ακόμη κάτι."])
    first = pdf.pages(LAYOUT, facts)
    assert first == pdf.pages(LAYOUT, dict(reversed(facts.items())))
    assert first != pdf.pages(LAYOUT, letter(intro=["Two."]))
    info = pypdf.PdfReader(io.BytesIO(first)).metadata
    assert "/CreationDate" not in info
    assert "/ModDate" not in info


@settings(max_examples=60)
@given(st.text(st.sampled_from("#$*_`@<>\\\"'/=-+~[]{}()!:;.&% aB1\n"), max_size=60))
@example(MARKUP)
def test_no_word_is_read_as_markup(text):
    facts = letter(
        recipient=[text], about=[[text, text]], greeting=text, intro=[text],
        note=[text], running=text.replace("\n", " "),
        sections=[{"title": text, "points": [text], "facts": [[text, text]], "table":
                   {"columns": [text], "widths": [1], "rows": [[text]]}}],
    )  # fmt: skip
    found = words(pdf.pages(LAYOUT, facts))
    assert found.count("".join(text.split())) >= 9


def test_letters_of_five_scripts_print_and_others_are_told():
    names = ["O'Brien-Łukasz Đặng", "Ελένη Παπαδοπούλου", "Шостакович", "محمد عبد الله", "דוד לוי"]
    assert pdf.without_letters([*names, "Ki-67 12 %, ≥ 3 µg/L → 10⁹ · é"]) == ""
    assert pdf.without_letters(["王 Li", "ქეთევან"]) == "".join(sorted(set("王ქეთევან")))
    data = pdf.pages(LAYOUT, letter(intro=names))
    fonts = {
        font["/BaseFont"].split("+")[1]
        for page in pypdf.PdfReader(io.BytesIO(data)).pages
        for font in (one.get_object() for one in page["/Resources"]["/Font"].values())
    }
    assert {name.split("-")[0] for name in fonts} == {"Inter", "NotoSansArabic", "NotoSansHebrew"}


def test_a_long_table_repeats_its_header_on_each_page():
    rows = [[f"{n}", "Lanreotide"] for n in range(200)]
    section = {"title": "Course", "table": {"columns": ["Zeit", "Was"], "widths": [1, 3],
                                            "rows": rows}}  # fmt: skip
    reader = pypdf.PdfReader(io.BytesIO(pdf.pages(LAYOUT, letter(sections=[section]))))
    assert len(reader.pages) > 3
    for number, page in enumerate(reader.pages, 1):
        text = page.extract_text()
        assert "Zeit" in text
        assert f"Page {number} of {len(reader.pages)}" in text
        assert "N4KQ-7M2X" in text


def test_a_letter_of_a_language_from_right_to_left():
    about = [["الاسم", "محمد"]]
    facts = letter(language="ar", direction="rtl", title="ملخص", about=about, draft="مسودة")
    page = pypdf.PdfReader(io.BytesIO(pdf.pages(LAYOUT, facts))).pages[0]
    places: list[float] = []

    def note(text, matrix, line, _font, _size):
        if "Centre" in text:
            places.append(matrix[4] + matrix[0] * line[4])

    page.extract_text(visitor_text=note)
    assert places
    assert places[0] > 0.5 * float(page.mediabox.width)  # the letterhead begins at the right
