"""Files on their way in: taken in, looked at, mapped, checked, brought in, thrown away."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import audit, jobs, storage
from registry.access import Right, Viewer
from registry.db import db, new_id, now
from registry.errors import Conflict, Forbidden, Invalid
from registry.interop import (
    drafting,
    encodings,
    map_files,
    proposing,
    rules,
    sealed,
    sheets,
    tables,
)
from registry.interop.actions import maps
from registry.interop.mapping import MapError
from registry.interop.models import Upload
from registry.interop.sealed import Incoming, SealedFile
from registry.interop.tables import FileError
from registry.language import gettext as _

_SAFE = re.compile(r"[^a-z0-9]+")


def take_in(incoming: Incoming, name: str, *, by: Viewer, form_key: UUID, toml: str = "") -> Upload:
    """Keep a file that came in and look at its shape; without a map one is proposed.

    The same form sent twice makes one. Raises Invalid for a file that cannot be read.
    """
    by.need(Right.BRING_IN)
    if by.person_id is None:
        raise Forbidden()
    there = db.session.scalar(sa.select(Upload).where(Upload.form_key == form_key))
    if there is not None:
        if there.organisation_id != by.organisation_id:
            raise Conflict()
        return there
    if not incoming.size:
        raise Invalid(_("The file is empty."), field="file")
    incoming.keep()
    made = Upload(
        id=new_id(),
        form_key=form_key,
        organisation_id=by.organisation_id,
        person_id=by.person_id,
        expires_at=now() + rules.KEPT,
        toml=toml,
    )
    made.files = [_file(incoming, "", name)]
    made.files = [_looked_at(made.files[0]) if not toml else _as_mapped(made.files[0], toml)]
    if not made.toml:
        made.toml = drafting.to_toml(_proposed(made, by))
    db.session.add(made)
    db.session.flush()
    audit.record(
        "took in a file", by=by, subject=("upload", made.id),
        changes={"bytes": [None, incoming.size]},
    )  # fmt: skip
    return made


def _file(incoming: Incoming, part: str, name: str) -> dict[str, Any]:
    file = SealedFile(incoming.file_id, name)
    return {
        "part": part,
        "file_id": str(incoming.file_id),
        "name": name[:200] or "file",
        "size": incoming.size,
        "sha256": tables.sha256(file),
        "shape": {},
    }


def source_of(file: Mapping[str, Any]) -> SealedFile:
    """A kept file, to be opened."""
    return SealedFile(UUID(file["file_id"]), file["name"])


def _looked_at(file: dict[str, Any]) -> dict[str, Any]:
    """A file with its shape, as far as it is not stated, and what stands in its columns."""
    file = {**file, "shape": _shape(file)}
    _forget_profile(file)
    try:
        with tables.opened(source_of(file), **_how(file["shape"])) as table:
            profiles, first, read = proposing.profiles(table)
            encoding = table.encoding
    except FileError as error:
        return {**file, "problem": str(error), "profile": None}
    kept = {"columns": [one.as_json() for one in profiles], "first": first, "read": read,
            "encoding": encoding}  # fmt: skip
    return {**file, "problem": "", "profile": str(keep_json(kept))}


def _as_mapped(file: dict[str, Any], toml: str) -> dict[str, Any]:
    """A file with the shape its map states. Where that does not fit, as with refused rows that
    come back as CSV without the titles of their workbook, with the shape that is found."""
    try:
        source = map_files.content_of(toml.encode()).get("source", {})
    except MapError:
        source = {}
    stated: dict[str, Any] = {
        name: source[name] for name in ("sheet", "header_row", "merged") if name in source
    }
    if stated:
        with source_of(file).open("rb") as raw:
            if ("sheet" in stated) != _is_workbook(raw):
                stated = {}
    tried = _looked_at({**file, "shape": stated})
    if not stated or source.get("id_column") in _columns(tried):
        return tried
    found = _looked_at({**tried, "shape": {}})
    return (
        found
        if source.get("id_column") in _columns(found)
        else _looked_at({**found, "shape": stated})
    )


def _is_workbook(raw: Any) -> bool:
    try:
        return sheets.is_workbook(raw)
    except sheets.SheetError:
        return True


def _columns(file: Mapping[str, Any]) -> list[str]:
    """The names of a file's columns; none where it could not be read."""
    if not file["profile"]:
        return []
    return [one["column"] for one in read_json(UUID(file["profile"]))["columns"]]


def _how(shape: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "delimiter": shape.get("delimiter") or ",",
        "encoding": shape.get("encoding") or "",
        "comment": shape.get("comment") or "",
        "sheet": shape.get("sheet") or "",
        "header_row": int(shape.get("header_row") or 0),
        "merged": shape.get("merged") or "",
    }


