"""Primary sites: one crosswalk joins the words of topography, triage, grading and staging.

Table: `data/sites.csv` (ICD-O-3 topography; S22, S30, S31). The anus has no grading site of its
own in the sources; it is graded by digestive thresholds and listed as `anus`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from registry.clinical import tables

_WELL_FORMED = re.compile(r"C[0-9]{2}(\.[0-9])?")

OTHER_GROUP = "other"
UNKNOWN_GROUP = "unknown_primary"


@dataclass(frozen=True, slots=True)
class Site:
    """One topography code and the words the other subjects use for it ("" where they have none)."""

    topography: str
    display_name: str
    triage_group: str
    grading_site: str
    staging_site: str
    pathway_groups: tuple[str, ...]
    snomed: str
    snomed_display: str
    embryological: str
    tnm_schema_net: str
    tnm_schema_nec: str
    source: str
    confidence: str
    note: str


@cache
def _table() -> Mapping[str, Site]:
    return MappingProxyType(
        {
            row["icdo3_topography"]: Site(
                topography=row["icdo3_topography"],
                display_name=row["display_name"],
                triage_group=row["triage_group"],
                grading_site=row["grading_site"],
                staging_site=row["staging_site"],
                pathway_groups=tuple(g for g in row["pathway_groups"].split(";") if g),
                snomed=row["snomed_ct"],
                snomed_display=row["snomed_display"],
                embryological=row["embryological"],
                tnm_schema_net=row["tnm_schema_net"],
                tnm_schema_nec=row["tnm_schema_nec"],
                source=row["source"],
                confidence=row["confidence"],
                note=row["note"],
            )
            for row in tables.rows("sites")
        }
    )


def site(topography: str) -> Site | None:
    """The site of an ICD-O-3 topography code, None when the code is not in the list.

    A code of a whole organ ("C25") is read as its "not otherwise specified" (C25.9).
    """
    code = topography.strip().upper()
    found = _table().get(code)
    if found is None and is_wellformed(code) and "." not in code:
        found = _table().get(f"{code}.9")
    return found


def sites() -> tuple[Site, ...]:
    """All sites, in the order they are offered."""
    return tuple(_table().values())


def is_wellformed(topography: str) -> bool:
    """Whether the text has the form of an ICD-O-3 topography code, listed or not."""
    return bool(_WELL_FORMED.fullmatch(topography.strip().upper()))


def triage_group(topography: str) -> str:
    """The triage group of a topography code; a code outside the list is grouped *other*."""
    found = site(topography)
    return found.triage_group if found else OTHER_GROUP


def triage_groups() -> Mapping[str, str]:
    """Code and label of every triage group, in the order they are offered."""
    return MappingProxyType(
        {row["code"]: row["label"] for row in tables.rows("codes/triage_group")}
    )


@cache
def grading_sites() -> frozenset[str]:
    """Every word the table has for a grading site."""
    return frozenset(s.grading_site for s in sites() if s.grading_site) | {"skin_merkel"}


@cache
def staging_sites() -> frozenset[str]:
    """Every word the table has for a staging site, and `unknown`."""
    return frozenset(s.staging_site for s in sites() if s.staging_site) | {"unknown"}


@cache
def _by_word() -> Mapping[str, Site]:
    """The first site of each grading, staging or triage word, for joining word to word."""
    words: dict[str, Site] = {}
    for entry in sites():
        for word in (entry.grading_site, entry.staging_site, entry.triage_group):
            if word:
                words.setdefault(word, entry)
    return MappingProxyType(words)


def by_word(word: str) -> Site | None:
    """A site for a grading site, staging site, triage group or topography code."""
    return site(word) or _by_word().get(word.strip())
