"""How a migration runs: one transaction each, on SQLite and on PostgreSQL.

The database is the connection in `config.attributes["connection"]` when a program hands one over
(outside any transaction), else the one of DATABASE_URL.
"""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.migration import MigrationContext
from sqlalchemy.dialects import sqlite

import registry
from config import Settings
from registry.db import metadata
from registry.jobs import queue_tables

registry.all_models()

ONE_AT_A_TIME = (
    7_263_001  # the number of PostgreSQL's advisory lock: two upgrades wait for each other
)
QUEUE_TABLES = "huey_"  # what the queue of background work keeps on PostgreSQL


def ours(name: str | None, kind: str, parents: Any) -> bool:
    """Is this table the product's, and so to be compared with the models?"""
    return not (kind == "table" and name is not None and name.startswith(QUEUE_TABLES))


def plain_type(kind: str, item: Any, generated: Any) -> str | Literal[False]:
    """How a type of the house is written in a new migration: as what it is in the database.

    A migration must mean the same in years to come, so it does not refer to the product's code.
    """
    if kind == "type" and isinstance(item, sa.JSON):
        generated.imports.add("from sqlalchemy.dialects import postgresql")
        stated = f"none_as_null={item.none_as_null}"
        return f"sa.JSON({stated}).with_variant(postgresql.JSONB({stated}), 'postgresql')"
    if kind != "type" or not isinstance(item, sa.types.TypeDecorator):
        return False
    usual, on_sqlite = repr(item.impl_instance), repr(item.load_dialect_impl(sqlite.dialect()))
    variant = f".with_variant(sa.{on_sqlite}, 'sqlite')" if on_sqlite != usual else ""
    return f"sa.{usual}{variant}"


def refuse_broken_references(ctx: MigrationContext, **step: Any) -> None:
    """SQLite does not watch references while tables are rebuilt: look before it is kept."""
    connection = ctx.connection
    if ctx.as_sql or connection is None or connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        tables = sorted({f"{row[0]} → {row[2]}" for row in broken})
        raise RuntimeError(f"{len(broken)} rows would refer to nothing: {', '.join(tables)}")


def configure(**where: Any) -> None:
    """Set up the run with the options that both ways share."""
    context.configure(
        target_metadata=metadata,
        include_name=ours,
        render_item=plain_type,
        compare_type=True,
        transaction_per_migration=True,
        transactional_ddl=True,
        on_version_apply=refuse_broken_references,
        **where,
    )


def watch_references(connection: sa.Connection, *, on: bool) -> None:
    """SQLite's own switch, told to the driver: inside a transaction it would have no effect."""
    driver: Any = connection.connection.dbapi_connection
    driver.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")


def migrate(connection: sa.Connection) -> None:
    """Run what was asked for on this connection."""
    if connection.in_transaction():
        raise RuntimeError("migrations need a connection outside any transaction")
    on_sqlite = connection.dialect.name == "sqlite"
    if on_sqlite:
        watch_references(connection, on=False)
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({ONE_AT_A_TIME})")
        connection.commit()
    try:
        configure(connection=connection, render_as_batch=on_sqlite)
        with context.begin_transaction():
            context.run_migrations()
        if not on_sqlite:
            migrated = bool(context.get_context().get_current_heads())
            for statement in queue_tables(wanted=migrated):
                connection.exec_driver_sql(statement)
        if connection.in_transaction():
            connection.commit()
    finally:
        if connection.in_transaction():
            connection.rollback()
        if on_sqlite:
            watch_references(connection, on=True)
        else:
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({ONE_AT_A_TIME})")
            connection.commit()


def main() -> None:
    """Print the SQL (`alembic upgrade head --sql`), or migrate."""
    given = context.config.attributes.get("connection")
    if context.is_offline_mode():
        configure(url=Settings.load().database_url, literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()
    elif given is not None:
        migrate(given)
    else:
        engine = sa.create_engine(Settings.load().database_url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            migrate(connection)


main()
