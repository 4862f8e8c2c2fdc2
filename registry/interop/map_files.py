"""Reading a map from TOML. Everything that is wrong with it is said at once, with its place."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from registry import dictionary
from registry.course.models import BY_NAME
from registry.dates import today
from registry.dictionary import ABSENT
from registry.interop import cells
from registry.interop.cells import LEFT_BLANK, Absent, Reading, Refused, Target
from registry.interop.links import links_of
from registry.interop.mapping import (
    HOSPITAL_NUMBER,
    UNITS,
    Block,
    Condition,
    Filling,
    Ignored,
    Map,
    MapError,
    Rule,
)
from registry.interop.notation import MARKS, ORDERS, Notation, month_names
from registry.interop.patterns import Pattern
from registry.patients.models import LocalIdentifier, Patient
from registry.patients.rules import PURPOSES

#: The column added to refused rows; a file that is sent again may have it still.
WHY_REFUSED = "(why refused)"
LONGEST = 1_000_000  # bytes of a map
MAPS = Path(__file__).resolve().parent / "maps"
SOURCE = {
    "name", "title", "citation", "licence", "comment", "id_column", "delimiter", "encoding",
    "comment_lines", "rows", "sheet", "header_row", "merged",
}  # fmt: skip
CONSENT = {"basis", "statement", "purposes"}
#: How numbers, dates and words are written: for a rule, or under [reading] for all of them.
READING = {"order", "years_from", "months", "decimal", "thousands", "ignore_case"}
TABLES = {
    "source", "consent", "reading", "missing", "patterns", "patient", "ignore", "keep", "file",
}  # fmt: skip
GIVERS = ("column", "columns", "constant", "absent", "items")
RULE = READING | {
    "column", "columns", "join", "values", "otherwise", "pattern", "replace", "factor", "round",
    "split", "missing", "when", "constant", "absent", "because", "from_unit",
    "items", "limits", "names",
}  # fmt: skip
CONDITION = {"column", "is", "is_not", "blank", "matches", "any"}
OWN_BLOCK = {"when", "name", "once", "repeat", "file"}
FILE = {
    "name", "id_column", "delimiter", "encoding", "comment_lines", "sheet", "header_row", "merged",
    "ignore", "keep",
}  # fmt: skip
#: Exact factors between units of one kind; a file's unit is told with `from_unit`.
FACTORS: dict[str, dict[str, str]] = {
    "mm": {"cm": "10", "m": "1000", "µm": "0.001"},
    "cm": {"mm": "0.1", "m": "100"},
    "kg": {"g": "0.001"},
    "g/L": {"g/dL": "10"},
    "%": {"fraction": "100"},
    "GBq": {"MBq": "0.001"},
    "MBq": {"GBq": "1000"},
    "Gy": {"cGy": "0.01", "mGy": "0.001"},
    "days": {"weeks": "7"},
}
DELIMITERS = {"comma": ",", "tab": "\t", "semicolon": ";", "pipe": "|"}


def shipped() -> list[str]:
    """The names of the maps that come with the product."""
    return sorted(path.stem for path in MAPS.glob("*.toml"))


def find(text: str) -> Path:
    """A map by its path, or by the name of one that comes with the product."""
    path = Path(text)
    return MAPS / f"{text}.toml" if not path.exists() and text in shipped() else path


def load(path: Path) -> Map:
    """Read and check a map. Raises MapError with everything that is wrong with it."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise MapError([f"{path}: {error.strerror or error}"]) from error
    return read(raw, path.name)


def read(raw: bytes, name: str = "the map") -> Map:
    """A map from its text. Raises MapError with everything that is wrong with it."""
    return _Reader(content_of(raw, name)).map(hashlib.sha256(raw).hexdigest())


