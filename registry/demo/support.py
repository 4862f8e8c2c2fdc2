"""Support contacts of the synthetic network: made up, but for what comes with the product."""

from __future__ import annotations

from typing import Any

from registry.access import the_house
from registry.knowledge import actions, rules

HOUSE = the_house("demonstration network")


def _made_up(country: str, kind: str, name: str, what_for: str, language: str) -> dict[str, Any]:
    return {
        "country": country,
        "kind": kind,
        "name": name,
        "what_for": what_for,
        "website": f"https://{country.lower()}.support.example",
        "telephone": "",
        "email": f"talk@{country.lower()}.support.example",
        "languages": [language],
    }


_TALK = "Talk with people who have the same illness. (Made up for the demonstration.)"
_HELP = "Advice on work, money and travel. (Made up for the demonstration.)"
CONTACTS = (
    _made_up("NL", "patient_organisation", "Example NET Friends", _TALK, "nl"),
    _made_up("NL", "social", "Example Cancer Helpdesk", _HELP, "nl"),
    _made_up("DE", "patient_organisation", "Beispiel-Netz NET", _TALK, "de"),
    _made_up("IT", "patient_organisation", "Esempio Amici NET", _TALK, "it"),
    _made_up("ES", "patient_organisation", "Ejemplo Amigos NET", _TALK, "es"),
    _made_up("SE", "helpline", "Exempel NET-linjen", _TALK, "sv"),
)


def add() -> None:
    """Fill the directory."""
    actions.take_over(rules.start_list(), by=HOUSE)
    for one in CONTACTS:
        actions.add_contact(one, by=HOUSE)
