"""The directory of trials: to look at, to keep one by one, to take away, to bring in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, render_template, request

from registry import codes, web
from registry.access import Right
from registry.boards import letters, trial_files
from registry.boards.actions import trials as actions
from registry.boards.forms import trials as forms
from registry.boards.queries import trials as queries
from registry.boards.rules import trials as rules
from registry.boards.views.room import invalid, room
from registry.dates import PartialDate, today
from registry.errors import Conflict, Invalid
from registry.language import gettext as _

_LISTS = {"site": "triage_group", "country": "country", "differentiation": "differentiation"}


@room.page("/trials", right=Right.SIGNED_IN)
def trials() -> Any:
    """The directory."""
    return _page()


def _page(problem: str = "") -> str:
    return render_template(
        "boards/trials.html",
        trials=queries.trials(web.viewer()),
        statuses=rules.STATUSES,
        criteria=rules.CRITERIA,
        told=told,
        label=codes.label,
        day=letters.day,
        problem=problem,
        may_keep=web.viewer().may(Right.KEEP_TRIALS),
    )


def told(name: str, wanted: Any) -> str:
    """What a criterion wants, in words where there are some."""
    if name in _LISTS:
        return ", ".join(codes.label(_LISTS[name], one) for one in wanted)
    if name in ("prior_any", "prior_none"):
        return ", ".join(_therapy(one) for one in wanted)
    return rules.told(name, wanted)


def _therapy(code: str) -> str:
    listed = "therapy" if codes.known("therapy", code) else "therapy_class"
    return codes.label(listed, code)


@room.page("/trials.csv", right=Right.SIGNED_IN)
def trials_csv() -> Any:
    """The directory as CSV."""
    text = trial_files.write_csv(queries.trials(web.viewer()))
    return _file(text, "text/csv; charset=utf-8", "trials.csv")


@room.page("/trials.yaml", right=Right.SIGNED_IN)
def trials_yaml() -> Any:
    """The directory as YAML."""
    text = trial_files.write_yaml(queries.trials(web.viewer()))
    return _file(text, "application/yaml", "trials.yaml")


def _file(text: str, kind: str, name: str) -> Response:
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, mimetype=kind, headers=disposition)


# -- one trial ---------------------------------------------------------------------------------


@room.page("/trials/new", right=Right.KEEP_TRIALS, methods=("GET", "POST"))
def new_trial() -> Any:
    """Add a trial."""
    if request.method == "GET":
        day = PartialDate.of(today())
        return _trial_page(forms.TrialForm(stored={"status": "open", "checked_on": day}))
    form = forms.form_of(request.form)
    said = _said(form)
    if said is not None:
        try:
            actions.add(said, by=web.viewer())
        except Invalid as refused:
            invalid(form, refused, "code")
        else:
            web.done(_("The trial is in the directory."))
            return web.go("boards.trials")
    return _trial_page(form), 422


@room.page("/trials/<uuid:trial_id>", right=Right.KEEP_TRIALS, methods=("GET", "POST"))
def trial(trial_id: UUID) -> Any:
    """Change a trial."""
    found = queries.trial(web.viewer(), trial_id)
    if request.method == "GET":
        return _trial_page(forms.form_of(found=found), found)
    form = forms.form_of(request.form, found)
    said = _said(form)
    if said is None:
        return _trial_page(form, found), 422
    version = web.as_number(request.form.get("version")) or 0
    try:
        actions.change(found, said, by=web.viewer(), version=version)
    except (Invalid, Conflict) as refused:
        form.code.errors = [*form.code.errors, refused.message]
        return _trial_page(form, found), refused.status
    web.done(_("The trial was changed."))
    return web.go("boards.trials")


def _said(form: forms.TrialForm) -> dict[str, Any] | None:
    """What the form says of a trial; None where it cannot be taken, with messages in it."""
    if not form.validate():
        return None
    try:
        return trial_files.checked(1, form.told())
    except trial_files.Bad as bad:
        field = form[forms.BOXES.get(bad.column, bad.column)]
        field.errors = [*field.errors, _("This cannot be: look at it again.")]
        return None


def _trial_page(form: forms.TrialForm, found: Any = None) -> str:
    return render_template("boards/trial.html", form=form, trial=found)


# -- many at once ------------------------------------------------------------------------------


@room.page("/trials/import", right=Right.KEEP_TRIALS, methods=("POST",))
def import_trials() -> Any:
    """Bring trials in from a file: all of them, or none where one cannot be read."""
    sent = request.files.get("file")
    raw = sent.read() if sent else b""
    try:
        text = raw.decode("utf-8")
        read = trial_files.read_yaml if _is_yaml(sent) else trial_files.read_csv
        found = read(text)
    except UnicodeDecodeError:
        return _refused(_("The file must be written in UTF-8."))
    except trial_files.Bad as bad:
        return _refused(
            _("Row %(row)s cannot be read: look at %(column)s.", row=bad.row, column=bad.column)
        )
    if not found:
        return _refused(_("There is no trial in this file."))
    new, changed = actions.keep(found, by=web.viewer())
    web.done(_("%(new)s trials added, %(changed)s changed.", new=new, changed=changed))
    return web.go("boards.trials")


def _is_yaml(sent: Any) -> bool:
    return bool(sent and (sent.filename or "").lower().endswith((".yaml", ".yml")))


def _refused(problem: str) -> tuple[str, int]:
    return _page(problem), 422
