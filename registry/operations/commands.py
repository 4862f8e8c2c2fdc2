"""Commands for administrators: check, backup, restore, keys."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flask import Flask

Make = Callable[[], "Flask"]


def _by(name: str) -> Any:
    from registry.access import the_house

    return the_house(f"netreg {name}")


def _say(text: str) -> None:
    click.echo(text, err=True)


# -- backup and restore ------------------------------------------------------------------------


@click.command()
@click.option("--to", type=click.Path(path_type=Path), help="Folder (default: NETREG_BACKUPS).")
@click.option("--keep", type=int, help="How many backups are kept (default: NETREG_BACKUPS_KEPT).")
@click.option("--quiet", is_flag=True, help="Say nothing while it goes well.")
@click.pass_obj
def backup(make: Make, to: Path | None, keep: int | None, quiet: bool) -> None:
    """Back up the database and the files while people work. The keys are not in it.

    Exit status 1: there is no new backup, or files that rows refer to are missing.
    """
    from registry.audit_jobs import seal
    from registry.operations import backup as backups

    app = make()
    settings = app.extensions["netreg_settings"]
    with app.app_context():
        seal()  # so that the newest seal, which goes into the manifest, covers what is in it
        try:
            folder, made = backups.make(
                to or settings.backup_place,
                keep=keep or settings.backups_kept,
                say=(lambda text: None) if quiet else _say,
            )
        except (backups.NotMade, OSError) as problem:
            raise click.ClickException(f"There is no new backup. {problem}") from problem
    if not quiet or made.missing:
        rows = sum(table.rows for table in made.tables.values())
        click.echo(
            f"{folder}: {len(made.tables)} tables, {rows} rows, {len(made.files)} files, "
            f"{made.size} bytes"
        )
    if made.missing:
        raise click.ClickException(
            f"{len(made.missing)} files that rows refer to are missing in the storage, the first "
            f"is {made.missing[0]}. The others are in the backup; older backups were kept."
        )


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--check-only", is_flag=True, help="Only check that the backup is whole.")
@click.pass_obj
def restore(make: Make, folder: Path, check_only: bool) -> None:
    """Bring a backup into an empty place and compare it row for row and file for file.

    The place is the one of DATABASE_URL and NETREG_INSTANCE; the key ring of the backup's time
    must be there already. Nothing is ever overwritten.
    """
    from registry.operations import restore as restoring
    from registry.operations.manifest import Damaged, Manifest

    with make().app_context():
        try:
            if check_only:
                found = Manifest.read(folder)
                found.check(folder)
                found.check_keys(folder)
                click.echo(f"whole: {len(found.tables)} tables, {len(found.files)} files")
                return
            found = restoring.restore(folder, _say)
            upgrade = restoring.newer_needed(found)
        except Damaged as problem:
            raise click.ClickException(f"Not restored: {problem}.") from problem
        except restoring.NotEmpty as problem:
            raise click.ClickException(
                f"Not restored: {problem} A backup goes into an empty place only."
            ) from problem
    rows = sum(table.rows for table in found.tables.values())
    click.echo(
        f"Restored as of {found.at:%Y-%m-%d %H:%M:%S} UTC: {len(found.tables)} tables, {rows} rows "
        f"and {len(found.files)} files compared, audit intact."
    )
    if found.missing:
        click.echo(f"{len(found.missing)} files were missing already when it was made.", err=True)
    if upgrade:
        click.echo(f"Now run `netreg db upgrade`: {found.revision} is older than {upgrade}.")


# -- keys --------------------------------------------------------------------------------------


@click.group()
def keys() -> None:
    """The keys that seal names, numbers and files. They are never in the database or a backup."""


@keys.command()
@click.option(
    "--file", "path", type=click.Path(path_type=Path), help="Write it here, for its owner."
)
def new(path: Path | None) -> None:
    """Make a key ring nobody has used, for NETREG_KEYS_FILE or NETREG_KEYS."""
    from registry import keys as ground

    text = ground.to_json(ground.fresh())
    if path is None:
        click.echo(text, nl=False)
        return
    if path.exists():
        raise click.ClickException(f"{path} is there already and was left as it is.")
    ground.keep_once(path, text)
    click.echo(f"{path}: keep a copy apart from the backups. Whoever loses it loses the names.")


@keys.command()
@click.pass_obj
def show(make: Make) -> None:
    """Which keys there are, what lies under each, and how far a rotation is. No key is shown."""
    from registry import rekeying
    from registry.keys import holder

    with make().app_context():
        ring = holder().look()
        for key_id in ring.sealing:
            said = "current" if key_id == ring.current else "read only"
            used = {name: count for name, count in rekeying.counts(key_id).items() if count}
            counts = ", ".join(f"{name} {count}" for name, count in used.items()) or "nothing"
            click.echo(f"{key_id}  {said}: {counts}")
        found = rekeying.latest()
        if found is not None:
            when = (
                f"finished {found.finished_at:%Y-%m-%d %H:%M}" if found.finished_at else "going on"
            )
            done = sum(int(count) for count in found.done.values())
            click.echo(
                f"rotation to {found.key_id}: begun {found.started_at:%Y-%m-%d %H:%M}, {when}, "
                f"{done} values exchanged"
            )


@keys.command()
@click.option("--here", is_flag=True, help="Do it in this process instead of in the worker.")
@click.pass_obj
def rotate(make: Make, here: bool) -> None:
    """Add a new key and bring everything under it, while people work.

    What is left of an earlier rotation is finished first, without a new key.
    """
    from registry import rekeying
    from registry.db import db
    from registry.errors import Invalid
    from registry.keys import holder

    app = make()
    with app.app_context():
        before = holder().look().current
        click.echo("Waiting until every process knows the new key", err=True)
        try:
            begun = rekeying.begin(by=_by("keys rotate"))
        except Invalid as refused:
            raise click.ClickException(str(refused.message)) from refused
        key_id = begun.key_id
        db.session.commit()
        if key_id != before:
            click.echo(f"{key_id} is the current key. Copy the ring to where its copies are kept.")
        if not here:
            app.extensions["netreg_queue"]("keys.rotate")
            click.echo("The worker brings everything under it: `netreg keys show` says how far.")
            return
        if not rekeying.go_on(told=lambda name, done: click.echo(f"  {name}: {done}", err=True)):
            raise click.ClickException("Something is left: run it again.")
    click.echo(f"Everything is under {key_id}.")


@keys.command("next")
@click.pass_obj
def next_ring(make: Make) -> None:
    """Print the ring with a further key, for a ring in NETREG_KEYS.

    Run it twice: first the further key is added (put the ring in place everywhere and restart),
    then it becomes the current one (again). After that `netreg keys rotate`.
    """
    from dataclasses import replace

    from registry import keys as ground
    from registry import rekeying
    from registry.keys import ring

    with make().app_context():
        known = ring()
        newest = list(known.sealing)[-1]
        if newest == known.current:
            made = known.with_generation(rekeying.next_key_id(known))
        else:
            made = replace(known, current=newest)
    click.echo(ground.to_json(made), nl=False)


@keys.command()
@click.argument("key_id")
@click.pass_obj
def retire(make: Make, key_id: str) -> None:
    """Take a key that nothing uses out of the ring. Backups made before still need it."""
    from registry import rekeying
    from registry.db import db
    from registry.errors import Invalid

    with make().app_context():
        try:
            _ring, kept = rekeying.retire(key_id, by=_by("keys retire"))
        except Invalid as refused:
            raise click.ClickException(str(refused.message)) from refused
        db.session.commit()
    click.echo(
        f"{key_id} is no longer in the ring. It lies in {kept}: move it to where copies of the "
        "ring are kept, and destroy it when the last backup made before today is gone."
    )


@keys.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def recall(make: Make, file: Path) -> None:
    """Bring a retired key back into the ring, to read what a backup has under it."""
    from registry import keys as ground
    from registry.keys import holder

    try:
        retired = ground.from_json(file.read_text())
    except (OSError, ValueError) as problem:
        raise click.ClickException(f"{file} holds no key: {problem}") from problem
    with make().app_context():
        known = holder().look()
        if retired.root != known.root:
            raise click.ClickException("It belongs to another ring.")
        if holder().path is None:
            raise click.ClickException("The ring is in NETREG_KEYS: put the key in there.")
        holder().put(known.joined(retired))
    click.echo(f"The ring has {', '.join(retired.sealing)} again, to read with.")


# -- what production refuses -------------------------------------------------------------------


@click.command()
def check() -> None:
    """Say everything that keeps production from starting, and what should be looked at besides.

    Exit status 1 when production would not start, or when the database was changed besides the
    migrations.
    """
    from config import Settings
    from registry import create_app
    from registry.operations import production

    try:
        settings = Settings.load()
    except ValueError as problem:
        raise click.ClickException(str(problem)) from problem
    altered: list[str] = []
    try:
        app = create_app(settings)
        found, altered = production.problems(app), production.altered(app)
    except production.Unsafe as refused:
        found = refused.problems
    for one in found:
        click.echo(f"refused  {one.setting}: {one.text} {one.remedy}")
    for what in altered:
        click.echo(f"altered  DATABASE_URL: In the database, {what}.")
    for one in production.advice(settings):
        click.echo(f"advice   {one.setting}: {one.text} {one.remedy}")
    if found or altered:
        sys.exit(1)
    click.echo("Production starts with these settings.")
