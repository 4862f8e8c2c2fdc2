"""The support directory as a table: its columns, and what a line of it must hold."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any
from uuid import UUID

from registry import codes
from registry.language import gettext as _

#: What a contact says, and how long it may be.
LONGEST = {
    "country": 2,
    "kind": 40,
    "name": 200,
    "what_for": 400,
    "website": 500,
    "telephone": 60,
    "email": 200,
    "languages": 300,
}
COLUMNS = ("id", *LONGEST, "active")
#: A directory of every country has fewer lines.
MOST_LINES = 2000
_RISKY = ("=", "+", "-", "@", "\t", "\r")

Row = dict[str, Any]


@dataclass
class Read:
    """The lines of a file, or what is wrong with them. Nothing is taken over while there is."""

    rows: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_RISKY) else cell


def _plain(cell: str) -> str:
    """A cell as it was before `safe`."""
    cell = cell.replace("\x00", "").strip()
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_RISKY) else cell


def to_csv(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """The directory as a file, with a mark that it is UTF-8 for spreadsheets."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        cells = {**row, "languages": ";".join(row["languages"])}
        cells["active"] = "yes" if row["active"] else "no"
        writer.writerow([safe(str(cells[name] or "")) for name in COLUMNS])
    return out.getvalue().encode("utf-8-sig")


def from_csv(data: bytes) -> Read:
    """The contacts of a file. Columns may stand in any order; `id` and `active` may be missing."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Read(problems=[_("The file is not UTF-8 text. Save it as CSV (UTF-8).")])
    first = text.split("\n", 1)[0]
    lines = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in first else ",")
    try:
        header = [name.strip() for name in lines.fieldnames or ()]
        missing = [name for name in ("country", "kind", "name") if name not in header]
        if missing:
            wanted = ", ".join(missing)
            return Read(problems=[_("The first line lacks: %(columns)s.", columns=wanted)])
        lines.fieldnames = header
        return _read(list(lines))
    except csv.Error:
        return Read(problems=[_("The file cannot be read as a table.")])


def _read(lines: Sequence[Mapping[str | None, Any]]) -> Read:
    if len(lines) > MOST_LINES:
        return Read(problems=[_("At most %(n)s lines at once.", n=MOST_LINES)])
    found = Read()
    for number, line in enumerate(lines, 2):
        cells = {str(n): _plain(v) for n, v in line.items() if n and isinstance(v, str)}
        if not any(cells.values()):
            continue
        row = _row(cells)
        wrong = problems(row)
        found.problems += [_("Line %(n)s: %(problem)s", n=number, problem=one) for one in wrong]
        found.rows.append(row)
    return found


def _row(cells: Mapping[str, str]) -> Row:
    row: Row = {name: cells.get(name, "") for name in LONGEST}
    row["country"], row["kind"] = row["country"].upper(), row["kind"].lower()
    spoken = re.split(r"[;,\s]+", cells.get("languages", "").lower())
    row["languages"] = [one for one in spoken if one]
    row["active"] = cells.get("active", "").lower() not in ("no", "0", "false")
    row["id"] = cells.get("id", "")
    return row


def problems(row: Mapping[str, Any]) -> list[str]:
    """What is wrong with one contact, in words."""
    found = []
    for name, longest in LONGEST.items():
        if isinstance(row[name], str) and len(row[name]) > longest:
            found.append(_("%(column)s is longer than %(n)s characters.", column=name, n=longest))
    if row["country"] and not codes.known("country", row["country"]):
        found.append(_("country must be a two-letter code, or empty for every country."))
    if not codes.known("support_contact_kind", row["kind"]):
        known = ", ".join(codes.codes("support_contact_kind"))
        found.append(_("kind must be one of: %(kinds)s.", kinds=known))
    if not row["name"]:
        found.append(_("name is empty."))
    if unknown := [one for one in row["languages"] if not codes.known("language", one)]:
        found.append(_("These languages are not known: %(codes)s.", codes=", ".join(unknown)))
    return [*found, *_reach(row), *_number(row)]


def _number(row: Mapping[str, Any]) -> list[str]:
    try:
        UUID(row["id"] or "0" * 32)
    except ValueError:
        return [_("id is none of ours. Leave it empty for a new contact.")]
    return []


def _reach(row: Mapping[str, Any]) -> list[str]:
    found = []
    if not (row["website"] or row["telephone"] or row["email"]):
        found.append(_("Give a website, a telephone number or an e-mail address."))
    if row["website"] and not is_website(row["website"]):
        found.append(_("website must be an address that begins with https://."))
    if row["email"] and not is_email(row["email"]):
        found.append(_("email is no address."))
    if row["telephone"] and not is_telephone(row["telephone"]):
        found.append(_("telephone is no number."))
    return found


def is_website(text: str) -> bool:
    """May it stand behind a link?"""
    return bool(re.fullmatch(r"https://[^\s<>\"'\\]+", text))


def is_email(text: str) -> bool:
    """Has it the form of an address of mail?"""
    return bool(re.fullmatch(r"[^@\s<>\"']+@[^@\s<>\"']+\.[^@\s<>\"']+", text))


def is_telephone(text: str) -> bool:
    """Can it be dialled?"""
    return bool(re.fullmatch(r"[0-9+()/ .\-]{3,}", text))


def start_list() -> list[Row]:
    """The contacts that come with the product, each with its source in the file."""
    data = resources.files("registry.knowledge") / "data" / "support_contacts.csv"
    return from_csv(data.read_bytes()).rows
