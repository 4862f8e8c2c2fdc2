"""A first map for a file nobody has a map for: from the names of its columns and what stands in
them. It proposes and never decides: every column is shown with what it would become."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from flask_babel import force_locale

from registry import codes
from registry.clinical.ki67 import parse_ki67
from registry.interop import cells, drafting
from registry.interop.cells import Target
from registry.interop.drafting import Content
from registry.interop.map_files import FACTORS
from registry.interop.mapping import UNITS
from registry.interop.notation import ORDERS, Notation
from registry.interop.tables import BadRow, Table

#: Rows looked at, and different words remembered of a column.
ROWS, WORDS = 2_000, 80
#: How alike names must be to be proposed, of 100.
_ALIKE = 78
#: How many of a column's cells must be dates for it to be one of dates.
_DATES = 0.6
_MARKERS = {
    "na", "n/a", "n.a.", "nan", "null", "none", "-", "--", ".", "?", "unknown", "unk", "not known",
    "unbekannt", "inconnu", "onbekend", "k.a.", "nd", "n.d.", "not done", "missing",
    "[not available]", "not available", "#n/a",
}  # fmt: skip
_NOT_DONE = {"nd", "n.d.", "not done"}
_TNM = re.compile(
    r"(?i)[cpyra]{0,3}T(?:[0-4][a-d]?|x|is)[ ,;]*"
    r"[cpyra]{0,2}N[0-3x][a-c]?[ ,;]*[cpyra]{0,2}M[01x][a-c]?"
)
TNM = {
    "t": r"(?i)[cpyra]{0,3}(?P<t>T(?:[0-4][a-d]?|x|is)).*",
    "n": r"(?i).*?[ ,;acpry](?P<n>N(?:[0-3][a-c]?|x)).*",
    "m": r"(?i).*[ ,;acpry\dx](?P<m>M(?:[01][a-c]?|x))",
}
_IDENTIFYING = (
    "patient.family_name",
    "patient.given_names",
    "patient.telephone",
    "patient.address",
)
#: Variables that their codes give away, whatever the column is called.
_TOLD_BY_CODES = {"tumour.primary_site": "topography", "pathology.morphology": "morphology"}
_UNIT = re.compile(r"[\[(]\s*([^\])]{1,20}?)\s*[\])]\s*$")


@dataclass
class Profile:
    """What stands in a column: how many cells are filled, and which words how often."""

    column: str
    filled: int = 0
    words: Counter[str] = field(default_factory=Counter)
    more: bool = False  # there are more different words than are remembered
    different: int = 0

    def as_json(self) -> dict[str, Any]:
        """To be kept sealed."""
        listed = self.words.most_common(WORDS)
        return {"column": self.column, "filled": self.filled, "words": listed, "more": self.more,
                "different": self.different}  # fmt: skip

    @classmethod
    def of_json(cls, row: Mapping[str, Any]) -> Profile:
        """As it was kept."""
        return cls(row["column"], row["filled"], Counter(dict(row["words"])), row["more"],
                   row["different"])  # fmt: skip

    def plain(self) -> dict[str, int]:
        """The words that are no usual mark for a missing value."""
        return {w: n for w, n in self.words.items() if w.casefold() not in _MARKERS}

    def share(self, test: Any) -> float:
        """Of the cells that say something, how many pass a test."""
        plain = self.plain()
        total = sum(plain.values())
        return sum(n for word, n in plain.items() if test(word)) / total if total else 0.0


def profiles(table: Table, rows: int = ROWS) -> tuple[list[Profile], list[list[str]], int]:
    """What stands in each column of the first rows; those rows' beginning; how many were read."""
    found = [Profile(column) for column in table.columns]
    seen: list[set[str]] = [set() for _column in table.columns]
    first: list[list[str]] = []
    read = 0
    for row in table.rows():
        if read >= rows:
            break
        read += 1
        if isinstance(row, BadRow):
            continue
        values = list(row[1].values())
        if len(first) < 8:
            first.append([value[:120] for value in values])
        for profile, words, text in zip(found, seen, values, strict=True):
            if text:
                profile.filled += 1
                words.add(text[:200])
                if len(profile.words) < 10 * WORDS or text in profile.words:
                    profile.words[text[:200]] += 1
    for profile, words in zip(found, seen, strict=True):
        profile.different, profile.more = len(words), len(words) > WORDS
    return found, first, read


