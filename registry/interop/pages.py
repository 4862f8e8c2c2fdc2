"""What the pages of a file show: its columns with what is in them and what becomes of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from registry import codes
from registry.course import facts
from registry.course.models import BY_NAME
from registry.interop import cells, drafting, map_files, proposing
from registry.interop.actions import uploads
from registry.interop.cells import LEFT_BLANK, Absent, Refused, Target
from registry.interop.drafting import Content, Use
from registry.interop.map_files import patient_targets
from registry.interop.mapping import Map, MapError, Rule
from registry.interop.models import Upload
from registry.interop.patterns import TooLong
from registry.interop.proposing import Profile
from registry.language import gettext as _

#: A variable as the worker names it, such as tumour.diagnosis_date.
_PATH = re.compile(r"\b[a-z][a-z_]*\.[a-z][a-z0-9_]*\b")

#: Words of a column that are shown to be mapped one by one.
WORDS = 60


@dataclass
class ColumnRow:
    """A column as it is listed."""

    number: int
    column: str
    filled: int
    examples: list[str]
    fate: str
    uses: list[str]
    reason: str = ""
    troubled: int = 0  # words that would be refused


@dataclass
class Word:
    """A word of a column: how often, what the map makes of it, and what it would become."""

    place: int  # among the words of the column, the commonest first
    text: str
    count: int
    meant: str = ""  # as the map says: a value, `absent:…`, `blank`, or empty
    becomes: str = ""
    refused: str = ""


@dataclass
class Editor:
    """One column, to be changed."""

    number: int
    column: str
    profile: Profile
    fate: str
    use: Use | None
    others: list[str]
    reason: str
    words: list[Word] = field(default_factory=list)
    target: Target | None = None
    constants: dict[str, Any] = field(default_factory=dict)
    blocks: list[tuple[int, str]] = field(default_factory=list)
    ranked: list[tuple[str, str]] = field(default_factory=list)


def profile_of(file: Mapping[str, Any]) -> tuple[list[Profile], list[list[str]], int, str]:
    """What stands in the columns of a kept file; its first rows; how many were looked at."""
    if not file.get("profile"):
        return [], [], 0, ""
    kept = uploads.read_json(UUID(file["profile"]))
    profiles = [Profile.of_json(one) for one in kept["columns"]]
    return profiles, kept["first"], kept["read"], kept["encoding"]


def problems_of(upload: Upload) -> tuple[Map | None, list[str]]:
    """The map, if it can be used, and what is wrong with it."""
    try:
        return map_files.read(upload.toml.encode()), []
    except MapError as error:
        return None, error.problems


def in_words(problems: Sequence[str], form: Any) -> list[tuple[str, bool]]:
    """What is wrong with a map, as its page says it: what a field of the form asks for in the
    words of that field. Each with whether it is in the map's own English."""
    asked = {
        f"[{table}] {name} is needed": str(form[name].needed)
        for name, table in (
            ("title", "source"),
            ("name", "source"),
            ("licence", "source"),
            ("id_column", "source"),
            ("basis", "consent"),
        )
    }
    return [(asked.get(one, one), one not in asked) for one in problems]


def label_of(path: str) -> str:
    """A variable in words: entity and label."""
    target = drafting.targets().get(path)
    if target is None:
        return path
    entity = BY_NAME[target.entity].entity_label if target.entity in BY_NAME else _("Patient")
    return f"{entity}: {target.declared.label}"


def with_labels(reason: str) -> str:
    """A sentence of the worker with its variables as the pages call them."""
    return _PATH.sub(lambda found: label_of(found[0]), reason)


def choices() -> list[tuple[str, str]]:
    """Every variable to choose from: path and words, by entity."""
    return [(path, label_of(path)) for path in drafting.targets()]


def path_of(typed: str) -> str:
    """The variable somebody chose: by its path, or by the words of the list; empty if none."""
    typed = typed.strip()
    first = typed.split(" ", 1)[0]
    if first in drafting.targets():
        return first
    return next((path for path, text in choices() if text == typed), "")


def columns_of(upload: Upload, content: Content) -> list[ColumnRow]:
    """Every column of the first file with what becomes of it."""
    profiles, _first, _read, _encoding = profile_of(upload.files[0])
    return [_row(number, one, content) for number, one in enumerate(profiles)]