def _shape(file: Mapping[str, Any]) -> dict[str, Any]:
    """What is stated of the file; what is not is found out."""
    stated = dict(file["shape"])
    source = source_of(file)
    with source.open("rb") as raw:
        try:
            if sheets.is_workbook(raw):
                names = sheets.names(raw)
                return {**stated, "kind": "xlsx", "sheets": names,
                        "sheet": stated.get("sheet") or names[0]}  # fmt: skip
        except sheets.SheetError as error:
            return {**stated, "kind": "unreadable", "why": str(error)}
        found = encodings.detect(raw)
    encoding = stated.get("encoding") or found.encoding
    comment = stated.get("comment")
    if comment is None:
        comment = tables.likely_comment(source, encoding)
    delimiter = stated.get("delimiter") or tables.likely_delimiter(source, encoding, comment)
    return {**stated, "kind": "csv", "encoding": encoding, "found": found.encoding,
            "how": found.how, "comment": comment, "delimiter": delimiter}  # fmt: skip


def keep_json(content: Any) -> UUID:
    """Keep something sealed in the storage; returns its id."""
    file_id = new_id()
    text = json.dumps(content, ensure_ascii=False).encode()
    with storage.writing(file_id) as out:
        writer = sealed.Writer(file_id, out)
        writer.write(text)
        writer.finish()
    return file_id


def read_json(file_id: UUID) -> Any:
    """What was kept sealed. Raises FileNotFoundError and Unreadable."""
    with io.BufferedReader(sealed.Reader(file_id)) as stream:
        return json.loads(stream.read())


def text_of(incoming: Incoming) -> str:
    """The text of a small file that came in, which is not kept. Raises Invalid."""
    incoming.keep()
    try:
        with io.BufferedReader(sealed.Reader(incoming.file_id)) as stream:
            return stream.read(2_000_000).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(_("The map is no text in UTF-8."), field="file") from None
    finally:
        storage.remove(incoming.file_id)


def _forget_profile(file: Mapping[str, Any]) -> None:
    if file.get("profile"):
        storage.remove(UUID(file["profile"]))


def _proposed(upload: Upload, by: Viewer) -> drafting.Content:
    file = upload.files[0]
    stem = _SAFE.sub("_", file["name"].rsplit(".", 1)[0].casefold()).strip("_")[:40] or "file"
    source = {"name": stem, "title": "", "licence": "", **source_shape(file["shape"])}
    if not file["profile"]:
        return {"source": {**source, "id_column": ""}, "consent": {"purposes": ["registry"]}}
    kept = read_json(UUID(file["profile"]))
    profiles = [proposing.Profile.of_json(one) for one in kept["columns"]]
    return proposing.propose(profiles, kept["read"], source)


def source_shape(shape: Mapping[str, Any]) -> dict[str, Any]:
    """The shape of a file as its map states it, so that the command line reads it alike."""
    found: dict[str, Any] = {}
    if shape.get("kind") == "xlsx":
        found["sheet"] = shape.get("sheet", "")
    else:
        words = {",": "", ";": "semicolon", "\t": "tab", "|": "pipe"}
        found["delimiter"] = words.get(shape.get("delimiter", ","), "")
        encoding = shape.get("encoding", "")
        found["encoding"] = "" if encoding in ("utf-8", "utf-8-sig") else encoding
        found["comment_lines"] = shape.get("comment", "")
    found["header_row"] = int(shape.get("header_row") or 0)
    found["merged"] = shape.get("merged", "")
    return {name: value for name, value in found.items() if value}


# -- changing ------------------------------------------------------------------------------------


def _editable(upload: Upload, by: Viewer) -> None:
    by.need(Right.BRING_IN)
    if upload.state not in rules.EDITABLE:
        raise Conflict(_("This file is being worked on, or is done with."))


def _forget_results(upload: Upload) -> None:
    """What a check said of an older map or shape is no longer true."""
    for file_id in (upload.report_file_id, upload.refused_file_id):
        if file_id is not None:
            storage.remove(file_id)
    upload.report_file_id = upload.refused_file_id = None
    upload.refused_size, upload.error, upload.state = 0, None, rules.UPLOADED


def reshape(upload: Upload, number: int, stated: Mapping[str, Any], *, by: Viewer) -> None:
    """Say how a file is to be read; its map is told so too. A map that is as it was proposed is
    proposed anew, from what now stands in the columns."""
    _editable(upload, by)
    if not 0 <= number < len(upload.files):
        raise Invalid(_("There is no such file."))
    untouched = number == 0 and upload.toml == drafting.to_toml(_proposed(upload, by))
    files = [dict(one) for one in upload.files]
    kept = {k: v for k, v in files[number]["shape"].items() if k in ("kind", "sheets")}
    files[number] = _looked_at({**files[number], "shape": {**kept, **stated}})
    upload.files = files
    _forget_results(upload)
    content = content_of(upload)
    if untouched:
        upload.toml = drafting.to_toml(_proposed(upload, by))
    elif number == 0 and "source" in content:
        fresh = source_shape(files[0]["shape"])
        of_shape = ("sheet", "delimiter", "encoding", "comment_lines", "header_row", "merged")
        content["source"] = {
            **{k: v for k, v in content["source"].items() if k not in of_shape}, **fresh
        }  # fmt: skip
        upload.toml = drafting.to_toml(content)
    db.session.flush()


