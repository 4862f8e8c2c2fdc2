"""What was brought in, what waits, and undoing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template

from registry import audit, web
from registry.access import Right
from registry.interop import actions, pages, queries, rules
from registry.interop.views.room import room
from registry.people import queries as people


@room.page("/imports", right=Right.BRING_IN)
def index() -> Any:
    """Files under way, what was brought in, and the centre's maps."""
    viewer = web.viewer()
    imports = queries.imports(viewer)
    uploads = queries.uploads(viewer)
    maps = queries.saved_maps(viewer)
    who: list[UUID | None] = [one.person_id for one in imports]
    who += [one.person_id for one in uploads] + [one.saved_by for one in maps]
    return render_template(
        "interop/index.html",
        is_centre=queries.is_centre(viewer),
        imports=imports,
        uploads=uploads,
        maps=maps,
        people=people.person_names(who),
        import_states=rules.IMPORT_STATES,
        upload_states=rules.UPLOAD_STATES,
    )


@room.page("/imports/<uuid:import_id>", right=Right.BRING_IN)
def imported(import_id: UUID) -> Any:
    """One import: what it brought, what it changed, and whether it was undone."""
    viewer = web.viewer()
    found = queries.imported(viewer, import_id)
    changes = queries.changes_of(viewer, import_id)
    audit.opened("opened import", by=viewer, subject=("import", import_id), patient_id=None)
    kept = (found.undo or {}).get("kept", [])
    return render_template(
        "interop/imported.html",
        imported=found,
        upload=queries.upload_of(viewer, import_id),
        changes=changes,
        by_map=queries.map_of_source(viewer, found.source),
        label_of=pages.label_of,
        kept=[(UUID(one[0]), one[1]) for one in kept],
        pseudonyms=queries.pseudonyms(viewer, [UUID(one[0]) for one in kept]),
        people=people.person_names([found.person_id, found.undone_by]),
        states=rules.IMPORT_STATES,
    )


@room.page("/imports/<uuid:import_id>/undo", right=Right.BRING_IN, methods=("POST",))
def undo(import_id: UUID) -> Any:
    """Have an import undone."""
    viewer = web.viewer()
    actions.ask_undo(queries.imported(viewer, import_id), by=viewer)
    return web.go("interop.imported", import_id=import_id)


@room.page("/imports/<uuid:import_id>/progress", right=Right.BRING_IN)
def undo_progress(import_id: UUID) -> Any:
    """How far the undoing is; the page asks each second."""
    found = queries.imported(web.viewer(), import_id)
    page = render_template("interop/_undoing.html", imported=found)
    return page, 200, {} if found.state == rules.UNDOING else {"HX-Refresh": "true"}