# -- what a name means ---------------------------------------------------------------------------


@cache
def synonyms() -> dict[str, tuple[str, ...]]:
    """What people call variables, by path."""
    path = resources.files("registry.interop") / "data" / "synonyms.csv"
    with path.open(encoding="utf-8") as lines:
        return {row["path"]: tuple(row["words"].split(";")) for row in csv.DictReader(lines)}


@cache
def _words_of_codes() -> dict[str, dict[str, str]]:
    """Word → code for each list: what people write in spreadsheets."""
    found: dict[str, dict[str, str]] = {}
    path = resources.files("registry.interop") / "data" / "words.csv"
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            for word in row["words"].split(";"):
                found.setdefault(row["list"], {})[word] = row["code"]
    return found


def _plain(name: str) -> str:
    from rapidfuzz import utils

    spread = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\-./()\[\]%#:]+", " ", name)
    return str(utils.default_process(spread)).strip()


@cache
def names() -> dict[str, str]:
    """Every name a variable goes by → its path; earlier ones win."""
    found: dict[str, str] = {}
    for path, words in synonyms().items():
        for word in words:
            found.setdefault(_plain(word), path)
    with force_locale("en"):
        for path, target in drafting.targets().items():
            label = str(target.declared.label)
            for word in (target.name, f"{target.entity} {target.name}", label):
                found.setdefault(_plain(word), path)
    return found


def ranked(column: str, limit: int = 6) -> list[tuple[str, float]]:
    """The variables whose names are most like a column's, best first, each with how alike."""
    from rapidfuzz import process

    wanted = _plain(_UNIT.sub("", column))
    best: dict[str, float] = {}
    for name, score, _place in process.extract(
        wanted, list(names()), scorer=_alike, limit=4 * limit, score_cutoff=50
    ):
        path = names()[name]
        best[path] = max(best.get(path, 0), score)
    return sorted(best.items(), key=lambda one: -one[1])[:limit]


def _alike(a: str, b: str, **_options: Any) -> float:
    if a == b:
        return 100.0
    if min(len(a), len(b)) <= 3:
        return 95.0 if b in a.split() or a in b.split() else 0.0
    from rapidfuzz import fuzz

    return 0.5 * fuzz.token_sort_ratio(a, b) + 0.5 * fuzz.token_set_ratio(a, b)


# -- what values fit -----------------------------------------------------------------------------


def date_order(profile: Profile) -> str:
    """The order of day, month and year in which most cells are dates; empty where few are."""
    shares = {
        order: profile.share(lambda text, order=order: _is_date(text, order)) for order in ORDERS
    }
    best = max(shares, key=lambda order: shares[order])
    return best if shares[best] > _DATES else ""


def _is_date(text: str, order: str) -> bool:
    if not re.search(r"\d{4}", text) and not re.fullmatch(r"\d{1,2}\D\d{1,2}\D\d{2}", text):
        return False
    try:
        Notation(order=order, years_from=1930).date(text)
    except ValueError:
        return False
    return True


def _is_number(text: str) -> bool:
    try:
        Notation().number(text)
    except ValueError:
        return False
    return True


def _is_limit(text: str) -> bool:
    return cells.is_limit(text, Notation())


def _takes_limits(target: Target) -> bool:
    """May a map say `limits` of it?"""
    return target.kind == "number" and "not_available" in target.declared.absent


def _is_ki67(text: str) -> bool:
    try:
        return not parse_ki67(text).impossible()
    except ValueError:
        return False


def code_for(text: str, target: Target) -> str:
    """The code a word most likely means; empty where none is near."""
    name = target.code_list
    listed = codes.codes(name)
    if text in listed or codes.acceptable(name, text):
        return text
    plain = text.casefold().strip()
    same = [code for code in listed if code.casefold() == plain]
    same += [one.code for one in listed.values() if one.label.casefold() == plain]
    if same:
        return same[0]
    spoken = _words_of_codes().get(name, {}).get(plain)
    if spoken:
        return spoken
    from rapidfuzz import fuzz, process, utils

    labels = {one.label: code for code, one in listed.items()}
    near = process.extractOne(
        text,
        list(labels),
        scorer=fuzz.token_sort_ratio,
        processor=utils.default_process,
        score_cutoff=90,
    )
    return labels[near[0]] if near and len(plain) > 3 else ""


