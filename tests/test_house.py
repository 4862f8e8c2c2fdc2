"""The rules of the house, kept by the build rather than by the reviewer's patience."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from registry import all_models, dictionary, web
from registry import codes as vocabularies
from registry.access import RIGHTS, Right, Role, Viewer
from registry.db import Base, db, metadata
from registry.dictionary import Identity, Variable
from registry.people.models import Organisation, SignIn
from tests import make

ROOT = Path(__file__).resolve().parent.parent
all_models()

#: Who may commit: the web layer for a request; commands and jobs for their own work.
COMMITTERS = {
    "registry/web.py",
    "registry/cli.py",
    "registry/audit_jobs.py",
    "registry/boards/jobs.py",
    "registry/check_cohorts.py",
    "registry/course/jobs.py",
    "registry/interop/commands.py",
    "registry/one_writer.py",  # the driver's own commit, after which the next one writes
    "registry/people/commands.py",
    "registry/patients/documents/looking.py",
    "registry/people/jobs.py",
    "registry/patients/matching/jobs.py",
    "registry/referrals/jobs.py",
    "registry/research/commands.py",
    "registry/operations/commands.py",
    "registry/rekeying.py",
    "registry/research/jobs.py",
    "registry/research/releases/making.py",
    "registry/interop/exporting.py",
    "registry/interop/running.py",
    "registry/interop/working.py",
}


def sources():
    return sorted((ROOT / "registry").rglob("*.py"))


def columns():
    return [
        pytest.param(column, id=f"{mapper.class_.__name__}.{column.key}")
        for mapper in sorted(Base.registry.mappers, key=lambda m: m.class_.__name__)
        for column in mapper.columns
    ]


# -- the dictionary ----------------------------------------------------------------------------


@pytest.mark.parametrize("column", columns())
def test_every_column_is_classified(column):
    assert "variable" in column.info, "declare it with variable() or technical()"


def variables():
    return [
        pytest.param(model, name, declared, id=f"{model.__name__}.{name}")
        for model in dictionary.entities(Base)
        for name, declared in dictionary.described(model).items()
    ]


@pytest.mark.parametrize(("model", "name", "declared"), variables())
def test_every_variable_is_whole(model, name, declared: Variable):
    assert str(declared.label)
    if declared.codes:
        assert vocabularies.codes(declared.codes)
    assert set(declared.absent) <= set(dictionary.ABSENT)
    if declared.plausible and declared.possible:
        assert declared.possible[0] <= declared.plausible[0]
        assert declared.plausible[1] <= declared.possible[1]
    if declared.show_if:
        assert declared.show_if[0] in dictionary.described(model)
    if isinstance(sa.inspect(model).columns[name].type, sa.Text):
        assert declared.identity in {Identity.IDENTIFYING, Identity.FREE_TEXT}


def test_the_column_is_asked_for_what_it_can_hold():
    for model in dictionary.entities(Base):
        for name, declared in dictionary.described(model).items():
            size = getattr(sa.inspect(model).columns[name].type, "length", None)
            if declared.codes and declared.kind != "codes" and size:
                longest = max(len(code) for code in vocabularies.codes(declared.codes))
                assert longest <= size, f"{model.__name__}.{name}"


# -- writing -----------------------------------------------------------------------------------


def test_one_place_commits():
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        if name in COMMITTERS or name.startswith("registry/demo"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            assert not (called and node.func.attr == "commit"), f"{name}:{node.lineno} commits"


@pytest.fixture
def writing_page():
    """A page that writes though it is only read."""
    room = web.Room("naughty", __name__)

    @room.page("/naughty/orm", right=Right.ANYONE, endpoint="orm")
    def orm():
        db.session.add(Organisation(code="X", name="X", kind="referring_hospital", country="NL"))
        db.session.flush()
        return "written"

    @room.page("/naughty/sql", right=Right.ANYONE, endpoint="sql")
    def sql():
        db.session.execute(sa.update(SignIn).values(ended_at=None))
        return "written"

    return room


@pytest.mark.parametrize("way", ["orm", "sql"])
def test_a_get_cannot_write(way, database, tmp_path, writing_page):
    from config import Settings
    from registry import create_app

    app = create_app(
        Settings(database_url=database, instance=tmp_path, secret_key="x", environment="testing")
    )
    app.register_blueprint(writing_page)
    with pytest.raises((RuntimeError, sa.exc.DBAPIError), match=r"must not write|read-?only"):
        app.test_client().get(f"/naughty/{way}")
    with app.app_context():
        db.engine.dispose()


# -- rights ------------------------------------------------------------------------------------


def test_every_right_is_given_to_somebody_on_one_page():
    assert set(RIGHTS) == set(Right) - {Right.ANYONE}


def test_a_view_without_a_right_stops_the_start(app):
    bare = Flask("bare")
    bare.add_url_rule("/open", "open", lambda: "open")
    with pytest.raises(RuntimeError, match="open"):
        web.refuse_open_views(bare)


def test_nobody_has_no_right_but_what_anyone_has():
    nobody = Viewer(person_id=None, name="")
    assert [right for right in Right if nobody.may(right)] == [Right.ANYONE]


def test_office_roles_have_no_patient_page():
    patients_pages = {Right.READ_RECORD, Right.READ_REFERRAL, Right.WRITE_COURSE, Right.CONSENT}
    office = (Role.RESEARCHER, Role.ACCESS_COMMITTEE, Role.ADMINISTRATOR)
    for role in (*office, Role.LEAD, Role.PRIVACY_OFFICER):
        assert not [right for right in patients_pages if role in RIGHTS[right]]


# -- answers -----------------------------------------------------------------------------------


def test_every_answer_carries_the_security_headers(client):
    answer = client.get("/sign-in")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_refusal_rolls_back(client):
    alice = make.person(make.hospital(), Role.REFERRER)
    make.sign_in(client, alice)
    before = db.session.scalar(sa.select(sa.func.count()).select_from(Organisation))
    answer = make.post(client, "/account/password", {"current": "wrong"})
    assert answer.status_code == 422
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Organisation)) == before


def test_an_unknown_address_says_nothing(client):
    answer = client.get("/patients/Zonneveld")
    assert answer.status_code == 404
    assert "Zonneveld" not in answer.text


# -- names of constraints ----------------------------------------------------------------------


def test_every_constraint_has_a_name():
    for table in metadata.tables.values():
        for constraint in table.constraints:
            assert constraint.name, f"{table.name}: {constraint}"
