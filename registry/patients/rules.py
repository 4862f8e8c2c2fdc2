"""Consent, care relations, pseudonyms, and how names are made findable without being readable."""

from __future__ import annotations

import re
import secrets
import unicodedata
from datetime import timedelta

from registry.language import lazy_gettext as _l

#: The wording of the consents that is in force.
CONSENT_VERSION = "2026-1"

PURPOSES = {
    "care": _l("Sharing for care"),
    "registry": _l("Registry"),
    "research_use": _l("Research use"),
    "research_contact": _l("Contact for research"),
}
PURPOSE_HELP = {
    "care": _l("The centre may see the case and advise. Without it nothing can be sent."),
    "registry": _l("The course is kept in the registry."),
    "research_use": _l("De-identified data may be used for approved research."),
    "research_contact": _l("The patient may be asked to take part in studies."),
}
CONSENT_ANSWERS = ("yes", "no", "not_asked")

#: Why a patient may ask that the data be kept and not used further: GDPR Art. 18(1) a to d.
GROUNDS = {
    "accuracy": _l("The patient says that the data are wrong, and this is being looked into"),
    "unlawful": _l("The data should not have been kept, and the patient does not want them erased"),
    "legal_claim": _l("The patient needs them for a legal claim; the registry no longer does"),
    "objection": _l("The patient objected, and it is being decided whether this holds"),
}

# Why an organisation may see a patient.
REFERRING = "referring"  # reads, answers, adds entries marked as its own
ADDRESSED = "addressed"  # asked for advice, has not answered
TREATING = "treating"  # accepted, or registered its own: full access
RELATIONS = {
    REFERRING: _l("Referring hospital"),
    ADDRESSED: _l("Centre asked for advice"),
    TREATING: _l("Reference centre"),
}
#: Where an organisation has several relations with a patient, the first of these is shown.
CLOSEST = (TREATING, REFERRING, ADDRESSED)
#: Relations whose organisation may add to the course.
WRITING = frozenset({REFERRING, TREATING})
#: How long a centre that declined can still read (data model, care relation).
AFTER_DECLINING = timedelta(days=30)

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that is read as another


def new_pseudonym() -> str:
    """A random name for a patient, such as N4KQ-7M2X: says nothing, can be read out."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def plain(name: str) -> str:
    """A name as it is compared: no case, accents, spaces or marks, in any script."""
    spread = unicodedata.normalize("NFKD", name.casefold())
    spread = spread.replace("ø", "o").replace("đ", "d").replace("ł", "l").replace("ß", "ss")
    return "".join(letter for letter in spread if letter.isalnum())


def words(name: str) -> list[str]:
    """The single names in a full name, compared one by one."""
    return [found for found in (plain(part) for part in re.split(r"[\s\-'’.,]+", name)) if found]


def plain_number(number: str) -> str:
    """A hospital or national number as it is compared."""
    return "".join(letter for letter in number.casefold() if letter.isalnum())
