"""Every text a user sees goes through gettext: a pseudo-language finds what is hard-coded.

Each text of the catalogue is put between ⟦ and ⟧. What stands on a page outside of those marks is
either data, which is marked as such in the page (bdi, code, time, dd, …), or hard-coded English.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Flask
from werkzeug.routing import Rule

from config import Settings
from registry import create_app
from registry.access import Role
from registry.audit import AuditEntry
from registry.db import db
from registry.patients.models import Patient
from registry.words import catalogue
from tests import make, test_walk

PSEUDO = "eo"  # a language that Babel knows and nobody has translated to

#: Tags whose content is data, never words of ours.
DATA = {"bdi", "code", "time", "script", "style", "title", "svg", "textarea"}
#: Words that are the same in every language: names of standards, units, codes of this world.
_SAME = """
    NET NEC TNM AJCC UICC ENETS WHO ICD SSTR PET MRI FDG PRRT SSA ECOG UTC SHA CSV
    json html txt csv zip README manifest HOSP CENTRE NETWORK WALK
"""
SAME = frozenset(_SAME.split())
_MONTHS = "|".join(Locale(PSEUDO).months["format"]["abbreviated"].values())
_NO_WORDS = (
    r"[\w ]+, [\w.]+@[\w.]+",  # a person in a list to choose from
    r"[\w.]+@[\w.]+",  # addresses of mail
    r"\b[A-Z]\w+(/[\w+-]+)+",  # names of time zones
    r"\b[2-9A-Z]{4}-[2-9A-Z]{4}\b",  # pseudonyms
    r"\d{1,2}[. ]+\w{3,4}[.,]? \d{4}",  # a day, as the language writes it
    rf"\b({_MONTHS})\.? \d{{4}}\b",  # a month
)


def pseudo(text: str) -> str:
    """The text between marks, its placeholders untouched."""
    return f"⟦{text}⟧"


@pytest.fixture(scope="module")
def translations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every text of the product, between marks."""
    folder = tmp_path_factory.mktemp("translations")
    (folder / PSEUDO / "LC_MESSAGES").mkdir(parents=True)
    found = Catalog(locale=PSEUDO)
    for message in catalogue():
        if not message.id:
            continue
        if isinstance(message.id, tuple):
            found.add(message.id, tuple(pseudo(one) for one in message.id))
        else:
            found.add(message.id, pseudo(message.id))
    out = io.BytesIO()
    write_mo(out, found)
    (folder / PSEUDO / "LC_MESSAGES" / "messages.mo").write_bytes(out.getvalue())
    return folder


@pytest.fixture(scope="module")
def made() -> Iterator[dict[str, Flask]]:
    """The applications in the pseudo-language, one for each database."""
    apps: dict[str, Flask] = {}
    yield apps
    for app in apps.values():
        app.extensions["netreg_huey"].storage.close()


@pytest.fixture
def pseudo_app(database, translations, made, compiled, tmp_path_factory):
    if database not in made:
        made[database] = create_app(
            Settings(
                database_url=database,
                instance=tmp_path_factory.mktemp("instance"),
                secret_key="x",
                environment="testing",
                languages=(PSEUDO,),
                extra={"translations": str(translations)},
            )
        )
        made[database].jinja_env.bytecode_cache = compiled
    with made[database].app_context():
        yield made[database]
        db.session.remove()
        db.engine.dispose()


class Reader(HTMLParser):
    """The words a reader meets: text, and the attributes that are read aloud."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[tuple[str, bool]] = []  # tag, and whether its content is data
        self.texts: list[str] = []

    @property
    def in_data(self) -> bool:
        return any(data for _name, data in self.inside)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag not in {"input", "br", "meta", "link", "path", "circle", "line", "rect", "hr"}:
            # What is frozen in English, such as a release's documents, says so by its language.
            self.inside.append((tag, tag in DATA or given.get("lang") == "en"))
        if not self.in_data:
            for name in ("aria-label", "placeholder", "title", "alt"):
                if given.get(name):
                    self.texts.append(given[name])

    def handle_endtag(self, tag):
        if tag in {name for name, _data in self.inside}:
            while self.inside.pop()[0] != tag:
                pass

    def handle_data(self, data):
        if not self.in_data:
            self.texts.append(data)


def hard_coded(page: str) -> set[str]:
    """English words outside of the marks."""
    reader = Reader()
    reader.feed(page)
    whole = "\n".join(reader.texts)
    while True:  # marks may stand within marks
        stripped = re.sub(r"⟦[^⟦⟧]*⟧", " ", whole)
        if stripped == whole:
            break
        whole = stripped
    for pattern in _NO_WORDS:
        whole = re.sub(pattern, " ", whole)
    return {word for word in re.findall(r"[A-Za-z]{3,}", whole) if word not in SAME}


# The words of a page are the same whatever database it was read from.
@pytest.mark.timeout(300)  # every page of every role
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_no_text_is_hard_coded_and_nobody_is_named_unnoted(pseudo_app):
    """Whoever's name stands on a page was read: the audit says so."""
    world = test_walk.build()
    named = [one for one in db.session.scalars(sa.select(Patient)) if one.full_name]
    people = {one.id: {one.full_name, one.pseudonym} for one in named}
    wrong, unnoted = {}, set()
    for role in Role:
        relation = test_walk.RELATED if role is Role.REFERRER else test_walk.OWN
        client = pseudo_app.test_client()
        make.sign_in(client, world.walkers[role, relation])
        for rule in pages_of(pseudo_app, role):
            before = db.session.scalar(sa.select(sa.func.max(AuditEntry.id)))
            db.session.rollback()
            answer = client.get(world.address(pseudo_app, rule), buffered=True)
            if answer.mimetype != "text/html" or answer.status_code not in {200, 403, 404}:
                continue
            found = hard_coded(answer.text)
            if found:
                wrong[role, rule.endpoint] = sorted(found)
            shown = {one for one, who in people.items() if all(said in answer.text for said in who)}
            if shown - read_since(before):
                unnoted.add(rule.endpoint)
    assert not wrong
    assert not unnoted


def read_since(number: int | None) -> set[UUID | None]:
    """The patients that what was kept after this entry is about."""
    query = sa.select(AuditEntry.patient_id).where(AuditEntry.id > (number or 0))
    found = set(db.session.scalars(query))
    db.session.rollback()
    return found


def pages_of(app: Flask, role: Role) -> list[Rule]:
    """What somebody in this role may ask for, and one page that the role alone is refused: they say
    the same."""
    asked = [
        rule
        for rule, method in test_walk.rules(app)
        if method == "GET" and rule.endpoint not in {"static", "research.download"}
    ]
    refused = [rule for rule in asked if test_walk.refused_before_asking(rule, role)]
    return [rule for rule in asked if rule not in refused[1:]]
