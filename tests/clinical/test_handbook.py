"""The pages of `docs/clinical` are those that the tables and docstrings make."""

from pathlib import Path

from registry.clinical import handbook, tables

DOCS = Path(__file__).parents[2] / "docs" / "clinical"


def test_the_pages_are_up_to_date():
    made = handbook.markdown()
    assert {path.name for path in DOCS.glob("*.md")} == set(made)
    for name, text in made.items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"make docs: {name} is stale"


def test_every_public_rule_says_what_it_does():
    for chapter in handbook.chapters():
        assert chapter.title
        assert chapter.tables or chapter.rules
        for rule in chapter.rules:
            assert rule.text, f"{chapter.name}.{rule.name} has no docstring"


def test_every_table_of_rules_stands_in_a_chapter():
    shown = {table.name for chapter in handbook.chapters() for table in chapter.tables}
    assert {path.stem for path in tables.DATA.glob("*.csv")} <= shown


def test_every_source_that_is_named_is_listed():
    listed = {row["id"] for row in tables.rows("sources")}
    for path in tables.DATA.glob("*.csv"):
        for row in tables.rows(path.stem):
            named = [part.strip() for part in row.get("source", "").replace(",", ";").split(";")]
            ids = [part for part in named if part[:1] == "S" and part[1:].isdigit()]
            assert set(ids) <= listed
