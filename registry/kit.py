"""The design kit in templates: the macros of the form patterns, asset addresses, and page language.

Own templates are strict: a name that does not exist is an error. The kit's macros expect the
opposite, so they are compiled in an environment of their own and handed to ours as `kit`.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flask.templating
from flask import Flask, current_app, has_request_context, request, url_for
from flask_babel import get_locale
from jinja2 import (
    ChainableUndefined,
    Environment,
    PackageLoader,
    StrictUndefined,
    nodes,
    pass_context,
)
from jinja2.compiler import CodeGenerator
from markupsafe import Markup, escape

from registry.access import ROLE_LABELS, Seat
from registry.dates import PartialDate
from registry.language import Catalogue, in_each_language, spoken, written


@lru_cache(maxsize=1)
def macros() -> SimpleNamespace:
    """The kit's macros by name (`kit.input`, `kit.radios`, …), for templates."""
    return SimpleNamespace(**{n: _remembered(n, macro, {}) for n, macro in plain_macros().items()})


@lru_cache(maxsize=1)
def plain_macros() -> dict[str, Callable[..., Any]]:
    """The kit's macros by name as they come, compiled once a process."""
    environment = Environment(
        loader=PackageLoader("nhsuk_frontend_jinja"),
        undefined=ChainableUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # a package's templates do not change while we run
    )
    found: dict[str, Callable[..., Any]] = {}
    for name in environment.list_templates():
        if name.startswith("nhsuk/components/") and name.endswith("macro.jinja"):
            exported = vars(environment.get_template(name).module)
            found.update({n: m for n, m in exported.items() if callable(m) and n[0] != "_"})
    return found


# -- controls are rendered once ----------------------------------------------------------------
#
# A page of a hundred questions asks the kit for the same controls as the page before it. What a
# control looks like is remembered; what somebody typed never is: it is put in afterwards.

#: The kit's controls, and where in what they are given something typed stands.
_CONTROLS = {
    "input": ("value",),
    "textarea": ("value",),
    "select": (),
    "radios": (),
    "checkboxes": (),
    "dateInput": (),
}
_MOST_REMEMBERED = 4000
_STANDS_HERE = "\ue000{}\ue001"


def _remembered(
    name: str, macro: Callable[..., Any], looks: dict[Any, Markup]
) -> Callable[..., Any]:
    """The macro, or for a control one that renders it once for each look it can have."""
    if name not in _CONTROLS:
        return macro

    def render(params: dict[str, Any]) -> Any:
        if params.get("errorMessage"):  # it may say what was typed, and is rare
            return macro(params)
        typed: list[str] = []
        shape = _without_typed(params, _CONTROLS[name], typed)
        key = _frozen(shape)
        found = looks.get(key)
        if found is None:
            if len(looks) >= _MOST_REMEMBERED:
                looks.clear()
            found = looks[key] = Markup(macro(shape))  # noqa: S704 - made by the kit
        return _filled(found, typed) if typed else found

    return render


def _without_typed(
    params: dict[str, Any], names: tuple[str, ...], typed: list[str]
) -> dict[str, Any]:
    """What a control is given, with a mark where somebody typed something. A date has its marks
    in its three boxes."""
    marked = dict(params)
    for name in names:
        marked[name] = _marked(params.get(name), typed)
    if "items" in params and params["items"] and "label" in params["items"][0]:
        marked["items"] = [
            {**item, "value": _marked(item.get("value"), typed)} for item in params["items"]
        ]
    return marked


def _marked(value: Any, typed: list[str]) -> Any:
    if value is None or value == "":
        return value
    typed.append(str(escape(value)))
    return _STANDS_HERE.format(len(typed) - 1)


def _filled(text: Markup, typed: list[str]) -> Markup:
    plain = str(text)
    for number, value in enumerate(typed):
        plain = plain.replace(_STANDS_HERE.format(number), value)
    return Markup(plain)  # noqa: S704 - what was typed is escaped above


