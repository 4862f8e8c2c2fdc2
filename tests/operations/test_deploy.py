"""The files in deploy/: what they copy is enough, what they run runs, and their checks work."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from registry import keys
from tests import live

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted([*ROOT.glob("deploy/*.service"), *ROOT.glob("deploy/*.timer")])


def steps() -> list[tuple[str, str]]:
    """The instructions of the container file: name, rest; lines that go on are one."""
    text = (ROOT / "deploy/Containerfile").read_text()
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1].strip()) for line in lines if line]


def copied() -> list[str]:
    """What the image gets of this folder."""
    return [name for step, rest in steps() if step == "COPY" for name in rest.split()[:-1]]


def test_the_image_gets_what_there_is_and_nothing_by_accident() -> None:
    assert [name for name in copied() if not (ROOT / name).exists()] == []
    assert not {".", "instance", ".venv", ".git", "tests"} & set(copied())
    kept = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    there = {name.split("/")[0] for name in kept.stdout.splitlines()}
    assert set(copied()) <= there


def test_the_steps_of_the_container_file_are_commands_there_are() -> None:
    targets = re.findall(r"make (\w+)", " ".join(rest for step, rest in steps() if step == "RUN"))
    for target in targets:
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True)
        assert done.returncode == 0, target
    [user] = [rest for step, rest in steps() if step == "USER"]
    assert f"--uid {user} " in (ROOT / "deploy/Containerfile").read_text()


@pytest.mark.slow
def test_an_image_of_these_files_starts_in_production_and_its_health_check_works(tmp_path) -> None:
    """The image's folder, made of what it copies, with the packages of the tests."""
    image, instance = tmp_path / "image", tmp_path / "instance"
    for name in copied():
        to = image / name
        to.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to)  # with its byte code, as `make compiled` leaves it
        else:
            shutil.copy(ROOT / name, to)
    instance.mkdir(mode=0o700)
    stated = dict(one.split("=") for step, rest in steps() if step == "ENV" for one in rest.split())
    environment = {
        name: text for name, text in os.environ.items() if not name.startswith("NETREG_")
    } | {
        **stated,
        "NETREG_INSTANCE": str(instance),
        "DATABASE_URL": f"sqlite:///{tmp_path}/netreg.sqlite3",
        "NETREG_SQLITE_OK": "yes",
        "NETREG_KEYS_FILE": str(tmp_path / "keys/ring.json"),
        "NETREG_PUBLIC_URL": "https://net.example.org",
        "SECRET_KEY": "q0Zt1vXy7LwKp3RmNs9Ub2Hd5Gf8Jc4Ae6Ti",
        "PYTHONPATH": str(image),
    }
    netreg = [sys.executable, "-c", "from registry.cli import main; main()"]
    keys.keep_once(tmp_path / "keys/ring.json", keys.to_json(keys.fresh()))
    subprocess.run([*netreg, "db", "upgrade"], cwd=image, env=environment, check=True, timeout=120)
    [command] = [json.loads(rest) for step, rest in steps() if step == "CMD"]
    [check] = [rest.partition("CMD ")[2] for step, rest in steps() if step == "HEALTHCHECK"]
    port = str(live.free_port())
    said = [sys.executable, *json.loads(check.replace(":8000", f":{port}"))[1:]]
    arguments = [word.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for word in command]
    log = tmp_path / "log"
    with log.open("wb") as out:
        web = subprocess.Popen([*netreg, *arguments], cwd=image, env=environment, stderr=out)
    try:
        assert subprocess.run(said, capture_output=True, timeout=10).returncode != 0  # not yet
        end = time.monotonic() + 30
        while subprocess.run(said, capture_output=True, timeout=10).returncode:
            assert time.monotonic() < end, log.read_text()
            assert web.poll() is None, log.read_text()
            time.sleep(0.2)
    finally:
        web.terminate()
        web.wait(30)


def test_the_proxies_let_through_what_a_page_asks_when_the_database_is_away() -> None:
    asked = re.findall(r"url_for\('(\w+)'\)", (ROOT / "templates/away.html").read_text())
    assert "readyz" in asked
    for name in ("nginx.conf", "Caddyfile"):
        said = (ROOT / "deploy" / name).read_text()
        assert "/metrics" in said
        assert "readyz" not in said


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not on this machine")
def test_the_units_are_such_as_systemd_reads(tmp_path) -> None:
    """Their programs and accounts are not on this machine: others stand in for them."""
    for unit in UNITS:
        text = unit.read_text().replace("/opt/netreg/.venv/bin/netreg", "/bin/true")
        text = re.sub(r"^(User|Group)=netreg$", "", text, flags=re.MULTILINE)
        (tmp_path / unit.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / unit.name) for unit in UNITS)],
        capture_output=True,
        text=True,
    )
    ours = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "netreg" in line]
    assert ours == []
