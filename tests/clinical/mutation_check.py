"""Does a test fail when a limit of the clinical rules is changed by its smallest step?

Run by hand: `python -m tests.clinical.mutation_check`. Every limit is changed one at a time, up and
down, in a copy of the rules; the tests of its subject must fail. Prints one line a change and ends
with status 1 if any change went unnoticed.
"""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).parents[2]
RULES = Path("registry/clinical")

# table, columns with limits, column that names the row, smallest step, tests of the subject
TABLES = [
    ("grade_thresholds", ("value",), ("name",), "0.01", "test_grading.py"),
    ("t_sizes", ("up_to_mm",), ("site", "system", "t"), "0.1", "test_tnm.py"),
    ("therapy_components", ("warn_below", "warn_above", "reject_above"),
     ("therapy_id", "ingredient"), "0.001", "test_doses.py"),
    ("codes/biomarker", ("plausible_min", "plausible_max"), ("code",), "0.001", "test_doses.py"),
    ("urgency_targets", ("first_look_working_days", "decision_working_days",
                         "advice_calendar_days"), ("urgency",), "1", "test_urgency.py"),
    ("units", ("factor",), ("analytes", "unit", "other_unit"), "0.0001", "test_units.py"),
    ("follow_up_intervals", ("months_min", "months_max", "window_from", "window_to"), ("code",),
     "1", "test_follow_up.py"),
    ("symptom_diary", ("lowest", "highest"), ("item",), "0.1", "test_symptom_diary.py"),
    ("symptom_diary", ("least_change",), ("item",), "0.01", "test_symptom_diary.py"),
    ("grade_ranks", ("low", "high"), ("grade",), "1", "test_agreement.py"),
    ("qlq_scales", ("item_min", "item_max", "range", "min_answered"), ("instrument", "scale"),
     "1", "test_quality_of_life.py"),
]  # fmt: skip

