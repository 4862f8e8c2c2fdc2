"""Response by the lesions measured, derived beside the stated one (RECIST 1.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from registry.clinical import edit_checks, response
from registry.clinical.edit_checks.across.imaging import SSTR
from registry.clinical.results import N_, NOT_DERIVABLE, Reason
from registry.course.rules.findings import columns_of

#: What is counted for a lesion that is there and too small to measure (S80).
TOO_SMALL_MM = Decimal(5)
RECIST = "RECIST11"
#: How lesions that are not measured stand, gravest first, as the response of non-targets.
_NON_TARGETS = (
    ("worse", response.PD),
    ("present", response.NONCR),
    ("measured", response.NONCR),
    ("too_small", response.NONCR),
    ("not_evaluable", response.NE),
    ("disappeared", response.CR),
)

DERIVED = (
    "derived_target",
    "derived_response",
    "derived_sum_mm",
    "derived_nadir_mm",
    "derived_status",
    "derived_version",
    "derivation",
)


@dataclass(frozen=True)
class Target:
    """A lesion of a series: which, in which organ, whether a node, and what part it plays."""

    id: str
    organ: str = ""
    is_node: bool = False
    role: str = "target"


@dataclass(frozen=True)
class Visit:
    """One assessment of a series: what it states, and each lesion's (state, size in mm)."""

    values: Mapping[str, Any]
    lesions: Mapping[str, tuple[str, Decimal | None]]


def size_of(state: str, size: Decimal | None) -> Decimal | None:
    """The size that counts: 0 where it is gone, 5 mm where it is too small, None where unknown."""
    if state == "disappeared":
        return Decimal(0)
    if state == "too_small":
        return size if size is not None else TOO_SMALL_MM
    return None if state in ("not_evaluable", "") and size is None else size


def non_target_of(visit: Visit, lesions: Sequence[Target]) -> str:
    """How the lesions that are not measured stand: as stated, else by what is said of each."""
    if visit.values.get("non_target"):
        return str(visit.values["non_target"])
    followed = [one.id for one in lesions if one.role == "non_target"]
    if not followed:
        return response.NONE
    states = {visit.lesions.get(one, ("", None))[0] or "not_evaluable" for one in followed}
    return next(answer for state, answer in _NON_TARGETS if state in states)


def new_lesion_of(visit: Visit) -> str:
    """Whether a new lesion counts; one seen on SSTR imaging alone waits for CT or MRI."""
    said = str(visit.values.get("new_lesion") or "no")
    on_sstr = visit.values.get("new_lesion_seen_on") in SSTR
    return "equivocal" if said == "yes" and on_sstr else said


def derive_response(
    visits: Sequence[Visit], lesions: Sequence[Target], *, stated: str = ""
) -> dict[str, Any]:
    """The derived columns of the last of the visits of a series, baseline first.

    Nothing is derived for another method than RECIST 1.1, nor without lesions or a statement on
    them: then the columns are empty. `stated` is the response as stated, to be compared.
    """
    current = visits[-1]
    if not _derivable(visits, lesions):
        return {**dict.fromkeys(DERIVED), **columns_of(())}
    targets = [one for one in lesions if one.role == "target"]
    series = [
        [size_of(*visit.lesions.get(one.id, ("", None))) for one in targets] for visit in visits
    ]
    found = response.derive_response(
        target_kinds="".join(
            response.NODE if one.is_node else response.NOT_NODE for one in targets
        ),
        series=series,
        non_target=non_target_of(current, lesions),
        new_lesion=new_lesion_of(current),
        organs=[_organ(one) for one in targets],
    )
    baseline = len(visits) == 1
    invalid = found.answer == response.INVALID
    answered = not invalid and not baseline
    check = edit_checks.response_contradiction(stated, found) if answered else None
    return {
        "derived_target": found.target_response if answered else None,
        "derived_response": found.answer if answered else None,
        "derived_sum_mm": found.current_sum if targets and not invalid else None,
        "derived_nadir_mm": found.nadir_sum if targets and answered else None,
        "derived_status": NOT_DERIVABLE if baseline and not invalid else found.status,
        "derived_version": f"{found.rule} {found.version}",
        "derivation": {"response": found.as_json()},
        **columns_of([] if check is None else [check]),
    }


def _derivable(visits: Sequence[Visit], lesions: Sequence[Target]) -> bool:
    if visits[-1].values.get("criteria") not in (None, "", RECIST):
        return False
    return any(visit.lesions for visit in visits) and bool(lesions)


def _kind(lesion: Target) -> str:
    return response.NODE if lesion.is_node else response.NOT_NODE


def _organ(lesion: Target) -> str:
    """Nodes count as one organ; a lesion whose organ is not said is an organ of its own."""
    return "nodes" if lesion.is_node else (lesion.organ or lesion.id)


def limits(lesions: Sequence[Target], sizes: Mapping[str, Decimal | None]) -> list[Reason]:
    """What RECIST does not allow of the targets chosen at a baseline; empty where all is well."""
    found = []
    targets = [one for one in lesions if one.role == "target"]
    if len(targets) > response.MOST_TARGETS:
        found.append(
            Reason(N_("More than %(most)s targets."), {"most": str(response.MOST_TARGETS)})
        )
    organs = [_organ(one) for one in targets]
    for organ in dict.fromkeys(organs):
        if organs.count(organ) > response.MOST_TARGETS_PER_ORGAN:
            template = N_("More than %(most)s targets in one organ: %(organ)s.")
            values = {"most": str(response.MOST_TARGETS_PER_ORGAN), "organ": organ}
            found.append(Reason(template, values))
    found += [one for target in targets for one in too_small(target, sizes.get(target.id))]
    return found


def too_small(target: Target, size: Decimal | None) -> list[Reason]:
    """Why a lesion of this size is no target at a baseline."""
    if size is None:
        return []
    least = response.NODE_BASELINE_FROM_MM if target.is_node else response.LESION_BASELINE_FROM_MM
    if size >= least:
        return []
    template = (
        N_("A node of %(size)s mm is no target; it needs %(least)s mm at baseline.")
        if target.is_node
        else N_("A lesion of %(size)s mm is no target; it needs %(least)s mm at baseline.")
    )
    return [Reason(template, {"size": f"{size:f}", "least": f"{least:f}"})]


__all__ = [
    "DERIVED",
    "RECIST",
    "Target",
    "Visit",
    "derive_response",
    "limits",
    "new_lesion_of",
    "non_target_of",
    "size_of",
    "too_small",
]
