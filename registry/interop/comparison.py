"""A released cohort beside its source, value by value. Pure: rows of text in, lines out.

Written apart from the maps, from the sources' own columns and words, so that a mistake in a map
or in a release shows here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

Row = Mapping[str, str]
#: A release by file, then by the source's id, as lists of rows.
Released = Mapping[str, Mapping[str, Sequence[Row]]]


@dataclass(frozen=True)
class Line:
    """One line of the table: what is compared, both sides, and whether they are equal."""

    what: str
    source: str
    released: str
    equal: bool


@dataclass(frozen=True)
class Check:
    """What a column of the source must be in the release.

    `words` are the source's words by the released code. `source` gives the text of a row where
    it is not the cell of `column` itself. `where` chooses rows of the released file.
    """

    what: str
    file: str
    released: str
    column: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    source: Callable[[Row], str] | None = None
    where: tuple[str, str] = ("", "")
    number: bool = False

    def stated(self, row: Row) -> str:
        """What the source says in a row; blank where nothing."""
        return self.source(row) if self.source else row[self.column].strip()

    def shown(self, rows: Sequence[Row]) -> str:
        """What the release says of a patient, in the source's words."""
        name, value = self.where
        cells = [row[self.released] for row in rows if not name or row[name] == value]
        return "; ".join(self.words.get(cell, cell) for cell in cells if cell)


@dataclass(frozen=True)
class Cohort:
    """A published cohort: where it is, by which map it comes in, and what must be equal."""

    map_name: str
    path: str
    id_column: str
    checks: tuple[Check, ...]
    #: Released variables whose source column has placeholders, with their reason.
    placeholders: tuple[tuple[str, str, str, str], ...] = ()


def compare(cohort: Cohort, source: Sequence[Row], released: Released) -> Iterator[Line]:
    """Every line of a cohort's table."""
    ids = [row[cohort.id_column] for row in source]
    patients = sum(len(released["patients.csv"].get(one, ())) for one in ids)
    yield Line("rows = patients", str(len(source)), str(patients), len(source) == patients)
    for check in cohort.checks:
        pairs = [
            (check.stated(row), check.shown(released[check.file].get(one, ())))
            for one, row in zip(ids, source, strict=True)
        ]
        yield from _numbers(check, pairs) if check.number else _words(check, pairs)
    for column, file, variable, marks in cohort.placeholders:
        yield _placeholders(column, file, variable, marks.split("|"), source, released)


def _words(check: Check, pairs: Sequence[tuple[str, str]]) -> Iterator[Line]:
    stated, shown = Counter(p[0] for p in pairs), Counter(p[1] for p in pairs)
    for word, _count in sorted((stated | shown).items(), key=lambda one: (-one[1], one[0])):
        left, right = stated[word], shown[word]
        yield Line(f"{check.what}: {word or '(blank)'}", str(left), str(right), left == right)
    yield _each(check, pairs)


def _numbers(check: Check, pairs: Sequence[tuple[str, str]]) -> Iterator[Line]:
    left, right = ([p[side] for p in pairs if p[side]] for side in (0, 1))
    yield Line(f"{check.what}: n", str(len(left)), str(len(right)), len(left) == len(right))
    stated, shown = _sum(left), _sum(right)
    yield Line(f"{check.what}: sum", stated, shown, stated == shown)
    yield _each(check, pairs)


def _sum(texts: Sequence[str]) -> str:
    try:
        return f"{sum((Decimal(text.rstrip('+')) for text in texts), Decimal(0)):f}"
    except ArithmeticError:
        return "no numbers"


def _each(check: Check, pairs: Sequence[tuple[str, str]]) -> Line:
    """Patient by patient, letter by letter."""
    equal = sum(stated == shown for stated, shown in pairs)
    what = f"{check.what}: each patient equal"
    return Line(what, str(len(pairs)), str(equal), equal == len(pairs))


def _placeholders(
    column: str,
    file: str,
    variable: str,
    marks: Sequence[str],
    source: Sequence[Row],
    released: Released,
) -> Line:
    reason, *texts = marks
    left = sum(row[column] in texts for row in source)
    right = sum(
        f"{variable}={reason}" in row["absent"].split(";")
        for rows in released[file].values()
        for row in rows
    )
    return Line(f"{column}: {', '.join(texts)} = {reason}", str(left), str(right), left == right)


# -- what must be equal ------------------------------------------------------------------------


def _age(column: str) -> Callable[[Row], str]:
    def age(row: Row) -> str:
        if not row[column]:
            return ""
        years = int(Decimal(row[column]))
        return "90+" if years >= 90 else str(years)

    return age


def _endpoint(name: str, time: str, event: str, words: Mapping[str, str]) -> Iterator[Check]:
    where = ("endpoint", name)
    file = "stated_endpoints.csv"
    yield Check(f"{name} time", file, "time", time, where=where, number=True)
    yield Check(f"{name} event", file, "event", event, words=words, where=where)


