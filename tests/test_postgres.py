"""The tests' own PostgreSQL starts wherever the product is cloned to."""

from __future__ import annotations

import os
import shutil

import pytest

from tests import postgres


@pytest.mark.postgres
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root becomes another")
def test_it_starts_from_a_folder_closed_to_others(tmp_path, monkeypatch):
    """As root the server runs as nobody, who may not enter a clone in somebody's home."""
    try:
        package = postgres._installed().parent
    except postgres.Unavailable as problem:
        pytest.skip(str(problem))
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for name in (package.name, f"{package.name}.libs"):
        if (package.parent / name).is_dir():
            shutil.copytree(package.parent / name, closed / name)
    monkeypatch.setattr(postgres, "_installed", lambda: closed / package.name / "pginstall18")
    with postgres.start() as server, server.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
