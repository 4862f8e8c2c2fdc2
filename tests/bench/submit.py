"""What sending a referral costs as the product really runs: two processes of four threads, with
sign-in, CSRF, permission, audit and notices; one client and eight, beside one durable insert."""

from __future__ import annotations

import http.client
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import sqlalchemy as sa
from flask import Flask

from registry.db import db, new_id
from registry.patients.models import Patient
from registry.people import queries as people
from registry.people.models import Organisation
from registry.referrals import actions as referrals
from tests import live, make, make_referrals
from tests.bench.floor import measured, quantile

CLIENTS = 8
HEAD = "name\tdatabase\tlive at the busy centre\tp50 ms\tp99 ms\tone durable insert ms\trate"


@dataclass(frozen=True)
class Measure:
    """One line; times in milliseconds, `rate` in submits a second of all clients together."""

    name: str
    database: str
    n: int  # referrals in the database, in thousands of live ones at one centre
    clients: int
    p50: float
    p99: float
    rate: float
    insert: float

    def line(self) -> str:
        """Tab-separated."""
        times = "\t".join(f"{one:.2f}" for one in (self.p50, self.p99, self.insert))
        return f"{self.name}\t{self.database}\t{self.n}\t{times}\t{self.rate:.0f} a second"


Sent = tuple[str, int]  # the id of a draft and its version


def drafts(app: Flask, number: int) -> list[Sent]:
    """Complete drafts of the tests' small network, ready to be sent."""
    with app.app_context():
        alice = people.person_by_email("alice.adler@example.org")
        centre = db.session.scalar(sa.select(Organisation).where(Organisation.code == "CENTRE-1"))
        assert alice is not None
        assert centre is not None
        by = make.viewer(alice)
        typed = {name: [text] for name, text in make_referrals.typed().items()}
        made = []
        theirs = sa.select(sa.func.count(Patient.id)).where(Patient.created_by == alice.id)
        first = db.session.scalar(theirs) or 0
        for place in range(first, first + number):
            one = referrals.start_draft(
                by=by,
                form_key=new_id(),
                to=centre,
                new=referrals.NewPatient(_somebody(place), {}, ""),
                consents=make_referrals.CONSENTS,
                contact={name: text or "" for name, text in make_referrals.CONTACT.items()},
            )
            one.draft = typed
            db.session.flush()
            made.append((str(one.id), one.version))
            if place % 50 == 49:
                db.session.commit()
                by = make.viewer(alice)
        db.session.commit()
        db.session.remove()
    return made


def _somebody(place: int) -> dict[str, Any]:
    """A patient with a name and a birth date of their own: the worker looks for those alike."""
    syllables = ("ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "wu")
    name = "".join(syllables[int(digit)] for digit in f"{place:04}").title()
    return make_referrals.identity(
        name, f"{1930 + place % 71}-{1 + place % 12:02}-{1 + place % 28:02}"
    )


class Doctor:
    """One doctor at a keyboard, with a connection of their own that is kept open."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self._there = http.client.HTTPConnection(where.hostname or "", where.port, timeout=120)
        self._cookie = ""
        self._token = make.token(self._ask("GET", "/sign-in"))
        self._ask(
            "POST", "/sign-in", {"email": "alice.adler@example.org", "password": make.PASSWORD}
        )
        self._token = make.token(self._ask("GET", "/account"))
        self.rest()

    def _ask(self, method: str, path: str, form: dict[str, Any] | None = None) -> str:
        body = urlencode({**form, "csrf_token": self._token}) if form is not None else None
        headers = {"Cookie": self._cookie, "Content-Type": "application/x-www-form-urlencoded"}
        self._there.request(method, path, body, headers)
        answer = self._there.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            self._cookie = cookie.split(";")[0]
        if answer.status not in (200, 303):
            raise RuntimeError(f"{path} answered {answer.status}")
        return text

    def rest(self) -> None:
        """Let go of the connection: the server closes those that nothing comes through."""
        self._there.close()

    def send(self, sent: Sent) -> None:
        """Send one draft. The message for the next page, which nobody opens here, is let go of:
        kept, each would make the cookie of the next sending longer."""
        kept = self._cookie
        self._ask("POST", f"/referrals/{sent[0]}/send", {"version": sent[1]})
        self._cookie = kept


def measures(app: Flask, url: str, folder: Path, name: str, filled: int) -> Iterator[Measure]:
    """With one client, then with eight, on the database as it is filled now."""
    one, many = drafts(app, 120), drafts(app, 480)
    insert = _durable_insert(app)
    with live.serve(url, folder, demo=False) as product:
        doctors = [Doctor(product.url) for _n in range(CLIENTS)]
        for each, warm in zip(doctors, one[: 2 * CLIENTS], strict=False):
            each.send(warm)
        for clients, work in ((1, one[2 * CLIENTS :]), (CLIENTS, many)):
            times, seconds = _all_of(doctors[:clients], work)
            yield Measure(
                f"submit, {clients} at once", name, filled, clients, quantile(times, 0.5),
                quantile(times, 0.99), len(work) / seconds, insert,
            )  # fmt: skip


def _all_of(doctors: Sequence[Doctor], work: list[Sent]) -> tuple[list[float], float]:
    times: list[float] = []

    def run(doctor: Doctor, share: list[Sent]) -> None:
        for sent in share:
            begun = time.perf_counter()
            doctor.send(sent)
            times.append((time.perf_counter() - begun) * 1000)

    for doctor in doctors:
        doctor.rest()
    threads = [
        threading.Thread(target=run, args=(doctor, work[place :: len(doctors)]))
        for place, doctor in enumerate(doctors)
    ]
    begun = time.perf_counter()
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    if len(times) != len(work):
        raise RuntimeError("not every referral was sent")
    return times, time.perf_counter() - begun


def _durable_insert(app: Flask) -> float:
    """One row in a table of its own, on disk before it is answered: p50 over the bare driver."""
    with app.app_context():
        pooled = db.engine.raw_connection()
        raw: Any = pooled.driver_connection
        sqlite = isinstance(raw, sqlite3.Connection)
        if not sqlite:
            raw.read_only = False
        else:
            raw.execute("PRAGMA query_only=OFF")
        cursor = raw.cursor()
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_insert (id integer, what text)")
        raw.commit()

        def insert() -> None:
            cursor.execute("INSERT INTO bench_insert VALUES (1, 'a row')")
            raw.commit()

        times = [measured(insert) for _n in range(100)]
        cursor.execute("DROP TABLE bench_insert")
        raw.commit()
        pooled.close()
    return quantile(times, 0.5)
