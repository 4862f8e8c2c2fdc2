"""What boards recommended as a panel of every chart, and the way onto an agenda."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask

from registry.access import Right
from registry.boards import letters
from registry.boards.queries import delivery
from registry.boards.rules import delivery as rules
from registry.chart import panels
from registry.chart.panels import Offer, Opened, Panel
from registry.language import lazy_gettext as _l


@dataclass(frozen=True)
class Shown:
    """The rows of the panel, and what they are put into words with."""

    rows: list[delivery.OnChart]
    outcomes: Any
    option: Callable[..., str]
    day: Callable[[str], str]


def of_patient(opened: Opened) -> Shown:
    """What boards recommended for a patient."""
    rows = delivery.of_patient(opened.viewer, opened.patient)
    return Shown(rows, rules.OUTCOMES, letters.option, letters.day)


def put_on_chart(app: Flask) -> None:
    """The panel, and the button."""
    panels.add(app, Panel("boards", "boards/_chart.html", of_patient))
    panels.offer(app, Offer(_l("Put on a board"), "boards.for_patient", Right.PREPARE_BOARD))
