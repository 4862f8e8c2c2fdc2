"""Production refuses each setting that is not safe, by its name, all at once."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
from dataclasses import replace

import pytest

from config import Settings
from registry import create_app, demo, keys, logs
from registry.db import db
from registry.operations import production
from registry.operations.production import Unsafe
from registry.people.models import Person
from tests import live, make, make_referrals

SECRET = "q0Zt1vXy7LwKp3RmNs9Ub2Hd5Gf8Jc4Ae6Ti"


@pytest.fixture
def safe(app, tmp_path, monkeypatch) -> Settings:
    """Settings production starts with, on a migrated, empty database."""
    for name in production.DEBUG:
        monkeypatch.delenv(name, raising=False)
    ring = tmp_path / "etc/keys.json"
    keys.keep_once(ring, keys.to_json(keys.fresh()))
    instance = tmp_path / "instance"
    instance.mkdir(mode=0o700)
    return Settings(
        database_url=app.extensions["netreg_settings"].database_url, instance=instance,
        secret_key=SECRET, environment="production", keys_file=ring, sqlite_ok=True,
        public_url="https://net.example.org",
    )  # fmt: skip


def refused(settings: Settings) -> dict[str, str]:
    """What production says to these settings, by the setting's name."""
    try:
        app = create_app(settings)
    except Unsafe as problem:
        told, found = str(problem), problem.problems
    else:
        app.extensions["netreg_huey"].storage.close()
        with app.app_context():
            db.engine.dispose()
        return {}
    assert all(str(one) in told and one.remedy for one in found)
    return {one.setting: one.text for one in found}


def test_safe_settings_start(safe):
    assert refused(safe) == {}


@pytest.mark.parametrize(
    ("change", "setting", "said"),
    [
        ({"secret_stated": False}, "SECRET_KEY", "not set"),
        ({"secret_key": "short"}, "SECRET_KEY", "shorter than 32"),
        ({"secret_key": "a" * 64}, "SECRET_KEY", "typed"),
        ({"secret_key": "change-me-" + SECRET}, "SECRET_KEY", "typed"),
        ({"keys_file": None}, "NETREG_KEYS_FILE", "instance folder"),
        ({"keys": "{}"}, "NETREG_KEYS", "cannot be used"),
        ({"public_url": ""}, "NETREG_PUBLIC_URL", "not set"),
        ({"public_url": "http://net.example.org"}, "NETREG_PUBLIC_URL", "https"),
    ],
)
def test_each_unsafe_setting_is_refused_by_its_name(safe, change, setting, said):
    found = refused(replace(safe, **change))
    assert list(found) == [setting]
    assert said in found[setting]
    assert SECRET not in str(found)


def test_sqlite_needs_an_explicit_yes(safe):
    found = refused(replace(safe, sqlite_ok=False))
    assert list(found) == (["DATABASE_URL"] if safe.database_url.startswith("sqlite") else [])


