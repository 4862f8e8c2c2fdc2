"""`netreg derive` from a shell: files and standard input, order kept, errors in their rows."""

from __future__ import annotations

import csv
import io

from click.testing import CliRunner

from registry.cli import main

HEAD = (
    "id,site,differentiation,cell_type,mitoses_per_2mm2,ki67_percent,necrosis,specimen,"
    "mixed_component_pct\n"
)
GOOD = "1,pancreas,well,,1,3.0,none,resection,\n"  # Ki-67 of exactly 3 is grade 2
BAD = "2,nowhere,well,,1,2,none,resection,\n"


def run(*arguments, text=""):
    return CliRunner().invoke(main, ["derive", *arguments], input=text)


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_from_standard_input():
    done = run("grade", text=HEAD + GOOD)
    assert done.exit_code == 0
    (row,) = rows(done.stdout)
    assert (row["id"], row["category"], row["grade"], row["error"]) == ("1", "NET_G2", "2", "")


def test_a_bad_row_is_answered_and_the_rest_goes_on():
    done = run("grade", text=HEAD + BAD + GOOD)
    assert done.exit_code == 1
    first, second = rows(done.stdout)
    assert first["id"] == "2"
    assert first["error"]
    assert second["category"] == "NET_G2"


def test_from_file_to_file(tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(HEAD + GOOD)
    assert run("grade", str(source), "-o", str(target)).exit_code == 0
    assert rows(target.read_text())[0]["grade"] == "2"


def test_an_unknown_kind_names_those_there_are():
    done = run("horoscope")
    assert done.exit_code == 2
    assert "grade" in done.output