def _row(number: int, profile: Profile, content: Content) -> ColumnRow:
    uses = drafting.uses_of(content, profile.column)
    fate = drafting.fate_of(content, profile.column)
    row = ColumnRow(
        number,
        profile.column,
        profile.filled,
        [word for word, _n in profile.words.most_common(3)],
        fate,
        [label_of(use.path) for use in uses],
        _reason(content, profile.column),
    )
    if uses and uses[0].simple:
        words, _target = _words(content, uses[0], profile)
        row.troubled = sum(1 for one in words if one.refused)
    return row


def _reason(content: Content, column: str) -> str:
    for table in ("keep", "ignore"):
        stated = content.get(table, {}).get(column)
        if stated is not None:
            return str(stated.get("reason", "") if isinstance(stated, dict) else stated)
    return ""


def editor(upload: Upload, content: Content, number: int) -> Editor | None:
    """A column to be changed; None where there is none of this number."""
    profiles, _first, _read, _encoding = profile_of(upload.files[0])
    if not 0 <= number < len(profiles):
        return None
    profile = profiles[number]
    uses = drafting.uses_of(content, profile.column)
    simple = [one for one in uses if one.simple]
    found = Editor(
        number,
        profile.column,
        profile,
        drafting.fate_of(content, profile.column),
        simple[0] if simple else None,
        [label_of(one.path) for one in uses if not simple or one is not simple[0]],
        _reason(content, profile.column),
        ranked=[(path, label_of(path)) for path, _alike in proposing.ranked(profile.column)],
    )
    if found.use is not None:
        found.words, found.target = _words(content, found.use, profile)
        found.constants = drafting.constants_of(content, found.use.entity, found.use.block)
        found.blocks = _blocks(content, found.use.entity)
    return found


def _blocks(content: Content, entity: str) -> list[tuple[int, str]]:
    """The entries of a kind a row makes, each by its fixed values."""
    if entity == "patient":
        return []
    listed = content.get(entity, [])
    return [
        (number, ", ".join(map(str, drafting.constants_of(content, entity, number).values())))
        for number in range(len(listed))
    ]


def _words(content: Content, use: Use, profile: Profile) -> tuple[list[Word], Target | None]:
    """The words of a column with what each would become."""
    target = drafting.targets().get(use.path)
    if target is None:
        return [], None
    rule, _problems = map_files.rule_of(content, target, dict(use.rule))
    stated = use.rule.get("values")
    values = stated if isinstance(stated, dict) else {}
    own = use.rule.get("missing")
    marks = own if isinstance(own, dict) else {}
    found = []
    for place, (text, count) in enumerate(profile.words.most_common(WORDS)):
        word = Word(place, text, count, _meant(values, marks, text))
        if rule is not None:
            word.becomes, word.refused = becomes(text, rule, target)
        found.append(word)
    return sorted(found, key=lambda word: (not word.refused, word.place)), target


def to_decide(words: Sequence[Word], target: Target | None) -> list[Word]:
    """The words somebody has to look at: those of a list of codes, and of numbers, dates and texts
    those that are refused, mean something else, or are no value."""
    if target is None or target.code_list:
        return list(words)
    return [
        one for one in words if one.refused or one.meant or not one.becomes.startswith(one.text)
    ]


def _meant(values: Mapping[str, Any], marks: Mapping[str, Any], text: str) -> str:
    stated = values.get(text, marks.get(text))
    if text in marks and text not in values:
        return "blank" if stated == "" else f"absent:{stated}"
    if isinstance(stated, dict):
        if stated.get("blank"):
            return "blank"
        return f"absent:{stated['absent']}" if "absent" in stated else str(stated.get("value", ""))
    return "" if stated is None else str(stated)


def becomes(text: str, rule: Rule, target: Target) -> tuple[str, str]:
    """What a word would become, and why it would be refused, if it were."""
    if rule.reading.is_marker(text):
        meant = rule.reading.missing[text]
        if isinstance(meant, Absent):
            return _absent(meant.why), ""
        return (
            (_("left blank"), "") if meant is LEFT_BLANK else ("", _("a marker without a reason"))
        )
    try:
        taken = cells.take(text, target, rule.reading).value
    except (Refused, TooLong) as problem:
        return "", str(problem)
    if isinstance(taken, Absent):
        return f"{_absent(taken.why)}: {taken.because}" if taken.because else _absent(taken.why), ""
    if taken is LEFT_BLANK:
        return _("left blank"), ""
    return shown(taken, target), ""


