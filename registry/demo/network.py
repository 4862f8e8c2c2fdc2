"""The synthetic network: made-up hospitals, centres and people in several countries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from registry.access import ROLE_LABELS, Role, the_house
from registry.people import actions, rules
from registry.people.models import (
    NETWORK_OFFICE,
    REFERENCE_CENTRE,
    REFERRING_HOSPITAL,
    Organisation,
    Person,
)

PASSWORD = "demonstration only"  # noqa: S105 - shown on the sign-in page of the demonstration
HOUSE = the_house("demonstration network")
_GEP = ["pancreas", "small_bowel", "duodenum", "ampulla", "stomach", "appendix", "colon", "rectum"]
_ALL = [*_GEP, "other_gi", "lung", "thymus", "unknown_primary", "adrenal_ppgl", "thyroid_mtc"]


@dataclass(frozen=True)
class PlaceFacts:
    """A made-up organisation."""

    code: str
    name: str
    kind: str
    country: str
    city: str
    region: str
    zone: str
    where: tuple[float, float]
    more: dict[str, Any]


def _centre(
    code: str, name: str, country: str, city: str, zone: str, where: tuple[float, float],
    phone: str, weekday: int, sites: list[str] = _ALL, *, services: tuple[str, ...] = (),
    languages: tuple[str, ...] = (),
) -> PlaceFacts:  # fmt: skip
    more = {
        "emergency_telephone": phone,
        "board_weekday": weekday,
        "cutoff_weekday": weekday - 1,
        "cutoff_time": "12:00",
        "how_to_refer": "Send the referral here. For a red flag, ring the emergency telephone.",
        "weekly_capacity": 10,
        "sites": sites,
        "services": [
            *("sstr_pet", "prrt", "endocrine_surgery", "hpb_surgery", "liver_directed"),
            *services,
        ],
        "languages": ["en", *languages],
        "accreditation": "made up for the demonstration",
    }
    return PlaceFacts(code, name, REFERENCE_CENTRE, country, city, "", zone, where, more)


def _hospital(
    code: str, name: str, country: str, city: str, zone: str, where: tuple[float, float]
) -> PlaceFacts:
    return PlaceFacts(code, name, REFERRING_HOSPITAL, country, city, "", zone, where, {})


_AMS, _BER, _ROM, _MAD, _STO = (
    "Europe/Amsterdam",
    "Europe/Berlin",
    "Europe/Rome",
    "Europe/Madrid",
    "Europe/Stockholm",
)
PLACES = (
    _centre("NL-TULP", "Tulip NET Centre (synthetic)", "NL", "Tulpenburg", _AMS, (52.2, 5.0),
            "+31 20 555 0100", 1, services=("trials", "pathology_review", "genetics"),
            languages=("nl",)),
    _centre("DE-LINDE", "Linden NET Centre (synthetic)", "DE", "Lindenau", _BER, (51.3, 10.4),
            "+49 30 5550 100", 2, services=("pathology_review",), languages=("de",)),
    _centre("IT-OLIVO", "Olivo NET Centre (synthetic)", "IT", "Oliveto Alto", _ROM, (44.5, 11.0),
            "+39 06 555 0100", 3, services=("interventional_endoscopy",), languages=("it",)),
    _centre("SE-BJORK", "Björk Lung NET Centre (synthetic)", "SE", "Björkstad", _STO, (59.4, 17.5),
            "+46 8 555 0100", 4, ["lung", "thymus", "other_thoracic"],
            services=("thoracic_surgery", "trials"), languages=("sv",)),
    _hospital("NL-DUIN", "Dune Hospital (synthetic)", "NL", "Duinrand", _AMS, (52.5, 4.7)),
    _hospital("NL-HEIDE", "Heath Hospital (synthetic)", "NL", "Heideveld", _AMS, (52.0, 5.8)),
    _hospital("DE-TANNE", "Fir Tree Clinic (synthetic)", "DE", "Tannenweiler", _BER, (50.9, 9.6)),
    _hospital("DE-BUCHE", "Beech Clinic (synthetic)", "DE", "Buchenthal", _BER, (51.9, 11.0)),
    _hospital("IT-PINO", "Pine Hospital (synthetic)", "IT", "Pineta Bassa", _ROM, (44.1, 10.3)),
    _hospital("ES-OLMO", "Elm Hospital (synthetic)", "ES", "Olmedal", _MAD, (41.0, -4.1)),
    _hospital("SE-TALL", "Tall Hospital (synthetic)", "SE", "Tallvik", _STO, (60.1, 18.0)),
    PlaceFacts("NETWORK", "Network office (synthetic)", NETWORK_OFFICE, "NL", "Tulpenburg", "",
               _AMS, (52.2, 5.0), {}),
)  # fmt: skip


@dataclass(frozen=True)
class PersonFacts:
    """A made-up person with an account."""

    email: str
    name: str
    place: str
    roles: tuple[Role, ...]
    shown: bool = False  # on the sign-in page


STAFF = (
    PersonFacts("referrer@demo.example", "Dr Wren Duinzicht", "NL-DUIN", (Role.REFERRER,), True),
    PersonFacts("coordinator@demo.example", "Robin Tulpveld", "NL-TULP",
                (Role.TRIAGE_COORDINATOR,), True),
    PersonFacts("clinician@demo.example", "Dr Lark Tulpveld", "NL-TULP", (Role.CLINICIAN,), True),
    PersonFacts("chair@demo.example", "Dr Heron Tulpveld", "NL-TULP",
                (Role.BOARD_CHAIR, Role.CLINICIAN), True),
    PersonFacts("surgeon@demo.example", "Dr Kestrel Tulpveld", "NL-TULP", (Role.CLINICIAN,)),
    PersonFacts("radiologist@demo.example", "Dr Merlin Tulpveld", "NL-TULP", (Role.CLINICIAN,)),
    PersonFacts("nuclear@demo.example", "Dr Ibis Tulpveld", "NL-TULP", (Role.CLINICIAN,)),
    PersonFacts("pathologist@demo.example", "Dr Stork Tulpveld", "NL-TULP", (Role.CLINICIAN,)),
    PersonFacts("manager@demo.example", "Jackdaw Tulpveld", "NL-TULP", (Role.DATA_MANAGER,), True),
    PersonFacts("researcher@demo.example", "Dr Finch Kantoor", "NETWORK", (Role.RESEARCHER,),
                True),
    PersonFacts("committee@demo.example", "Swift Kantoor", "NETWORK", (Role.ACCESS_COMMITTEE,),
                True),
    PersonFacts("administrator@demo.example", "Heron Kantoor", "NETWORK", (Role.ADMINISTRATOR,),
                True),
    PersonFacts("lead@demo.example", "Dr Rook Duinzicht", "NL-DUIN", (Role.LEAD,), True),
    PersonFacts("network@demo.example", "Dr Ibis Kantoor", "NETWORK", (Role.NETWORK_COORDINATOR,),
                True),
    PersonFacts("privacy@demo.example", "Owl Kantoor", "NETWORK", (Role.PRIVACY_OFFICER,), True),
    PersonFacts("referrer.dune2@demo.example", "Dr Teal Duinzicht", "NL-DUIN", (Role.REFERRER,)),
    PersonFacts("referrer.heath@demo.example", "Dr Plover Heide", "NL-HEIDE", (Role.REFERRER,)),
    PersonFacts("referrer.fir@demo.example", "Dr Linnet Tann", "DE-TANNE", (Role.REFERRER,)),
    PersonFacts("referrer.beech@demo.example", "Dr Siskin Buchen", "DE-BUCHE", (Role.REFERRER,)),
    PersonFacts("referrer.pine@demo.example", "Dr Martin Pineto", "IT-PINO", (Role.REFERRER,)),
    PersonFacts("referrer.elm@demo.example", "Dr Dunlin Olmo", "ES-OLMO", (Role.REFERRER,)),
    PersonFacts("referrer.tall@demo.example", "Dr Crane Tallvik", "SE-TALL", (Role.REFERRER,)),
    PersonFacts("coordinator.linden@demo.example", "Jay Lindenhof", "DE-LINDE",
                (Role.TRIAGE_COORDINATOR,)),
    PersonFacts("clinician.linden@demo.example", "Dr Merle Lindenhof", "DE-LINDE",
                (Role.CLINICIAN,)),
    PersonFacts("coordinator.olivo@demo.example", "Kite Olivari", "IT-OLIVO",
                (Role.TRIAGE_COORDINATOR,)),
    PersonFacts("clinician.olivo@demo.example", "Dr Falco Olivari", "IT-OLIVO",
                (Role.CLINICIAN,)),
    PersonFacts("coordinator.bjork@demo.example", "Snow Björkman", "SE-BJORK",
                (Role.TRIAGE_COORDINATOR,)),
    PersonFacts("clinician.bjork@demo.example", "Dr Auk Björkman", "SE-BJORK",
                (Role.CLINICIAN,)),
)  # fmt: skip


def build(since: date) -> tuple[dict[str, Organisation], dict[str, Person]]:
    """Make every place and person; by code and by e-mail address."""
    places = {}
    for facts in PLACES:
        places[facts.code] = actions.add_organisation(
            by=HOUSE, code=facts.code, name=facts.name, kind=facts.kind, country=facts.country,
            city=facts.city, region=facts.region, time_zone=facts.zone,
            latitude=facts.where[0], longitude=facts.where[1],
            **{"languages": ["en", facts.country.lower()], **facts.more},
        )  # fmt: skip
    people = {}
    hashed = rules.hash_password(PASSWORD)  # once: hashing is slow on purpose
    for one in STAFF:
        person = actions.add_person(
            by=HOUSE,
            email=one.email,
            name=one.name,
            password=PASSWORD,
            must_change=False,
            hashed=hashed,
        )
        for role in one.roles:
            actions.join(person, places[one.place], role, by=HOUSE, since=since)
        people[one.email] = person
    return places, people


@dataclass(frozen=True)
class Account:
    """A demonstration account as the sign-in page lists it."""

    email: str
    password: str
    role: str
    organisation: str


def accounts() -> list[Account]:
    """One account a role, for the sign-in page and the start-up message."""
    names = {place.code: place.name for place in PLACES}
    return [
        Account(one.email, PASSWORD, str(ROLE_LABELS[one.roles[0]]), names[one.place])
        for one in STAFF
        if one.shown
    ]