def content_of(raw: bytes, name: str = "the map") -> dict[str, Any]:
    """The tables of a map's text, not looked at further. Raises MapError for what is no TOML."""
    if len(raw) > LONGEST:
        raise MapError([f"{name} has {len(raw)} bytes; at most {LONGEST} are read"])
    try:
        return tomllib.loads(raw.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MapError([f"{name} is not valid TOML: {error}"]) from error


def rule_of(
    content: dict[str, Any], target: Target, stated: dict[str, Any]
) -> tuple[Rule | None, list[str]]:
    """One rule of a map that is being made, whatever else is wrong with the map; and what is wrong
    with the rule."""
    reader = _Reader(content)
    reader.missing = reader.marks("missing", content.get("missing", {}))
    reader.usual = reader.table("reading", READING)
    reader.patterns = reader.named_patterns()
    reader.problems.clear()
    rule = reader.rule(target.path, target, stated)
    return (None if reader.problems else rule), reader.problems


class _Reader:
    """Goes through a map and collects what is wrong with it."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.problems: list[str] = []
        self.missing: dict[str, Any] = {}
        self.usual: dict[str, Any] = {}
        self.patterns: dict[str, Any] = {}

    def say(self, place: str, problem: str) -> None:
        self.problems.append(f"[{place}] {problem}")

    def known(self, place: str, keys: Iterable[str], allowed: Iterable[str]) -> None:
        for key in keys:
            if key not in set(allowed):
                self.say(place, f"there is no {key!r} here{_near(key, allowed)}")

    def map(self, sha256: str) -> Map:
        top = {*TABLES, *BY_NAME}
        self.known("top level", self.content, top)
        source, consent = self.table("source", SOURCE), self.table("consent", CONSENT)
        self.missing = self.marks("missing", self.content.get("missing", {}))
        self.usual = self.table("reading", READING)
        said = len(self.problems)
        self.notation("reading", {})
        self.usual = self.usual if len(self.problems) == said else {}
        self.patterns = self.named_patterns()
        blocks = [
            self.block(entity, place, content)
            for entity in BY_NAME
            for number, stated in enumerate(self.list_of(entity), 1)
            for place, content in self.repeated(f"{entity} {number}", stated)
        ]
        for block in blocks:
            self.check_links(block, blocks)
        made = Map(
            name=self.text(source, "source", "name", needed=True, longest=40),
            title=self.text(source, "source", "title", needed=True, longest=200),
            citation=self.text(source, "source", "citation"),
            licence=self.text(source, "source", "licence", needed=True, longest=200),
            id_column=self.text(source, "source", "id_column", needed=True).strip(),
            basis=self.text(consent, "consent", "basis", needed=True, longest=60),
            statement=self.text(consent, "consent", "statement"),
            purposes=self.purposes(consent),
            delimiter=self.delimiter("source", source),
            encoding=self.encoding("source", source),
            comment_lines=self.text(source, "source", "comment_lines"),
            several_rows=self.several_rows(source),
            missing=self.missing,
            patient=self.patient(),
            blocks=tuple(blocks),
            ignored=self.ignored(self.content.get("ignore", {}), "ignore"),
            kept=self.kept(self.content.get("keep", {}), "keep"),
            sha256=sha256,
            sheet=self.text(source, "source", "sheet"),
            header_row=self.header_row("source", source),
            merged=self.merged("source", source),
        )
        made = replace(made, files=self.files(made))
        made = replace(made, blocks=tuple(b for b in blocks if not b.file))
        for column in sorted(set(made.ignored) & ({*made.kept} | made.named())):
            self.say("ignore", f"{column!r} is used elsewhere in the map")
        if self.problems:
            raise MapError(self.problems)
        return made

    # -- plain parts -------------------------------------------------------------------------

    def table(self, name: str, allowed: set[str]) -> dict[str, Any]:
        found = self.content.get(name, {})
        if not isinstance(found, dict):
            self.say(name, "must be a table")
            return {}
        self.known(name, found, allowed)
        return found

    def text(
        self,
        table: Mapping[str, Any],
        place: str,
        key: str,
        *,
        needed: bool = False,
        longest: int = 10_000,
    ) -> str:
        value = table.get(key, "")
        if not isinstance(value, str):
            self.say(place, f"{key} must be text")
            return ""
        if needed and not value.strip():
            self.say(place, f"{key} is needed")
        if len(value) > longest:
            self.say(place, f"{key} may have at most {longest} characters")
        return value

    def purposes(self, consent: Mapping[str, Any]) -> tuple[str, ...]:
        found = consent.get("purposes", [])
        if not isinstance(found, list) or not found:
            self.say("consent", f"purposes must list at least one of {', '.join(PURPOSES)}")
            return ()
        self.known("consent.purposes", [str(one) for one in found], PURPOSES)
        return tuple(str(one) for one in found)

    def delimiter(self, place: str, source: Mapping[str, Any]) -> str:
        stated = self.text(source, place, "delimiter") or "comma"
        found = DELIMITERS.get(stated, stated)
        if found not in DELIMITERS.values():
            self.say(place, f"delimiter must be one of {', '.join(DELIMITERS)}")
        return found

    def header_row(self, place: str, source: Mapping[str, Any]) -> int:
        stated = source.get("header_row", 0)
        if type(stated) is not int or not 0 <= stated <= 1000:
            self.say(place, "header_row must be the number of the row that names the columns")
            return 0
        return stated

    def merged(self, place: str, source: Mapping[str, Any]) -> str:
        stated = self.text(source, place, "merged")
        if stated not in ("", "fill", "first"):
            self.say(place, 'merged must be "fill" or "first"')
        return stated

    def files(self, first: Map) -> dict[str, Map]:
        """The further files, each as a map of its own."""
        stated = self.content.get("file", [])
        if not isinstance(stated, list) or not all(isinstance(one, dict) for one in stated):
            self.say("file", "write [[file]] with double brackets")
            return {}
        found: dict[str, Map] = {}
        for number, one in enumerate(stated, 1):
            place = f"file {number}"
            self.known(place, one, FILE)
            name = self.text(one, place, "name", needed=True, longest=40)
            if name in found:
                self.say(place, f"{name!r} is named twice")
            found[name] = self.file(place, name, one, first)
        for block in first.blocks:
            if block.file and block.file not in found:
                self.say(block.place, f"there is no [[file]] with name = {block.file!r}")
        if found and any(block.once and block.file for block in first.blocks):
            self.say("file", "once is only for blocks of the first file")
        return found

    def file(self, place: str, name: str, stated: Mapping[str, Any], first: Map) -> Map:
        made = replace(
            first,
            id_column=self.text(stated, place, "id_column").strip() or first.id_column,
            delimiter=self.delimiter(place, stated) if "delimiter" in stated else first.delimiter,
            encoding=self.encoding(place, stated) if "encoding" in stated else first.encoding,
            comment_lines=self.text(stated, place, "comment_lines"),
            sheet=self.text(stated, place, "sheet"),
            header_row=self.header_row(place, stated),
            merged=self.merged(place, stated),
            several_rows=True,
            patient=Block("patient", "patient", ()),
            blocks=tuple(block for block in first.blocks if block.file == name),
            ignored=self.ignored(stated.get("ignore", {}), f"{place}.ignore"),
            kept=self.kept(stated.get("keep", {}), f"{place}.keep"),
        )
        for column in sorted(set(made.ignored) & ({*made.kept} | made.named())):
            self.say(f"{place}.ignore", f"{column!r} is used elsewhere in the map")
        return made

    def several_rows(self, source: Mapping[str, Any]) -> bool:
        stated = source.get("rows", "one")
        if stated not in ("one", "several"):
            self.say("source", 'rows must be "one" or "several" (a patient)')
        blocks = [(e, one) for e in BY_NAME for one in self.list_of(e) if isinstance(one, dict)]
        once = [entity for entity, one in blocks if "once" in one]
        if once and stated != "several":
            self.say(once[0], 'once is only for a source with rows = "several"')
        return bool(stated == "several")

    def encoding(self, place: str, source: Mapping[str, Any]) -> str:
        stated = self.text(source, place, "encoding")
        try:
            "".encode(stated if stated not in ("", "detect") else "utf-8")
        except LookupError:
            self.say(place, f"there is no encoding {stated!r}")
        return stated

    def list_of(self, entity: str) -> list[Any]:
        found = self.content.get(entity, [])
        if isinstance(found, dict):
            self.say(entity, f"write [[{entity}]] with double brackets")
            return []
        return found if isinstance(found, list) else []

    def named_patterns(self) -> dict[str, Any]:
        found = self.content.get("patterns", {})
        if not isinstance(found, dict):
            self.say("patterns", "must be a table of names and regular expressions")
            return {}
        for name, stated in found.items():
            self.pattern(f"patterns.{name}", stated)
        return found

    def ignored(self, listed: Any, place: str) -> dict[str, Ignored]:
        found: dict[str, Ignored] = {}
        if not isinstance(listed, dict):
            self.say(place, "must be a table of columns and reasons")
            return found
        for column, content in listed.items():
            stated = content if isinstance(content, dict) else {"reason": content}
            self.known(f"{place}.{column}", stated, {"reason", "same_as", "always"})
            reason = self.text(stated, f"{place}.{column}", "reason", needed=True)
            same_as = self.text(stated, f"{place}.{column}", "same_as")
            always = str(stated["always"]) if "always" in stated else None
            found[column] = Ignored(reason, same_as, always)
        return found

    def kept(self, listed: Any, place: str) -> dict[str, str]:
        if not isinstance(listed, dict):
            self.say(place, "must be a table of columns and reasons")
            return {}
        return {c: self.text(listed, place, c, needed=True) for c in listed}

    # -- blocks and rules --------------------------------------------------------------------

    def patient(self) -> Block:
        content = dict(self.table("patient", {*patient_targets()}))
        return Block("patient", "patient", self.fillings("patient", patient_targets(), content))

    def repeated(self, place: str, content: Any) -> Iterator[tuple[str, Any]]:
        """A block, or as many as `repeat` lists, with {n} filled in."""
        if not isinstance(content, dict) or "repeat" not in content:
            yield place, content
            return
        stated = content["repeat"]
        if not isinstance(stated, list) or not stated or {type(n) for n in stated} - {int, str}:
            self.say(place, "repeat must be a list of numbers or words, such as [1, 2, 3]")
            stated = [1]
        once = {key: value for key, value in content.items() if key != "repeat"}
        if "{n}" not in repr(once):
            self.say(place, "repeat needs {n} somewhere in the block")
        for n in stated:
            yield f"{place} ({n})", _with(once, str(n))

    def block(self, entity: str, place: str, content: Any) -> Block:
        if not isinstance(content, dict):
            self.say(place, "must be a table")
            content = {}
        targets = cells.targets(BY_NAME[entity])
        links = links_of(entity)
        variables = {k: v for k, v in content.items() if k not in OWN_BLOCK and k not in links}
        when = content.get("when")
        made = Block(
            entity=entity,
            place=place,
            fillings=self.fillings(place, targets, variables),
            when=None if when is None else () if when == "always" else self.conditions(place, when),
            name=self.text(content, place, "name"),
            links={link: self.text(content, place, link) for link in links if link in content},
            file=self.text(content, place, "file"),
            once=content.get("once") is True,
        )
        self.check_units(place, variables)
        if when is None and not any(rule.columns for f in made.fillings for rule in f.rules):
            self.say(place, 'takes nothing from a column: say when = "always" or a condition')
        return made

    def check_units(self, place: str, variables: Mapping[str, Any]) -> None:
        for number, unit in UNITS.items():
            if number in variables and unit not in variables:
                self.say(place, f"{number} needs {unit}")

    def check_links(self, block: Block, blocks: Sequence[Block]) -> None:
        for link, wanted in block.links.items():
            entity = links_of(block.entity)[link]
            if wanted and wanted not in {b.name for b in blocks if b.entity == entity}:
                self.say(block.place, f"there is no [[{entity}]] with name = {wanted!r}")

    def fillings(
        self, place: str, targets: Mapping[str, Target], variables: Mapping[str, Any]
    ) -> tuple[Filling, ...]:
        own = () if place == "patient" else (*OWN_BLOCK, *links_of(place.split()[0]))
        self.known(place, variables, [*targets, *own])
        return tuple(
            Filling(
                targets[name],
                tuple(
                    self.rule(f"{place}.{name}", targets[name], one)
                    for one in (content if isinstance(content, list) else [content])
                ),
            )
            for name, content in variables.items()
            if name in targets
        )

    def rule(self, place: str, target: Target, content: Any) -> Rule:
        if isinstance(content, str):
            content = {"column": content}
        if not isinstance(content, dict):
            self.say(place, 'must be a column\'s name or a table such as { column = "…" }')
            return Rule()
        self.known(place, content, RULE)
        givers = [key for key in GIVERS if key in content]
        if len(givers) != 1:
            self.say(place, f"needs exactly one of {', '.join(GIVERS)}")
        items = self.items(place, target, content.get("items", {}))
        absent = constant = None
        if "absent" in content:
            absent = self.reason(place, target, content["absent"], content.get("because", ""))
        if "constant" in content:
            named = content.get("names") is True
            constant = self.constant(place, target, content["constant"], named)
        return Rule(
            columns=tuple(items.values()) or self.columns(place, content),
            items=items,
            join=self.text(content, place, "join"),
            constant=constant,
            absent=absent,
            when=self.conditions(place, content["when"]) if "when" in content else (),
            reading=self.reading(place, target, content),
            converted=self.converted(target, content),
        )

    def converted(self, target: Target, content: Mapping[str, Any]) -> str:
        """In words what a number is multiplied by, for the report."""
        unit = str(target.declared.unit or "")
        if "from_unit" in content:
            factor = FACTORS.get(unit, {}).get(str(content["from_unit"]), "1")
            return f"{content['from_unit']} → {unit} (× {factor})"
        return f"× {content['factor']}" if "factor" in content else ""

    def items(self, place: str, target: Target, stated: Any) -> dict[str, str]:
        """The column of each item of a questionnaire."""
        if not isinstance(stated, dict) or not all(
            number.isdigit() and isinstance(column, str) for number, column in stated.items()
        ):
            self.say(place, 'items must be a table such as { "1" = "Q1", "2" = "Q2" }')
            return {}
        if stated and target.kind != "items":
            self.say(place, "items is only for the answers of a questionnaire")
        return {str(int(number)): column.strip() for number, column in stated.items()}

    def columns(self, place: str, content: Mapping[str, Any]) -> tuple[str, ...]:
        """The column of a rule, or those it joins."""
        if "join" in content and "columns" not in content:
            self.say(place, "join is only for columns")
        if "columns" not in content:
            one = self.text(content, place, "column").strip()
            return (one,) if one else ()
        found = content["columns"]
        if not isinstance(found, list) or not all(isinstance(c, str) and c.strip() for c in found):
            self.say(place, "columns must be a list of names")
            return ()
        return tuple(column.strip() for column in found)

    def notation(self, place: str, content: Mapping[str, Any]) -> Notation:
        """How numbers and dates are written, by the rule or else by [reading]."""
        stated = {**self.usual, **content}
        order, months = stated.get("order", "ymd"), stated.get("months", "en")
        years_from = stated.get("years_from")
        decimal, thousands = stated.get("decimal", ""), stated.get("thousands", "")
        if order not in ORDERS:
            self.say(place, f"order must be one of {', '.join(ORDERS)}")
        if years_from is not None and (
            type(years_from) is not int or not 1850 <= years_from <= today().year
        ):
            self.say(place, "years_from must be a year, such as 1940")
            years_from = None
        try:
            month_names(str(months))
        except LookupError:
            self.say(place, f"months: there is no language {months!r} (write en, de, nl, fr …)")
        if decimal not in ("", *MARKS):
            self.say(place, 'decimal must be "." or ","')
        if thousands not in ("", *MARKS, " ", "'", "’") or (thousands and thousands == decimal):
            self.say(place, "thousands must be one of . , ' or a space, and not the decimal mark")
        return Notation(order, years_from, str(months), decimal, thousands)

    def reading(self, place: str, target: Target, content: Mapping[str, Any]) -> Reading:
        ignore_case = ({**self.usual, **content}).get("ignore_case", False) is True
        values = self.values(place, target, content.get("values"), ignore_case)
        if "factor" in content and target.kind not in ("number", "ki67"):
            self.say(place, "factor is only for numbers")
        if "split" in content and target.kind != "codes":
            self.say(place, "split is only for variables that take several codes")
        places = content.get("round")
        if places is not None and not (isinstance(places, int) and 0 <= places <= 15):
            self.say(place, "round must be a number of decimal places, 0 to 15")
            places = None
        own = self.marks(place, content.get("missing", {}))
        return Reading(
            values=values,
            otherwise=self.otherwise(place, target, content.get("otherwise", "refuse")),
            ignore_case=ignore_case,
            pattern=self.pattern(place, content.get("pattern"), ignore_case=ignore_case),
            replace=self.replacement(place, target, content),
            factor=self.unit_factor(place, target, content),
            round=places,
            split=self.text(content, place, "split"),
            notation=self.notation(place, content),
            missing={m: self.fitting(place, target, w) for m, w in (self.missing | own).items()},
            limits=self.limits(place, target, content),
            names=self.names(place, target, content),
            unit=str(content.get("from_unit") or target.declared.unit or ""),
        )

    def limits(self, place: str, target: Target, content: Mapping[str, Any]) -> bool:
        """May the column state limits and ranges where the variable takes a number?"""
        stated = content.get("limits", False)
        if type(stated) is not bool:
            self.say(place, "limits must be true or false")
        elif stated and target.kind == "ki67":
            self.say(place, "limits: a Ki-67 takes limits and ranges as they are")
        elif stated and target.kind != "number":
            self.say(place, "limits is only for numbers")
        elif stated and "not_available" not in target.declared.absent:
            self.say(place, f"limits: {target.path} does not take 'not_available'")
        return stated is True

    def names(self, place: str, target: Target, content: Mapping[str, Any]) -> bool:
        """Does the column hold the names of a list instead of its codes?"""
        stated = content.get("names", False)
        if type(stated) is not bool:
            self.say(place, "names must be true or false")
        elif stated and not target.code_list:
            self.say(place, "names is only for variables that have a code list")
        return stated is True

    def values(self, place: str, target: Target, stated: Any, ignore_case: bool) -> Any:
        if stated is None:
            return None
        if not isinstance(stated, dict):
            self.say(place, 'values must be a table such as { "F" = "female" }')
            return None
        found = {}
        for key, value in stated.items():
            key = key.strip()
            found[key.casefold() if ignore_case else key] = self.result(place, target, value)
        return found

    def otherwise(self, place: str, target: Target, stated: Any) -> Any:
        if stated in ("refuse", "as stated"):
            return stated
        if not isinstance(stated, dict):
            self.say(
                place, 'otherwise is "refuse", "as stated", { value = … }, { absent = … } or'
                " { blank = true }",
            )  # fmt: skip
            return "refuse"
        return self.result(place, target, stated)

    def result(self, place: str, target: Target, stated: Any) -> Any:
        """What a value of the file stands for: text, Absent or LEFT_BLANK."""
        if isinstance(stated, dict):
            self.known(place, stated, {"value", "absent", "because", "blank"})
            if stated.get("blank") is True:
                return LEFT_BLANK
            if "absent" in stated:
                return self.reason(place, target, stated["absent"], stated.get("because", ""))
            stated = stated.get("value", "")
        if isinstance(stated, bool | list) or stated == "":
            self.say(place, f"{stated!r} cannot be a value")
            return LEFT_BLANK
        text = str(stated)
        if target.kind in {"code", "yes_no", "codes"}:
            self.typed(place, target, text)
        return text

    def constant(self, place: str, target: Target, stated: Any, named: bool = False) -> Any:
        pieces = stated if isinstance(stated, list) else [stated]
        found = [self.typed(place, target, str(piece), named) for piece in pieces]
        if target.kind == "codes":
            return [code for one in found for code in one or []]
        if len(found) != 1:
            self.say(place, "takes one constant")
        return found[0] if found else None

    def typed(self, place: str, target: Target, text: str, named: bool = False) -> Any:
        try:
            return cells.typed(text, target, Reading(names=named)).value
        except Refused as problem:
            self.say(place, f"{text!r} {problem}")
            return None

    def reason(self, place: str, target: Target, why: Any, because: Any) -> Absent:
        if why not in ABSENT:
            self.say(place, f"absent must be one of {', '.join(ABSENT)}")
        elif why not in target.declared.absent:
            allowed = ", ".join(target.declared.absent) or "none"
            self.say(place, f"{target.path} does not take {why!r} (it takes: {allowed})")
        if why == "not_available" and not because:
            self.say(place, "not_available needs because")
        return Absent(str(why), str(because))

    def marks(self, place: str, stated: Any) -> dict[str, Any]:
        """Missing markers: each a reason, or "" for *leave blank*."""
        found: dict[str, Any] = {}
        if not isinstance(stated, dict):
            self.say(place, "missing must be a table of markers")
            return found
        for mark, why in stated.items():
            content = why if isinstance(why, dict) else {"absent": why}
            self.known(place, content, {"absent", "because"})
            code, because = content.get("absent", ""), str(content.get("because", ""))
            if code == "":
                found[mark.strip()] = LEFT_BLANK
            elif code in ABSENT:
                found[mark.strip()] = Absent(code, because)
                if code == "not_available" and not because:
                    self.say(place, f"{mark!r}: not_available needs because")
            else:
                self.say(place, f"{mark!r}: the reason must be one of {', '.join(ABSENT)}")
        return found

    def fitting(self, place: str, target: Target, meant: Any) -> Any:
        """A marker's reason as far as the variable takes it; None where it takes no such.

        What was not done or is not available is not known either; what does not apply is.
        """
        if not isinstance(meant, Absent) or meant.why in target.declared.absent:
            return meant
        wider = meant.why != "not_applicable" and "not_known" in target.declared.absent
        return Absent("not_known") if wider else None

    def pattern(self, place: str, stated: Any, *, ignore_case: bool = False) -> Pattern | None:
        """A regular expression, or one of [patterns] by its name."""
        if stated is None:
            return None
        try:
            named = self.patterns.get(stated, stated) if isinstance(stated, str) else stated
            if not isinstance(named, str):
                raise ValueError("must be text")
            return Pattern(named, ignore_case=ignore_case)
        except ValueError as error:
            self.say(place, f"the pattern {stated!r} is no regular expression: {error}")
            return None

    def replacement(self, place: str, target: Target, content: Mapping[str, Any]) -> str:
        """What is taken: as stated, else the group with the variable's name, else the whole."""
        text = self.text(content, place, "replace")
        pattern = self.pattern(place, content["pattern"]) if "pattern" in content else None
        if text and "pattern" not in content:
            self.say(place, "replace needs a pattern")
        elif text and pattern is not None:
            problem = pattern.fits(text)
            if problem:
                self.say(place, f"replace does not fit the pattern: {problem}")
        groups = pattern.groupindex if pattern is not None else {}
        if not text and groups and target.name not in groups:
            self.say(
                place, f"the pattern has no group {target.name!r}: say with replace what to take"
            )
        return text or (rf"\g<{target.name}>" if target.name in groups else r"\g<0>")

    def factor(self, place: str, stated: Any) -> Decimal | None:
        if stated is None:
            return None
        try:
            found = Decimal(str(stated))
        except InvalidOperation:
            found = Decimal("NaN")
        if isinstance(stated, bool) or not found.is_finite() or found == 0:
            self.say(place, "factor must be a number other than 0")
            return None
        return found

    def unit_factor(self, place: str, target: Target, content: Mapping[str, Any]) -> Decimal | None:
        """What a number is multiplied by: as stated, or from the file's unit to the variable's."""
        if "from_unit" not in content:
            return self.factor(place, content.get("factor"))
        if "factor" in content:
            self.say(place, "say from_unit or factor, not both")
        unit, stated = str(target.declared.unit or ""), str(content["from_unit"])
        known = FACTORS.get(unit, {})
        if target.kind not in ("number", "ki67") or not unit:
            self.say(place, "from_unit is only for numbers that have a unit of their own")
        elif stated not in known and stated != unit:
            allowed = ", ".join(known) or "none"
            self.say(place, f"from {stated!r} to {unit} no factor is known (from: {allowed})")
        return Decimal(known[stated]) if stated in known else None

    # -- conditions --------------------------------------------------------------------------

    def conditions(self, place: str, stated: Any) -> tuple[Condition, ...]:
        listed = stated if isinstance(stated, list) else [stated]
        return tuple(self.condition(place, one) for one in listed)

    def condition(self, place: str, stated: Any) -> Condition:
        if not isinstance(stated, dict):
            self.say(place, 'when must be a table such as { column = "…", is = "yes" }')
            return Condition()
        self.known(f"{place}.when", stated, CONDITION)
        if "any" in stated:
            return Condition(any=self.conditions(place, stated["any"]))
        column = self.text(stated, f"{place}.when", "column", needed=True).strip()
        if not {"is", "is_not", "blank", "matches"} & set(stated):
            self.say(f"{place}.when", "needs is, is_not, blank or matches")
        return Condition(
            column=column,
            one_of=_words(stated["is"]) if "is" in stated else None,
            none_of=_words(stated.get("is_not", [])),
            blank=stated.get("blank"),
            matches=self.pattern(place, stated.get("matches")),
        )


def _words(stated: Any) -> frozenset[str]:
    return frozenset(str(one) for one in (stated if isinstance(stated, list) else [stated]))


def _with(stated: Any, n: str) -> Any:
    """A part of a block with every {n} filled in."""
    if isinstance(stated, str):
        return stated.replace("{n}", n)
    if isinstance(stated, list):
        return [_with(one, n) for one in stated]
    if isinstance(stated, dict):
        return {key.replace("{n}", n): _with(value, n) for key, value in stated.items()}
    return stated


@cache
def patient_targets() -> Mapping[str, Target]:
    """What a map may fill of a patient: the variables, and the number the centre uses."""
    found = cells.targets(Patient)
    declared = dictionary.of(LocalIdentifier, "number")
    number = Target("patient", HOSPITAL_NUMBER, declared, "text", 60)
    return {HOSPITAL_NUMBER: number, **found}


def _near(word: str, allowed: Iterable[str]) -> str:
    near = get_close_matches(word, list(allowed), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""