LUNG = Cohort(
    map_name="lung_nen_iarc",
    path="cohort_lung_nen_iarc/lung_nen_477_clinical.csv",
    id_column="sample id",
    checks=(
        Check(
            "type", "pathology.csv", "type_stated", "type",
            {"TC": "Typical", "AC": "Atypical", "CARCINOID_NOS": "Carcinoid", "NET_G3": "NET G3"},
        ),
        Check(
            "grade as stated", "pathology.csv", "grade_stated", "type",
            {"TC": "Typical", "AC": "Atypical", "CARCINOID_NOS": "Carcinoid", "NET_G3": "NET G3"},
        ),
        Check("stage", "staging.csv", "stage_stated", "stage"),
        Check("vital status", "patients.csv", "vital_status", "census status"),
        Check(
            "sex", "patients.csv", "sex_at_birth", "sex (omics data inferred)",
            {"female": "F", "male": "M"},
        ),
        Check(
            "age", "patients.csv", "age_at_diagnosis", source=_age("age (numeric)"), number=True
        ),
        Check(
            "follow-up, months", "patients.csv", "follow_up_interval", "overall survival months",
            number=True,
        ),
        *_endpoint(
            "OS", "overall survival months", "census status", {"yes": "dead", "no": "alive"}
        ),
        *_endpoint(
            "EFS", "event free survival months", "event free survival census status",
            {"yes": "event", "no": "no"},
        ),
        Check(
            "Ki-67", "pathology.csv", "ki67_percent",
            "Ki-67 index (mean of six pathologist readings)", number=True,
        ),
        Check(
            "mitoses", "pathology.csv", "mitoses_per_2mm2",
            "mitotic count (mean of six pathologist readings)", number=True,
        ),
        Check(
            "reviewed by six", "pathology.csv", "central_review",
            "pathology review (six pathologist team)", {"yes": "1.0"},
        ),
        Check("smoking", "history.csv", "smoking", "smoking"),
        Check("asbestos", "history.csv", "asbestos_exposure", "asbestos exposure"),
        Check("radiation", "history.csv", "radiation_exposure", "history of radiation exposure"),
        Check("other cancer", "history.csv", "other_malignancy", "history of cancer"),
        Check(
            "genetic disorder", "tumours.csv", "hereditary_syndrome",
            "neuroendocrine genetic disorder", {"not_specified": "yes", "none": "no"},
        ),
        Check(
            "recurrence", "progressions.csv", "kind",
            source=lambda row: "recurrence" if row["recurrence"] == "yes" else "",
        ),
    ),
)  # fmt: skip

_EVENT = {"yes": "1", "no": "0"}

TCGA = Cohort(
    map_name="pcpg_tcga",
    path="cohort_pcpg_tcga/tcga_pcpg_clinical.csv",
    id_column="bcr_patient_barcode",
    checks=(
        Check(
            "type", "pathology.csv", "type_stated", "histological_type",
            {
                "PHAEO": "Pheochromocytoma", "PGL": "Paraganglioma",
                "PGL_EXTRA_ADRENAL": "Paraganglioma; Extra-adrenal Pheochromocytoma",
            },
        ),
        Check("morphology", "pathology.csv", "morphology", "icd_o_3_histology"),
        Check("stage (the source has none)", "staging.csv", "stage_stated", source=lambda row: ""),
        Check(
            "vital status", "patients.csv", "vital_status", "vital_status",
            {"alive": "Alive", "dead": "Dead"},
        ),
        Check(
            "sex", "patients.csv", "sex_at_birth", "gender", {"female": "FEMALE", "male": "MALE"}
        ),
        Check(
            "age", "patients.csv", "age_at_diagnosis",
            source=_age("age_at_initial_pathologic_diagnosis"), number=True,
        ),
        Check("site", "tumours.csv", "primary_site", "icd_o_3_site"),
        Check(
            "side", "tumours.csv", "laterality", "laterality",
            {"left": "Left", "right": "Right", "bilateral": "Bilateral"},
        ),
        Check(
            "follow-up, days", "patients.csv", "follow_up_interval", number=True,
            source=lambda row: row["death_days_to"] or row["last_contact_days_to"],
        ),
        Check(
            "disease status", "follow_up.csv", "disease_status", "tumor_status",
            {"no_evidence": "TUMOR FREE", "present": "WITH TUMOR"},
        ),
        *(
            check
            for name in ("OS", "DSS", "DFI", "PFI", "PFS")
            for check in _endpoint(name, f"{name}.time", name, _EVENT)
        ),
        Check(
            "first outcome", "responses.csv", "response_stated",
            source=lambda row: row["treatment_outcome_first_course"].partition("[")[0],
            words={
                "CR": "Complete Remission/Response", "PR": "Partial Remission/Response",
                "SD": "Stable Disease", "PD": "Progressive Disease",
            },
        ),
        Check(
            "new event", "progressions.csv", "kind", "new_tumor_event_type",
            {
                "new_metastasis": "Distant Metastasis", "new_primary": "New Primary Tumor",
                "recurrence": "Locoregional Disease",
                "progression": "Biochemical evidence of disease",
            },
        ),
        Check(
            "new event, days", "progressions.csv", "interval", "new_tumor_event_dx_days_to",
            number=True,
        ),
        Check(
            "radiotherapy", "therapies.csv", "therapy_class",
            source=lambda row: "radiotherapy" if row["radiation_therapy"] == "YES" else "",
        ),
        Check(
            "earlier cancer", "history.csv", "other_malignancy", "prior_dx",
            {"yes": "Yes", "no": "No"},
        ),
    ),
    placeholders=(
        ("outside_adrenal", "tumours.csv", "primary_multiple",
         "not_known|[Not Available]|[Unknown]"),
        ("disease_detected_on_screening", "tumours.csv", "presentation",
         "not_known|[Not Available]|[Unknown]"),
        ("treatment_outcome_first_course", "responses.csv", "response_stated",
         "not_known|[Not Available]|[Unknown]"),
    ),
)  # fmt: skip

COHORTS = (LUNG, TCGA)