@pytest.mark.parametrize("name", production.DEBUG)
def test_debugging_is_refused(safe, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert list(refused(safe)) == [name]


def test_the_keys_may_lie_beside_the_data_only_when_said(safe):
    inside = replace(safe, keys_file=safe.instance / "keys.json")
    keys.keep_once(safe.instance / "keys.json", keys.to_json(keys.fresh()))
    assert list(refused(inside)) == ["NETREG_KEYS_FILE"]
    assert refused(replace(inside, keys_beside_data=True)) == {}


def test_keys_that_others_may_read_or_that_were_typed_are_refused(safe, tmp_path):
    safe.key_place.chmod(0o644)
    assert "may read" in refused(safe)["NETREG_KEYS_FILE"]
    typed = keys.KeyRing("k1", {"k1": b"a" * 32}, b"b" * 32)
    assert "typed" in refused(replace(safe, keys=keys.to_json(typed)))["NETREG_KEYS"]


def test_an_instance_folder_open_to_all_is_refused(safe):
    safe.instance.chmod(0o755)
    assert list(refused(safe)) == ["NETREG_INSTANCE"]


def test_the_demonstrations_accounts_are_refused(safe, app):
    make.office()
    email = demo.accounts()[0].email
    make.person(None, name="Demo", email=email)
    db.session.commit()
    found = refused(safe)
    assert "demonstration network" in found["DATABASE_URL"]
    assert db.session.query(Person).count() == 1


def test_a_database_that_is_not_migrated_is_refused(safe, place):
    found = refused(replace(safe, database_url=place.blank("blank")))
    assert "netreg db upgrade" in str(production._unmigrated(""))
    assert "revision none" in found["DATABASE_URL"]


def test_all_refusals_are_told_at_once_by_web_worker_and_check(tmp_path):
    environment = {
        **live.settings(f"sqlite:///{tmp_path / 'none.sqlite3'}", tmp_path / "instance"),
        "NETREG_ENV": "production",
        "FLASK_DEBUG": "1",
    }
    wanted = {
        "SECRET_KEY", "NETREG_KEYS_FILE", "NETREG_PUBLIC_URL", "FLASK_DEBUG", "DATABASE_URL",
    }  # fmt: skip
    begun = [
        (status, subprocess.Popen([live.NETREG, command], env=environment, cwd=live.ROOT,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        for command, status in (("web", 78), ("worker", 78), ("check", 1))
    ]  # fmt: skip
    for status, process in begun:
        told = process.communicate(timeout=60)[0]
        assert process.returncode == status, told
        assert {name for name in wanted if f"{name}: " in told} == wanted
        assert "Traceback" not in told
    assert not (tmp_path / "none.sqlite3").exists()


def test_outside_of_production_nothing_is_asked(safe):
    assert refused(replace(safe, environment="testing", secret_key="x", public_url="")) == {}


def test_the_lines_of_a_tour_hold_nothing_of_a_patient(client, app, monkeypatch):
    """A patient is registered, sought, opened, mistyped, and met by an error; then the lines are
    searched, everything any library wrote among them."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.formatter("json"))
    root, level = logging.getLogger(), logging.getLogger().level
    settings = app.extensions["netreg_settings"]
    app.extensions["netreg_settings"] = replace(settings, log="json", slow_seconds=0.0001)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        tour(client, app, monkeypatch)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        app.extensions["netreg_settings"] = settings
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    answered = [line for line in lines if line["logger"] == "netreg.web"]
    assert len(answered) >= 7
    assert {"referrals.new", "patients.index", "(none)"} <= {line["endpoint"] for line in answered}
    assert all(line["request"] for line in answered)
    [failed] = [line for line in lines if line["message"].startswith("RuntimeError at")]
    assert failed["request"]
    for word in ("Zonneveld", "Annabel", "1961", "H-4711", "sought"):
        assert word not in written.getvalue()


def tour(client, app, monkeypatch) -> None:
    """What a doctor does in a morning, with a patient's name in every place it can stand."""
    net = make_referrals.network()
    make.sign_in(client, net.alice)
    first = make_referrals.first_page(
        net, family_name="Zonneveld", given_names="Annabel", hospital_number="H-4711"
    )
    sent = make.post(client, "/referrals/new", first)
    assert sent.status_code == 303
    assert "Zonneveld" in client.get(sent.location).text
    client.get("/patients?q=Zonneveld+sought")
    assert client.get("/Zonneveld/1961").status_code == 404
    assert make.post(client, "/referrals/new", {**first, "birth_date-year": "Zonneveld"})
    token = make.token(client.get("/account").text)

    def fail() -> None:
        raise RuntimeError("Failing row contains (Zonneveld, 1961-03-27)")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    with monkeypatch.context() as patch:
        patch.setattr("registry.web.jobs.tell_worker", fail)
        answer = client.post("/notices/seen", data={"csrf_token": token})
    assert answer.status_code == 500
    assert answer.headers["X-Request-ID"] in answer.text


def test_errors_are_lines_of_kind_and_place(app, capsys):
    try:
        raise ValueError("Zonneveld, 1961-03-27")
    except ValueError:
        record = logging.getLogger("x").makeRecord(
            "gunicorn.error", logging.ERROR, "f", 1, "Error handling request %s",
            ("/patients?q=Zonneveld",), __import__("sys").exc_info(),
        )  # fmt: skip
    for kind in ("json", "plain"):
        line = logs.formatter(kind).format(record)
        assert "Zonneveld" not in line
        assert "ValueError" in line
        assert "test_errors_are_lines" in line
    assert json.loads(logs.formatter("json").format(record))["level"] == "error"
    assert os.linesep not in logs.formatter("plain").format(record)


def test_probes_answer_machines(client, app):
    assert client.get("/healthz").json == {"alive": True}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["ready"]) == (200, True)
    assert client.get("/metrics").status_code == 404
    settings = app.extensions["netreg_settings"]
    app.extensions["netreg_settings"] = replace(settings, metrics_token="told")
    try:
        assert client.get("/metrics").status_code == 401
        answer = client.get("/metrics", headers={"Authorization": "Bearer told"})
    finally:
        app.extensions["netreg_settings"] = settings
    assert answer.status_code == 200
    for name in (
        "netreg_request_seconds", "netreg_check", "netreg_worker_queue", "netreg_info",
        "netreg_backup_age_seconds", "netreg_audit_unsealed",
    ):  # fmt: skip
        assert name in answer.text


def test_docs_settings_has_every_setting_and_no_other():
    import re

    text = (live.ROOT / "docs/settings.md").read_text()
    listed = set(re.findall(r"^\| `([A-Z_]+)`", text, re.MULTILINE))
    sources = [live.ROOT / "config.py", *(live.ROOT / "registry").rglob("*.py")]
    named = {name for path in sources for name in re.findall(r'"([A-Z_]+)"', path.read_text())}
    assert listed <= named
    own = {"DATABASE_URL", "SECRET_KEY", "STAGING_LICENSED"}
    assert {name for name in named if name.startswith("NETREG_") or name in own} == listed


def test_deployment_examples_name_only_what_there_is():
    """Commands, options and settings in deploy/ and docs/running.md exist."""
    import re

    from registry.cli import main

    listed = set(
        re.findall(r"^\| `([A-Z_]+)`", (live.ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    )
    files = [*(live.ROOT / "deploy").rglob("*"), live.ROOT / "docs/running.md"]
    for path in files:
        if not path.is_file():
            continue
        text = path.read_text()
        assert set(re.findall(r"\b(NETREG_[A-Z_]+)", text)) <= listed, path
        for words in re.findall(r"netreg ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)", text):
            name, _, sub = words.partition(" ")
            command = main.get_command(None, name)  # type: ignore[arg-type]
            if command is None:
                continue
            if sub and hasattr(command, "commands"):
                assert sub in command.commands, (path, words)
    names = {path.name for path in files}
    assert {"netreg-web.service", "netreg-worker.service", "netreg-backup.timer"} <= names
