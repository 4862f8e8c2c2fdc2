"""Builders for imports: a map and a file of a few lines, and an import of them."""

from __future__ import annotations

from pathlib import Path

from registry.access import Viewer
from registry.interop import actions, map_files
from registry.interop.actions import Report
from registry.interop.mapping import Map, MapError

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
