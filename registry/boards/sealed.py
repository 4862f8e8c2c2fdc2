"""Is what was signed still what was signed? Asked by `netreg audit verify`.

The hash of a signed text stands in the entry of the audit that tells of the signature, and the
entry is sealed with a key outside of the database. Whoever changes the text, its hash and the
entry together breaks the seal.
"""

from __future__ import annotations

import sqlalchemy as sa

from registry import audit
from registry.audit import AuditEntry
from registry.boards.models import Recommendation
from registry.boards.rules import advice as rules
from registry.db import db


def problems() -> list[str]:
    """What is wrong with signed texts: altered, removed, or signed without an entry."""
    entry = sa.select(AuditEntry.subject_id, AuditEntry.changes).where(
        AuditEntry.action == "signed recommendation"
    )
    noted = {row.subject_id: row.changes["sha256"][1] for row in db.session.execute(entry)}
    found = []
    query = sa.select(Recommendation).where(Recommendation.locked_at.is_not(None))
    for one in db.session.scalars(query.execution_options(yield_per=200)):
        known = noted.pop(str(one.id), None)
        now = rules.mark(one.id, one.number, one.amended_because, one.content or {})
        if known is None:
            found.append(f"recommendation {one.id} was signed without an entry in the audit")
        elif known != now or one.sha256 != known:
            found.append(f"recommendation {one.id} is not the text that was signed")
    found += [f"recommendation {gone}, which was signed, is gone" for gone in sorted(noted)]
    return found


def watch() -> None:
    """Have the verification of the audit ask."""
    audit.also_verify(problems)