def _absent(why: str) -> str:
    said = {
        "not_known": _("not known"),
        "not_done": _("not done"),
        "not_applicable": _("not applicable"),
        "not_available": _("not available"),
    }
    return str(said.get(why, why))


def shown(value: Any, target: Target) -> str:
    """A value in words: the label of a code, with the unit of a number."""
    if target.code_list:
        listed = value if isinstance(value, list) else [value]
        return ", ".join(codes.label(target.code_list, one) for one in listed)
    unit = str(target.declared.unit or "")
    return f"{facts.plain(value)} {unit}".strip()


def rule_from(
    form: Mapping[str, str], target: Target, profile: Profile, before: Mapping[str, Any]
) -> dict[str, Any]:
    """The rule a person made of a column: how it is read, and what its words mean."""
    kept = (
        "pattern",
        "replace",
        "when",
        "round",
        "ignore_case",
        "months",
        "thousands",
        "limits",
        "names",
    )
    rule: dict[str, Any] = {name: before[name] for name in kept if name in before}
    for name in ("order", "decimal", "split", "from_unit", "pattern", "replace"):
        typed = form.get(name, "").strip()
        if name in form:
            rule.pop(name, None)
        if typed and not (name == "order" and typed == "ymd"):
            rule[name] = typed
    years = form.get("years_from", "").strip()
    if years.isdigit():
        rule["years_from"] = int(years)
    factor = form.get("factor", "").strip()
    if factor and "from_unit" not in rule:
        rule["factor"] = factor
    values = _values_from(form, profile, before)
    if values:
        rule["values"] = values
        rule["otherwise"] = before.get("otherwise", "as stated")
    return rule


def _values_from(
    form: Mapping[str, str], profile: Profile, before: Mapping[str, Any]
) -> dict[str, Any]:
    """What each word means; words that were not on the page keep their meaning."""
    listed = [word for word, _n in profile.words.most_common(WORDS)]
    stated = before.get("values")
    found = {
        w: v for w, v in (stated if isinstance(stated, dict) else {}).items() if w not in listed
    }
    for number, word in enumerate(listed):
        typed = form.get(f"value-{number}", "").strip()
        absent = form.get(f"absent-{number}", "")
        if absent == "blank":
            found[word] = {"blank": True}
        elif absent == "not_available":
            found[word] = {"absent": absent, "because": word[:100]}
        elif absent:
            found[word] = {"absent": absent}
        elif typed:
            code = typed.split(" ", 1)[0]
            found[word] = code if _is_code(code, form.get("list", "")) else typed
    return found


def _is_code(text: str, name: str) -> bool:
    return bool(name) and name in codes.names() and codes.acceptable(name, text)


def source_content(content: Content, said: Mapping[str, Any]) -> Content:
    """The map with what the form says of its source."""
    made = dict(content)
    source = dict(made.get("source", {}))
    source |= {name: said[name] for name in ("name", "title", "licence", "id_column")}
    source.pop("rows", None)
    if said["several"] == "several":
        source["rows"] = "several"
    consent = {**made.get("consent", {}), "basis": said["basis"], "purposes": said["purposes"]}
    made["source"], made["consent"] = source, consent
    if said["several"] != "several":
        for listed in made.values():
            for block in listed if isinstance(listed, list) else []:
                if isinstance(block, dict):
                    block.pop("once", None)
    return made


def further_parts(content: Content, upload: Upload) -> list[tuple[str, Any]]:
    """The further files the map names, each with the kept one, if it is there."""
    there = {one["part"]: one for one in upload.files}
    named = [
        str(one.get("name", ""))
        for one in content.get("file", [])
        if isinstance(one, dict) and not one.get("sheet")
    ]
    return [(name, there.get(name)) for name in named if name]


def number_target() -> Target:
    """The hospital's number, which is no column of a patient."""
    return patient_targets()["hospital_number"]


def listed(found: Sequence[Any], most: int) -> tuple[Sequence[Any], int]:
    """The first of a list and how many more there are."""
    return found[:most], max(0, len(found) - most)
