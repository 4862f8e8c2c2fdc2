"""For who watches over privacy: which releases held patients who are no longer in research."""

from __future__ import annotations

from typing import Any

from flask import render_template, request

from registry import audit, web
from registry.access import Right
from registry.research.subjects import queries

room = web.Room("subjects", __name__)


@room.page("/administration/released", right=Right.READ_AUDIT)
def released() -> Any:
    """Patients who left research and the releases that held them; or of one, by pseudonym."""
    viewer = web.viewer()
    asked = request.args.get("pseudonym", "").strip()
    found = queries.of_pseudonym(viewer, asked) if asked else None
    if found is not None:
        audit.opened(
            "opened releases of a patient",
            by=viewer,
            subject=("patient", found[0]),
            patient_id=found[0],
        )
    subjects = [found[1]] if found else []
    return render_template(
        "research/held.html",
        asked=asked,
        subjects=subjects if asked else queries.withdrawn(viewer),
        most=queries.MOST_RELEASES,
    )