def fits(profile: Profile, target: Target) -> float:
    """How well what stands in a column fits a variable, 0 to 1."""
    if not profile.plain():
        return 0.5
    kind = target.kind
    if kind == "partial_date":
        return 1.0 if date_order(profile) else 0.0
    if kind == "number":
        if _takes_limits(target):
            return profile.share(lambda text: _is_number(text) or _is_limit(text))
        return profile.share(_is_number)
    if kind == "ki67":
        return profile.share(_is_ki67)
    if target.code_list:
        return profile.share(lambda text: bool(code_for(text, target)))
    return 0.6


# -- the proposal --------------------------------------------------------------------------------


def propose(found: Sequence[Profile], rows: int, source: Mapping[str, Any]) -> Content:
    """A map for these columns: what is likely is mapped, the rest is kept as stated."""
    content: Content = {
        "source": dict(source),
        "consent": {"basis": "", "purposes": ["registry"]},
        "missing": _markers(found),
    }
    id_column = _id_column(found, rows)
    content["source"]["id_column"] = id_column
    # One number in twenty that stands twice is a slip, and better refused than joined.
    if any(p.column == id_column and p.filled - p.different > p.filled // 20 for p in found):
        content["source"]["rows"] = "several"
    content["patient"] = {"hospital_number": id_column}
    taken: set[str] = {"patient.hospital_number"}
    content = _readings(content, found, taken)
    for score, column, path, profile in sorted(_candidates(found, id_column), reverse=True,
                                               key=lambda one: one[0]):  # fmt: skip
        if drafting.fate_of(content, column) in ("", "id") and path not in taken and score:
            content = drafting.with_use(
                content, column, path, rule_for(profile, drafting.targets()[path])
            )
            taken.add(path)
    for profile in found:
        if not drafting.fate_of(content, profile.column):
            content = drafting.with_fate(content, profile.column, "kept", "no variable chosen yet")
    return _once(content)


def _once(content: Content) -> Content:
    """With several rows a patient, what is one of a kind is made of all of them together."""
    if content["source"].get("rows") == "several":
        for entity in ("tumour", "pathology", "staging", "history"):
            for block in content.get(entity, []):
                block["once"] = True
    return content


def _markers(found: Iterable[Profile]) -> dict[str, str]:
    seen = {word for one in found for word in one.words if word.casefold() in _MARKERS}
    return {w: "not_done" if w.casefold() in _NOT_DONE else "not_known" for w in sorted(seen)}


def _id_column(found: Sequence[Profile], rows: int) -> str:
    """The column that most likely names the record: filled in every row, and called like it."""
    full = [one for one in found if one.filled >= rows > 0] or list(found)
    for one in full:
        words = set(_plain(one.column).split())
        if words & {
            "id",
            "no",
            "nr",
            "number",
            "pid",
            "mrn",
            "patient",
            "case",
            "nummer",
            "barcode",
        }:
            return one.column
    return max(full, key=lambda one: one.different).column if full else ""


def _candidates(found: Sequence[Profile], id_column: str) -> list[tuple[float, str, str, Profile]]:
    listed = []
    for profile in found:
        if profile.column == id_column:
            continue
        for path, alike in ranked(profile.column):
            target = drafting.targets()[path]
            if target.name in UNITS:
                continue  # a number without its unit says nothing: somebody has to say it
            fit = fits(profile, target)
            if alike >= _ALIKE and fit >= (0.5 if target.code_list else 0.6):
                listed.append((alike + 20 * fit, profile.column, path, profile))
        listed += [
            (70.0, profile.column, path, profile)
            for path, name in _TOLD_BY_CODES.items()
            if profile.share(lambda text, name=name: codes.known(name, text)) > 0.9
        ]
    return listed


def rule_for(profile: Profile, target: Target) -> dict[str, Any]:
    """How the cells of a column become a variable."""
    rule: dict[str, Any] = {}
    if target.kind == "partial_date":
        order = date_order(profile)
        if order and order != "ymd":
            rule["order"] = order
        if any(re.fullmatch(r"\d{1,2}\D\d{1,2}\D\d{2}", word) for word in profile.plain()):
            rule["years_from"] = 1930
    elif target.code_list:
        meant = {word: code_for(word, target) for word in profile.plain()}
        if target.kind == "codes":
            rule |= _several(profile, target)
        elif any(word != code for word, code in meant.items()):
            rule["values"] = {word: code for word, code in meant.items() if code and word != code}
            rule["otherwise"] = "as stated"
    elif target.kind == "number":
        unit = _UNIT.search(profile.column)
        stated = unit[1] if unit else ""
        wanted = str(target.declared.unit or "")
        if stated and wanted and stated != wanted:
            rule["from_unit"] = stated
        if _takes_limits(target) and any(_is_limit(word) for word in profile.plain()):
            rule["limits"] = True
    return _only_known(rule, target)


def _only_known(rule: dict[str, Any], target: Target) -> dict[str, Any]:
    known = FACTORS.get(str(target.declared.unit or ""), {})
    return {k: v for k, v in rule.items() if k != "from_unit" or v in known}


def _several(profile: Profile, target: Target) -> dict[str, Any]:
    mark = next((m for m in (";", ",", "/", "+") if any(m in w for w in profile.plain())), "")
    words = {p.strip() for w in profile.plain() for p in (w.split(mark) if mark else [w])}
    meant = {word: code_for(word, target) for word in sorted(words) if word}
    rule: dict[str, Any] = {"split": mark} if mark else {}
    changed = {word: code for word, code in meant.items() if code and code != word}
    return {**rule, **({"values": changed, "otherwise": "as stated"} if changed else {})}


# -- columns that say several things -------------------------------------------------------------


def _readings(content: Content, found: Sequence[Profile], taken: set[str]) -> Content:
    """T, N and M in one cell; and columns named after an analyte, with a date beside them."""
    for profile in found:
        if profile.share(lambda text: bool(_TNM.fullmatch(text))) > 0.6:
            content = _tnm(content, profile.column)
            taken |= {"staging.t", "staging.n", "staging.m"}
            continue
        analyte = _analyte(profile)
        if analyte:
            unit = _UNIT.search(profile.column)
            block = {
                "analyte": {"constant": analyte},
                "value": profile.column,
                "unit": {"constant": unit[1] if unit else "not stated"},
            }
            content.setdefault("biomarker", []).append(block)
            date = _date_beside(profile.column, found)
            if date is not None:
                stated = rule_for(date, drafting.targets()["biomarker.date"])
                block["date"] = {"column": date.column, **stated} if stated else date.column
    return content


def _tnm(content: Content, column: str) -> Content:
    block: dict[str, Any] = {"staging_system": {"absent": "not_known"}}
    for name, pattern in TNM.items():
        block[name] = {
            "column": column,
            "pattern": pattern,
            "ignore_case": True,
            "otherwise": {"absent": "not_known"},
            "values": {"tx": "TX", "nx": "NX"} if name != "m" else {"mx": {"absent": "not_known"}},
        }
    for name in TNM:
        rule = block[name]
        rule["values"] = {k: v for k, v in rule["values"].items() if k.startswith(name)}
        rule["otherwise"] = "as stated"
    content.setdefault("staging", []).append(block)
    return content


def _analyte(profile: Profile) -> str:
    """The analyte a column of numbers is named after; empty where it is none."""
    if profile.share(_is_number) < 0.6 or not profile.plain():
        return ""
    wanted = _plain(re.sub(r"[_ ]?\d+$", "", _UNIT.sub("", profile.column)))
    spoken = {"cga": "CGA_MASS", "chromogranin a": "CGA_MASS", "chromogranin": "CGA_MASS"}
    if wanted in spoken and spoken[wanted] in codes.codes("biomarker"):
        return spoken[wanted]
    labels = {_plain(one.label): code for code, one in codes.codes("biomarker").items()}
    if len(wanted) < 4:
        return ""
    from rapidfuzz import fuzz, process

    near = process.extractOne(wanted, list(labels), scorer=fuzz.token_sort_ratio, score_cutoff=88)
    return labels[near[0]] if near else ""


def _date_beside(column: str, found: Sequence[Profile]) -> Profile | None:
    """The column with the day of a value: named like it, with a word for a date."""
    base = _plain(_UNIT.sub("", column))
    for one in found:
        words = _plain(one.column)
        if one.column != column and "date" in words.split() and base in words and date_order(one):
            return one
    return None