# file, name, smallest step, tests of the subject
CONSTANTS = [
    ("ki67.py", ("LOWEST", "HIGHEST"), "0.01", "test_ki67.py"),
    ("response.py", ("MOST_TARGETS", "MOST_TARGETS_PER_ORGAN"), "1", "test_response.py"),
    ("response.py", ("LARGEST_MM", "NODE_BASELINE_FROM_MM", "LESION_BASELINE_FROM_MM",
                     "NODE_NORMAL_BELOW_MM", "PROGRESSION_LEAST_MM", "MIN_SD_WEEKS",
                     "MIN_CONFIRM_WEEKS"), "0.1", "test_response.py"),
    ("response.py", ("PROGRESSION_FACTOR", "RESPONSE_FALL"), "0.01", "test_response.py"),
    ("response.py", ("DAYS_PER_MONTH",), "0.0001", "test_response.py"),
    ("endpoints.py", ("DAYS_PER_MONTH",), "0.0001", "test_endpoints.py"),
    ("therapy_lines.py", ("STARTED_TOGETHER_DAYS",), "1", "test_therapy_lines.py"),
    ("quality_of_life.py", ("SMALL_FROM", "MODERATE_FROM", "LARGE_ABOVE"), "0.1",
     "test_quality_of_life.py"),
    ("symptom_diary.py", ("LEAST_EPISODES",), "0.1", "test_symptom_diary.py"),
    ("lesions.py", ("TOO_SMALL_MM",), "0.1", "test_lesions.py"),
    ("follow_up.py", ("EARLY_DAYS",), "1", "test_follow_up.py"),
    ("follow_up_record.py", ("PRRT_MONTHS",), "1", "test_follow_up.py"),
    ("follow_up_record.py", ("SMALL_BELOW_MM",), "0.1", "test_follow_up.py"),
    ("toxicity.py", ("MOST_FOUND",), "1", "test_toxicity.py"),
    ("edit_checks/across/cycles.py", ("WEEKS_APART_TO",), "1", "test_across_checks.py"),
    ("edit_checks/across/cycles.py", ("COURSE_GBQ_TO",), "0.01", "test_across_checks.py"),
    ("edit_checks/across/cycles.py", ("EGFR_FROM",), "0.1", "test_across_checks.py"),
    ("edit_checks/across/imaging.py", ("NETPET_DAYS", "KRENNING_POSITIVE_FROM"), "1",
     "test_across_checks.py"),
    ("edit_checks/across/therapies.py", ("PROGRESSION_DAYS",), "1", "test_across_checks.py"),
    ("edit_checks/across/response.py", ("PROGRESSION_DAYS",), "1", "test_across_checks.py"),
    ("edit_checks/across/response.py", ("SMALL_TO_MM",), "0.1", "test_across_checks.py"),
    ("edit_checks/across/fate.py", ("FATAL", "SERIOUS_FROM"), "1", "test_across_checks.py"),
    ("decision_flags.py", ("KRENNING_ENOUGH_FROM", "CYCLES_TO", "LONG_ACTING_DAYS"), "1",
     "test_decision_flags.py"),
    ("decision_flags.py", ("FIRST_LINE_KI67_FROM", "FIRST_LINE_KI67_TO", "SSA_KI67_BELOW",
                           "SHORT_ACTING_HOURS", "LABEL_AGE_FROM", "WEEKS_BETWEEN_CYCLES",
                           "TABLET_MAXIMUM_MG"), "0.1", "test_decision_flags.py"),
    ("tnm.py", ("NODES_N2_FROM",), "1", "test_tnm.py"),
    ("tnm.py", ("MESENTERIC_MASS_N2_ABOVE_MM", "LARGEST_MM"), "0.1", "test_tnm.py"),
    ("staging.py", ("AJCC9_FROM_YEAR", "TNM9_FROM_YEAR"), "1", "test_staging.py"),
    ("missing_for_advice.py", ("FDG_FROM_KI67",), "0.1", "test_missing_for_advice.py"),
    ("missing_for_advice.py", ("YOUNG_BELOW_YEARS",), "1", "test_missing_for_advice.py"),
    ("pathways.py", ("SSTR_POSITIVE_FROM",), "1", "test_pathways.py"),
]  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One limit, what it is changed to, and the tests that must notice."""

    name: str
    path: Path
    text: str
    tests: str


def changes() -> Iterator[Change]:
    """Every limit, one step up and one step down."""
    for name, columns, keys, step, tests in TABLES:
        path = RULES / "data" / f"{name}.csv"
        yield from _of_table(path, columns, keys, Decimal(step), tests)
    for file, names, step, tests in CONSTANTS:
        for name in names:
            yield from _of_constant(RULES / file, name, Decimal(step), tests)


def _of_table(
    path: Path, columns: tuple[str, ...], keys: tuple[str, ...], step: Decimal, tests: str
) -> Iterator[Change]:
    with (ROOT / path).open(encoding="utf-8", newline="") as handle:
        lines = list(csv.reader(handle))
    header = lines[0]
    for place, line in enumerate(lines[1:], start=1):
        row = dict(zip(header, line, strict=True))
        if row.get("applied", "yes") != "yes":
            continue
        for column in (c for c in columns if row[c]):
            for changed in (Decimal(row[column]) - step, Decimal(row[column]) + step):
                if changed < 0 and column == "plausible_min":
                    continue  # nothing below zero is ever plausible
                new = [*lines[:place], [str(changed) if h == column else v
                                        for h, v in zip(header, line, strict=True)],
                       *lines[place + 1:]]  # fmt: skip
                name = f"{path.stem} {' '.join(row[key] for key in keys)} {column}"
                yield Change(f"{name} {row[column]} -> {changed}", path, _as_csv(new), tests)


def _as_csv(lines: list[list[str]]) -> str:
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows(lines)
        handle.seek(0)
        return handle.read()


def _of_constant(path: Path, name: str, step: Decimal, tests: str) -> Iterator[Change]:
    source = (ROOT / path).read_text(encoding="utf-8")
    line = re.search(rf"^[^#\n]*\b{name}\b[^=\n]*= .*$", source, re.MULTILINE)
    assert line, name
    left, right = line[0].split(" = ", 1)
    place = [part.strip() for part in left.split(",")].index(name)
    number = list(re.finditer(r"\d+(?:\.\d+)?", right))[place]
    for changed in (Decimal(number[0]) - step, Decimal(number[0]) + step):
        quoted = f'"{changed}"' if "Decimal(" in right and '"' not in right else f"{changed}"
        new_right = right[: number.start()] + quoted + right[number.end() :]
        text = source[: line.start()] + f"{left} = {new_right}" + source[line.end() :]
        yield Change(f"{path.name} {name} {number[0]} -> {changed}", path, text, tests)


def noticed(change: Change, copy: Path) -> bool:
    """Whether the tests of the subject fail with the change."""
    target = copy / change.path
    before = target.read_text(encoding="utf-8")
    target.write_text(change.text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p",
               "no:xdist", f"tests/clinical/{change.tests}"]  # fmt: skip
    found = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    target.write_text(before, encoding="utf-8")
    return found.returncode == 1


def main(wanted: str = "") -> int:
    """Try every change whose name holds `wanted`; 1 if one went unnoticed."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copytree(ROOT / RULES, copy / RULES)
        shutil.copytree(ROOT / "tests/clinical", copy / "tests/clinical")
        shutil.copytree(ROOT / "tests/data/clinical", copy / "tests/data/clinical")
        (copy / "registry/__init__.py").touch()
        (copy / "tests/__init__.py").touch()
        (copy / "pytest.ini").write_text(
            "[pytest]\npythonpath = .\naddopts = --import-mode=importlib\nmarkers = slow: slow\n"
        )
        unnoticed = 0
        for change in changes():
            if wanted in change.name:
                seen = noticed(change, copy)
                unnoticed += not seen
                print("noticed  " if seen else "UNNOTICED", change.name, flush=True)
    print(f"{unnoticed} unnoticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
