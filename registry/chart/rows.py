"""The rows of a table of entries as HTML: a chart has hundreds of cells, and a template takes ten
times as long for them. Everything goes through `escape`; the table round them is a template's
(`chart/_entries.html`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from registry import web
from registry.chart.drawing import escape
from registry.chart.tables import SHORT, Row, Table
from registry.language import gettext as _

#: Where an entry's id stands in an address.
KEY = "KEY"


@dataclass(frozen=True)
class Links:
    """Where an entry is edited, its history read, and a response to a therapy added; each address
    with KEY for the entry's id. No `response`: none is offered."""

    edit: str
    history: str
    response: str = ""


def drawn(
    table: Table,
    links: Links,
    *,
    graded: Callable[[Any], Markup],
    tag: Callable[[str, str], Markup],
    entered: Mapping[str, tuple[str, datetime]] | None = None,
) -> Markup:
    """The rows. `graded` and `tag` are macros: what was derived beside what was stated, and a tag;
    `entered` says who entered an entry and when."""
    words = _Words(table.label)
    html = []
    for row in table.rows:
        html.append(
            f'<tr role="row" id="{table.entity}-{row.id}"{_state(row)}>'
            f'<th role="rowheader" scope="row" class="app-table__head{_tight(row)}">'
            f"{escape(row.head)}"
            f"{_error(row, tag)}</th>{row.cells}"
        )
        if table.derived:
            beside = graded(row.beside) if row.beside else ""
            html.append(f'<td role="cell" data-label="{escape(table.derived)}">{beside}</td>')
        if entered is not None:
            html.append(_entered(*entered[row.id]))
        html.append(_end(row, links, words))
    return Markup("".join(html))  # noqa: S704 - escaped


class _Words:
    """What stands in every row, in the reader's language. Which table and entry a link belongs to
    is read aloud with it."""

    def __init__(self, label: str) -> None:
        self.more, self.edit, self.history = (
            escape(one) for one in (_("More"), _("Edit"), _("History"))
        )
        self.response = escape(_("Add response"))
        self.label = escape(label)


def _tight(row: Row) -> str:
    """A date stays in one line beside the widest of columns."""
    return " app-table__tight" if len(row.head) < SHORT else ""


def _state(row: Row) -> str:
    if row.error:
        return ' class="app-table__row--error"'
    return ' class="app-table__row--soon"' if row.contradicts else ""


def _error(row: Row, tag: Callable[[str, str], Markup]) -> str:
    if not row.error:
        return ""
    return (
        f" {tag('revoked', _('Entered in error'))}"
        f'<span class="app-under" dir="auto">{escape(row.error)}</span>'
    )


def _entered(who: str, at: datetime) -> str:
    return (
        f'<td role="cell" data-label="{escape(_("Entered"))}"><span><bdi class="app-name">'
        f'{escape(who)}</bdi> <span class="app-under">{escape(web.local_time(at))}</span></span>'
        "</td>"
    )


def _end(row: Row, links: Links, words: _Words) -> str:
    """The last cell: whose entry it is, what else it says, and what can be done."""
    head = escape(row.head)
    aloud = f'<span class="nhsuk-u-visually-hidden"> {words.label}, {head}</span>'
    parts = ['<td role="cell" data-label=""><div class="app-line-end">']
    if row.source:
        parts.append(f'<span class="app-line-end__source">{escape(row.source)}</span>')
    if row.more:
        said = "".join(
            f'<div><dt>{escape(one.label)}</dt><dd dir="auto">{escape(one.text)}</dd></div>'
            for one in row.more
        )
        parts.append(
            f'<details class="app-why"><summary>{words.more}{aloud}</summary>'
            f'<dl class="app-more">{said}</dl></details>'
        )
    parts.append('<span class="app-line-end__links">')
    if row.may_edit:
        parts.append(_link(links.edit, row.id, f"{words.edit}{aloud}"))
        if links.response:
            beside = f'<span class="nhsuk-u-visually-hidden"> {head}</span>'
            parts.append(_link(links.response, row.id, f"{words.response}{beside}"))
    parts.append(_link(links.history, row.id, f"{words.history}{aloud}"))
    parts.append("</span></div></td></tr>")
    return "\n".join(parts)


def _link(address: str, entry_id: str, inner: str) -> str:
    return (
        f'<a class="app-line-end__edit" href="{escape(address.replace(KEY, entry_id))}">{inner}</a>'
    )
