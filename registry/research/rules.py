"""Rules of research: what a grant allows, the states of a release, and how values are coarsened.

Pure: values in, values out. What leaves the house is decided in `columns.py` with these functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from registry.clinical import tables
from registry.dates import PartialDate
from registry.language import gettext as _
from registry.language import lazy_gettext as _l

# -- grants ------------------------------------------------------------------------------------

PROJECT_CODE = re.compile(r"^[A-Z0-9][A-Z0-9-]{1,19}$")

GRANTED, NOT_BEGUN, EXPIRED, REVOKED = "granted", "not_begun", "expired", "revoked"
GRANT_STATES = {
    GRANTED: _l("In force"),
    NOT_BEGUN: _l("Not begun"),
    EXPIRED: _l("Expired"),
    REVOKED: _l("Ended"),
}


#: So long before its end a researcher is told of it.
SOON = timedelta(days=30)


def grant_state(*, from_date: date, until_date: date, ended: bool, day: date) -> str:
    """How a grant stands on a day. The last day still counts."""
    if ended:
        return REVOKED
    if day < from_date:
        return NOT_BEGUN
    return EXPIRED if day > until_date else GRANTED


# -- releases ----------------------------------------------------------------------------------

REQUESTED, MAKING, MADE, FAILED, CANCELLED = "requested", "making", "made", "failed", "cancelled"
RELEASE_STATES = {
    REQUESTED: _l("Waiting"),
    MAKING: _l("Being made"),
    MADE: _l("Made"),
    FAILED: _l("Failed"),
    CANCELLED: _l("Cancelled"),
}
UNDER_WAY = (REQUESTED, MAKING)

PHASES = {
    "": _l("Waiting for the worker"),
    "reading": _l("Reading patients"),
    "groups": _l("Looking for patients who would stand alone"),
    "data": _l("De-identifying patients"),
    "formats": _l("Writing the other formats"),
    "documents": _l("Writing the codebook and the manifest"),
}

#: Why a release was not made, without anything from the data.
FAILURES = {
    "failed": _l("The release could not be made. Nothing of it is kept. Your administrator can "
                 "see the reason in the log; you can try again."),
    "given_up": _l("The work was interrupted several times, so it was given up. Tell your "
                   "administrator."),
    "too_few": _l("There are fewer patients than have to share their age, sex, country and site, "
                  "so nothing of them may leave."),
    "grant_ended": _l("The grant was no longer in force when the release was to be made."),
}  # fmt: skip

#: A maker that has said nothing for so long is dead, and another takes over.
SILENT = timedelta(minutes=2)
#: How often a release is begun before it is given up.
ATTEMPTS = 3

#: Who is in a release of this first kind: nothing to choose.
CRITERIA: dict[str, Any] = {"all_patients": True, "consents": ["registry", "research_use"]}
CRITERIA_SENTENCE = _l(
    "All patients whose answers in force are yes to the registry and yes to research use, "
    "without patients known from an unsent draft alone."
)

TERMS = (
    _l("Use the data only for the purpose stated here and only until the grant ends."),
    _l(
        "Do not try to find out who a patient is, and do not link the rows with other data on "
        "persons."
    ),
    _l("Do not pass the files on. Colleagues in the project need a grant of their own."),
    _l("Do not publish a table cell or figure that describes fewer than 5 patients."),
    _l("Delete the files when the grant ends, or when the access committee asks for it."),
)


def terms(criteria: Mapping[str, Any]) -> list[str]:
    """The terms of a release: those of every release, and the conditions it was approved under."""
    conditions = str(criteria.get("conditions") or "")
    own = [str(_("Conditions of the approval: %(text)s", text=conditions))] if conditions else []
    return [*(str(term) for term in TERMS), *own]


FEW = 10


def rounded(count: int) -> int | None:
    """A number of patients as it may be shown to all researchers: to the nearest ten, and None
    below ten."""
    return None if count < FEW else (count + 5) // 10 * 10


# -- how patients are made unrecognisable, as approved ------------------------------------------

#: How many patients share the same quasi-identifiers at least (k), unless it was approved less.
SMALLEST_GROUP, MOST_GROUP = 5, 100
AGE_BAND = 5
AGE_BANDS = {1: _l("Completed years"), 5: _l("Groups of 5 years"), 10: _l("Groups of 10 years")}
DAYS, SHIFTED = "days", "shifted"
TIMES = {
    DAYS: _l("Days from diagnosis"),
    SHIFTED: _l("Dates moved for each patient by a secret number of days"),
}

COARSE_RANGE = _l("Enter a whole number from 1 to 100.")


@dataclass(frozen=True)
class Coarse:
    """How coarse what leaves has to be: patients in the smallest group (k), the finest age group
    in years, and how times are given (a key of `TIMES`)."""

    smallest_group: int = SMALLEST_GROUP
    age_band: int = AGE_BAND
    times: str = DAYS

    @property
    def is_possible(self) -> bool:
        """Are these choices that there are?"""
        return (
            1 <= self.smallest_group <= MOST_GROUP
            and self.age_band in AGE_BANDS
            and self.times in TIMES
        )

    @property
    def finer(self) -> list[str]:
        """What tells more of single patients than is usual, in words for who has to agree."""
        found = []
        if self.smallest_group < SMALLEST_GROUP:
            found.append(
                _("%(n)s patients in the smallest group, and not %(usual)s",
                  n=self.smallest_group, usual=SMALLEST_GROUP)
            )  # fmt: skip
        if self.age_band < AGE_BAND:
            found.append(_("Ages in completed years, and not in groups"))
        return found


#: What holds where nobody asks for something else.
USUAL = Coarse()

# -- coarsening --------------------------------------------------------------------------------

OLDEST = 90

#: Why a cell is empty although the record may hold a value: given by the release, not stated.
PARTIAL_DATE = "partial_date"
NO_DIAGNOSIS_DATE = "no_diagnosis_date"
NOT_IN_LIST = "not_in_code_list"
WITHHELD = "withheld"
CONTRADICTORY = "contradictory"
SMALL_GROUP = "small_group"
RELEASE_REASONS = {
    PARTIAL_DATE: _l("A date is known, but not precisely enough to count days or years from it."),
    NO_DIAGNOSIS_DATE: _l("The date is known, but no date of diagnosis to count from."),
    NOT_IN_LIST: _l("The record holds something that is in no code list; it may be free text."),
    WITHHELD: _l("The record holds a value in free wording, which is not released."),
    CONTRADICTORY: _l("The dates in the record contradict each other."),
    SMALL_GROUP: _l("Too few patients share it: it would single somebody out."),
}


def age_text(years: Decimal | int | None) -> str:
    """Completed years; 90 and above together as `90+`. Empty for None."""
    if years is None:
        return ""
    whole = int(years)
    return f"{OLDEST}+" if whole >= OLDEST else str(whole)


_GROUP = re.compile(r"([0-9]{1,3})\s*(?:(?:-|–|to)\s*([0-9]{1,3})|(\+))?(?:\s*y(?:ea)?rs?)?")
_BOUND = re.compile(r"(<|>=|≥)\s*([0-9]{1,3})(?:\s*y(?:ea)?rs?)?")


def age_group(stated: str) -> str:
    """An age group such as `65-69 years` as `65-69`; what reaches 90 is open above, and nothing
    is finer than `90+`. Empty where the text is no age group."""
    text = stated.strip()
    if bound := _BOUND.fullmatch(text):
        sign, limit = bound[1], int(bound[2])
        return f"<{limit}" if sign == "<" and limit <= OLDEST else _open_group(limit, sign)
    found = _GROUP.fullmatch(text)
    if found is None:
        return ""
    low = int(found[1])
    high = int(found[2]) if found[2] else low
    if found[3] or high >= OLDEST:
        return f"{min(low, OLDEST)}+"
    if high < low:
        return ""
    return f"{low}-{high}" if found[2] else str(low)


def _open_group(limit: int, sign: str) -> str:
    """A group open above; one that is only said to end above 90 says nothing."""
    return "" if sign == "<" else f"{min(limit, OLDEST)}+"


def first_diagnosis(dates: Iterable[PartialDate | None]) -> PartialDate | None:
    """The day everything is counted from: the earliest stated date of diagnosis, as stated."""
    known = [one for one in dates if one is not None]
    return min(known) if known else None


def months_between(start: PartialDate, end: PartialDate) -> int | None:
    """Calendar months from one month to another, where both are known at least to the month."""
    (first, first_month, _day), (last, last_month, _last_day) = start.parts, end.parts
    if first_month is None or last_month is None:
        return None
    return (last - first) * 12 + last_month - first_month


@dataclass(frozen=True)
class Since:
    """A date as it leaves: days, or months where a day is not known, or why neither."""

    days: str = ""
    months: str = ""
    why: str = ""


def since(origin: PartialDate | None, when: PartialDate | None) -> Since:
    """How long after the diagnosis a date is. Nothing is made up: days need two full dates.

    Months are given only where days cannot be: together they would tell the day of the month.
    """
    if when is None:
        return Since()
    if origin is None:
        return Since(why=NO_DIAGNOSIS_DATE)
    days = origin.days_to(when)
    if days is not None:
        return Since(days=str(days))
    months = months_between(origin, when)
    return Since(months="" if months is None else str(months), why=PARTIAL_DATE)


# -- the standing of a patient -----------------------------------------------------------------

_UNIT_DAYS = {
    "days": Decimal(1),
    "weeks": Decimal(7),
    "months": Decimal("30.4375"),
    "years": Decimal("365.25"),
}


def interval_days(interval: Decimal | None, unit: str | None) -> Decimal | None:
    """A stated time in days; None where it or its unit is not known."""
    if interval is None or unit not in _UNIT_DAYS:
        return None
    return interval * _UNIT_DAYS[unit]


def _when(row: Mapping[str, Any], origin: PartialDate | None) -> tuple[int, Decimal]:
    """A key that sorts follow-ups by time. Used for the order alone, never given out."""
    stated = row.get("death_date") or row.get("date")
    if stated is not None:
        start = origin.earliest if origin else date(1900, 1, 1)
        return 1, Decimal((stated.earliest - start).days)
    lasted = interval_days(row.get("interval"), row.get("interval_unit"))
    return (0, Decimal(0)) if lasted is None else (1, lasted)


def last_standing(
    follow_ups: Iterable[Mapping[str, Any]], origin: PartialDate | None
) -> Mapping[str, Any] | None:
    """The follow-up that tells how the patient stands: a death, else the latest one.

    Where none has a time, or several the same, the one entered last. None without follow-ups.
    """
    found = list(follow_ups)
    if not found:
        return None
    return max(
        found,
        key=lambda row: (row["vital_status"] == "dead", _when(row, origin), str(row["id"])),
    )


# -- what may stand in a cell ------------------------------------------------------------------

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_TOKEN = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,39}$")


def safe(text: str) -> str:
    """A text no spreadsheet takes for a formula: an apostrophe stands before a dangerous start.

    For texts alone: a number such as -3 stays a number. One that has such an apostrophe already
    gets another, so that taking one away gives every text back.
    """
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def is_token(text: str) -> bool:
    """Is this a word a rule of ours writes (a code, a version), and not wording?"""
    return bool(_TOKEN.match(text))


def _spelled(unit: str) -> str:
    """A unit in one spelling: no case, spaces or brackets, and one sign for micro."""
    plain = unit.casefold().replace("µ", "u").replace("μ", "u").replace("×", "*")
    return re.sub(r"[\s()\[\]{}._^]", "", plain)


_MORE_UNITS = (
    "g/L", "mg/L", "g/dL", "IU/L", "kU/L", "U/mL", "mU/L", "uU/L", "mIU/L", "kIU/L", "pg/L",
    "mg/mmol", "mmol/mol", "pmol/mL", "nmol/24h", "umol/24h", "mg/24h", "ug/24h", "nmol/d",
    "umol/d", "mg/d", "ug/d", "ug/mL", "ug/dL", "ng/dL", "nmol/mmol", "umol/mmol", "10^9/L",
    "10E9/L", "G/L", "/nL", "/uL", "10^3/uL", "mL/min", "mL/min/1.73m2", "mL/min/1.73 m²", "%",
)  # fmt: skip


def known_units() -> frozenset[str]:
    """Every unit a marker is measured in, in one spelling: those of the list of markers, and the
    usual other spellings."""
    found = set(_MORE_UNITS)
    for row in tables.rows("codes/biomarker"):
        for listed in (row.get("unit") or "", *(row.get("other_units") or "").split(";")):
            found.add(re.sub(r"\s\([a-z ]+\)$", "", listed.strip()))
    return frozenset(_spelled(unit) for unit in found if unit.strip())


def is_unit(text: str) -> bool:
    """Is this a unit, and not wording? It is released as it was written."""
    return _spelled(text) in known_units()


# -- the audit's words -------------------------------------------------------------------------

DOWNLOADED, ANALYSED = "downloaded ", "analysed "
REFUSED_ALTERED = "refused altered "


# -- requests for access -----------------------------------------------------------------------

DRAFT, SUBMITTED, QUESTIONS, APPROVED, REFUSED, WITHDRAWN, REPLACED = (
    "draft", "submitted", "questions", "approved", "refused", "withdrawn", "replaced",
)  # fmt: skip
REQUEST_STATES = {
    DRAFT: _l("Draft"),
    SUBMITTED: _l("With the committee"),
    QUESTIONS: _l("Questions to answer"),
    APPROVED: _l("Approved"),
    REFUSED: _l("Refused"),
    WITHDRAWN: _l("Withdrawn"),
    REVOKED: _l("Revoked"),
    REPLACED: _l("Replaced by a later version"),
}

RESEARCHER, COMMITTEE = "researcher", "committee"


@dataclass(frozen=True)
class RequestStep:
    """A step of a request: from where, by whom, to where, and what it needs besides."""

    label: Any
    done: Any
    by: str
    sources: frozenset[str]
    target: str
    needs_text: Any = ""  # the label of the text it needs; empty: none
    needs_day: bool = False


def _step(label: Any, done: Any, by: str, sources: Iterable[str], target: str, **more: Any) -> Any:
    return RequestStep(label, done, by, frozenset(sources), target, **more)


#: Every step there is: buttons, the action and the tests are made from this table.
REQUEST_STEPS: dict[str, RequestStep] = {
    "send": _step(_l("Send to the committee"), _l("sent the request"), RESEARCHER,
                  (DRAFT,), SUBMITTED),
    "ask": _step(_l("Ask a question"), _l("asked"), COMMITTEE, (SUBMITTED, QUESTIONS), QUESTIONS,
                 needs_text=_l("Question")),
    "answer": _step(_l("Answer"), _l("answered"), RESEARCHER, (QUESTIONS,), SUBMITTED,
                    needs_text=_l("Answer")),
    "change": _step(_l("Change the request"), _l("took it back to change it"), RESEARCHER,
                    (SUBMITTED, QUESTIONS), DRAFT),
    "vote_yes": _step(_l("Vote for it"), _l("voted for it"), COMMITTEE,
                      (SUBMITTED, QUESTIONS), ""),
    "vote_no": _step(_l("Vote against it"), _l("voted against it"), COMMITTEE,
                     (SUBMITTED, QUESTIONS), "", needs_text=_l("Reason")),
    "conflict": _step(_l("Declare a conflict of interest"), _l("declared a conflict of interest"),
                      COMMITTEE, (SUBMITTED, QUESTIONS), "",
                      needs_text=_l("What the conflict is")),
    "approve": _step(_l("Approve"), _l("approved it"), COMMITTEE, (SUBMITTED,), APPROVED,
                     needs_text=_l("Conditions"), needs_day=True),
    "refuse": _step(_l("Refuse"), _l("refused it"), COMMITTEE, (SUBMITTED, QUESTIONS), REFUSED,
                    needs_text=_l("Reason")),
    "withdraw": _step(_l("Withdraw"), _l("withdrew it"), RESEARCHER,
                      (DRAFT, SUBMITTED, QUESTIONS), WITHDRAWN),
    "renew": _step(_l("Renew"), _l("renewed it"), COMMITTEE, (APPROVED,), APPROVED,
                   needs_text=_l("Conditions"), needs_day=True),
    "revoke": _step(_l("Revoke"), _l("revoked it"), COMMITTEE, (APPROVED,), REVOKED,
                    needs_text=_l("Reason")),
    "ask_renewal": _step(_l("Ask for more time"), _l("asked for more time"), RESEARCHER,
                         (APPROVED,), APPROVED, needs_text=_l("Why it takes longer")),
    "amend": _step(_l("Amend it"), _l("began to amend it"), RESEARCHER, (APPROVED,), APPROVED,
                   needs_text=_l("What has to change, and why")),
    # taken by the approval of the later version alone, so from no state
    "replace": _step(_l("Replace"), _l("approved a later version"), COMMITTEE, (), REPLACED),
}  # fmt: skip

#: Versions of a request that are not decided yet: one at a time.
UNDECIDED = (DRAFT, SUBMITTED, QUESTIONS)

OUTPUT_KINDS = {
    "article": _l("Article"),
    "abstract": _l("Abstract or poster"),
    "report": _l("Report"),
    "guideline": _l("Guideline"),
    "other": _l("Other"),
}
#: How people write one, before what it is.
DOI_BEFORE = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE)
DOI = re.compile(r"^10\.\d{4,9}/[^\s<>\"]{1,200}$")

VOTES = ("vote_yes", "vote_no", "conflict")


def steps_open(state: str, by: str) -> list[str]:
    """The steps that can be taken from a state by one of the two sides, in the table's order."""
    return [name for name, step in REQUEST_STEPS.items() if step.by == by and state in step.sources]


