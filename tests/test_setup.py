"""What a newcomer is given: locked, checked by hash, naming no place to fetch it from."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ["requirements.txt", "requirements-dev.txt", "requirements-setup.txt"]


def locked(name: str) -> dict[str, str]:
    """Each locked package with everything that stands below it."""
    entries = re.split(r"^(?=[a-z0-9])", (ROOT / name).read_text(), flags=re.MULTILINE)[1:]
    return {re.split(r"==", entry)[0]: entry for entry in entries}


@pytest.mark.parametrize("name", LOCKS)
def test_everything_locked_has_a_version_and_a_hash(name: str) -> None:
    for package, entry in locked(name).items():
        assert re.match(r"[a-z0-9-]+==[0-9][^ ]*", entry), package
        assert "--hash=sha256:" in entry, package


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_names_no_place(name: str) -> None:
    assert not re.search(
        r"://|file:|^ *--(?!hash)|(?<!\w)/\w", (ROOT / name).read_text(), re.MULTILINE
    )


def test_the_lock_of_the_vendored_files_names_no_place() -> None:
    packages = json.loads((ROOT / "static/src/package-lock.json").read_text())["packages"]
    assert packages
    assert [name for name, entry in packages.items() if "resolved" in entry] == []


def test_testing_runs_on_the_versions_that_are_run() -> None:
    run, test = locked("requirements.txt"), locked("requirements-dev.txt")
    assert {name: test.get(name) for name in run} == run


def test_what_is_stated_is_locked() -> None:
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.match(r"[a-z0-9-]+", line)[0] for line in stated}  # type: ignore[index]
    assert names <= set(locked("requirements.txt"))


#: A third of a second and 40 MB for workbooks alone, which few pages and commands read.
RARE = {
    "charset_normalizer", "fsspec", "icalendar", "lifelines", "matplotlib", "numpy", "openpyxl",
    "pandas", "pikepdf", "PIL", "pyarrow", "pydicom", "pyreadstat", "rapidfuzz", "s3fs", "scipy",
    "typst", "xlsxwriter", "yaml",
}  # fmt: skip


def test_a_start_waits_for_nothing_that_only_few_pages_need() -> None:
    found = []
    for path in (ROOT / "registry").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [(path.name, name) for name in names if name.split(".")[0] in RARE]
    assert found == []


def test_help_lists_the_commands_of_the_readme() -> None:
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for command in ("setup", "run", "test", "check-cohorts", "clean"):
        assert re.search(rf"^  make {command} +\w", said.stdout, re.MULTILINE), command
