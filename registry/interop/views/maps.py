"""Maps as files, and the maps a centre keeps."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, render_template, request

from registry import web
from registry.access import Right
from registry.interop import actions, map_files, queries
from registry.interop.mapping import MapError
from registry.interop.views.room import file_sent, room
from registry.language import gettext as _
from registry.people import queries as people

_PATH = "/imports/files/<uuid:upload_id>/map"


def _toml(text: str, name: str) -> Response:
    return Response(
        text,
        mimetype="application/toml",
        headers={"Content-Disposition": f"attachment; filename={name}.toml"},
    )


@room.page(_PATH, right=Right.BRING_IN)
def toml(upload_id: UUID) -> Any:
    """The map of a file, as the command line reads it."""
    return _toml(queries.upload(web.viewer(), upload_id).toml, "map")


@room.page(f"{_PATH}/in", right=Right.BRING_IN, methods=("POST",))
def toml_in(upload_id: UUID) -> Any:
    """Put a map that was sent, or one of the centre's, in the place of the one being made."""
    viewer = web.viewer()
    found = queries.upload(viewer, upload_id)
    coming, name = file_sent()
    if request.form.get("propose"):
        actions.redraft(found, None, by=viewer)
        web.done(_("A map was proposed anew."))
    elif web.as_id(request.form.get("map")) is not None:
        chosen = queries.saved_map(viewer, UUID(request.form["map"]))
        actions.redraft(found, chosen.toml, by=viewer)
        web.done(_("The map of the centre is used."))
    elif coming is None:
        web.warn(_("Choose a map."))
    else:
        _take(found, coming, name)
    return web.go("interop.columns", upload_id=upload_id)


def _take(found: Any, coming: Any, name: str) -> None:
    text = actions.text_of(coming)
    try:
        map_files.content_of(text.encode(), name)
    except MapError as error:
        web.warn(error.problems[0])
        return
    actions.redraft(found, text, by=web.viewer())
    web.done(_("The map was taken over."))


@room.page(f"{_PATH}/save", right=Right.BRING_IN, methods=("POST",))
def save_map(upload_id: UUID) -> Any:
    """Keep the map for the centre."""
    viewer = web.viewer()
    found = queries.upload(viewer, upload_id)
    try:
        saved = actions.save_map(found.toml, by=viewer)
    except MapError:
        web.warn(_("The map is not complete yet."))
        return web.go("interop.columns", upload_id=upload_id)
    web.done(_("Saved as %(name)s, version %(n)s.", name=saved.name, n=saved.version))
    return web.go("interop.columns", upload_id=upload_id)


@room.page("/imports/maps/<uuid:map_id>", right=Right.BRING_IN)
def saved_map(map_id: UUID) -> Any:
    """A map the centre keeps, with its versions."""
    viewer = web.viewer()
    found = queries.saved_map(viewer, map_id)
    versions = queries.versions_of(viewer, found.name)
    return render_template(
        "interop/map.html",
        saved=found,
        versions=versions,
        people=people.person_names([one.saved_by for one in versions]),
    )


@room.page("/imports/maps/<uuid:map_id>/file", right=Right.BRING_IN)
def map_file(map_id: UUID) -> Any:
    """A map the centre keeps, as a file."""
    found = queries.saved_map(web.viewer(), map_id)
    return _toml(found.toml, f"map-v{found.version}")
