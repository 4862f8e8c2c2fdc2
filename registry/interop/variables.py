"""The page of variables a map may fill: `python -m registry.interop.variables > docs/variables.md`.

Made from the dictionary and the code lists; a test fails when the page is not what they say.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from registry import codes
from registry.course.models import BY_NAME
from registry.dictionary import Level
from registry.interop import cells
from registry.interop.cells import Target
from registry.interop.map_files import patient_targets

_KINDS = {
    "text": "text",
    "long_text": "long text",
    "number": "number",
    "code": "code",
    "codes": "several codes",
    "yes_no": "code",
    "partial_date": "date (year, year-month or day)",
    "link": "address that begins with https://",
    "items": "answers by item number, each from a column: `items`",
    "ki67": "Ki-67 as stated: 12, 3-20, <3",
}
_INTRODUCTION = """# Variables a map may fill

Made from the dictionary by `python -m registry.interop.variables > docs/variables.md`; a test fails
when this page is not what the dictionary says. How a map is written: [import.md](import.md).

*Absent* are the reasons that may stand in the place of a value: `not_known`, `not_done`,
`not_applicable`, `not_available` (which says because). *Possible* is the range outside of which a
number is refused, *usual* the one outside of which it is kept and pointed out. Level 1 is the
minimal data set. What the registry derives itself (grade, stage group, contradictions) cannot be
filled and is not listed.
"""


def page() -> Iterator[str]:
    """The page, a line at a time."""
    yield from _INTRODUCTION.splitlines()
    yield ""
    used: dict[str, None] = {}
    yield from _entity("[patient]", "Patient (once a row)", patient_targets(), used)
    for name, model in BY_NAME.items():
        title = f"{model.entity_label} (as many blocks as are needed)"
        yield from _entity(f"[[{name}]]", title, cells.targets(model), used)
    yield "## Code lists"
    yield ""
    for name in sorted(used):
        yield from _list(name)


def _entity(
    block: str, title: str, targets: Mapping[str, Target], used: dict[str, None]
) -> Iterator[str]:
    yield f"## `{block}`: {title}"
    yield ""
    yield "| variable | what | takes | absent | level |"
    yield "|---|---|---|---|---|"
    for target in targets.values():
        if target.code_list:
            used[target.code_list] = None
        absent = ", ".join(target.declared.absent)
        level = "1" if target.declared.level is Level.MINIMAL else "2"
        cells_ = (f"`{target.name}`", _what(target), _takes(target), absent, level)
        yield f"| {' | '.join(_plain(cell) for cell in cells_)} |"
    yield ""


def _what(target: Target) -> str:
    text = str(target.declared.label)
    return f"{text}. {target.declared.help}" if target.declared.help else text


def _takes(target: Target) -> str:
    declared = target.declared
    if target.code_list:
        link = f"[`{target.code_list}`](#{target.code_list})"
        return f"several of {link}" if target.kind == "codes" else link
    parts = [_KINDS[target.kind]]
    if declared.unit:
        parts.append(str(declared.unit))
    if declared.possible:
        parts.append(f"possible {declared.possible[0]:f} to {declared.possible[1]:f}")
    if declared.plausible:
        parts.append(f"usual {declared.plausible[0]:f} to {declared.plausible[1]:f}")
    if target.kind == "text" and target.longest:
        parts.append(f"at most {target.longest} characters")
    return ", ".join(parts)


def _list(name: str) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if codes.is_open(name):
        yield "Open: another well-formed code is kept as stated, shown as *other* and reported."
        yield ""
    yield "| code | meaning |"
    yield "|---|---|"
    for code in codes.codes(name).values():
        yield f"| `{code.code}` | {_plain(code.label)} |"
    yield ""


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> None:
    """Print the page."""
    sys.stdout.write("\n".join(page()))


if __name__ == "__main__":
    main()
