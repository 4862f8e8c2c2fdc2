"""The disease: spread against stage, primaries, syndromes, the heart, genes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from registry.clinical import sites
from registry.clinical.edit_checks.across.entries import Entry, Record, finding, is_before
from registry.clinical.edit_checks.finding import Finding
from registry.clinical.edit_checks.stage import METASTASES, STAGE_IV_WITHOUT_M1
from registry.clinical.results import N_, Reason
from registry.clinical.tnm import plain_category

EXAMINED = ("yes", "no")

GENES = {
    "MEN1": ("MEN1",), "MEN2": ("RET",), "MEN4": ("CDKN1B",), "VHL": ("VHL",), "NF1": ("NF1",),
    "TSC": ("TSC1", "TSC2"), "SDHA": ("SDHA",), "SDHB": ("SDHB",), "SDHC": ("SDHC",),
    "SDHD": ("SDHD",),
}  # fmt: skip
PATHOGENIC = ("pathogenic", "likely_pathogenic")
NORMAL = ("none", "benign")


def checks_of_disease(record: Record) -> Iterator[Finding]:
    """Every check of spread, primaries, syndromes, heart and genes."""
    for staging in record.all("staging"):
        yield from _spread(record, staging)
    yield from _primaries(record)
    yield from _syndromes(record)
    for tumour in record.all("tumour"):
        yield from _heart(record, tumour)
    yield from _genes(record)


def _spread(record: Record, staging: Entry) -> Iterator[Finding]:
    m = _m_of(staging)
    own = [s for s in record.of_tumour("metastasis", staging) if s.text("site")]
    if m.startswith("M0"):
        yield from _m0(record, staging, own)
    if (m.startswith("M1") or _is_stage_iv(record, staging)) and not own:
        stated = any(staging.text(name) not in ("", "no", "none") for name in METASTASES)
        tumour = record.tumour_of(staging)
        listed = tumour is not None and tumour.codes("metastatic_sites")
        if not stated and not listed:
            reason = Reason(N_("M1 or stage IV is stated, but no metastasis is entered."))
            yield finding(
                "stage_iv_without_metastasis", reason, staging, variables=("stage_stated", "m")
            )


def _m0(record: Record, staging: Entry, own: list[Entry]) -> Iterator[Finding]:
    """M0 beside what was there on that day; where no staging says M1, also what may have been."""
    day = staging.date("date")
    known = [s for s in own if _was_there(s, day)]
    if known:
        template = N_("M0 is stated on %(date)s, but metastases were known: %(places)s.")
        values = {"date": day, "places": _places(s.text("site") for s in known)}
        yield finding(
            "m0_with_metastases", Reason(template, values), staging, *known,
            variables=("m", "metastasis.site"),
        )  # fmt: skip
        return
    tumour = record.tumour_of(staging)
    later = record.of_tumour("progression", staging)
    if any(_m_of(s).startswith("M1") for s in record.of_tumour("staging", staging)):
        return
    undated = [s for s in own if _may_have_been_there(s, day)]
    listed = tumour.codes("metastatic_sites") if tumour is not None and not own else ()
    if undated or (listed and not later):
        template = N_("M0 is stated, but metastases are entered, not said to be later: %(places)s.")
        places = _places([*(s.text("site") for s in undated), *listed])
        others = undated if undated or tumour is None else [tumour]
        variable = "metastasis.date" if undated else "tumour.metastatic_sites"
        yield finding(
            "m0_with_metastases", Reason(template, {"places": places}), staging, *others,
            variables=("m", variable),
        )  # fmt: skip


def _m_of(staging: Entry) -> str:
    return plain_category(staging.text("m"))


def _places(sites_: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(site.replace("_", " ") for site in sites_))


def _may_have_been_there(metastasis: Entry, day: str) -> bool:
    """Whether a metastasis is not certainly later, nor certainly gone before."""
    found, gone = metastasis.date("date"), metastasis.date("resolved_date")
    return not is_before(day, found) and not is_before(gone, day)


def _was_there(metastasis: Entry, day: str) -> bool:
    """Whether a metastasis was certainly known on a day: both dates are needed."""
    found, gone = metastasis.date("date"), metastasis.date("resolved_date")
    if not found or not day or is_before(gone, day):
        return False
    return found == day or is_before(found, day)


def _is_stage_iv(record: Record, staging: Entry) -> bool:
    tumour = record.tumour_of(staging)
    place = sites.by_word(tumour.text("primary_site")) if tumour else None
    if place is not None and place.staging_site in STAGE_IV_WITHOUT_M1:
        return False
    stages = (staging.text("stage_stated"), staging.text("derived_stage"))
    return any(stage.upper().removeprefix("STAGE").strip().startswith("IV") for stage in stages)


def _primaries(record: Record) -> Iterator[Finding]:
    tumours = record.all("tumour")
    for tumour in tumours:
        stated = tumour.text("primary_multiple")
        others = [other for other in tumours if other is not tumour]
        if stated == "no" and others:
            reason = Reason(N_("One primary is stated, but several are entered."))
            yield finding(
                "several_primaries_denied", reason, tumour, *others,
                variables=("primary_multiple",),
            )  # fmt: skip
        if stated == "yes" and not others:
            reason = Reason(N_("Several primaries are stated, but one is entered."))
            yield finding(
                "several_primaries_alone", reason, tumour, variables=("primary_multiple",)
            )


def _syndromes(record: Record) -> Iterator[Finding]:
    for syndrome in record.all("syndrome"):
        tumour = record.tumour_of(syndrome)
        named = syndrome.text("syndrome") not in ("", "none")
        if tumour is not None and tumour.text("functioning") == "no" and named:
            reason = Reason(N_("Not functioning, but a syndrome is named."))
            yield finding(
                "syndrome_contradiction", reason, syndrome, tumour,
                variables=("syndrome", "tumour.functioning"),
            )  # fmt: skip


def _heart(record: Record, tumour: Entry) -> Iterator[Finding]:
    answer = tumour.text("carcinoid_heart_disease")
    variables = ("carcinoid_heart_disease", "echo_date")
    examinations = record.all("heart_assessment")
    echoes = [s for s in record.all("imaging") if s.text("modality") == "ECHO"]
    seen = tumour.is_answered("echo_date") or echoes or any(e.date("date") for e in examinations)
    if answer in EXAMINED and not seen:
        reason = Reason(N_("The heart was examined, but no echocardiogram has a date."))
        yield finding("chd_without_echo", reason, tumour, variables=variables)
    if answer == "not_examined" and (tumour.date("echo_date") or examinations):
        reason = Reason(N_("An echocardiogram is entered, but the heart is said not examined."))
        yield finding("echo_without_answer", reason, tumour, *examinations, variables=variables)
    if answer == "no":
        for examination in examinations:
            if examination.text("carcinoid_heart_disease") == "yes":
                reason = Reason(N_("The heart examination says carcinoid heart disease."))
                yield finding("chd_disagrees", reason, tumour, examination, variables=variables)


def _genes(record: Record) -> Iterator[Finding]:
    inherited = [g for g in record.all("genomic_finding") if g.text("origin") == "germline"]
    for tumour in record.all("tumour"):
        syndrome = tumour.text("hereditary_syndrome")
        own = [g for g in inherited if g.text("gene") in GENES.get(syndrome, ())]
        normal = [g for g in own if g.text("finding") in NORMAL]
        if normal and not any(g.text("finding") in PATHOGENIC for g in own):
            reason = Reason(N_("The gene of the hereditary syndrome was found without a variant."))
            yield finding(
                "gene_against_syndrome", reason, tumour, *normal,
                variables=("hereditary_syndrome", "genomic_finding.finding"),
            )  # fmt: skip
        if syndrome == "none":
            for gene in inherited:
                known = any(gene.text("gene") in genes for genes in GENES.values())
                if known and gene.text("finding") in PATHOGENIC:
                    template = N_("An inherited variant of %(gene)s, but no hereditary syndrome.")
                    reason = Reason(template, {"gene": gene.text("gene")})
                    yield finding(
                        "syndrome_of_gene", reason, tumour, gene,
                        variables=("hereditary_syndrome", "genomic_finding.gene"),
                    )  # fmt: skip