def content_of(upload: Upload) -> drafting.Content:
    """The tables of the map being made; empty where its text is no TOML."""
    try:
        return map_files.content_of(upload.toml.encode())
    except MapError:
        return {}


def redraft(upload: Upload, toml: str | None, *, by: Viewer) -> None:
    """Put another map in the place of the one being made; None proposes one anew."""
    _editable(upload, by)
    upload.toml = drafting.to_toml(_proposed(upload, by)) if toml is None else toml
    _forget_results(upload)
    db.session.flush()


def add_file(upload: Upload, incoming: Incoming, part: str, name: str, *, by: Viewer) -> None:
    """Add a further file the map names, or put another in its place."""
    _editable(upload, by)
    if not incoming.size:
        raise Invalid(_("The file is empty."), field="file")
    incoming.keep()
    fresh = _looked_at(_file(incoming, part, name))
    files = []
    for one in upload.files:
        if one["part"] == part:
            _remove_file(one)
        else:
            files.append(one)
    upload.files = sorted([*files, fresh], key=lambda one: one["part"] != "")
    _forget_results(upload)
    db.session.flush()


# -- the worker's part ---------------------------------------------------------------------------


def ask_check(upload: Upload, *, by: Viewer) -> None:
    """Have the file checked by its map."""
    if upload.state in rules.UNDER_WAY:
        return  # the button was pressed twice
    _editable(upload, by)
    _forget_results(upload)
    _ask(upload, rules.ASKED_CHECK)


def ask_import(upload: Upload, *, by: Viewer, keep_valid: bool, take: Sequence[str] = ()) -> None:
    """Have the file brought in; its map is kept for the centre, so that refused rows that were
    corrected, and the next file of the kind, need none. Raises Conflict before it was checked."""
    by.need(Right.BRING_IN)
    if upload.state in (rules.ASKED, rules.BRINGING, rules.BROUGHT):
        return
    if upload.state != rules.CHECKED:
        raise Conflict(_("Have the file checked first."))
    upload.choices = {"keep_valid": keep_valid, "take": sorted(set(take))[:10_000]}
    maps.save_map(upload.toml, by=by)
    _ask(upload, rules.ASKED)
    audit.record(
        "asked to bring in", by=by, subject=("upload", upload.id),
        changes={"keep_valid": [None, keep_valid]},
    )  # fmt: skip


def _ask(upload: Upload, state: str) -> None:
    upload.state, upload.phase, upload.done, upload.total = state, "", 0, 0
    upload.attempts, upload.maker, upload.heartbeat_at = 0, None, None
    db.session.flush()
    jobs.after_commit("interop.work", str(upload.id))


def cancel(upload: Upload, *, by: Viewer) -> None:
    """Stop what the worker does with a file: nothing of it is kept. Raises Conflict when it is
    too late."""
    by.need(Right.BRING_IN)
    writing = upload.state in (rules.ASKED, rules.BRINGING)
    stopped = db.session.execute(
        sa.update(Upload)
        .where(
            Upload.id == upload.id,
            Upload.state.in_(rules.UNDER_WAY),
            Upload.phase.not_in(("correcting", "showing")),
        )
        .values(state=rules.CHECKED if writing else rules.UPLOADED, maker=None, heartbeat_at=None)
        .execution_options(synchronize_session=False)
    )
    if not stopped.rowcount:  # type: ignore[attr-defined]
        raise Conflict(_("It is too late: this is no longer under way."))
    audit.record("stopped", by=by, subject=("upload", upload.id))
    jobs.after_commit("interop.clear_up")


def discard(upload: Upload, *, by: Viewer) -> None:
    """Throw a file away, with what was said of it."""
    by.need(Right.BRING_IN)
    if upload.state in rules.UNDER_WAY:
        raise Conflict(_("Stop the work on this file first."))
    throw_away(upload)
    audit.record("threw a file away", by=by, subject=("upload", upload.id))


def throw_away(upload: Upload) -> None:
    """Remove everything that is kept of a file; that there was one stays."""
    for one in upload.files:
        _remove_file(one)
    for file_id in (upload.report_file_id, upload.refused_file_id):
        if file_id is not None:
            storage.remove(file_id)
    upload.report_file_id = upload.refused_file_id = None
    upload.files, upload.toml, upload.choices = [], "", {}
    if upload.state != rules.BROUGHT:
        upload.state = rules.DISCARDED
    db.session.flush()


def _remove_file(file: Mapping[str, Any]) -> None:
    storage.remove(UUID(file["file_id"]))
    _forget_profile(file)
