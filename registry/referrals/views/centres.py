"""The public directory of reference centres: a list and a map, for everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import render_template, request

from registry import codes, web
from registry.access import Right
from registry.people.models import Organisation
from registry.people.views.organisations import cutoff, day_name
from registry.referrals import queries
from registry.referrals.views.room import room

#: The maps of static/vendor/natural-earth: west, south, east, north; width of a degree of longitude
#: beside one of latitude; units in a degree; the picture's x, y, width and height.
_EUROPE = ("europe", (-25, 34, 45, 72), 0.64, 10, (-160, -720, 448, 380))
_WORLD = ("world", (-170, -56, 180, 78), 0.8, 4, (-544, -312, 1120, 536))


@dataclass(frozen=True)
class Centre:
    """A centre as the directory shows it."""

    place: Organisation
    waiting_days: float | None
    board: str
    cutoff: str


@dataclass(frozen=True)
class Pin:
    """A centre on the map."""

    code: str
    name: str
    x: float
    y: float


@dataclass(frozen=True)
class Map:
    """A map and what stands on it."""

    name: str
    box: tuple[int, int, int, int]
    pins: list[Pin]

    @property
    def pin_size(self) -> float:
        """The radius of a pin."""
        return self.box[2] / 75


@room.page("/centres", right=Right.ANYONE)
def centres() -> Any:
    """The reference centres: what they do, how long advice takes, and how to refer."""
    chosen = {name: _asked(name, kind) for name, kind in _FILTERS.items()}
    found = queries.directory(**chosen)
    shown = [Centre(p, f.waiting_days, day_name(p.board_weekday), cutoff(p)) for p, f in found]
    everywhere = queries.directory()
    return render_template(
        "referrals/centres.html",
        centres=shown,
        map=_map([one.place for one in shown]),
        chosen=chosen,
        filtered=any(chosen.values()),
        countries=_listed("country", {p.country for p, _f in everywhere}),
        sites=_listed("triage_group", {one for p, _f in everywhere for one in p.sites or ()}),
        services=_listed("service", {one for p, _f in everywhere for one in p.services or ()}),
        days=queries.DAYS,
        smallest=queries.SMALLEST,
        may_refer=web.viewer().may(Right.REFER),
    )


_FILTERS = {"country": "country", "site": "triage_group", "service": "service"}


def _asked(name: str, kind: str) -> str:
    """What the address asks for; a word that is no code is no filter."""
    said = request.args.get(name, "")
    return said if said in codes.codes(kind) else ""


def _listed(kind: str, wanted: set[str]) -> list[tuple[str, str]]:
    return [(c.code, str(c.shown())) for c in codes.codes(kind).values() if c.code in wanted]


def _map(places: list[Organisation]) -> Map | None:
    """The map of Europe, or of the world where a centre lies beyond; None where nothing is known
    to lie anywhere."""
    placed = [one for one in places if one.latitude is not None and one.longitude is not None]
    if not placed:
        return None
    west, south, east, north = _EUROPE[1]
    inside = all(
        west <= (one.longitude or 0) <= east and south <= (one.latitude or 0) <= north
        for one in placed
    )
    name, _bounds, wide, unit, box = _EUROPE if inside else _WORLD
    pins = [
        Pin(
            one.code,
            one.name,
            round((one.longitude or 0) * wide * unit, 1),
            round(-(one.latitude or 0) * unit, 1),
        )
        for one in placed
    ]
    return Map(name, box, pins)
