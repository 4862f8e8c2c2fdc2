"""Which answers belong to which examination."""

from __future__ import annotations

from registry.clinical.edit_checks.across.imaging import SSTR, SSTR_PET, SSTR_PLANAR

FDG = frozenset({"PET_18F_FDG"})


def krenning_scale(modality: str | None) -> str:
    """The Krenning scale an examination is read by; empty where that is not certain."""
    if modality in SSTR_PET:
        return "modified_pet"
    return "planar" if modality in SSTR_PLANAR else ""


__all__ = ["FDG", "SSTR", "SSTR_PET", "SSTR_PLANAR", "krenning_scale"]
