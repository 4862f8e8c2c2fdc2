"""Who may do what: roles × rights on one page, closed by default.

A right says what kind of thing a role may do. Which records it may do it to is decided where the
record is fetched (`patients.queries.related_to`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from registry.errors import Forbidden
from registry.language import lazy_gettext as _l


class Role(StrEnum):
    """What a person is at an organisation."""

    REFERRER = "referrer"
    TRIAGE_COORDINATOR = "triage_coordinator"
    CLINICIAN = "clinician"
    BOARD_CHAIR = "board_chair"
    GUEST_EXPERT = "guest_expert"
    RESEARCHER = "researcher"
    ACCESS_COMMITTEE = "access_committee"
    LEAD = "lead"
    PRIVACY_OFFICER = "privacy_officer"
    DATA_MANAGER = "data_manager"
    ADMINISTRATOR = "administrator"
    NETWORK_COORDINATOR = "network_coordinator"


ROLE_LABELS = {
    Role.REFERRER: _l("Referring doctor"),
    Role.TRIAGE_COORDINATOR: _l("Triage coordinator"),
    Role.CLINICIAN: _l("Clinician"),
    Role.BOARD_CHAIR: _l("Chair of a tumour board"),
    Role.GUEST_EXPERT: _l("Guest expert"),
    Role.RESEARCHER: _l("Researcher"),
    Role.ACCESS_COMMITTEE: _l("Access committee"),
    Role.LEAD: _l("Lead of the organisation"),
    Role.PRIVACY_OFFICER: _l("Privacy officer"),
    Role.DATA_MANAGER: _l("Data manager"),
    Role.ADMINISTRATOR: _l("Administrator"),
    Role.NETWORK_COORDINATOR: _l("Network coordinator"),
}

#: What the lead of an organisation may let somebody be there; the rest is the administrator's.
GIVEN_BY_LEADS = (
    Role.REFERRER, Role.TRIAGE_COORDINATOR, Role.CLINICIAN, Role.BOARD_CHAIR, Role.GUEST_EXPERT,
)  # fmt: skip
#: Whose seat a lead may have covered there; a lead's own too, or nobody would stand in for a lead.
COVERED_BY_LEADS = (*GIVEN_BY_LEADS, Role.LEAD)


class Right(StrEnum):
    """What a page or action needs. Every view states one."""

    ANYONE = "anyone"  # no sign-in
    SIGNED_IN = "signed_in"
    REFER = "refer"  # write and send referrals
    FOLLOW_REFERRALS = "follow_referrals"  # the hospital's own list
    TRIAGE = "triage"  # the centre's worklist
    SEE_LATE = "see_late"  # what is late at the centre, or about to be; a lead without names
    SET_CLOCK = "set_clock"  # the centre's closed days
    READ_REFERRAL = "read_referral"
    STEP = "step"  # take a step; which steps is the step table's business
    READ_RECORD = "read_record"
    WRITE_COURSE = "write_course"
    FOLLOW_UP = "follow_up"  # the centre's list of who is due for what
    REGISTER_PATIENT = "register_patient"  # the centre's own, without a referral
    WHO_OPENED = "who_opened"
    CONSENT = "consent"
    COUNT = "count"  # make cohorts and be told about how many they are; never a row
    READ_REQUEST = "read_request"  # for access to data: one's own, or those sent to the committee
    MAKE_RELEASE = "make_release"
    GRANT = "grant"
    OFFICE = "office"  # enter the administration; what one finds there is said by the next ones
    APPROVE_ACCOUNTS = "approve_accounts"  # a lead: of one's own organisation
    ARRANGE_COVER = "arrange_cover"  # in one's own organisation; the administrator: anywhere
    READ_AUDIT = "read_audit"
    BRING_IN = "bring_in"  # import for the centre, and undo it
    # Say whether two records are of one patient, join them, take them apart; a lead where the
    # organisation has no data manager.
    MATCH = "match"
    EXPORT_OWN = "export_own"  # the centre's own patients, identified
    ADMINISTER = "administer"
    WAITING_TIMES = "waiting_times"  # of one's own organisation
    WAITING_TIMES_OF_ALL = "waiting_times_of_all"  # of the network
    BOARDS = "boards"  # see meetings: of one's centre, or those one is invited to
    PREPARE_BOARD = "prepare_board"  # the centre's meetings and agendas, and what is written there
    SIGN_BOARD = "sign_board"
    BOARD_FIGURES = "board_figures"  # of one's centre; of the network without small numbers
    FOLLOW_ADVICE = "follow_advice"  # whether a recommendation arrived and was followed
    KEEP_TRIALS = "keep_trials"  # the network's directory


_R = Role
RIGHTS: dict[Right, frozenset[Role]] = {
    Right.SIGNED_IN: frozenset(Role),
    Right.REFER: frozenset({_R.REFERRER, _R.TRIAGE_COORDINATOR}),
    Right.FOLLOW_REFERRALS: frozenset({_R.REFERRER}),
    Right.TRIAGE: frozenset({_R.TRIAGE_COORDINATOR, _R.CLINICIAN}),
    Right.SEE_LATE: frozenset({_R.TRIAGE_COORDINATOR, _R.CLINICIAN, _R.LEAD}),
    Right.SET_CLOCK: frozenset({_R.TRIAGE_COORDINATOR, _R.LEAD}),
    Right.READ_REFERRAL: frozenset(
        {_R.REFERRER, _R.TRIAGE_COORDINATOR, _R.CLINICIAN, _R.BOARD_CHAIR}
    ),
    Right.STEP: frozenset({_R.REFERRER, _R.TRIAGE_COORDINATOR, _R.CLINICIAN, _R.BOARD_CHAIR}),
    Right.READ_RECORD: frozenset(
        {_R.REFERRER, _R.TRIAGE_COORDINATOR, _R.CLINICIAN, _R.BOARD_CHAIR, _R.DATA_MANAGER}
    ),
    Right.WRITE_COURSE: frozenset({_R.REFERRER, _R.CLINICIAN, _R.BOARD_CHAIR}),
    Right.FOLLOW_UP: frozenset({_R.TRIAGE_COORDINATOR, _R.CLINICIAN}),
    Right.REGISTER_PATIENT: frozenset({_R.CLINICIAN}),
    Right.WHO_OPENED: frozenset({_R.TRIAGE_COORDINATOR, _R.CLINICIAN}),
    Right.CONSENT: frozenset({_R.REFERRER, _R.TRIAGE_COORDINATOR, _R.CLINICIAN}),
    Right.COUNT: frozenset({_R.RESEARCHER}),
    Right.READ_REQUEST: frozenset({_R.RESEARCHER, _R.ACCESS_COMMITTEE}),
    Right.MAKE_RELEASE: frozenset({_R.RESEARCHER}),
    Right.GRANT: frozenset({_R.ACCESS_COMMITTEE}),
    Right.OFFICE: frozenset({_R.LEAD, _R.PRIVACY_OFFICER, _R.ADMINISTRATOR}),
    Right.APPROVE_ACCOUNTS: frozenset({_R.LEAD, _R.ADMINISTRATOR}),
    Right.ARRANGE_COVER: frozenset({_R.LEAD}),
    Right.READ_AUDIT: frozenset({_R.PRIVACY_OFFICER, _R.ADMINISTRATOR}),
    Right.BRING_IN: frozenset({_R.DATA_MANAGER}),
    Right.MATCH: frozenset({_R.DATA_MANAGER, _R.LEAD}),
    Right.EXPORT_OWN: frozenset({_R.CLINICIAN, _R.DATA_MANAGER}),
    Right.ADMINISTER: frozenset({_R.ADMINISTRATOR}),
    Right.WAITING_TIMES: frozenset({_R.NETWORK_COORDINATOR, _R.LEAD, _R.TRIAGE_COORDINATOR}),
    Right.WAITING_TIMES_OF_ALL: frozenset({_R.NETWORK_COORDINATOR}),
    Right.BOARDS: frozenset({_R.TRIAGE_COORDINATOR, _R.CLINICIAN, _R.BOARD_CHAIR, _R.GUEST_EXPERT}),
    Right.PREPARE_BOARD: frozenset({_R.TRIAGE_COORDINATOR, _R.CLINICIAN, _R.BOARD_CHAIR}),
    Right.SIGN_BOARD: frozenset({_R.BOARD_CHAIR}),
    Right.BOARD_FIGURES: frozenset(
        {_R.TRIAGE_COORDINATOR, _R.CLINICIAN, _R.BOARD_CHAIR, _R.NETWORK_COORDINATOR}
    ),
    Right.FOLLOW_ADVICE: frozenset(
        {_R.REFERRER, _R.TRIAGE_COORDINATOR, _R.CLINICIAN, _R.BOARD_CHAIR}
    ),
    Right.KEEP_TRIALS: frozenset({_R.BOARD_CHAIR, _R.NETWORK_COORDINATOR}),
}


@dataclass(frozen=True)
class Seat:
    """One organisation a person belongs to, with the roles held there; or the seat of somebody
    else, taken while that one is away."""

    organisation_id: UUID
    organisation_name: str
    organisation_code: str
    organisation_kind: str
    time_zone: str
    roles: frozenset[Role]
    cover_id: UUID | None = None
    for_id: UUID | None = None  # whose seat it is, when it is not one's own
    for_name: str = ""

    @property
    def key(self) -> str:
        """What tells this seat from a person's others."""
        return f"cover-{self.cover_id}" if self.cover_id else str(self.organisation_id)


@dataclass(frozen=True)
class Viewer:
    """Who is asking: a person at their active organisation. The first argument of every query."""

    person_id: UUID | None
    name: str
    email: str = ""
    seat: Seat | None = None
    seats: tuple[Seat, ...] = field(default=())
    sign_in_id: UUID | None = None
    must_change_password: bool = False

    @property
    def organisation_id(self) -> UUID | None:
        """The active organisation."""
        return self.seat.organisation_id if self.seat else None

    @property
    def roles(self) -> frozenset[Role]:
        """The roles held at the active organisation."""
        return self.seat.roles if self.seat else frozenset()

    def may(self, right: Right) -> bool:
        """Does any role at the active organisation carry this right?"""
        if right is Right.ANYONE:
            return True
        if right is Right.SIGNED_IN:
            return self.person_id is not None
        return bool(self.roles & RIGHTS[right])

    def need(self, right: Right) -> None:
        """Raise Forbidden unless the viewer has the right."""
        if not self.may(right):
            raise Forbidden(right.value)


def the_house(name: str, seat: Seat | None = None) -> Viewer:
    """The house itself acting: the worker, a command, an import. Has no rights of its own."""
    return Viewer(person_id=None, name=name, seat=seat)
