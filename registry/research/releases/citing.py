"""How a release is cited: one line, and metadata as DataCite has them (kernel 4, JSON).

Both name the release and its year, so they differ from one making to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from registry.research import rules
from registry.research.releases.documents import CREATOR, Order

_SCHEMA = "http://datacite.org/schema/kernel-4"


def citation(order: Order, at: datetime) -> str:
    """The line to cite: creator, year, title, version, kind, publisher and identifier."""
    return (
        f"{CREATOR} ({at.year}). {order.title} (release {order.number} of project "
        f"{order.project}) [Data set]. {CREATOR}. urn:uuid:{order.release_id}"
    )


def datacite(order: Order, at: datetime, counts: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of a release: what every property of DataCite's that is required needs, and
    those that say what is in it. It has no DOI: the identifier is a name (URN) of its own."""
    network = {"name": CREATOR, "nameType": "Organizational"}
    identifier = {"identifier": f"urn:uuid:{order.release_id}", "identifierType": "URN"}
    return {
        "schemaVersion": _SCHEMA,
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "De-identified registry data"},
        "identifiers": [identifier],
        "creators": [network],
        "contributors": [
            {
                "name": order.requested_by,
                "nameType": "Personal",
                "contributorType": "Researcher",
            }
        ],
        "titles": [{"title": f"{order.title} (release {order.number})"}],
        "publisher": {"name": CREATOR},
        "publicationYear": str(at.year),
        "version": str(order.number),
        "language": "en",
        "subjects": [{"subject": "Neuroendocrine tumours"}],
        "dates": [
            {"date": at.date().isoformat(), "dateType": "Created"},
            {"date": at.date().isoformat(), "dateType": "Collected",
             "dateInformation": "Consent and record as of this day"},
        ],
        "sizes": [f"{counts['patients']} patients"],
        "formats": ["text/csv", *sorted(order.formats)],
        "descriptions": [
            {"description": order.sentence, "descriptionType": "Abstract", "lang": "en"},
            {"description": order.purpose, "descriptionType": "Other"},
        ],
        "rightsList": [{"rights": " ".join(rules.terms(order.criteria)), "lang": "en"}],
    }  # fmt: skip
