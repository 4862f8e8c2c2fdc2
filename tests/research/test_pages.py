"""The pages of the researcher and of the access committee: who may what, and what they say."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from registry import storage
from registry.access import Role
from registry.audit import AuditEntry
from registry.dates import today
from registry.db import db
from registry.errors import Conflict, Forbidden, Invalid, NotFound
from registry.people.models import Notice
from registry.research import jobs
from registry.research.models import Grant, Release
from registry.research.releases import actions, making, queries
from tests import make, make_research


@pytest.fixture
def house(app):
    """Rosa, who has a grant and a release made under it, with one patient in it."""
    make.patient(make_research.clinic())
    office = make_research.office()
    rosa = make.person(office, Role.RESEARCHER, name="Rosa Ruiz")
    given = make_research.grant(office, rosa)
    release = make_research.made(given)
    return office, rosa, given, release


def audited(action):
    """Who did this, as the audit has it."""
    rows = db.session.execute(
        sa.select(AuditEntry.person_name, AuditEntry.subject_id).where(AuditEntry.action == action)
    ).all()
    db.session.commit()
    return [tuple(row) for row in rows]


def grant_form(who, **changes):
    """A filled-in form of a grant."""
    first, last = today(), today() + timedelta(days=90)
    return {
        "project": "net-nine",
        "title": "Nine years after",
        "purpose": "To see.",
        "researcher": str(who.id),
        "from_date-day": str(first.day),
        "from_date-month": str(first.month),
        "from_date-year": str(first.year),
        "until_date-day": str(last.day),
        "until_date-month": str(last.month),
        "until_date-year": str(last.year),
        **changes,
    }


# -- the researcher ----------------------------------------------------------------------------


def test_from_the_grant_to_the_downloaded_file(client):
    make.patient(make_research.clinic())
    office = make_research.office()
    rosa = make_research.signed_in(client, office, Role.RESEARCHER, "Rosa Ruiz")
    given = make_research.grant(office, rosa)
    db.session.commit()
    assert "Make a release" in client.get("/research").text
    answer = make.post(client, f"/research/grants/{given.id}/releases")
    assert answer.status_code == 303
    url = answer.location
    page = client.get(url).text
    assert "Waiting for the worker" in page
    assert f'hx-get="{url}/progress"' in page
    waiting = client.get(f"{url}/progress")
    assert (waiting.status_code, waiting.headers.get("HX-Refresh")) == (200, None)
    # a maker that an update stopped in a phase that there is none of any more
    db.session.execute(sa.update(Release).values(phase="packing"))
    db.session.commit()
    assert client.get(url).status_code == 200
    jobs.make_release()
    assert client.get(f"{url}/progress").headers["HX-Refresh"] == "true"
    page = client.get(url).text
    assert "patients.csv" in page
    file = client.get(f"{url}/files/patients.csv")
    assert file.data.startswith(b"patient_id,sex_at_birth")
    assert file.headers["Content-Disposition"] == "attachment; filename=patients.csv"
    assert file.headers["Cache-Control"] == "no-store"
    assert audited("downloaded patients.csv") == [("Rosa Ruiz", url.rsplit("/", 1)[1])]
    packed = client.get(f"{url}/files/NET-ONE-release-1.zip")
    assert packed.data[:2] == b"PK"
    assert packed.content_length == len(packed.data)
    assert len(audited("downloaded NET-ONE-release-1.zip")) == 1
    assert client.get(f"{url}/files/NET-ONE-release-2.zip").status_code == 404
    book = client.get(f"{url}/codebook").text
    assert "derived_category" in book
    assert "female=Female; male=Male" in book


def test_asking_twice_makes_one_release(client):
    office = make_research.office()
    rosa = make_research.signed_in(client, office, Role.RESEARCHER, "Rosa Ruiz")
    given = make_research.grant(office, rosa)
    first = make.post(client, f"/research/grants/{given.id}/releases").location
    assert make.post(client, f"/research/grants/{given.id}/releases").location == first
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Release)) == 1


def test_without_a_grant_the_page_says_how_to_get_one(client):
    make_research.signed_in(client, make_research.office(), Role.RESEARCHER, "Rosa Ruiz")
    page = client.get("/research").text
    assert "You have no grant yet" in page
    assert "Begin a cohort to be told" in page


def test_the_number_of_patients_is_the_one_last_told(client):
    """Fourteen were told as ten; with the fifteenth it is still ten, here as in a cohort."""
    carla, office = make_research.clinic(), make_research.office()
    rosa = make_research.signed_in(client, office, Role.RESEARCHER, "Rosa Ruiz")
    for _one in range(14):
        make.patient(carla)
    make_research.cohort(make.viewer(rosa))
    make.patient(carla)
    db.session.commit()
    assert "use: about 10 patients" in client.get("/research").text


def test_a_waiting_release_can_be_cancelled_and_a_made_one_not(client):
    office = make_research.office()
    rosa = make_research.signed_in(client, office, Role.RESEARCHER, "Rosa Ruiz")
    given = make_research.grant(office, rosa)
    url = make.post(client, f"/research/grants/{given.id}/releases").location
    assert make.post(client, f"{url}/cancel").status_code == 303
    assert "This release was cancelled" in client.get(url).text
    assert make.post(client, f"{url}/cancel").status_code == 409


@pytest.mark.parametrize("part", ["", "/progress", "/codebook", "/files/patients.csv"])
def test_another_researcher_finds_nothing(client, house, part):
    office, _rosa, _given, release = house
    make_research.signed_in(client, office, Role.RESEARCHER, "Stan Stranger")
    assert client.get(f"/research/releases/{release.id}{part}").status_code == 404


def test_another_researcher_cannot_use_the_grant_or_cancel(client, house):
    office, _rosa, given, release = house
    grant_id, release_id = given.id, release.id
    make_research.signed_in(client, office, Role.RESEARCHER, "Stan Stranger")
    assert make.post(client, f"/research/grants/{grant_id}/releases").status_code == 404
    assert make.post(client, f"/research/releases/{release_id}/cancel").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/research/releases/{0}",
        "/research/releases/{0}/progress",
        "/research/releases/{0}/codebook",
        "/research/releases/{0}/files/patients.csv",
        "/research/releases/not-an-id",
    ],
)
def test_a_bad_id_is_not_found(client, path):
    make_research.signed_in(client, make_research.office(), Role.RESEARCHER, "Rosa Ruiz")
    assert client.get(path.format(uuid4())).status_code == 404


@pytest.mark.parametrize("name", ["other.csv", "..", "patients.CSV", "%2e%2e%2fkeys.json"])
def test_an_unknown_file_is_not_found(client, house, name):
    _office, rosa, _given, release = house
    url = f"/research/releases/{release.id}/files/{name}"
    make.sign_in(client, rosa)
    assert client.get(url).status_code == 404


@pytest.mark.parametrize("path", ["/research", "/data-access", "/data-access/new"])
@pytest.mark.parametrize("role", [Role.REFERRER, Role.TRIAGE_COORDINATOR, Role.CLINICIAN])
def test_other_roles_have_no_such_pages(client, path, role):
    make_research.signed_in(client, make.centre(), role, "Carla Chen")
    assert client.get(path).status_code == 403


@pytest.mark.parametrize("path", ["/research", "/data-access", "/data-access/new"])
def test_who_is_not_signed_in_is_asked_to(client, path):
    assert "/sign-in" in client.get(path).location


def test_an_ended_grant_stops_making_and_downloading_and_says_so(client, house):
    _office, rosa, given, release = house
    url, grant_id = f"/research/releases/{release.id}", given.id
    greta = make.viewer(db.session.get_one(make.Person, given.granted_by))
    actions.end_grant(given, by=greta, reason="The study was stopped.")
    make.sign_in(client, rosa)
    for part in ("/files/patients.csv", "/codebook"):
        answer = client.get(f"{url}{part}")
        assert answer.status_code == 403
        assert "The access committee ended this grant." in answer.text
    assert make.post(client, f"/research/grants/{grant_id}/releases").status_code == 403
    page = client.get(url)
    assert page.status_code == 200
    assert "The files cannot be downloaded" in page.text
    assert "/files/" not in page.text
    assert audited("downloaded patients.csv") == []
    told = set(db.session.scalars(sa.select(Notice.why).where(Notice.person_id == rosa.id)))
    assert "grant_ended" in told


@pytest.mark.parametrize(("days", "text"), [(-1, "has expired"), (5, "has not begun yet")])
def test_a_grant_holds_only_in_its_period(app, days, text):
    office = make_research.office()
    rosa = make.person(office, Role.RESEARCHER, name="Rosa Ruiz")
    span = (today() - timedelta(days=9), today() + timedelta(days=days))
    first, last = span if days < 0 else (span[1], span[1])
    given = make_research.grant(office, rosa, from_date=first, until_date=last)
    with pytest.raises(Forbidden) as refused:
        queries.grant_to_use(make.viewer(rosa), given.id)
    assert text in refused.value.message


def test_an_expired_grant_stops_downloading(client, house, monkeypatch):
    _office, rosa, _given, release = house
    url = f"/research/releases/{release.id}/files/patients.csv"
    make.sign_in(client, rosa)
    assert client.get(url).status_code == 200
    monkeypatch.setattr(queries, "today", lambda: today() + timedelta(days=31))
    assert client.get(url).status_code == 403


def test_a_researcher_is_told_once_that_a_grant_ends_within_a_month(app):
    place, day = make_research.office(), today()
    rosa = make.person(place, Role.RESEARCHER, name="Rosa Ruiz")
    soon, _later, _short = (
        make_research.grant(
            place,
            rosa,
            project=f"NET-{left}",
            from_date=day - timedelta(days=past),
            until_date=day + timedelta(days=left),
        )
        for past, left in ((90, 30), (90, 31), (9, 9))
    )

    def told():
        actions.remind_of_the_end()
        db.session.flush()
        return [one.subject_id for one in db.session.scalars(
            sa.select(Notice).where(Notice.why == "grant_ends_soon")
        )]  # fmt: skip

    assert told() == told() == [soon.id]


def test_an_altered_file_is_refused_and_that_is_audited(client, house):
    _office, rosa, _given, release = house
    file = next(one for one in release.files if one.name == "patients.csv")
    release_id = str(release.id)
    path = storage.place(file.file_id)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"x")
    make.sign_in(client, rosa)
    answer = client.get(f"/research/releases/{release_id}/files/patients.csv")
    assert answer.status_code == 500
    assert b"patient_id" not in answer.data
    assert audited("refused altered patients.csv") == [("Rosa Ruiz", release_id)]
    assert audited("downloaded patients.csv") == []
    path.unlink()
    answer = client.get(f"/research/releases/{release_id}/files/patients.csv")
    assert answer.status_code == 500


# -- the access committee ----------------------------------------------------------------------


def test_the_committee_gives_a_grant_and_the_researcher_is_told(client):
    office = make_research.office()
    rosa = make.person(office, Role.RESEARCHER, name="Rosa Ruiz")
    make_research.signed_in(client, office, Role.ACCESS_COMMITTEE, "Greta Gross")
    answer = make.post(client, "/data-access/new", grant_form(rosa))
    assert answer.status_code == 303
    page = client.get(answer.location).text
    assert "NET-NINE" in page
    assert "Greta Gross" in page
    assert "Nine years after" in client.get("/data-access").text
    [given] = db.session.scalars(sa.select(Grant))
    assert given.until_date == today() + timedelta(days=90)
    assert audited("gave grant") == [("Greta Gross", str(given.id))]
    assert list(db.session.scalars(sa.select(Notice.why))) == ["grant_given"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"project": ""}, "Enter the project code."),
        ({"project": "a b/c"}, "Use 2 to 20 letters"),
        ({"title": ""}, "Enter the title"),
        ({"purpose": " "}, "Enter the purpose."),
        ({"researcher": ""}, "Choose the researcher."),
        ({"researcher": "00000000-0000-0000-0000-000000000000"}, "Choose one of the options."),
        ({"from_date-year": "2019", "until_date-year": "2018"}, "must not be before the first"),
        ({"until_date-day": ""}, "Enter day, month and year."),
    ],
)
def test_a_grant_that_will_not_do_comes_back_with_everything_typed(client, changes, message):
    office = make_research.office()
    rosa = make.person(office, Role.RESEARCHER, name="Rosa Ruiz")
    make_research.signed_in(client, office, Role.ACCESS_COMMITTEE, "Greta Gross")
    answer = make.post(client, "/data-access/new", grant_form(rosa, **changes))
    assert answer.status_code == 422
    assert message in answer.text
    assert ("Nine years after" in answer.text) == ("title" not in changes)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Grant)) == 0


def test_nobody_grants_to_themself(client):
    office = make_research.office()
    both = make.person(office, Role.ACCESS_COMMITTEE, Role.RESEARCHER, name="Both Boss")
    make.sign_in(client, both)
    assert "boss" not in client.get("/data-access/new").text.split('name="researcher"')[-1]
    assert make.post(client, "/data-access/new", grant_form(both)).status_code == 422
    period = {"from_date": today(), "until_date": today()}
    facts = {"project": "NET-ONE", "title": "Mine", "purpose": "Me."}
    with pytest.raises(Invalid, match="yourself"):
        actions.give_grant(by=make.viewer(both), researcher_id=both.id, **facts, **period)
    db.session.add(Grant(researcher_id=both.id, granted_by=both.id, **facts, **period))
    with pytest.raises(sa.exc.IntegrityError):
        db.session.flush()
    db.session.rollback()


def test_the_committee_ends_a_grant_with_a_reason(client, house):
    office, _rosa, given, _release = house
    url = f"/data-access/grants/{given.id}"
    make_research.signed_in(client, office, Role.ACCESS_COMMITTEE, "Gina Gross")
    assert make.post(client, f"{url}/end", {"reason": " "}).status_code == 422
    assert make.post(client, f"{url}/end", {"reason": "Study over."}).status_code == 303
    page = client.get(url).text
    assert "Study over." in page
    assert "End this grant" not in page
    assert make.post(client, f"{url}/end", {"reason": "Again."}).status_code == 409


def test_the_committee_sees_what_left_the_house_and_who_took_it_and_no_rows(client, house):
    office, rosa, given, release = house
    grant_url, url = f"/data-access/grants/{given.id}", f"/data-access/releases/{release.id}"
    own = f"/research/releases/{release.id}"
    make.sign_in(client, rosa)
    client.get(f"{own}/files/tumours.csv").close()
    make.post(client, "/sign-out")
    make_research.signed_in(client, office, Role.ACCESS_COMMITTEE, "Gina Gross")
    for page in (client.get(grant_url).text, client.get(url).text):
        assert "tumours.csv" in page
        assert "Rosa Ruiz" in page
    assert "/files/" not in client.get(url).text
    for part in ("", "/codebook", "/files/patients.csv"):
        assert client.get(own + part).status_code == 403
    assert client.get(f"/data-access/releases/{uuid4()}").status_code == 404
    assert client.get(f"/data-access/grants/{uuid4()}").status_code == 404


def test_outside_the_approved_rows_no_small_number_is_told(client, house):
    """One came since the first release: the researcher, who has the rows, sees that it is one."""
    office, rosa, given, _first = house
    make_research.patients(1, by=make.viewer(make.person(make.centre("C-9"), Role.CLINICIAN)))
    second = make_research.made(given)
    assert second.manifest["made"]["since_previous"]["patients_added"] == 1
    release_id = second.id

    def changes(address: str) -> str:
        page = client.get(address).text
        page = page[page.index('id="changes"') :]
        return page[: page.index("What changed, by file")]

    make.sign_in(client, rosa)
    assert "fewer than 5" not in changes(f"/research/releases/{release_id}")
    make.post(client, "/sign-out")
    make_research.signed_in(client, office, Role.ACCESS_COMMITTEE, "Gina Gross")
    assert "fewer than 5" in changes(f"/data-access/releases/{release_id}")


def test_a_researcher_has_no_committee_pages(client, house):
    _office, rosa, given, release = house
    paths = [f"/data-access/grants/{given.id}", f"/data-access/releases/{release.id}"]
    end = f"/data-access/grants/{given.id}/end"
    make.sign_in(client, rosa)
    for path in [*paths, "/data-access", "/data-access/new"]:
        assert client.get(path).status_code == 403
    assert make.post(client, end, {"reason": "x"}).status_code == 403


def test_what_the_committee_typed_cannot_become_markup(client):
    office = make_research.office()
    rosa = make.person(office, Role.RESEARCHER, name="Rosa Ruiz")
    make_research.signed_in(client, office, Role.ACCESS_COMMITTEE, "Greta Gross")
    bad = "<script>alert(1)</script>"
    answer = make.post(client, "/data-access/new", grant_form(rosa, title=bad, purpose=bad))
    [given] = db.session.scalars(sa.select(Grant))
    make_research.patients(given.smallest_group)
    release = make_research.made(given)
    content = make_research.content(release)
    assert b"<script>" not in content["codebook.html"] + content["disclosure.html"]
    for path in (answer.location, f"/data-access/releases/{release.id}"):
        assert bad not in client.get(path).text


def test_a_release_cannot_be_cancelled_after_it_was_made(app, house):
    _office, rosa, _given, release = house
    with pytest.raises(Conflict):
        actions.cancel_release(release, by=make.viewer(rosa))
    with pytest.raises(NotFound):
        queries.file_to_take(make.viewer(rosa), release.id, "other.csv")


# -- the number of queries ---------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 30])
def test_the_lists_take_the_same_number_of_queries_for_1_and_for_30(app, number):
    office = make_research.office()
    rosa = make.person(office, Role.RESEARCHER, name="Rosa Ruiz")
    greta = make.viewer(make.person(office, Role.ACCESS_COMMITTEE, name="Greta Gross"))
    for one in range(number):
        given = make_research.grant(office, rosa, project=f"NET-{one}")
        make_research.asked(given)
    viewer, statements = make.viewer(rosa), []
    db.session.expire_all()

    def counted(*arguments):
        statements.append(arguments[2])

    sa.event.listen(db.engine, "before_cursor_execute", counted)
    try:
        grants, releases = queries.my_grants(viewer), queries.my_releases(viewer)
        every = queries.all_grants(greta)
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", counted)
    assert (len(grants), len(releases), len(every)) == (number, number, number)
    assert len([one for one in statements if one.startswith("SELECT")]) == 3


def test_an_archive_that_was_made_with_the_release_is_handed_out_as_it_is(client, monkeypatch):
    """Releases made before archives were put together while they are downloaded have one."""
    cited = making._write_citation

    def with_archive(kept, *rest):
        cited(kept, *rest)
        kept.write("NET-ONE-release-1.zip", "application/zip", b"PK as it was made")

    monkeypatch.setattr(making, "_write_citation", with_archive)
    office = make_research.office()
    rosa = make_research.signed_in(client, office, Role.RESEARCHER, "Rosa Ruiz")
    url = f"/research/releases/{make_research.made(make_research.grant(office, rosa)).id}"
    answer = client.get(f"{url}/files/NET-ONE-release-1.zip")
    assert answer.data == b"PK as it was made"


def test_an_archive_with_an_altered_file_is_refused(client, house):
    _office, rosa, _given, release = house
    file = next(one for one in release.files if one.name == "tumours.csv")
    url = f"/research/releases/{release.id}/files/{release.archive}"
    path = storage.place(file.file_id)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"x")
    make.sign_in(client, rosa)
    assert client.get(url).status_code == 500
    assert len(audited("refused altered tumours.csv")) == 1
    assert audited("downloaded NET-ONE-release-1.zip") == []
