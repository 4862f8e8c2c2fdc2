"""Texts in the reader's language: the same as flask_babel's, each language for itself."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Flask
from flask_babel import Babel, force_locale

from registry import kit, language
from registry.dates import PartialDate

DUTCH = {"Grade": "Graad", "%(n)s entries": "%(n)s regels", "100 %% sure": "100 %% zeker"}


@pytest.fixture
def bilingual(tmp_path: Path) -> Iterator[Flask]:
    """An application in English, with a catalogue of Dutch."""
    found = Catalog(locale="nl")
    for text, said in DUTCH.items():
        found.add(text, said)
    made = io.BytesIO()
    write_mo(made, found)
    (tmp_path / "nl" / "LC_MESSAGES").mkdir(parents=True)
    (tmp_path / "nl" / "LC_MESSAGES" / "messages.mo").write_bytes(made.getvalue())
    app = Flask("bilingual")
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(tmp_path)
    Babel(app)
    kit.install(app)
    with app.test_request_context():
        yield app


def test_a_text_is_said_in_the_language_of_the_moment(bilingual: Flask) -> None:
    label = language.lazy_gettext("Grade")
    assert (language.gettext("Grade"), str(label)) == ("Grade", "Grade")
    with force_locale("nl"):
        assert (language.gettext("Grade"), str(label)) == ("Graad", "Graad")
        assert language.gettext("%(n)s entries", n=3) == "3 regels"
        assert language.gettext("Nobody translated this") == "Nobody translated this"
    assert language.gettext("%(n)s entries", n=3) == "3 entries"


def test_outside_of_an_application_a_text_is_as_it_is_written() -> None:
    assert language.gettext("%(n)s entries", n=3) == "3 entries"


def test_what_is_made_of_texts_is_made_once_for_each_language(bilingual: Flask) -> None:
    made = []

    @language.in_each_language
    def label(name: str) -> str:
        made.append(name)
        return f"{language.gettext('Grade')}: {name}"

    for _again in range(2):
        assert label("a") == "Grade: a"
        with force_locale("nl"):
            assert label("a") == "Graad: a"
            assert label("b") == "Graad: b"
    assert made == ["a", "a", "b"]


@pytest.mark.parametrize(
    ("iso", "english", "dutch"),
    [
        ("2024", "2024", "2024"),
        ("2024-03", "Mar 2024", "mrt 2024"),
        ("2024-03-05", "5 Mar 2024", "5 mrt 2024"),
    ],
)
def test_a_date_is_written_as_precise_as_it_was_stated(
    bilingual: Flask, iso: str, english: str, dutch: str
) -> None:
    assert language.written(PartialDate(iso)) == english
    with force_locale("nl"):
        assert language.written(PartialDate(iso)) == dutch
    assert language.written(None) == ""


def test_templates_say_texts_in_the_language_of_the_moment(bilingual: Flask) -> None:
    said = bilingual.jinja_env.from_string(
        "{% autoescape true %}{{ _('Grade') }}, {{ _('100 %% sure') }}, "
        "{{ _('%(n)s entries', n='<3') }}{% endautoescape %}"
    )
    assert said.render() == "Grade, 100 % sure, &lt;3 entries"
    with force_locale("nl"):
        assert said.render() == "Graad, 100 % zeker, &lt;3 regels"
