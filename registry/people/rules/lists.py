"""Which code lists a network may add to, and what to know before one does: a row a list.

A list is open when nothing is derived from its codes, or when what is derived copes with one that
it does not know. Lists that rules decide by (stages, grades, responses) stay closed.
"""

from __future__ import annotations

from registry.language import lazy_gettext as _l

#: list → (name, what to know)
OPEN_LISTS = {
    "therapy": (
        _l("Therapies: agents, regimens, procedures"),
        _l("Such as a new drug or the agent of a trial. Its kind is stated with each therapy."),
    ),
    "biomarker": (_l("Biomarkers"), _l("A local one has no limits that values are checked by.")),
    "gene": (_l("Genes"), _l("As the HGNC writes them.")),
    "late_effect": (_l("Late effects of treatment"), ""),
    "support_offered": (_l("Support offered"), ""),
    "service": (_l("Services of a centre"), _l("Shown where a centre is chosen.")),
}
