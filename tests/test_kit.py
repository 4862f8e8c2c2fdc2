"""The design kit: what is vendored is what was checked, and every macro keeps its promises.

Macros are rendered with the fields of the house, strictly: an unknown name is an error.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, flash, render_template_string
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect
from jinja2 import UndefinedError, nodes
from markupsafe import Markup, escape
from werkzeug.datastructures import MultiDict

from registry import codes, kit
from registry.dates import PartialDate
from registry.forms import (
    Choice,
    Choices,
    CodeField,
    HouseForm,
    Ki67Field,
    LongText,
    Number,
    Option,
    PartialDateField,
    Secret,
    Text,
    yes_no,
)

ROOT = Path(__file__).parent.parent
OWN = sorted([ROOT / "templates/base.html", *(ROOT / "templates/ui").glob("*.html")])
ABSENT = ("not_known", "not_done", "not_applicable", "not_available")


# -- what is vendored --------------------------------------------------------------------------


def _checksums() -> dict[str, str]:
    lines = (ROOT / "static/vendor/CHECKSUMS.txt").read_text().splitlines()
    return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}


def test_vendored_files_are_those_that_were_checked() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in ("static/vendor", "tests/vendor")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.name != "CHECKSUMS.txt"
    }
    assert found == _checksums()


def test_every_vendored_package_brings_its_licence() -> None:
    for folder in [*(ROOT / "static/vendor").iterdir(), *(ROOT / "tests/vendor").iterdir()]:
        if folder.is_dir():
            assert (folder / "LICENSE").stat().st_size > 300, folder.name
            assert re.fullmatch(r"[a-z-]+-\d+\.\d+\.\d+", folder.name)


def test_versions_in_folder_names_are_the_locked_ones() -> None:
    locked = json.loads((ROOT / "static/src/package-lock.json").read_text())["packages"]
    short = {"htmx.org": "htmx", "@fontsource-variable/inter": "inter"}
    for package in ("htmx.org", "@fontsource-variable/inter", "nhsuk-frontend"):
        version = locked[f"node_modules/{package}"]["version"]
        assert (ROOT / f"static/vendor/{short.get(package, package)}-{version}").is_dir()


def test_lock_file_names_no_registry() -> None:
    lock = json.loads((ROOT / "static/src/package-lock.json").read_text())
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]


def test_styles_fetch_nothing_from_elsewhere() -> None:
    for sheet in [*(ROOT / "static/app").glob("*.css"), *(ROOT / "static/vendor").rglob("*.css")]:
        text = sheet.read_text()
        assert "http" not in text, sheet.name
        for address in re.findall(r'url\("?([^")]+)', text):
            assert (sheet.parent / address).is_file(), address


def test_scripts_keep_nothing_in_the_browser_and_evaluate_nothing() -> None:
    for script in (ROOT / "static/app").glob("*.js"):
        text = script.read_text()
        for forbidden in ("localStorage", "sessionStorage", "eval(", "new Function", "innerHTML"):
            assert forbidden not in text, f"{script.name}: {forbidden}"


# -- pages to render on ------------------------------------------------------------------------


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The kit on a bare application: no database, nobody signed in, one request open."""
    monkeypatch.setattr(codes, "_local", dict)  # local codes stand in a database
    app = Flask("kit", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.config.update(SECRET_KEY="only for tests", TESTING=True)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    Babel(app)
    CSRFProtect(app)
    kit.install(app)
    app.add_url_rule("/rules", "knowledge.index")  # the footer leads there
    with app.test_request_context("/somewhere"):
        yield app


class Page(HTMLParser):
    """A rendered piece of page, as lists of its elements and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = str(html)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the element."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text += data

    def all(self, tag: str = "", **wanted: str) -> list[dict[str, str]]:
        """Attributes of the elements of a tag with these attributes."""
        return [
            attributes
            for name, attributes in self.elements
            if tag in ("", name) and all(attributes.get(k) == v for k, v in wanted.items())
        ]

    @property
    def words(self) -> str:
        """The text with single spaces."""
        return " ".join(self.text.split())

    @property
    def ids(self) -> list[str]:
        """Every id, in order."""
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]

    def assert_sound(self) -> None:
        """Ids are unique, labels lead somewhere, controls have names, nothing is inline."""
        assert len(self.ids) == len(set(self.ids)), "an id twice"
        labelled = {attributes["for"] for attributes in self.all("label")}
        assert labelled <= set(self.ids)
        for tag in ("input", "select", "textarea"):
            for control in self.all(tag):
                if control.get("type") != "hidden":
                    assert control["id"] in labelled, f"no label: {control}"
        for _, attributes in self.elements:
            for described in attributes.get("aria-describedby", "").split():
                assert described in self.ids, described
        self.assert_nothing_inline()

    def assert_nothing_inline(self) -> None:
        """Nothing that a strict content security policy would refuse."""
        for tag, attributes in self.elements:
            assert tag != "style"
            assert tag != "script" or "src" in attributes
            for name, value in attributes.items():
                assert name != "style"
                assert not name.startswith(("on", "hx-on")), name
                assert not value.strip().lower().startswith(("javascript:", "js:")), value


def _render(source: str, **values: Any) -> Page:
    page = Page(render_template_string(source, **values))
    page.assert_sound()
    return page


def _field(field: Any, **values: Any) -> Page:
    return _render("{% from 'ui/forms.html' import field %}{{ field(f) }}", f=field, **values)


# -- fields ------------------------------------------------------------------------------------

PLACES = ("ileum", "pancreas", "lung", "rectum", "colon", "stomach")
SITES = [Option(code, code.title()) for code in PLACES]


class Every(HouseForm):
    """One field of every kind."""

    family = Text("Family name", needed="Enter the family name")
    question = LongText("Question", needed="Write the question", help="What should be decided?")
    password = Secret("Password", needed="Enter your password")
    size = Number("Size", unit="mm", possible=(Decimal(0), Decimal(900)), absent_codes=ABSENT)
    ki67 = Ki67Field("Ki-67", unit="%", width=5, absent_codes=ABSENT)
    biopsy = PartialDateField("Date of biopsy", needed="Enter the date", absent_codes=ABSENT)
    given = Choice("SSA given", options=yes_no, needed="Say whether", absent_codes=ABSENT[:1])
    site = Choice("Site", options=SITES, needed="Select the site", absent_codes=ABSENT)
    long = Choice("Place", options=[*SITES, Option("x", "Other")], needed="Select the place")
    why = Choices("Why now", options=SITES, needed="Say why")
    topography = CodeField("Topography", codes="topography", absent_codes=ABSENT)


NAMES = [name for name, value in vars(Every).items() if hasattr(value, "field_class")]


@pytest.mark.parametrize("name", NAMES)
def test_a_blank_field_of_every_kind(pages: Flask, name: str) -> None:
    page = _field(Every()[name])

    assert str(Every()[name].label.text) in page.words
    assert not page.all("p", **{"class": "nhsuk-error-message"})


@pytest.mark.parametrize("name", [n for n in NAMES if n not in {"size", "ki67", "topography"}])
def test_a_failed_field_says_what_to_do_where_it_is(pages: Flask, name: str) -> None:
    form = Every(MultiDict([("other", "1")]))
    form.validate()

    page = _field(form[name])

    assert form[name].errors[0] in page.words
    assert f"{name}-error" in page.ids
    assert [e for _, e in page.elements if f"{name}-error" in e.get("aria-describedby", "")]


@pytest.mark.parametrize("name", NAMES)
def test_the_summary_leads_to_something_on_the_page(pages: Flask, name: str) -> None:
    form = Every(MultiDict([("size", "many"), ("ki67-absent", "not_available")]))
    form.validate()
    source = "{% from 'ui/forms.html' import field, error_summary %}{{ error_summary(form) }}"

    page = _render(source + "{% for f in form %}{{ field(f) }}{% endfor %}", form=form)

    for link in page.all("a"):
        assert link["href"].removeprefix("#") in page.ids
    assert {link["href"] for link in page.all("a")} >= {"#family", "#biopsy-day", "#ki67-because"}
    assert name in {f.name for f in form}


def test_what_was_typed_is_shown_again(pages: Flask) -> None:
    typed = '<Öztürk> "Å"'
    form = Every(MultiDict([("family", typed), ("question", typed), ("size", "12,5 x")]))
    form.validate()

    assert _field(form.family).all("input")[0]["value"] == typed
    assert typed in _field(form.question).text
    assert _field(form.size).all("input", id="size")[0]["value"] == "12,5 x"


def test_a_password_is_never_shown_again(pages: Flask) -> None:
    form = Every(MultiDict([("password", "wrong horse")]))
    assert "wrong horse" not in _field(form.password).html


def test_the_unit_is_seen_and_read_aloud(pages: Flask) -> None:
    page = _field(Every().size)
    assert page.words.count("mm") == 2
    assert page.all("input", id="size")[0]["inputmode"] == "decimal"


def test_a_wrong_month_marks_only_the_month(pages: Flask) -> None:
    form = Every(MultiDict([("biopsy-day", "3"), ("biopsy-month", "14"), ("biopsy-year", "2021")]))
    form.validate()

    page = _field(form.biopsy)

    wrong = [box["id"] for box in page.all("input") if "nhsuk-input--error" in box["class"]]
    assert wrong == ["biopsy-month"]
    assert [box["value"] for box in page.all("input")[:3]] == ["3", "14", "2021"]


def test_few_options_are_radios_many_are_a_list(pages: Flask) -> None:
    assert len(_field(Every().site).all("input", type="radio")) == 6
    assert len(_field(Every().long).all("option")) == 8  # seven and the blank one


def test_the_chosen_option_is_marked(pages: Flask) -> None:
    form = Every(MultiDict([("site", "lung"), ("long", "x"), ("why", "lung"), ("why", "colon")]))

    assert [r["value"] for r in _field(form.site).all("input") if "checked" in r] == ["lung"]
    assert [o["value"] for o in _field(form.long).all("option") if "selected" in o] == ["x"]
    assert [c["value"] for c in _field(form.why).all("input") if "checked" in c] == [
        "lung",
        "colon",
    ]


def test_a_code_is_shown_as_the_list_suggests_it(pages: Flask) -> None:
    form = Every(MultiDict([("topography", "C17.2")]))

    page = _field(form.topography)

    box = page.all("input", id="topography")[0]
    assert box["value"] in [option["value"] for option in page.all("option")]
    assert box["list"] in page.ids


def test_why_there_is_no_value_stands_beside_the_control(pages: Flask) -> None:
    form = Every(MultiDict([("ki67-absent", "not_available"), ("ki67-because", "sent <away>")]))

    page = _field(form.ki67)

    chosen = [option["value"] for option in page.all("option") if "selected" in option]
    assert chosen == ["not_available"]
    assert page.all("input", name="ki67-because")[0]["value"] == "sent <away>"
    assert len(_field(Every().given).all("option")) == 2  # blank, not known
    assert not _field(Every().given).all("input", name="given-because")


def test_a_conditional_question_names_what_it_depends_on(pages: Flask) -> None:
    class Cell(HouseForm):
        kind_ = Choice("Cell type", options=yes_no, show_if=("diff", frozenset({"b", "a"})))

    page = _field(Cell().kind_)
    prefixed = _field(Cell(prefix="tumour").kind_)

    assert page.elements[0][1]["data-show-if"] == "diff"
    assert json.loads(page.elements[0][1]["data-show-values"]) == ["a", "b"]
    assert prefixed.elements[0][1]["data-show-if"] == "tumour-diff"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("of pancreas", "Write which one: C25.0 Head of pancreas; C25.1 Body of pancreas; "
         "C25.2 Tail of pancreas;"),
        ("o", "Choose from the list, or enter a full code."),  # too many to name
        ("left knee", "Choose from the list, or enter a full code."),
    ],
)  # fmt: skip
def test_a_word_of_a_list_is_answered_with_what_it_could_be(
    pages: Flask, typed: str, message: str
) -> None:
    form = Every(MultiDict([("topography", typed)]))
    form.validate()
    assert form.topography.errors[0].startswith(message)
    assert form.topography.shown == typed


def test_a_searched_list_works_without_scripts(pages: Flask) -> None:
    class Search(HouseForm):
        centre = Choice("Centre", options=SITES)

    field = Search().centre
    field.kind = "search"
    assert "data-suggest" in _field(field).all("select", name="centre")[0]


def test_a_warning_is_tied_to_its_control(pages: Flask) -> None:
    field = Every().size
    field.warnings = ["Unusual. Please check."]
    assert "size-warning" in _field(field).all("input", id="size")[0]["aria-describedby"]


# -- the other macros --------------------------------------------------------------------------

RESULT = SimpleNamespace(
    answer="NET G2",
    status="provisional",
    reasons=[
        "Ki-67 12 % lies in 3–20 %.",
        SimpleNamespace(template="N is %(n)s.", values={"n": "<"}),
    ],
    rule="grade",
    version="3",
    source="WHO 2022",
    confidence="high",
)
TIMELINE = SimpleNamespace(
    frame=Markup("<svg></svg>"),
    words=Markup("<tr><th>Systemic</th><td>Lanreotide</td><td>from 2019</td></tr>"),
    tables=[
        SimpleNamespace(
            key="markers", entity="biomarker", title="Markers", more_label="Times", note="One more",
            rows=Markup("<tr><td>2019</td><td>CgA</td><td>12</td><td>2</td></tr>"), field="m",
            choices=[("CGA", "CgA", True), ("NSE", "NSE", False)],
        )
    ],
    links=[SimpleNamespace(label="Whole course", query="", current=True, rel="whole")],
    lines=[], moves=[SimpleNamespace(label="Closer", query="from=2019", current=False, rel="in")],
    told="2019 – 2025", first="2019-01-01", last="2025-01-01", day=1, span=2, whole=False,
)  # fmt: skip
EVENT = SimpleNamespace(
    when="2 May", who="Alice", what="Accepted", note="Please come", place="North"
)

SMALL = {
    "csrf": "{% from 'ui/forms.html' import csrf %}{{ csrf() }}",
    "section": "{% from 'ui/forms.html' import section, part %}"
    "{% call section('Tumour', 'tumour', hint='H', columns=1) %}{{ part('P') }}{% endcall %}",
    "section nav": "{% from 'ui/forms.html' import section_nav %}"
    "{{ section_nav([('a', 'A'), ('b', 'B', '2 missing')], 'Sections') }}",
    "buttons": "{% from 'ui/forms.html' import buttons, submit, autosave_status %}"
    "{% call buttons() %}{{ submit('Send', main=true) }}{{ submit('Keep', 'step', 'keep',"
    " variant='secondary', formaction='/x') }}{% endcall %}{{ autosave_status() }}",
    "filters": "{% from 'ui/forms.html' import filters, filter_choice, filter_tick %}"
    "{% call filters('/all') %}{{ filter_choice('grade', 'Grade', [('g1', 'G1')], 'g1') }}"
    "{{ filter_tick('overdue', 'Overdue', true) }}{% endcall %}",
    "tags": "{% from 'ui/tags.html' import status_tag, derivation_tag %}"
    "{{ status_tag('urgent', 'Urgent') }}{{ status_tag('new', 'N') }}"
    "{{ derivation_tag('review') }}",
    "table": "{% from 'ui/tables.html' import table, row, cell, head_cell, under, empty %}"
    "{% call table('List', ['A', ('B', 'number'), ('C', 'hidden')], cards=true, id='t') %}"
    "{% call row('urgent', 'r1') %}{{ head_cell('x') }}{{ cell('B', 3, 'number') }}"
    "{% call cell('C') %}{{ under('y') }}{% endcall %}{% endcall %}{% endcall %}"
    "{{ empty('None', 'yet', ('/new', 'New')) }}{{ empty('None') }}",
    "derived": "{% from 'ui/derived.html' import derived, beside %}{{ derived(result, 'Grade') }}"
    "{{ beside('Stated', 'NET G1', result, differs=true) }}{{ beside('Stated', none, result) }}",
    "summary": "{% from 'ui/summary.html' import summary, facts, panel, heading, notice %}"
    "{{ summary([('A', 1), ('B', 2, ('/b', 'Change'))], columns=2, title='T') }}"
    "{{ facts([('Age', 64)]) }}{% call panel('P', 'p', [('/x', 'X')]) %}x{% endcall %}"
    "{{ heading('H', 'above', 'below') }}{{ notice('N', 'danger') }}"
    "{% call notice('M') %}m{% endcall %}",
    "words": "{% from 'ui/words.html' import name, absence, value %}{{ name('דוד') }}"
    "{{ absence('not_available', 'lost') }}{{ value(12, unit='%') }}"
    "{{ value(none, {'why': 'not_done'}) }}{{ value('') }}",
    "paging": "{% from 'ui/paging.html' import newer_older, numbered %}"
    "{{ newer_older('/n', '/o') }}{{ numbered(2, 9, '/p?page={page}', 'L') }}"
    "{{ numbered(1, 1, '') }}",
    "history": "{% from 'ui/history.html' import history %}{{ history([event]) }}",
    "progress": "{% from 'ui/progress.html' import progress %}{{ progress('Making', 2, 7, '/p') }}"
    "{{ progress('Queued', none, none, '/q', id='q') }}",
    "timeline": "{% from 'ui/timeline.html' import timeline %}{{ timeline(course, 'Course') }}",
}


@pytest.mark.parametrize("name", list(SMALL))
def test_every_macro_renders_soundly(pages: Flask, name: str) -> None:
    page = _render(SMALL[name], result=RESULT, event=EVENT, course=TIMELINE)
    assert page.elements


def test_an_unknown_name_is_an_error(pages: Flask) -> None:
    with pytest.raises(UndefinedError):
        render_template_string("{{ typo }}")


def test_every_state_has_a_colour_of_its_own_choice(pages: Flask) -> None:
    states = "draft submitted information_requested accepted advised acknowledged closed declined"
    states += " withdrawn urgent soon routine requested making made failed overdue"
    source = "{% from 'ui/tags.html' import status_tag, colours %}{{ colours.get(code, '') }}"
    for state in states.split():
        assert render_template_string(source, code=state), state


def test_derived_says_why_in_words(pages: Flask) -> None:
    page = _render(SMALL["derived"], result=RESULT)

    assert "Ki-67 12 % lies in 3–20 %." in page.words
    assert "N is <." in page.words
    assert "Rule grade, version 3 · Source: WHO 2022 · Confidence: high" in page.words
    assert page.words.count("Differs") == 1
    assert "Provisional" in page.words
    assert "Not stated" in page.words


def test_a_name_keeps_its_own_direction(pages: Flask) -> None:
    assert _render(SMALL["words"]).all("bdi")[0]["dir"] == "auto"


def test_progress_stops_asking_when_done(pages: Flask) -> None:
    source = "{% from 'ui/progress.html' import progress %}{{ progress('M', 7, 7, '/p', done=on) }}"

    assert _render(source, on=False).all("div")[0]["hx-get"] == "/p"
    assert "hx-get" not in _render(source, on=True).all("div")[0]
    assert _render(source, on=True).all("p")[0]["role"] == "status"


def test_the_timeline_says_everything_in_words_too(pages: Flask) -> None:
    words = _render(SMALL["timeline"], course=TIMELINE).words
    for text in ("Systemic", "Lanreotide", "from 2019", "CgA", "12", "One more", "2019 – 2025"):
        assert text in words


def test_an_asset_address_changes_with_the_content(
    pages: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kit, "LOOK_SECONDS", 0)
    pages.static_folder = str(tmp_path)
    (tmp_path / "a.css").write_text("a")
    first = kit.asset("a.css")
    (tmp_path / "a.css").write_text("other")

    assert first != kit.asset("a.css")
    with pytest.raises(FileNotFoundError):
        kit.asset("missing.css")


# -- the frame ---------------------------------------------------------------------------------

SEAT = SimpleNamespace(
    organisation_id=1,
    organisation_name="North",
    roles=frozenset({"clinician"}),
    key="1",
    for_name="",
)
OTHER = SimpleNamespace(
    organisation_id=2, organisation_name="South", roles=frozenset(), key="2", for_name=""
)
FRAME: dict[str, Any] = {
    "viewer": None, "navigation": [], "demo": False, "unread": 0, "product_version": "1.2.3"
}  # fmt: skip
BARE = "{% extends 'base.html' %}{% block title %}Worklist{% endblock %}"


def _frame(source: str = BARE, **values: Any) -> Page:
    return _render(source, **{**FRAME, **values})


def test_the_frame_signed_out(pages: Flask) -> None:
    page = _frame()

    assert "Worklist – NET Registry" in page.words
    assert "NET Registry 1.2.3" in page.words
    assert "Sign out" not in page.words
    assert page.all("a")[0]["href"] == "#content"
    assert page.all("main", id="content")
    assert not page.all("aside")
    assert "includeIndicatorCSS" in page.all("meta", name="htmx-config")[0]["content"]


def test_the_frame_signed_in(pages: Flask) -> None:
    places = [
        SimpleNamespace(label="Worklist", url="/w", current=True, count=3),
        SimpleNamespace(label="Patients", url="/p", current=False, count=None),
    ]
    alice = SimpleNamespace(name="Dr Alice", seat=SEAT, seats=(SEAT, OTHER))

    page = _frame(viewer=alice, navigation=places, demo=True, unread=4)

    assert page.all("a", **{"aria-current": "page"})[0]["href"] == "/w"
    assert [b["value"] for b in page.all("button", name="organisation_id")] == ["1", "2"]
    assert {form["method"] for form in page.all("form")} == {"post"}
    tokens = page.all("input", name="csrf_token")
    assert len(tokens) == len(page.all("form"))
    assert tokens[0]["value"] in page.all("body")[0]["hx-headers:inherited"]
    for text in ("Clinician", "Dr Alice", "Sign out", "4 unread", "Synthetic demonstration data"):
        assert text in page.words


def test_one_organisation_needs_no_switch(pages: Flask) -> None:
    page = _frame(viewer=SimpleNamespace(name="Bob", seat=SEAT, seats=(SEAT,)))
    assert not page.all("button", name="organisation_id")
    assert "North" in page.words


def test_a_failed_form_shows_in_the_title(pages: Flask) -> None:
    form = Every(MultiDict([("other", "1")]))
    form.validate()

    assert "Error: Worklist – NET Registry" in _frame(form=form).words
    assert "Error:" not in _frame(form=Every()).words


def test_messages_and_the_aside(pages: Flask) -> None:
    flash("Saved <it>", "success")
    flash("Look again", "warning")

    page = _frame(BARE + "{% block aside %}Beside{% endblock %}")

    assert "Done Saved <it>" in page.words
    assert "Please note Look again" in page.words
    assert len(page.all("aside")) == 1


# -- words -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_every_word_goes_through_gettext(pages: Flask, path: Path) -> None:
    tree = pages.jinja_env.parse(path.read_text())
    markup = "".join(
        part.data if isinstance(part, nodes.TemplateData) else "1"
        for output in tree.find_all(nodes.Output)
        for part in output.nodes
    )
    page = Page(markup)
    spoken = [page.text]
    for _, attributes in page.elements:
        spoken += [
            attributes.get(name, "") for name in ("aria-label", "title", "placeholder", "alt")
        ]
    assert not [text for text in spoken if re.search(r"[^\W\d_]{2,}", text)]
    assert not [text for text in _constants(tree) if re.match(r"[A-Z][a-z]+( |$)", text)]


def _constants(tree: nodes.Template) -> list[str]:
    """Text constants outside calls of gettext."""
    translated = {
        id(constant)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in {"_", "ngettext"}
        for constant in call.find_all(nodes.Const)
    }
    return [
        constant.value
        for constant in tree.find_all(nodes.Const)
        if isinstance(constant.value, str) and id(constant) not in translated
    ]


# -- dates -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "shown"),
    [
        (PartialDate("2024"), "2024"),
        (PartialDate("2024-03"), "Mar 2024"),
        (PartialDate("2024-03-04"), "4 Mar 2024"),
        (date(2024, 3, 4), "4 Mar 2024"),
        (None, ""),
    ],
)
def test_a_date_is_shown_as_precisely_as_it_was_stated(
    pages: Flask, stated: PartialDate | date | None, shown: str
) -> None:
    with pages.test_request_context():
        assert kit.local_date(stated) == shown


def test_a_moment_has_no_day_without_a_zone(pages: Flask) -> None:
    with pages.test_request_context(), pytest.raises(TypeError):
        kit.local_date(datetime(2024, 3, 4, 23, 30, tzinfo=UTC))


# -- controls are rendered once ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("input", {"id": "a", "name": "a", "label": {"text": "A <b>"}, "value": ""}),
        ("input", {"id": "a", "name": "a", "label": {"text": "A"}, "value": 'x"<y>&'}),
        ("input", {"id": "a", "name": "a", "label": {"html": Markup("<b>A</b>")}, "value": "0"}),
        ("textarea", {"id": "t", "name": "t", "label": {"text": "T"}, "value": "two\nlines <x>"}),
        ("select", {"id": "s", "name": "s", "label": {"text": "S"},
                    "items": [{"value": "1", "text": "One", "selected": True}]}),
        ("radios", {"name": "r", "idPrefix": "r", "items": [
            {"value": "yes", "text": "Yes", "checked": True}, {"value": "no", "text": "No"}]}),
        ("dateInput", {"id": "d", "items": [
            {"name": "d-day", "id": "d-day", "label": "Day", "width": 2, "value": "27"},
            {"name": "d-year", "id": "d-year", "label": "Year", "width": 4, "value": "1961"}]}),
        ("input", {"id": "e", "name": "e", "label": {"text": "E"}, "value": "wrong",
                   "errorMessage": {"text": "wrong is no number"}}),
    ],
)  # fmt: skip
def test_a_remembered_control_is_what_the_kit_makes(name, params):
    plain = kit.plain_macros()[name]
    first, second = (getattr(kit.macros(), name)(dict(params)) for _ in range(2))
    assert str(first) == str(second) == str(plain(dict(params)))


def test_what_was_typed_is_not_remembered():
    looks = {}
    render = kit._remembered("input", kit.plain_macros()["input"], looks)
    for text in ("Zonneveld", "Bakker"):
        assert text in render({"id": "n", "name": "n", "label": {"text": "Name"}, "value": text})
    assert len(looks) == 1
    assert "Zonneveld" not in str(looks)


# -- what templates write ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    ["plain", "a & b", "<b>", "a > b", 'say "yes"', "it's", "", Markup("<b>&amp;</b>"), 3,
     Decimal("1.5"), None, kit.written(PartialDate("2024"))],
)  # fmt: skip
def test_what_is_written_into_a_page_is_as_safe_as_escaped(pages: Flask, value: Any) -> None:
    assert str(kit.shown(value)) == str(escape(value))
    assert pages.jinja_env.from_string("{{ value }}").render(value=value) == str(escape(value))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"who": "<b>O'Brien</b>", "n": 3}, "&lt;b&gt;O&#39;Brien&lt;/b&gt;: 3 of 100 %"),
        ({"who": Markup("<b>bold</b>"), "n": "x"}, "<b>bold</b>: x of 100 %"),
        ({"who": None, "n": Decimal("1.5")}, "None: 1.5 of 100 %"),
    ],
)
def test_what_is_put_into_a_text_is_safe(pages: Flask, values: dict[str, Any], said: str) -> None:
    text = "{{ _('%(who)s: %(n)s of 100 %%', who=who, n=n) }}"
    assert render_template_string(text, **values) == said


def test_what_is_set_and_written_later_is_escaped_once(pages: Flask) -> None:
    template = "{% set both %}{{ value }} & {{ value }}{% endset %}{{ both }}"
    assert pages.jinja_env.from_string(template).render(value="<i>") == "&lt;i&gt; & &lt;i&gt;"