@dataclass(frozen=True)
class Stencil:
    """A piece of a page that stands in it many times: rendered once, with gaps for what differs."""

    parts: tuple[str, ...]  # the piece up to each gap, and what follows the last
    names: tuple[str, ...]  # of the gaps, in their order

    @classmethod
    def cut(cls, html: str) -> Stencil:
        """From HTML that was rendered with `gap` in the place of each value."""
        found = _GAP.split(html)
        return cls(tuple(found[::2]), tuple(found[1::2]))

    def filled(self, values: Mapping[str, Any]) -> str:
        """The piece with these values, escaped."""
        pieces = [""] * (len(self.parts) + len(self.names))
        pieces[::2] = self.parts
        pieces[1::2] = [_as_html(values[name]) for name in self.names]
        return "".join(pieces)


_SPECIAL = re.compile("[&<>\"']").search


def _as_html(value: Any) -> str:
    """Escaped; most texts have nothing to escape, and that is found out faster than done."""
    return value if type(value) is str and not _SPECIAL(value) else str(escape(value))


_GAP = re.compile("\ue000([a-z_]+)\ue001")


def gap(name: str) -> Markup:
    """Stands for a value in what becomes a Stencil."""
    return Markup(_STANDS_HERE.format(name))  # noqa: S704 - a name of our own


def _frozen(part: Any) -> Any:
    """Something to look a control up by. Markup and text are told apart: one is escaped."""
    if isinstance(part, dict):
        return tuple([(name, _frozen(value)) for name, value in part.items()])
    if isinstance(part, list | tuple):
        return tuple([_frozen(value) for value in part])
    if isinstance(part, Markup):
        return (Markup, str(part))
    if isinstance(part, str | int | float | None):
        return (type(part), part)
    return (str, str(part))


@lru_cache(maxsize=256)
def _fingerprint(path: str, changed: int) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:10]


#: Whether a static file has changed is looked at no more often: a page has sixteen of them.
LOOK_SECONDS = 1.0


def asset(filename: str) -> str:
    """Address of a static file; it changes with the content, so that caches never mix versions."""
    known: dict[Any, tuple[float, str]] = current_app.extensions.setdefault("netreg_assets", {})
    key = request.root_path if has_request_context() else None, filename
    kept, moment = known.get(key), time.monotonic()
    if kept is None or moment - kept[0] >= LOOK_SECONDS:
        path = f"{current_app.static_folder}/{filename}"
        found = _address(*key, _fingerprint(path, os.stat(path).st_mtime_ns))
        kept = known[key] = moment, found
    return kept[1]


@lru_cache(maxsize=512)
def _address(root: str | None, filename: str, print_of: str) -> str:
    """The same for everybody; where there is no request, there is no root it is asked under."""
    return url_for("static", filename=filename, v=print_of)


@in_each_language
def always(template: str) -> Markup:
    """A piece of every page that says the program's own words and nothing else: drawn once."""
    return Markup(current_app.jinja_env.get_template(template).render())  # noqa: S704 - our own


def page_language() -> str:
    """Language tag of the page, for `<html lang>`."""
    return str(get_locale() or "en").replace("_", "-")


def page_direction() -> str:
    """`ltr` or `rtl`, for `<html dir>`."""
    locale = get_locale()
    return str(locale.text_direction) if locale else "ltr"


