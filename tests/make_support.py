"""Builders of the support directory."""

from __future__ import annotations

from typing import Any

from registry.knowledge import actions
from registry.knowledge.models import SupportContact
from tests.make import HOUSE


def contact(name: str = "Example NET Friends", **facts: Any) -> SupportContact:
    """A patient organisation of the Netherlands."""
    values = {
        "country": "NL",
        "kind": "patient_organisation",
        "what_for": "",
        "website": "https://example.org/net",
        "telephone": "",
        "email": "",
        "languages": ["nl"],
        **facts,
    }
    return actions.add_contact({"name": name, **values}, by=HOUSE)
