"""The map of a file, column by column."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template, request

from registry import codes, web
from registry.access import Right
from registry.errors import NotFound
from registry.interop import actions, drafting, forms, pages, proposing, queries
from registry.interop.actions import uploads
from registry.interop.map_files import FACTORS
from registry.interop.models import Upload
from registry.interop.notation import ORDERS
from registry.interop.views.room import room
from registry.interop.views.uploads import found_upload, step_of
from registry.language import gettext as _

_PATH = "/imports/files/<uuid:upload_id>/columns"


@room.page(_PATH, right=Right.BRING_IN, methods=("GET", "POST"))
def columns(upload_id: UUID) -> Any:
    """What the source is, and what becomes of each column."""
    found = found_upload(upload_id)
    if not found.files:
        return web.go("interop.upload", upload_id=upload_id)
    content = uploads.content_of(found)
    rows = pages.columns_of(found, content)
    form = _source_form(content, [row.column for row in rows])
    if request.method == "POST" and form.validate():
        said = {name: form[name].data for name in form._fields}
        made = pages.source_content(content, said)
        actions.redraft(found, drafting.to_toml(made), by=web.viewer())
        if request.form.get("then") == "check":
            actions.ask_check(found, by=web.viewer())
            return web.go("interop.upload", upload_id=upload_id)
        return web.go("interop.columns", upload_id=upload_id)
    _by_map, problems = pages.problems_of(found)
    page = render_template(
        "interop/columns.html",
        form=form,
        rows=rows,
        problems=pages.in_words(problems, form),
        content=content,
        further=pages.further_parts(content, found),
        maps=queries.saved_maps(web.viewer()),
        **step_of(found),
    )
    return page, 422 if request.method == "POST" else 200


def _source_form(content: drafting.Content, names: list[str]) -> Any:
    source, consent = content.get("source", {}), content.get("consent", {})
    data = {
        **{name: source.get(name) or None for name in ("title", "name", "licence", "id_column")},
        "basis": consent.get("basis") or None,
        "purposes": consent.get("purposes") or [],
        "several": source.get("rows", "one"),
    }
    sent = request.form if request.method == "POST" else None
    form = forms.SourceForm(sent, stored=data)
    forms.offer(form.id_column, [(name, name) for name in names])
    return form


@room.page(f"{_PATH}/<int:n>", right=Right.BRING_IN, methods=("GET", "POST"))
def column(upload_id: UUID, n: int) -> Any:
    """One column: what it fills, how it is read, and what its words mean."""
    found = found_upload(upload_id)
    content = uploads.content_of(found) if found.files else {}
    editor = pages.editor(found, content, n) if found.files else None
    if editor is None:
        if found.files:
            raise NotFound()
        return web.go("interop.upload", upload_id=upload_id)
    error = ""
    if request.method == "POST":
        made, error = _changed(content, editor)
        if made is not None and not error:
            actions.redraft(found, drafting.to_toml(made), by=web.viewer())
            return _next(found, n)
    page = render_template(
        "interop/column.html",
        editor=editor,
        words=pages.to_decide(editor.words, editor.target),
        error=error,
        choices=pages.choices(),
        orders=ORDERS,
        factors=FACTORS,
        code_options=_options(editor),
        constant_options=_constants(editor),
        rule=dict(editor.use.rule) if editor.use else {},
        last=len(pages.profile_of(found.files[0])[0]) - 1,
        **step_of(found),
    )
    return page, 422 if error else 200


def _options(editor: pages.Editor) -> list[tuple[str, str]]:
    name = editor.target.code_list if editor.target else ""
    return [(one.code, one.shown()) for one in codes.codes(name).values()] if name else []


def _constants(editor: pages.Editor) -> list[dict[str, Any]]:
    """What can be said beside the column, fixed for every row: the unit, the analyte, …"""
    use = editor.use
    if use is None or use.entity == "patient":
        return []
    found = []
    for path, target in drafting.targets().items():
        entity, name = path.split(".", 1)
        if entity != use.entity or name == use.variable or target.kind not in ("code", "text"):
            continue
        found.append(
            {
                "name": name,
                "label": str(target.declared.label),
                "value": str(editor.constants.get(name, "")),
                "codes": [(c.code, c.shown()) for c in codes.codes(target.code_list).values()]
                if target.code_list
                else [],
            }
        )
    # What is stated already, and what the number needs; all else is said in the map's file.
    needed = {"unit", "interval_unit", "time_unit", "analyte", "endpoint"}
    return [one for one in found if one["value"] or one["name"] in needed]


def _changed(content: drafting.Content, editor: pages.Editor) -> tuple[Any, str]:
    """The map as the person wants it, or the message."""
    use = request.form.get("use", "")
    if use in ("kept", "ignored"):
        reason = request.form.get("reason", "").strip() or _("not needed")
        return drafting.with_fate(content, editor.column, use, reason), ""
    if use != "used":
        return None, _("Choose what becomes of the column.")
    path = pages.path_of(request.form.get("path", ""))
    if not path:
        return None, _("Choose a variable of the list.")
    same = editor.use is not None and editor.use.path == path
    target = drafting.targets()[path]
    before = dict(editor.use.rule) if same and editor.use else {}
    if same:
        rule = pages.rule_from(request.form, target, editor.profile, before)
    else:
        rule = proposing.rule_for(editor.profile, target)
    block = web.as_number(request.form.get("block"))
    constants = {
        name.removeprefix("constant-"): value.split(" ", 1)[0] if " " in value else value
        for name, value in request.form.items()
        if name.startswith("constant-") and same
    }
    if not same:
        block = None
    elif block is None and editor.use is not None and request.form.get("block") != "new":
        block = editor.use.block
    elif request.form.get("block") == "new":
        block = 1_000
    made = drafting.with_use(content, editor.column, path, rule, block=block, constants=constants)
    return made, ""


def _next(upload: Upload, n: int) -> Any:
    """Where the person wants to go from here."""
    if request.form.get("then") == "next":
        return web.go("interop.column", upload_id=upload.id, n=n + 1)
    if request.form.get("then") == "list":
        return web.go("interop.columns", upload_id=upload.id)
    return web.go("interop.column", upload_id=upload.id, n=n)
