"""What the worklist costs at 1,000, 100,000 and 1,000,000 live cases of one centre, and at a centre
with 2,000 of them beside, on each database: its first and its tenth page, and each filter."""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from registry.db import db
from tests import make
from tests.bench.floor import Replay, Sent, bare_page, measured, quantile, statements
from tests.bench.many_referrals import Place

TIMES, WARM = 40, 8
HEAD = (
    "name\tdatabase\tlive at the busy centre\tp50 ms\tp99 ms\tprocessor ms\tfloor ms"
    "\tto the floor\tto its value at the first size\tqueries"
)
#: What the list is narrowed to, one at a time, and two of them together.
FILTERS = (
    "", "?state=submitted", "?state=information_requested", "?state=ended", "?grade=3",
    "?grade=carcinoma", "?site=pancreas", "?site=thymus", "?assignee=me", "?assignee=none",
    "?overdue=1", "?grade=carcinoma&site=pancreas", "?grade=carcinoma&overdue=1",
)  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """One line of the measurement; times in milliseconds."""

    name: str
    database: str
    n: int
    p50: float
    p99: float
    cpu: float  # of the page in its own process: what other work on the machine does not change
    floor: float
    base: float  # the same at the first size
    queries: int

    @property
    def slow(self) -> bool:
        """More than three times its floor, or more than half as much again as when there was
        little, or too many queries."""
        return self.p50 > 3 * self.floor or self.p50 > 1.5 * self.base or self.queries > 4

    def line(self) -> str:
        """Tab-separated."""
        times = "\t".join(f"{one:.2f}" for one in (self.p50, self.p99, self.cpu, self.floor))
        ratios = f"{self.p50 / self.floor:.2f}\t{self.p50 / self.base:.2f}"
        return f"{self.name}\t{self.database}\t{self.n}\t{times}\t{ratios}\t{self.queries}"


def measures(
    app: Flask, place: Place, name: str, base: dict[str, float], times: int = TIMES
) -> Iterator[Measure]:
    """Every page of both centres as the database is filled now; `base` keeps their first times."""
    for centre, who in zip(("busy centre", "2,000 live"), place.readers, strict=True):
        client = signed_in(app, who)
        asked = [("first page" if not one else one[1:], f"/worklist{one}") for one in FILTERS]
        asked.insert(1, ("tenth page", _tenth(client)))
        for what, address in asked:
            label = f"worklist, {centre}: {what}"
            page, cpu, sql, word, sent = _by_turns(app, client, address, times)
            p50 = quantile(page, 0.5)
            base.setdefault(label, p50)
            yield Measure(
                label, name, place.filled, p50, quantile(page, 0.99), quantile(cpu, 0.5),
                quantile(sql, 0.5) + quantile(word, 0.5), base[label], queries_of(sent),
            )  # fmt: skip


def queries_of(sent: list[Sent]) -> int:
    """How many the page sends besides asking who is there and keeping the audit of the reading."""
    return sum(
        one.text.lstrip()[:6].upper() in ("SELECT", "WITH") and "FROM sign_in" not in one.text
        for one in sent
    )


def signed_in(app: Flask, who: Any) -> FlaskClient:
    """Somebody at work, known by the address of the account."""
    with app.app_context():
        client = app.test_client()
        make.sign_in(client, who)
        db.session.remove()
    return client


def _get(client: FlaskClient, address: str) -> str:
    answer = contextvars.Context().run(client.get, address)
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answered {answer.status_code}")
    return str(answer.text)


def _tenth(client: FlaskClient) -> str:
    """The address of the tenth page, read on from the first."""
    address = "/worklist"
    for _page in range(9):
        found = _get(client, address).split('rel="next" href="')
        if len(found) < 2:
            break
        address = found[1].split('"')[0].replace("&amp;", "&")
    return address


def _by_turns(
    app: Flask, client: FlaskClient, address: str, times: int
) -> tuple[list[float], list[float], list[float], list[float], list[Sent]]:
    """The page, its own SQL over the bare driver, and a bare page, each so many times."""

    def ask() -> None:
        _get(client, address)

    ask()
    sent = statements(app, ask)
    replay, bare = Replay(app, sent), bare_page()
    page: list[float] = []
    sql: list[float] = []
    word: list[float] = []
    calls: tuple[Callable[[], Any], ...] = (ask, replay.once, bare)
    cpu: list[float] = []
    for number in range(times + WARM):
        if number >= WARM:
            cpu.append(_processor(ask))
        for kept, call in zip((page, sql, word), calls, strict=True):
            taken = measured(call)
            if number >= WARM:
                kept.append(taken)
    replay.close()
    return page, cpu, sql, word, sent


def _processor(ask: Callable[[], Any]) -> float:
    """Milliseconds of the processor that one call takes in this process."""
    start = time.process_time()
    ask()
    return (time.process_time() - start) * 1000
