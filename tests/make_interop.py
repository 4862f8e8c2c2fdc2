"""Builders for imports: a map and a file of a few lines, and an import of them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Viewer
from registry.db import db, new_id
from registry.interop import actions, map_files
from registry.interop.mapping import Map, MapError
from registry.interop.models import Import, Upload
from registry.interop.reports import Report
from registry.interop.sealed import Incoming

COHORTS = Path(__file__).parent / "data" / "cohorts"

HEAD = """
[source]
name = "ward"
title = "A ward's list"
licence = "ours"
id_column = "id"

[consent]
basis = "Signed form 2019"
purposes = ["registry", "research_use"]
"""
#: A map of the fewest lines: an id, and a tumour for every row.
TUMOUR = """
[[tumour]]
when = "always"
primary_site = { constant = "C25.1" }
"""


def map_of(folder: Path, body: str, head: str = HEAD) -> Map:
    """A map with the usual head. Raises MapError."""
    path = folder / "map.toml"
    path.write_text(head + body, encoding="utf-8")
    return map_files.load(path)


def problems_of(folder: Path, body: str, head: str = HEAD) -> str:
    """What is wrong with a map, or nothing."""
    try:
        map_of(folder, body, head)
    except MapError as error:
        return str(error)
    return ""


def file_of(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    """A file of these lines."""
    path = folder / "file.csv"
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


def brought_in(folder: Path, by: Viewer, body: str, *lines: str, head: str = HEAD) -> Report:
    """An import of these lines by a map of this body."""
    return actions.bring_in(file_of(folder, *lines), map_of(folder, body, head), by=by)


def waiting(by: Viewer, *lines: str, name: str = "ward.csv") -> Upload:
    """A file of these lines on its way in."""
    coming = Incoming(new_id())
    coming.write("\n".join(lines).encode())
    return actions.take_in(coming, name, by=by, form_key=new_id())


def a_centres(manager: Viewer, clinician: Viewer) -> dict[str, Any]:
    """What a centre's pages of importing and exporting are about, by the name in the address."""
    upload = waiting(manager, "No,Φύλο", "1,f", "2,m", name="Θάλαμος.csv")
    by_map = map_files.read((HEAD + TUMOUR).encode())
    with TemporaryDirectory() as folder:
        actions.bring_in(file_of(Path(folder), "id", "7"), by_map, by=manager)
    imported = db.session.scalars(sa.select(Import.id)).one()
    saved = actions.save_map(HEAD + TUMOUR, by=manager)
    asked = actions.ask_export(by=clinician, kind="csv", reason="Περίπατος", form_key=new_id())
    return {
        "upload_id": upload.id,
        "import_id": imported,
        "map_id": saved.id,
        "export_id": asked.id,
        "n": 0,
    }


def only_import() -> UUID:
    """The one import there is."""
    return db.session.scalars(sa.select(Import.id)).one()
