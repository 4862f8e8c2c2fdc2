"""What contradicts itself, as the columns an entry keeps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from registry.clinical.edit_checks import Finding


def columns_of(found: Iterable[Finding]) -> dict[str, Any]:
    """The columns `findings` and `contradictions` of an entry."""
    listed = list(found)
    return {
        "findings": [
            {
                "code": one.code,
                "severity": one.severity,
                "reason": {"template": one.reason.template, "values": dict(one.reason.values)},
                "variables": list(one.variables),
            }
            for one in listed
        ],
        "contradictions": ";".join(sorted({one.code for one in listed})) or None,
    }
