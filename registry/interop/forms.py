"""What a source is, the shape of a file, and why data are asked for."""

from __future__ import annotations

from typing import Any

from registry.forms import Choice, Choices, HouseForm, LongText, Number, Option, Text
from registry.interop import rules
from registry.language import lazy_gettext as _l
from registry.patients.rules import PURPOSES

PURPOSE_OPTIONS = [
    Option(code, text)
    for code, text in PURPOSES.items()
    if code not in ("care", "research_contact")
]


class SourceForm(HouseForm):
    """What the file is and on what basis its patients are registered."""

    title = Text(
        _l("What is this source?"),
        help=_l("For example: The ward's list of 2019."),
        needed=_l("Say what the source is."),
        width=30,
    )
    name = Text(
        _l("Short name"),
        help=_l("Under this name the same source is recognised when a corrected file comes."),
        longest=40,
        needed=_l("Give the source a short name."),
    )
    licence = Text(
        _l("Whose data are they?"),
        help=_l("For example: Our own data. Or the licence of a published cohort."),
        needed=_l("Say whose data they are."),
        width=30,
    )
    basis = Text(
        _l("Basis of consent"),
        help=_l("On what the patients' answers rest, such as: Signed registry form of 2012."),
        longest=60,
        needed=_l("Say on what basis the patients are registered."),
        width=30,
    )
    purposes = Choices(
        _l("What the patients agreed to"),
        options=PURPOSE_OPTIONS,
        needed=_l("Choose at least one."),
    )
    id_column = Choice(
        _l("Column with the patient's number in this file"),
        help=_l("Rows with the same number are the same patient."),
        needed=_l("Choose the column."),
    )
    several = Choice(
        _l("Rows of a patient"),
        options=[
            Option("one", _l("One row a patient")),
            Option("several", _l("Several rows a patient: visits, readings, treatments")),
        ],
        needed=_l("Choose one of the options."),
    )


class ExportForm(HouseForm):
    """Asking for the centre's own data."""

    kind = Choice(
        _l("As"),
        options=[Option(code, text) for code, text in rules.EXPORT_KINDS.items()],
        needed=_l("Choose one of the options."),
    )
    reason = LongText(
        _l("What are the data needed for?"),
        help=_l("It is kept in the audit, which the privacy officer reads."),
        longest=2000,
        needed=_l("Say what the data are needed for."),
    )


class ShapeForm(HouseForm):
    """How a file is to be read."""

    encoding = Choice(_l("Encoding"))
    delimiter = Choice(
        _l("Cells are parted by"),
        options=[
            Option(",", _l("Comma")),
            Option(";", _l("Semicolon")),
            Option("tab", _l("Tab")),
            Option("|", _l("Vertical bar")),
        ],
    )
    comment = Text(
        _l("Comment lines above the header begin with"),
        help=_l("Leave empty if there are none."),
        longest=5,
        width=4,
    )
    sheet = Choice(_l("Sheet"))
    header_row = Number(
        _l("Row with the names of the columns"),
        help=_l("Leave empty for the first row that is not empty."),
        whole=True,
        width=3,
    )
    merged = Choice(
        _l("Merged cells"),
        options=[
            Option("fill", _l("Each of them has the value")),
            Option("first", _l("Only the first of them has it")),
        ],
    )


ENCODINGS = (
    ("utf-8", _l("UTF-8")),
    ("utf-16", _l("UTF-16")),
    ("cp1252", _l("Windows-1252 (Western Europe)")),
    ("latin_1", _l("ISO 8859-1 (Latin-1)")),
    ("cp1250", _l("Windows-1250 (Central Europe)")),
    ("iso8859_2", _l("ISO 8859-2 (Latin-2)")),
    ("cp1251", _l("Windows-1251 (Cyrillic)")),
    ("cp1253", _l("Windows-1253 (Greek)")),
    ("cp1254", _l("Windows-1254 (Turkish)")),
    ("mac_roman", _l("Mac Roman")),
)


def with_shape(form: Any, shape: Any) -> Any:
    """Offer what this file has: its sheets, and the encoding that was found."""
    known: dict[str, Any] = dict(ENCODINGS)
    names = list(dict.fromkeys([shape.get("encoding") or "", shape.get("found") or "", *known]))
    offer(form.encoding, [(n, known.get(n, n)) for n in names if n])
    offer(form.sheet, [(name, name) for name in shape.get("sheets", [])])
    return form


def offer(field: Any, options: Any) -> None:
    """Let a choice have these options; what was sent is read again with them."""
    field._options = [Option(value, label) for value, label in options]
    if field.typed:
        field.errors = []
        field.read()
