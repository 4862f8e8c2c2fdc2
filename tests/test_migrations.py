"""Migrations go up and down with data in them, and end where the models are."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from config import ROOT, Settings
from registry import create_app
from registry.db import db, metadata
from registry.operations.schema import differences
from tests import test_walk
from tests.databases import migrate

REVISIONS = [step.revision for step in ScriptDirectory(str(ROOT / "migrations")).walk_revisions()]


def tables(url):
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    return set(sa.inspect(engine).get_table_names()) - {"alembic_version"}


def test_they_stand_in_one_numbered_line():
    numbers = [int(revision) for revision in reversed(REVISIONS)]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.slow
def test_up_down_and_up_with_data(place, tmp_path):
    url = place.blank("lifted")
    migrate(url)
    settings = Settings(database_url=url, instance=tmp_path, secret_key="x", environment="testing")
    app = create_app(settings)
    with app.app_context():
        test_walk.build()
        filled = {
            name
            for name, table in metadata.tables.items()
            if db.session.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first()
        }
        db.session.remove()
        db.engine.dispose()
    assert len(filled) >= 16, "the world of this test should fill most tables"
    for revision in [*REVISIONS[1:], "base"]:
        migrate(url, revision, down=True)
    assert tables(url) == set()
    migrate(url)
    assert set(metadata.tables) <= tables(url)
    with app.app_context():
        test_walk.build()
        db.session.remove()
        db.engine.dispose()


def test_the_database_is_what_the_models_say(database):
    engine = sa.create_engine(database, poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert differences(connection) == []
        connection.execute(sa.text("DROP INDEX ix_follow_up_plan_next_due"))
        connection.execute(sa.text("ALTER TABLE notice ADD COLUMN scribbled integer"))
        connection.execute(sa.text("CREATE TABLE aside (id integer)"))
        assert sorted(differences(connection)) == [
            "column notice.scribbled is not of this version",
            "index ix_follow_up_plan_next_due of follow_up_plan is missing",
            "table aside is not of this version",
        ]
        connection.rollback()


def test_the_audit_stays_append_only_after_every_migration(database):
    engine = sa.create_engine(database, poolclass=sa.NullPool)
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if database.startswith("sqlite")
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    )
    with engine.connect() as connection:
        names = set(connection.exec_driver_sql(query).scalars())
    assert any(name.startswith("audit_entry_keep") for name in names)
