"""A pasted table of dated laboratory values, read cell by cell.

Three shapes are known: one value a row with named columns; days down the side and tests across;
tests down the side and days across. What cannot be read stays as it was typed, to be corrected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from registry import codes
from registry.clinical import units
from registry.course.fast import read_date

#: Rows read at most from one paste.
MOST_ROWS = 200
LONGEST = 50_000  # characters

_COLUMNS = {
    "date": "date day datum collected sampled taken time",
    "analyte": "analyte test marker parameter component name examination investigation",
    "value": "value result level concentration wert",
    "unit": "unit units einheit",
    "upper_limit": "uln limit upper reference range normal ref",
    "assay": "assay method kit manufacturer",
    "ppi": "ppi",
    "fasting": "fasting fasted",
}
#: Names in use for a test, and the codes they may mean; the unit decides between them.
_NAMES = {
    "cga": ("CGA_MASS", "CGA_MOLAR", "CGA_UNITS"),
    "chromogranin a": ("CGA_MASS", "CGA_MOLAR", "CGA_UNITS"),
    "chromogranin": ("CGA_MASS", "CGA_MOLAR", "CGA_UNITS"),
    "chromogranin b": ("CGB",),
    "5hiaa": ("HIAA_U24_MOL", "HIAA_U24_MASS", "HIAA_P_MOL", "HIAA_P_MASS"),
    "5 hiaa": ("HIAA_U24_MOL", "HIAA_U24_MASS", "HIAA_P_MOL", "HIAA_P_MASS"),
    "hiaa": ("HIAA_U24_MOL", "HIAA_U24_MASS", "HIAA_P_MOL", "HIAA_P_MASS"),
    "5 hydroxyindoleacetic acid": ("HIAA_U24_MOL", "HIAA_U24_MASS", "HIAA_P_MOL", "HIAA_P_MASS"),
    "nse": ("NSE",),
    "neuron specific enolase": ("NSE",),
    "pancreatic polypeptide": ("PP",),
    "c peptide": ("CPEPTIDE",),
    "nt probnp": ("NT_PROBNP",),
    "ntprobnp": ("NT_PROBNP",),
    "haemoglobin": ("HB",),
    "hemoglobin": ("HB",),
    "hb": ("HB",),
    "platelets": ("PLT",),
    "plt": ("PLT",),
    "alp": ("ALP",),
    "alkaline phosphatase": ("ALP",),
    "ldh": ("LDH",),
    "egfr": ("EGFR",),
    "gfr": ("EGFR",),
    "cortisol": ("UFC",),
    "free cortisol": ("UFC",),
}
_VALUE = re.compile(
    r"^(?P<sign><=|>=|<|>|≤|≥)?\s*(?P<number>\d[\d\s.,']*?)\s*(?P<rest>[^\d.,].*)?$"
)
_FLAG = re.compile(r"^[\s*↑↓+!]*(?:H|L|HH|LL|high|low)?[\s*↑↓+!]*$", re.IGNORECASE)
_SIGNS = {"≤": "<=", "≥": ">="}


@dataclass(frozen=True)
class Read:
    """One value as it was read: what would be typed into each column, and the line it is from."""

    cells: Mapping[str, str]
    source: str


@dataclass(frozen=True)
class Pasted:
    """All values read, what was recognised of the table, and lines that hold no value."""

    rows: tuple[Read, ...]
    recognised: Mapping[str, str] = field(default_factory=dict)  # heading → column
    left_out: tuple[str, ...] = ()


def read(
    text: str, *, month_first: bool = False, analyte: str = "", unit: str = "", limit: str = ""
) -> Pasted:
    """Read a pasted table. `analyte`, `unit` and `limit` hold where the table does not say.

    A date such as 03/04/2024 is read with the day first unless `month_first`.
    """
    lines = [line for line in text.replace("\r", "\n").split("\n") if line.strip()]
    table = _cells(lines[: MOST_ROWS + 1])
    if not table:
        return Pasted(())
    given = {"analyte": analyte, "unit": unit, "upper_limit": limit}
    head = table[0]
    named = {place: name for place, cell in enumerate(head) if (name := _column(cell))}
    if "value" in named.values() or (_has_date(named) and "analyte" in named.values()):
        return _long(table[1:], lines[1:], named, head, given, month_first)
    if _dates(head[1:], month_first) >= 2:
        return _across(table, lines, given, month_first)
    tests = {place: code for place, cell in enumerate(head) if (code := _test(cell, "")[0])}
    if tests and not named.keys() & tests.keys() and len(table) > 1:
        return _wide(table, lines, tests, named, given, month_first)
    guessed = _guess(table, month_first)
    return _long(table, lines, guessed, [], given, month_first)


# -- the shapes --------------------------------------------------------------------------------


def _long(
    table: Sequence[Sequence[str]],
    lines: Sequence[str],
    named: Mapping[int, str],
    head: Sequence[str],
    given: Mapping[str, str],
    month_first: bool,
) -> Pasted:
    rows, left = [], []
    for cells, line in zip(table, lines, strict=False):
        said = {name: cells[place] for place, name in named.items() if place < len(cells)}
        if not said.get("value", "").strip():
            left.append(line.strip())
            continue
        rows.append(_one(said, given, line, month_first))
    recognised = {head[place]: name for place, name in named.items() if place < len(head)}
    return Pasted(tuple(rows), recognised, tuple(left))


def _wide(
    table: Sequence[Sequence[str]],
    lines: Sequence[str],
    tests: Mapping[int, str],
    named: Mapping[int, str],
    given: Mapping[str, str],
    month_first: bool,
) -> Pasted:
    """Days down the side, a test a column; its unit, limit or assay may stand in the next ones."""
    rows, left = [], []
    head = table[0]
    free = [place for place in range(len(head)) if place not in tests]
    day = next((place for place in free if named.get(place) == "date"), free[0] if free else 0)
    beside = _beside(tests, named)
    for cells, line in zip(table[1:], lines[1:], strict=False):
        found = [place for place in tests if place < len(cells) and cells[place].strip()]
        if not found:
            left.append(line.strip())
        for place in found:
            said = {name: cells[p] for p, name in beside[place].items() if p < len(cells)}
            said |= {"date": cells[day], "analyte": head[place], "value": cells[place]}
            said["unit"] = said.get("unit", "").strip() or _unit_in(head[place])
            rows.append(
                _one(said, given, f"{cells[day]} {head[place]} {cells[place]}", month_first)
            )
    recognised = {head[place]: "analyte" for place in tests} | {head[day]: "date"}
    recognised |= {head[p]: name for own in beside.values() for p, name in own.items()}
    return Pasted(tuple(rows), recognised, tuple(left))


def _beside(tests: Mapping[int, str], named: Mapping[int, str]) -> dict[int, dict[int, str]]:
    """The columns that say more of each test: those behind it, up to the next test."""
    found: dict[int, dict[int, str]] = {place: {} for place in tests}
    for place, name in named.items():
        owners = [test for test in tests if test < place]
        if name != "date" and owners:
            found[max(owners)][place] = name
    return found


def _across(
    table: Sequence[Sequence[str]],
    lines: Sequence[str],
    given: Mapping[str, str],
    month_first: bool,
) -> Pasted:
    """Tests down the side, a day a column; a unit or range may stand between."""
    rows, left = [], []
    head = table[0]
    days = [place for place, cell in enumerate(head) if place and _is_date(cell, month_first)]
    others = {p: name for p, cell in enumerate(head) if p and (name := _column(cell))}
    for cells, line in zip(table[1:], lines[1:], strict=False):
        found = [place for place in days if place < len(cells) and cells[place].strip()]
        if not found:
            left.append(line.strip())
        common = {name: cells[place] for place, name in others.items() if place < len(cells)}
        for place in found:
            said = common | {"date": head[place], "analyte": cells[0], "value": cells[place]}
            said.setdefault("unit", _unit_in(cells[0]))
            rows.append(_one(said, given, f"{cells[0]} {head[place]} {cells[place]}", month_first))
    recognised = {head[place]: "date" for place in days}
    return Pasted(tuple(rows), recognised, tuple(left))


def _guess(table: Sequence[Sequence[str]], month_first: bool) -> dict[int, str]:
    """Columns without headings: the first with dates, names of tests, numbers, units."""
    named: dict[int, str] = {}
    for place in range(max(map(len, table))):
        column = [row[place] for row in table if place < len(row) and row[place].strip()]
        kind = _kind(column, month_first)
        if kind and kind not in named.values():
            named[place] = kind
    return named


def _kind(column: Sequence[str], month_first: bool) -> str:
    tests = (
        ("date", lambda text: _is_date(text, month_first) and not text.strip().isdigit()),
        ("analyte", lambda text: bool(_test(text, "")[0])),
        ("value", lambda text: bool(_VALUE.match(text.strip()))),
        ("unit", lambda text: "/" in text or "%" in text),
    )
    for name, fits in tests:
        if column and sum(map(fits, column)) * 2 > len(column):
            return name
    return ""


# -- one value ---------------------------------------------------------------------------------


def _one(said: Mapping[str, str], given: Mapping[str, str], line: str, month_first: bool) -> Read:
    sign, number, rest = _number(said.get("value", ""))
    unit = said.get("unit", "").strip() or _as_unit(rest) or given["unit"].strip()
    name = said.get("analyte", "").strip()
    code, left = _test(name, unit) if name else (given["analyte"], "")
    cells = {
        "date": _date(said.get("date", ""), month_first),
        "analyte": code or left or name,
        "comparator": sign,
        "value": number,
        "unit": unit,
        "upper_limit": _upper(said.get("upper_limit", "") or given["upper_limit"]),
        "assay": said.get("assay", "").strip(),
        "fasting": _yes_no(said.get("fasting", "")),
        "ppi": _yes_no(said.get("ppi", "")),
    }
    return Read({column: text for column, text in cells.items() if text}, line.strip()[:200])


def _number(text: str) -> tuple[str, str, str]:
    """Sign, number and what stands behind it; a text that is none stays in the place of the
    number."""
    found = _VALUE.match(text.strip())
    if not found:
        return "", text.strip(), ""
    sign = found["sign"] or ""
    rest = (found["rest"] or "").strip()
    if rest and _FLAG.match(rest):
        rest = ""
    return _SIGNS.get(sign, sign), plain_number(found["number"]), rest


def plain_number(text: str) -> str:
    """A number with a point and without signs between thousands: 1,234.5 and 1.234,5 are 1234.5.

    One comma before exactly three digits is left as it stands, to be looked at.
    """
    digits = re.sub(r"[\s']", "", text).rstrip(".,")
    if "," in digits and "." in digits:
        last = max(digits.rfind(","), digits.rfind("."))
        whole = re.sub(r"[.,]", "", digits[:last])
        return f"{whole}.{digits[last + 1 :]}"
    if digits.count(",") > 1 or digits.count(".") > 1:
        return re.sub(r"[.,]", "", digits)
    if re.fullmatch(r"[1-9]\d{0,2},\d{3}", digits):
        return f"{digits}?"  # a thousand or three decimals: nobody can tell
    return digits.replace(",", ".")


def _as_unit(rest: str) -> str:
    return rest if rest and ("/" in rest or rest == "%") else ""


def _upper(text: str) -> str:
    """The upper limit of a range: 0-100, <100, up to 100."""
    numbers = re.findall(r"\d+(?:[.,]\d+)?", text)
    return plain_number(numbers[-1]) if numbers else text.strip()


def _yes_no(text: str) -> str:
    return {"yes": "yes", "y": "yes", "no": "no", "n": "no", "?": "absent:not_known"}.get(
        text.strip().lower(), ""
    )


def _date(text: str, month_first: bool) -> str:
    """A date as a box of the table reads it; what is none stays."""
    words = text.strip().split("T")[0]
    words = re.sub(r"\s+\d{1,2}:\d{2}(:\d{2})?\s*$", "", words)
    turned = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})", words)
    if turned and month_first:
        words = f"{turned[2]}/{turned[1]}/{turned[3]}"
    try:
        return read_date(words).iso
    except ValueError:
        return text.strip()


def _is_date(text: str, month_first: bool) -> bool:
    return bool(re.fullmatch(r"\d{4}(-\d{2}){0,2}", _date(text, month_first)))


def _dates(cells: Sequence[str], month_first: bool) -> int:
    return sum(_is_date(cell, month_first) for cell in cells)


# -- names -------------------------------------------------------------------------------------


def _folded(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def _column(heading: str) -> str:
    words = set(_folded(heading).split())
    if _test(heading, "")[0]:
        return ""
    return next((name for name, known in _COLUMNS.items() if words & set(known.split())), "")


def _has_date(named: Mapping[int, str]) -> bool:
    return "date" in named.values()


def _unit_in(heading: str) -> str:
    found = re.search(r"[(\[]([^)\]]+)[)\]]", heading)
    return found[1].strip() if found else ""


def _test(text: str, unit: str) -> tuple[str, str]:
    """The code of a test by its name, and what is left to say where several are meant."""
    unit = unit or _unit_in(text)
    bare = _folded(re.sub(r"[(\[][^)\]]*[)\]]", " ", text))
    if not bare:
        return "", ""
    listed = codes.codes("biomarker")
    exact = [code for code, one in listed.items() if bare in (_folded(code), _folded(one.label))]
    meant = exact or list(_NAMES.get(bare, ()))
    meant = meant or [
        code for code, one in listed.items() if _folded(one.label).split(" ")[0] == bare
    ]
    if not meant:
        return "", ""
    if "urine" in text.lower():
        meant = [code for code in meant if "_U24" in code] or meant
    elif re.search(r"plasma|serum", text.lower()):
        meant = [code for code in meant if "_U24" not in code] or meant
    if len(meant) > 1 and unit:
        own = units.canonical(unit)
        direct = [code for code in meant if units.units(code)[:1] == (own,)]
        meant = direct or [code for code in meant if own in units.units(code)] or meant
    return meant[0], ""


def _cells(lines: Sequence[str]) -> list[list[str]]:
    """Lines cut at tabs, else at semicolons, else at wide gaps, else at commas between cells."""
    for mark in ("\t", ";"):
        if sum(mark in line for line in lines) * 2 > len(lines):
            return [[cell.strip().strip('"') for cell in line.split(mark)] for line in lines]
    if sum(bool(re.search(r"\S\s{2,}\S", line)) for line in lines) * 2 > len(lines):
        return [re.split(r"\s{2,}", line.strip()) for line in lines]
    if sum(line.count(",") > 1 for line in lines) * 2 > len(lines):
        return [[cell.strip().strip('"') for cell in line.split(",")] for line in lines]
    return [line.split() for line in lines]
