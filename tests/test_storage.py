"""Files at rest: encrypted while they are written, whole or not there, bound to their place."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from registry import storage
from registry.db import db, new_id
from registry.errors import Unreadable
from registry.keys import Holder, KeyRing, ring

BLOCK = storage.SEALED_BLOCK
SECRET = b"Anna Maria Zonneveld "


def bare(folder):
    """As much of the product as the storage needs."""
    app = Flask("bare")
    app.extensions["netreg_settings"] = SimpleNamespace(instance=folder)
    app.extensions["netreg_keys"] = Holder("", folder / "keys.json")
    return app


def use(app: Flask, keys: KeyRing) -> None:
    """Give the application another ring."""
    app.extensions["netreg_keys"] = SimpleNamespace(ring=lambda: keys)


@pytest.fixture
def house(tmp_path):
    app = bare(tmp_path)
    with app.app_context():
        yield app


def seal(data: bytes, pieces: int = 1 << 20):
    file_id = new_id()
    with storage.sealing(file_id) as out:
        for at in range(0, len(data), pieces):
            out.write(data[at : at + pieces])
    return file_id, out


def opened(file_id) -> bytes:
    return b"".join(storage.unsealed(file_id))


@pytest.mark.parametrize(
    "size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 17], ids=str
)
def test_a_sealed_file_opens_to_what_was_written(house, size):
    data = (SECRET * (size // len(SECRET) + 1))[:size]
    file_id, out = seal(data, pieces=10_007)
    assert opened(file_id) == data
    assert (out.size, out.sha256) == (size, hashlib.sha256(data).hexdigest())
    assert SECRET not in storage.place(file_id).read_bytes()


def test_the_same_file_is_sealed_differently_each_time(house):
    first, second = (storage.place(seal(SECRET)[0]).read_bytes() for _ in range(2))
    assert first[-20:] != second[-20:]


def test_blocks_are_bound_to_their_place_and_file(house):
    data = secrets.token_bytes(3 * BLOCK)
    file_id, _out = seal(data)
    path = storage.place(file_id)
    whole = path.read_bytes()
    start = len(whole) - 3 * (BLOCK + 16)
    blocks = [whole[start + n * (BLOCK + 16) : start + (n + 1) * (BLOCK + 16)] for n in range(3)]
    altered = bytearray(whole)
    altered[-1] ^= 1
    for wrong in (
        bytes(altered),
        whole[:start] + blocks[1] + blocks[0] + blocks[2],  # exchanged
        whole[:start] + blocks[0] + blocks[1],  # cut off
        whole[:start] + blocks[0] + blocks[2],  # one left out
        whole + blocks[2],  # one added
        whole[:-5],
        b"no sealed file at all",
        b"",
    ):
        path.write_bytes(wrong)
        with pytest.raises(Unreadable):
            opened(file_id)
    other = new_id()
    storage.place(other).parent.mkdir(parents=True, exist_ok=True)
    storage.place(other).write_bytes(whole)
    with pytest.raises(Unreadable):
        opened(other)


@settings(max_examples=40)
@given(data=st.data())
def test_no_flipped_bit_is_read(data, tmp_path_factory):
    with bare(tmp_path_factory.getbasetemp()).app_context():
        file_id, _out = seal(SECRET * 20)
        path = storage.place(file_id)
        wrong = bytearray(path.read_bytes())
        wrong[data.draw(st.integers(0, len(wrong) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(bytes(wrong))
        with pytest.raises(Unreadable):
            opened(file_id)


def test_a_missing_key_is_told_before_the_answer_begins(house):
    file_id, _out = seal(SECRET)
    use(house, replace(ring(), sealing={"other": b"x" * 32}))
    with pytest.raises(Unreadable):
        storage.unsealed(file_id)


def test_a_new_key_takes_files_over_one_by_one(house):
    data = secrets.token_bytes(2 * BLOCK + 5)
    file_id, _out = seal(data)
    old = ring()
    both = {**old.sealing, "k2": secrets.token_bytes(32)}
    use(house, replace(old, current="k2", sealing=both))
    assert storage.sealed_under(file_id) == old.current
    assert storage.reseal(file_id) == "k2"
    before = storage.place(file_id).read_bytes()
    assert storage.reseal(file_id) == "k2"
    assert storage.place(file_id).read_bytes() == before  # left as it is
    use(house, replace(old, current="k2", sealing={"k2": both["k2"]}))
    assert opened(file_id) == data


def test_resealing_that_stops_leaves_the_old_file(house, monkeypatch):
    file_id, _out = seal(SECRET)
    old = ring()
    both = {**old.sealing, "k2": secrets.token_bytes(32)}
    use(house, replace(old, current="k2", sealing=both))
    monkeypatch.setattr(storage.SealedWriter, "finish", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        storage.reseal(file_id)
    assert opened(file_id) == SECRET
    assert storage.sealed_under(file_id) == old.current


def test_what_is_undone_leaves_no_file(app):
    kept, undone = seal(SECRET)[0], seal(SECRET)[0]
    nothing = sa.text("SELECT 1")
    db.session.execute(nothing)
    storage.remove_if_undone(kept)
    db.session.commit()
    db.session.execute(nothing)
    storage.remove_if_undone(undone)
    with db.session.begin_nested():
        db.session.execute(nothing)
    with pytest.raises(ZeroDivisionError), db.session.begin_nested():
        raise ZeroDivisionError
    assert storage.place(undone).exists()  # only what is within was undone
    db.session.rollback()
    assert storage.place(kept).exists()
    assert not storage.place(undone).exists()


# -- elsewhere than in a folder ----------------------------------------------------------------


@pytest.fixture(params=["memory://kept/files", "file://{folder}/elsewhere"], ids=["memory", "file"])
def bucket(tmp_path, request):
    """As much of the product as the storage needs, with its files where fsspec puts them."""
    app = bare(tmp_path)
    app.extensions["netreg_settings"].files = request.param.format(folder=tmp_path)
    with app.app_context():
        yield app
        for name, _written in list(storage.sealed_store().names()):
            storage.sealed_store().drop(name)


def test_sealed_files_lie_where_they_are_told_to(bucket, tmp_path):
    data = secrets.token_bytes(3 * BLOCK + 7)
    file_id, out = seal(data)
    assert (opened(file_id), out.size) == (data, len(data))
    assert not storage.place(file_id).exists()
    assert list(storage.sealed_files()) == [file_id]
    with storage.sealed_store().open(next(storage.sealed_store().names())[0]) as lines:
        assert data[:50] not in lines.read()
    storage.remove(file_id)
    assert list(storage.sealed_store().names()) == []
    with pytest.raises(FileNotFoundError):
        storage.unsealed(file_id)


def test_a_write_elsewhere_that_breaks_off_leaves_nothing(bucket):
    def broken():
        with storage.sealing(new_id()) as out:
            out.write(b"half a file")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert list(storage.sealed_store().names()) == []


def test_a_sealed_file_is_read_anywhere_a_block_at_a_time(house):
    data = secrets.token_bytes(3 * BLOCK + 17)
    file_id, _out = seal(data)
    with storage.SealedReader(file_id) as lines:
        assert lines.size == len(data)
        for at, length in ((0, 10), (BLOCK - 3, 3), (BLOCK, 5), (3 * BLOCK + 10, 7)):
            lines.seek(at)
            assert lines.read(length) == data[at : at + length]
        lines.seek(-4, 2)
        assert lines.read(9) == data[-4:]
