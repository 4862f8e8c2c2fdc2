"""For who watches over privacy: which releases held patients who are no longer in research."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for

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
    page = max(1, web.as_number(request.args.get("page"), digits=6) or 1)
    subjects, more = [found[1]] if found else [], False
    if not asked:
        subjects, more = queries.withdrawn(viewer, page)
    return render_template(
        "research/held.html",
        asked=asked,
        subjects=subjects,
        newer=url_for("subjects.released", page=page - 1) if page > 1 else "",
        older=url_for("subjects.released", page=page + 1) if more else "",
    )
