"""`netreg import` and `netreg check-cohorts`, as they are called."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from flask import Flask

import registry.cli
from registry.db import db
from registry.interop import comparison
from registry.interop.comparison import Check, Cohort
from registry.patients.models import Patient
from tests import make
from tests.make_interop import COHORTS, TUMOUR, file_of, map_of

NOTE = TUMOUR + 'laterality = "side"\n'


def called(app: Flask, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    """The command on the test's database; what was arranged is saved before."""
    monkeypatch.setattr(registry.cli, "application", lambda: app)
    db.session.commit()
    return CliRunner().invoke(registry.cli.main, ["import", *arguments])


def patients() -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(Patient)) or 0


def arranged(folder: Path, *lines: str, body: str = NOTE) -> list[str]:
    make.centre()
    map_of(folder, body)
    file = file_of(folder, *lines)
    return [str(file), "--map", str(folder / "map.toml"), "--centre", "CENTRE-1"]


def test_an_import_says_what_it_did(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = called(app, monkeypatch, *arranged(tmp_path, "id,side", "1,left", "2,"))
    assert done.exit_code == 0, done.output
    assert "patients created         2" in done.stdout
    assert "Signed form 2019" in done.stdout
    assert "tumour.laterality" in done.stdout
    assert patients() == 2


def test_progress_goes_to_standard_error(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = called(app, monkeypatch, *arranged(tmp_path, "id,side", "1,left"))
    assert "Writing" in done.stderr
    assert "Writing" not in done.stdout


def test_a_dry_run_shows_the_same_and_keeps_nothing(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = arranged(tmp_path, "id,side", "1,left")
    tried = called(app, monkeypatch, *arguments, "--dry-run")
    assert tried.exit_code == 0
    assert "(dry run: not kept)" in tried.stdout
    assert patients() == 0
    done = called(app, monkeypatch, *arguments)
    assert done.stdout == tried.stdout.replace("  (dry run: not kept)", "")


def test_refused_rows_are_listed_and_the_status_is_1(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = arranged(tmp_path, "id,side", "1,left", "2,port", "3")
    done = called(app, monkeypatch, *arguments)
    assert done.exit_code == 1
    assert "row 3, column 'side': 'port' is not a code of laterality" in done.stdout
    assert "row 4: has 1 cells, the header 2" in done.stdout
    assert patients() == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("--centre", "NOWHERE"), "no organisation NOWHERE"),
        (("--centre", "HOSP-A"), "HOSP-A is not a reference centre"),
        (("--map", "nothing.toml"), "nothing.toml: No such file"),
        (("--map", "pcpg_tcga"), "does not name"),
    ],
)
def test_what_does_not_fit_together_is_status_2(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: list[str], said: str
) -> None:
    make.hospital()
    done = called(app, monkeypatch, *arranged(tmp_path, "id,side", "1,left"), *change)
    assert done.exit_code == 2
    assert said in done.stderr
    assert patients() == 0


def test_who_a_patient_is_is_not_printed(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = TUMOUR + '[patient]\nhospital_number = "id"\nfamily_name = "name"\nbirth_date = "born"\n'
    lines = ("id,name,born", "H-77,Zonneveld,soon", "H-77,Zonneveld,1961", "H-78,Zonneveld,1900")
    done = called(app, monkeypatch, *arranged(tmp_path, *lines, body=body))
    assert done.exit_code == 1
    for secret in ("H-77", "Zonneveld", "soon", "1961"):
        assert secret not in done.output


# -- comparing ---------------------------------------------------------------------------------

SIDE = Check("side", "tumours.csv", "laterality", "side", {"left": "L"})
TIME = Check("time", "tumours.csv", "months", "months", number=True)
SMALL = Cohort("small", "small.csv", "id", (SIDE, TIME))
SOURCE = [{"id": "1", "side": "L", "months": "1.50"}, {"id": "2", "side": "", "months": ""}]


def released(side: str = "left", months: str = "1.50") -> comparison.Released:
    row = {"laterality": side, "months": months, "absent": ""}
    return {"patients.csv": {"1": [{}], "2": [{}]}, "tumours.csv": {"1": [row]}}


def differing(found: comparison.Released) -> set[str]:
    return {line.what for line in comparison.compare(SMALL, SOURCE, found) if not line.equal}


def test_an_equal_release_differs_nowhere() -> None:
    assert differing(released()) == set()


def test_one_other_word_shows() -> None:
    assert differing(released(side="right")) == {
        "side: L",
        "side: right",
        "side: each patient equal",
    }


def test_a_lost_digit_shows() -> None:
    assert differing(released(months="1.5")) == {"time: sum", "time: each patient equal"}


def test_a_lost_patient_shows() -> None:
    found = {**released(), "patients.csv": {"1": [{}]}}
    assert differing(found) == {"rows = patients"}


def test_the_published_cohorts_can_be_checked(tmp_path: Path) -> None:
    """On small files of their shape: the made-up lung rows, and some rows of the TCGA's."""
    lung, tcga = (tmp_path / cohort.path for cohort in comparison.COHORTS)
    for path in (lung, tcga):
        path.parent.mkdir()
    lung.write_bytes((COHORTS / "made_up_lung.csv").read_bytes())
    with (COHORTS / "tcga_pcpg_clinical.csv").open(newline="") as lines:
        rows = list(csv.reader(lines))
    chosen = [*rows[:10], *(row for row in rows[10:] if "Distant Metastasis" in row)]
    with tcga.open("w", newline="") as out:
        csv.writer(out).writerows(chosen)
    done = CliRunner().invoke(registry.cli.main, ["check-cohorts", "--data", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "Every line is equal." in done.stdout


def test_a_folder_without_the_cohorts_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(registry.cli.main, ["check-cohorts", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "lung_nen_477_clinical.csv" in done.output
