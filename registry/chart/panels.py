"""What other rooms put on the chart: a panel of their own, or a button at its head.

A room that keeps something about patients (documents, letters, board meetings) adds it when the
application is made:

    panels.add(app, panels.Panel("documents", "patients/_documents.html", queries.documents))
    panels.offer(app, panels.Offer(_l("Letter to the referring doctor"), "letters.referrer",
                                   Right.READ_RECORD))

`read` is called with the record as the chart has read it for the viewer; its answer is
`panel.found` in the template, which is included at the place of documents. One query a panel, and
none for what the record tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app

from registry.access import Right, Viewer
from registry.course.queries.reading import Record
from registry.patients.models import Patient

_PANELS, _OFFERS = "netreg_chart_panels", "netreg_chart_offers"


@dataclass(frozen=True)
class Opened:
    """A record that was read for a viewer, and what the viewer's organisation is to the patient."""

    viewer: Viewer
    patient: Patient
    kinds: frozenset[str]
    record: Record


@dataclass(frozen=True)
class Panel:
    """A block of the chart: its name, the template that lays it out, and what reads for it."""

    name: str
    template: str
    read: Callable[[Opened], Any]


@dataclass(frozen=True)
class Offer:
    """A button at the head of the chart: an endpoint that takes `patient_id`."""

    label: Any
    endpoint: str
    right: Right


@dataclass(frozen=True)
class Shown:
    """A panel with what was read for it."""

    name: str
    template: str
    found: Any


def add(app: Flask, panel: Panel) -> None:
    """Put a panel on every chart."""
    app.extensions.setdefault(_PANELS, []).append(panel)


def offer(app: Flask, button: Offer) -> None:
    """Put a button at the head of every chart."""
    app.extensions.setdefault(_OFFERS, []).append(button)


def of_patient(opened: Opened) -> list[Shown]:
    """What the other rooms show of a patient."""
    panels: Sequence[Panel] = current_app.extensions.get(_PANELS, ())
    return [Shown(one.name, one.template, one.read(opened)) for one in panels]


def offers(viewer: Viewer) -> list[Offer]:
    """The buttons a viewer may use."""
    found: Sequence[Offer] = current_app.extensions.get(_OFFERS, ())
    return [one for one in found if viewer.may(one.right)]
