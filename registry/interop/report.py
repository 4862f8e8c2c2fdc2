"""What an import says when it is done: in words and numbers, every column accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from registry.interop.reports import REFUSALS, Change, Report, converted
from registry.interop.rows import HIDDEN, Fate, Refusal

_HEADS = {
    Fate.USED: "used",
    Fate.MISSING: "missing",
    Fate.KEPT: "kept",
    Fate.READ: "read",
    Fate.ASIDE: "aside",
    Fate.IGNORED: "ignored",
    Fate.BLANK: "blank",
    Fate.REFUSED: "refused",
}
#: Values named for a column; more are counted.
_NAMED = 6
_LISTED = 20
#: Words named for a column and variable, with what they were read as.
_NAMED_WORDS = 12


def lines(report: Report, *, dry_run: bool, centre: str, written: bool = False) -> Iterator[str]:
    """The report, a line at a time."""
    yield from _summary(report, dry_run, centre)
    if report.refusals:
        kept = "the others were taken" if written else "nothing was written"
        yield ""
        yield f"Refused ({report.refused} rows, {kept}):"
        yield from _together(report.refusals)
        yield from (_at(one) for one in sorted(report.refusals, key=lambda one: one.row))
        more = sum(report.reasons.values()) - len(report.refusals)
        if more > 0:
            yield f"  and {more} more"
    yield from _changes(report)
    yield from _listed("May be known already:", [_at(one) for one in report.known])
    yield ""
    yield from _columns(report)
    yield from _outside(report)
    yield from _unusual(report)
    yield from _contradictions(report)


def _summary(report: Report, dry_run: bool, centre: str) -> Iterator[str]:
    source = report.map
    yield f"{source.title} ({source.name})"
    yield f"Licence: {source.licence}"
    purposes = ", ".join(source.purposes)
    yield f"Consent: {source.basis} (covers: {purposes})"
    yield f"For centre: {centre}"
    for name, encoding in report.encodings.items():
        yield f"Read as: {name} in {encoding}"
    yield ""
    yield f"rows read         {report.read:>8}"
    yield f"patients created  {report.created:>8}{'  (dry run: not kept)' if dry_run else ''}"
    yield f"unchanged         {report.unchanged:>8}"
    if report.changed:
        yield f"corrected         {report.changed:>8}"
    yield f"refused           {report.refused:>8}"
    for entity, count in report.entries.items():
        yield f"  {entity:<16}{count:>8}"


def _changes(report: Report) -> Iterator[str]:
    """What a corrected file says otherwise than before, value by value."""
    if not report.change_count:
        return
    yield ""
    yield f"Changed by the corrected file: {report.change_count}"
    for one in report.changes[:REFUSALS]:
        yield f"  {_change(one)}"
    if report.change_count > len(report.changes):
        yield f"  and {report.change_count - len(report.changes)} more"
    if report.conflicts:
        yield (
            f"  {report.conflicts} of them were changed by hand since: the record's value stays"
            " (--take-file takes the file's)"
        )


def _change(one: Change) -> str:
    what = f"row {one.row}, {one.entity}"
    if one.kind == "added":
        return f"{what}: a new entry {one.after}"
    if one.kind == "gone":
        kept = "; changed by hand, so it stays" if not one.taken else ", marked as an error"
        return f"{what}: no longer in the file{kept} {one.before}"
    if one.hidden:
        return f"{what}.{one.variable}: changed {HIDDEN}"
    stays = "; changed by hand, so it stays" if not one.taken else ""
    return f"{what}.{one.variable}: {one.before!r} → {one.after!r}{stays}"


def _together(refusals: list[Refusal]) -> Iterator[str]:
    """Where many are refused: what for, and how often, the commonest first."""
    if len(refusals) <= _LISTED:
        return
    found = Counter((one.column, one.reason) for one in refusals).most_common(_LISTED)
    yield "  Most often:"
    for (column, reason), count in found:
        yield f"    {count} × {f'column {column!r}: ' if column else ''}{reason}"
    yield "  Each of them:"


def _at(refusal: Refusal) -> str:
    file = f"{refusal.file}, " if refusal.file else ""
    value = f" {_short(refusal.value)}" if refusal.value else ""
    column = f", column {refusal.column!r}" if refusal.column else ""
    return f"  {file}row {refusal.row}{column}:{value} {refusal.reason}"


def _short(value: str) -> str:
    shown = value if len(value) <= 60 else f"{value[:60]}… ({len(value)} characters)"
    return repr(shown)


def _columns(report: Report) -> Iterator[str]:
    """Every column of the file: what it became, and how many cells of each kind."""
    uses = report.map.uses()
    width = max((len(name) for name in report.columns), default=0)
    width = min(width, 60)
    yield "Columns (each line adds up to the rows that could be read):"
    yield f"  {'':<{width}} " + " ".join(f"{head:>8}" for head in _HEADS.values())
    for name in report.columns:
        fates = report.account.fates.get(name, Counter())
        counts = " ".join(f"{fates[fate] or '.':>8}" for fate in _HEADS)
        yield f"  {name:<{width}} {counts}"
        if name in report.map.ignored:
            yield f"      ignored: {_why_ignored(report, name)}"
        elif uses[name]:
            yield f"      to {', '.join(uses[name])}"
        if name in report.map.kept:
            yield f"      kept as stated: {report.map.kept[name]}"
        for column, path, how in converted(report.map):
            if column == name:
                yield f"      converted for {path}: {how}"
        yield from _read_as(report, name)
        yield from _passed(report, name)


def _read_as(report: Report, name: str) -> Iterator[str]:
    """What the map made of a column's words, for each variable, the commonest first."""
    by_path: dict[str, Counter[str]] = {}
    for one, count in report.account.read_as.items():
        if one.column == name:
            words = f"{_short(one.text)} → {one.given}"
            by_path.setdefault(one.path, Counter())[words] += count
    for path, found in by_path.items():
        named = ", ".join(f"{words} × {count}" for words, count in found.most_common(_NAMED_WORDS))
        more = f" and {len(found) - _NAMED_WORDS} others" if len(found) > _NAMED_WORDS else ""
        yield f"      read for {path}: {named}{more}"