def local_date(value: PartialDate | date | None) -> str:
    """A day, month or year in the reader's language, as precise as it was stated; empty for none.

    Raises TypeError for a moment, whose day depends on the zone (the filter `local_time` knows it).
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        raise TypeError("a moment has a day only in a zone")
    if isinstance(value, date):
        value = PartialDate.of(value)
    return written(value)


def role_names(seat: Seat | None) -> str:
    """The roles held at an organisation, in the order of the roles table, as one line."""
    if seat is None:
        return ""
    return ", ".join(str(label) for role, label in ROLE_LABELS.items() if role in seat.roles)


def inline(labels: Iterable[Any]) -> bool:
    """Are these options few and short enough to stand in one line?"""
    texts = [str(label) for label in labels]
    return len(texts) <= 5 and sum(len(text) + 5 for text in texts) <= 46


def _speak(app: Flask) -> None:
    """Let templates and code ask one catalogue."""
    babel = app.extensions["babel"].instance
    catalogue = babel.domain_instance = Catalogue()
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: spoken().say(text),
        ngettext=lambda one, many, n: catalogue.get_translations().ungettext(one, many, n),
        newstyle=True,
    )
    with_values: Any = app.jinja_env.globals["gettext"]

    @pass_context
    def say(context: Any, text: Any, /, **values: Any) -> Any:
        if type(text) is not str or not context.eval_ctx.autoescape:
            return with_values(context, text, **values)
        return _with(values, text) if values else _as_shown(text)

    app.jinja_env.globals.update({"_": say, "gettext": say})
    app.jinja_env.extend(say=_as_shown)


def _as_shown(text: str) -> Markup:
    """A text of ours without values, as it stands in a page. It is a format all the same: `%%` is a
    per cent sign."""
    kept = spoken().shown
    found = kept.get(text)
    if found is None:
        if len(kept) >= _MOST_REMEMBERED:
            kept.clear()
        found = kept[text] = Markup(spoken().say(text)) % {}  # noqa: S704 - a text of ours
    return found


def _with(values: Mapping[str, Any], text: str) -> Markup:
    """A text of ours with values put into it, each safe where it is words."""
    safe = {n: one if type(one) in (int, float) else shown(one) for n, one in values.items()}
    return Markup(spoken().say(text) % safe)  # noqa: S704 - a text of ours, its values escaped


#: What must not stand in a page as it is: the same characters as markupsafe's.
_UNSAFE = re.compile("[&<>'\"]")


def shown(value: Any) -> Any:
    """A value as a template writes it into a page: safe, in a fifth of the time of `escape`.

    `escape` makes a new Markup of everything. What is written is joined to the page and nothing
    else, so text without any sign of markup is left as it is, and markup is not made anew.
    """
    kind = type(value)
    if kind is Markup or (kind is str and not _UNSAFE.search(value)):
        return value
    return escape(value)


class Templates(flask.templating.Environment):
    """The environment of our templates. None has names of its own, so all share one plain table of
    them: Jinja's table of two layers is copied, slowly, for every template that takes part in a
    page."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The names a template knows."""
        return self.globals if d is None else super().make_globals(d)


class _Writer(CodeGenerator):
    """Compiles templates so that what they write goes through `shown`, and `_('a text')` is looked
    up at once and not called as any function is."""

    def visit_Call(  # noqa: N802 - the name Jinja calls
        self, node: nodes.Call, frame: Any, forward_caller: bool = False
    ) -> None:
        """A call; one of `_` with a text alone is written as what it says."""
        text = node.args[0] if len(node.args) == 1 else None
        alone = not (node.kwargs or node.dyn_args or node.dyn_kwargs)
        ours = isinstance(node.node, nodes.Name) and node.node.name == "_"
        safe = frame.eval_ctx.autoescape and not frame.eval_ctx.volatile
        if ours and alone and safe and isinstance(text, nodes.Const) and type(text.value) is str:
            self.write(f"environment.say({text.value!r})")
            return
        super().visit_Call(node, frame, forward_caller=forward_caller)

    def _output_child_pre(self, node: Any, frame: Any, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super()._output_child_pre(node, frame, finalize)
            return
        self.write(f"environment.shown({finalize.src or ''}")


def install(app: Flask) -> None:
    """Make the kit known to the templates of an application."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.code_generator_class = _Writer
    app.jinja_env.extend(shown=shown)
    app.jinja_env.add_extension("jinja2.ext.do")
    if "babel" in app.extensions:
        _speak(app)
    app.jinja_env.filters["local_date"] = local_date
    app.jinja_env.globals.update(
        kit=macros(),
        always=always,
        asset=asset,
        page_language=page_language,
        page_direction=page_direction,
        role_names=role_names,
        fits_in_line=inline,
    )