def carried(votes: Mapping[Any, str]) -> bool:
    """Do the votes approve? More for than against among those without a conflict of interest."""
    cast = list(votes.values())
    return cast.count("vote_yes") > cast.count("vote_no")


def names(text: str, name: str, email: str) -> bool:
    """Does a text name somebody, by their name without titles or by their address?"""
    plain = " ".join(text.casefold().split())
    words = [one for one in name.casefold().split() if not one.endswith(".")]
    words = [one for one in words if one not in ("dr", "prof", "professor")]
    by_name = len(words) > 1 and " ".join(words) in plain
    return by_name or bool(email and email.casefold() in plain)


LEGAL_BASES = {
    "consent": _l("Consent of the patients"),
    "public_interest": _l("Public interest or scientific research, by law"),
    "other": _l("Another, said in the purpose"),
}

#: What data may be used for and on which terms, as the Data Use Ontology (DUO) codes it: the words
#: and what they mean here.
USE_CODES = {
    "DUO:0000007": _l("Research on this disease only"),
    "DUO:0000006": _l("Health and medical research"),
    "DUO:0000018": _l("Not for profit, by organisations that are not for profit"),
    "DUO:0000021": _l("Ethics approval is there"),
    "DUO:0000019": _l("Results will be published"),
    "DUO:0000025": _l("For a limited time"),
    "DUO:0000027": _l("For this project only"),
    "DUO:0000029": _l("Results return to the registry"),
}
USE_MEANS = {
    "DUO:0000007": _l("Neuroendocrine tumours, and no other disease."),
    "DUO:0000006": _l("Also other diseases; not the study of origins or ancestry."),
    "DUO:0000018": _l("No company uses the data or pays to use them."),
    "DUO:0000021": _l("An ethics committee has approved this use; say which in the purpose."),
    "DUO:0000019": _l("Whatever comes of it is made public, also where nothing was found."),
    "DUO:0000025": _l("The data are deleted when the grant ends."),
    "DUO:0000027": _l("Another question needs another request."),
    "DUO:0000029": _l("What was derived is given back, so that others can use it."),
}

ANALYSES = {
    "description": _l("Description of the patients"),
    "survival": _l("Survival"),
    "therapies": _l("Sequences of therapies"),
    "response": _l("Response to therapy"),
    "markers": _l("Markers over time"),
    "quality_of_life": _l("Quality of life"),
}


def variable_lines(text: str) -> list[tuple[str, str]]:
    """Variables and why each is needed, from lines `entity.name: why`. Empty lines are skipped."""
    found = []
    for line in text.splitlines():
        name, _colon, why = line.strip().partition(":")
        if name.strip():
            found.append((name.strip(), why.strip()))
    return found