def _why_ignored(report: Report, name: str) -> str:
    ignored = report.map.ignored[name]
    checked = f" (checked: the same as {ignored.same_as!r})" if ignored.same_as else ""
    if ignored.always is not None:
        checked += f" (checked: always {ignored.always!r})"
    return ignored.reason + checked


def _passed(report: Report, name: str) -> Iterator[str]:
    """The values that were read or passed over, and are not stored as such."""
    passed = report.account.passed.get(name)
    if not passed or name in report.map.hidden_columns:
        return
    common = passed.most_common(_NAMED)
    named = ", ".join(f"{value!r} × {count}" for value, count in common)
    more = f" and {len(passed) - _NAMED} other values" if len(passed) > _NAMED else ""
    yield f"      not stored as such: {named}{more}"


def _outside(report: Report) -> Iterator[str]:
    if report.account.outside:
        yield ""
        yield "Codes outside our lists, kept as stated and shown as other:"
        for (path, code), count in sorted(report.account.outside.items()):
            yield f"  {path}: {code} × {count}"


def _unusual(report: Report) -> Iterator[str]:
    found = [_at(one) for one in report.account.unusual]
    yield from _listed("Unusual values, kept as stated:", found)


def _contradictions(report: Report) -> Iterator[str]:
    found = [f"  row {one.row}, {one.column}: {one.reason}" for one in report.contradictions]
    yield from _listed("Contradictions flagged on the record:", found)


def _listed(title: str, found: list[str]) -> Iterator[str]:
    if found:
        yield ""
        yield f"{title} {len(found)}"
        yield from found[:_LISTED]
        if len(found) > _LISTED:
            yield f"  and {len(found) - _LISTED} more"
