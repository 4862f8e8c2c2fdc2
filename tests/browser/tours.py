"""Which pages each role has, found as people find them: from the links of the lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

from registry.course.models import BY_NAME
from registry.demo import network
from registry.referrals.rules.worklist import COLUMNS

Found = dict[str, str]  # the name of a page → its address


def sign_in(page: Page, account: str) -> None:
    """Sign in with an account of the demonstration network, e.g. `coordinator`."""
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(f"{account}@demo.example")
    page.get_by_label("Password").fill(network.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "sign-in" not in url)


def links(page: Page, address: str, holding: str) -> list[str]:
    """The addresses on a page that hold some text, in the order of the page, each once."""
    page.goto(address)
    found = page.locator(f"a[href*='{holding}']").evaluate_all(
        "all => all.map(one => one.getAttribute('href').split('#')[0])"
    )
    return list(dict.fromkeys(found))


def _of_each_state(page: Page, states: tuple[str, ...]) -> Found:
    """One case of each state the worklist offers."""
    cases = {}
    for state in states:
        shown = links(page, f"/worklist?state={state}", "/referrals/")
        cases[f"case {state}"] = next(one for one in shown if not one.endswith("/new"))
    return cases


def anybody(page: Page) -> Found:
    """Before signing in."""
    return {
        "sign in": "/sign-in",
        "ask for an account": "/request-account",
        "forgot password": "/forgot-password",
        "reference centres": "/centres",
        "422": "/join?link=used",
    }


def referrer(page: Page) -> Found:
    """A doctor of a hospital."""
    [draft, *_more] = [a for a in links(page, "/referrals", "/edit") if a.endswith("/edit")]
    advised = page.locator("tr", has_text="acknowledge the advice").locator("a").first
    asked = page.locator("tr", has_text="Answer the centre").locator("a")
    return {
        "referrals": "/referrals",
        "advice of boards": "/recommendations",
        "referrals ended": "/referrals?show=ended",
        "new referral": "/referrals/new",
        "referral form": draft,
        "files of a draft": draft.removesuffix("/edit") + "/files",
        "saved texts": "/referrals/texts",
        "case advised, to acknowledge": advised.get_attribute("href") or "",
        "case, the centre asks": asked.nth(0).get_attribute("href") or "",
        "answer the centre": asked.nth(1).get_attribute("href") or "",
        "patients of a referrer": "/patients",
        "notices of a referrer": "/notices",
        "account": "/account",
        "403": "/administration",
        "404": "/referrals/0190c7e2-0000-7000-8000-000000000000",
    }


def coordinator(page: Page) -> Found:
    """A triage coordinator of a centre."""
    return {
        "worklist": "/worklist",
        "worklist, every column": f"/worklist?columns={','.join(COLUMNS)}",
        "team": "/worklist/team",
        "late": "/late",
        "working days": "/late/days",
        "intake list": "/worklist/print",
        "waiting times of a centre": "/waiting-times?by=hospital",
        "worklist, nothing fits": "/worklist?state=declined&grade=g3&overdue=1",
        "enter for a doctor": "/referrals/new",
        "notices": "/notices",
        **_of_each_state(page, ("submitted", "information_requested", "closed", "declined")),
        **_of_each_state(page, ("listed_for_board",)),
        **_of_each_state(page, ("acknowledged", "withdrawn")),
    }


def clinician(page: Page) -> Found:
    """A doctor of a centre."""
    cases = _of_each_state(page, ("accepted", "advised"))
    charts = links(page, "/patients", "/chart")
    rich = fullest(page, charts)
    patient = rich.removesuffix("/chart")
    new = {
        f"new {entity}": f"{patient}/course/{entity}/new"
        for entity in BY_NAME
        if entity != "stated_endpoint"
    }
    edits = links(page, rich, "/course/therapy/")
    # Only who is alive, and treated here, is written to.
    letter = next(one for chart in charts for one in links(page, chart, "/letters/patient"))
    return {
        "patients": "/patients",
        "new patient": "/patients/new",
        "chart": rich,
        "chart of a new case": charts[0],
        "identity": f"{patient}/identity",
        "earlier identity": f"{patient}/identity/earlier",
        "level 1": f"{patient}/level-1",
        "visit": f"{patient}/visit",
        "completeness": f"{patient}/completeness",
        "follow-up due": "/follow-up",
        "follow-up intervals": "/follow-up/intervals",
        "consent": f"{patient}/consent",
        "use for care alone": f"{patient}/restriction",
        "who opened": f"{patient}/opened",
        "documents": f"{patient}/documents",
        "new document": f"{patient}/documents/new",
        "letter to the referring doctor": f"{patient}/letters/referring-doctor",
        "letter to the patient": letter,
        "support for patients": "/support?country=NL",
        "edit therapy": next(one for one in edits if not one.endswith("/new")),
        **new,
        **cases,
    }


def fullest(page: Page, charts: list[str], of: int = 6) -> str:
    """Of the last charts, the one with the most on its timeline."""
    marks = {}
    for chart in charts[-of:]:
        page.goto(chart)
        marks[chart] = page.locator(".app-timeline__bar, .app-timeline__mark").count()
    return max(marks, key=lambda chart: marks[chart])


def of_the_network(page: Page) -> Found:
    """Who coordinates the network."""
    return {
        "waiting times": "/waiting-times",
        "waiting times by grade": "/waiting-times?by=grade&step=accepted",
        "figures of all boards": "/boards/figures",
    }


def chair(page: Page) -> Found:
    """A chair of a tumour board."""
    coming = links(page, "/boards", "/meetings/")
    held = page.locator("#past th a").first.get_attribute("href") or ""
    boards = page.locator("#boards li > a").first.get_attribute("href") or ""
    cases = links(page, coming[0], "/agenda/")
    discussed = links(page, held, "/agenda/")[0]
    signed = next(one for one in links(page, discussed, "/recommendations/") if one.count("/") == 2)
    return {
        "boards": "/boards",
        "board": boards,
        "new board": "/boards/new",
        "single date": f"{boards}/meetings",
        "written consultation": f"{boards}/written",
        "meeting to come": coming[0],
        "change a meeting": f"{coming[0]}/edit",
        "meeting held": held,
        "case of a board": cases[0],
        "case that was discussed": discussed,
        "recommendation": signed,
        "letter of a board": f"{signed}/letters/referrer",
        "letter of a board to the patient": f"{signed}/letters/patient",
        "not yet delivered": "/recommendations",
        "what boards ask": "/board-needs",
        "figures of boards": "/boards/figures",
        "trials": "/trials",
        "new trial": "/trials/new",
        "trial": next(a for a in links(page, "/trials", "/trials/") if a.count("-") == 4),
    }


def researcher(page: Page) -> Found:
    """A researcher with a grant; a release is made when there is none."""
    releases = links(page, "/research", "/research/releases/")
    page.goto(releases[0])
    page.get_by_role("link", name="Download all (ZIP)").wait_for(timeout=60_000)
    asked = links(page, "/research", "/research/requests/")
    return {
        "new request": "/research/requests/new",
        "request": next(one for one in asked if not one.endswith("/new")),
        "research": "/research",
        "release": releases[0],
        "codebook": f"{releases[0]}/codebook",
        **{
            name: f"{releases[0]}/analyses/{name}"
            for name in (
                "survival?group=sex",
                "pfs",
                "progression",
                "response?group=line",
                "flow",
                "lanes",
                "markers",
                "quality_of_life",
            )
        },
        "network in figures": "/network/research-figures?group=grade",
        "cohorts": "/research/cohorts",
        "cohort": cohort(page),
        "criterion": f"{cohort(page)}/criterion?variable=pathology.derived_category",
        "variables": "/variables",
    }


def cohort(page: Page) -> str:
    """A cohort with a step; made where there is none."""
    found = links(page, "/research/cohorts", "/research/cohorts/")
    if found:
        return found[0]
    page.goto("/research/cohorts")
    page.get_by_label("Name").fill("G2 of the pancreas")
    page.get_by_role("button", name="Begin the cohort").click()
    page.get_by_role("combobox", name="Variable").fill("Pathology: Category, derived")
    page.get_by_role("button", name="Next").first.click()
    page.get_by_label("NET, grade 2", exact=True).check()
    page.get_by_role("button", name="Add and count").click()
    page.get_by_role("button", name="Save as a version").click()
    return page.url[page.url.index("/research") :].split("#")[0]


def make_release(page: Page) -> str:
    """Ask for a release and wait until it is made. Returns its address."""
    page.goto("/research")
    whole = page.locator("#grants tbody tr").filter(has_text="DEMO-01")  # every variable
    whole.get_by_role("button", name="Make a release").click()
    page.wait_for_url("**/research/releases/*")
    page.get_by_role("link", name="Download all (ZIP)").wait_for(timeout=60_000)
    return page.url[page.url.index("/research") :].split("#")[0]


def committee(page: Page) -> Found:
    """The access committee."""
    grants = links(page, "/data-access", "/data-access/grants/")
    released = [one for at in grants for one in links(page, at, "/data-access/releases/")]
    asked = links(page, "/data-access", "/research/requests/")
    return {
        "request to decide": asked[0],
        "data access": "/data-access",
        "new grant": "/data-access/new",
        "grant": grants[0],
        **({"released": released[0]} if released else {}),
    }


def administrator(page: Page) -> Found:
    """An administrator."""
    people = links(page, "/administration/people?q=demo", "/administration/people/")
    person = next(one for one in people if not one.endswith("/invite"))
    places = links(page, "/administration/organisations?kind=reference_centre", "/organisations/")
    centre = next(one for one in places if not one.endswith("/new"))
    return {
        "support contacts": "/administration/support",
        "new support contact": "/administration/support/new",
        "administration": "/administration",
        "people": "/administration/people",
        "people, nobody found": "/administration/people?q=nobody",
        "person": person,
        "invite": "/administration/people/invite",
        "organisations": "/administration/organisations",
        "organisation": centre,
        "change organisation": f"{centre}/edit",
        "new organisation": "/administration/organisations/new",
        "requests": "/administration/requests",
        "code lists": "/administration/code-lists",
        "audit": "/administration/audit",
        "audit, nothing found": "/administration/audit?pseudonym=AAAA-2222",
        "patients in releases": "/administration/released",
        "health": "/administration/health",
        "account of an administrator": "/account",
    }


def lead(page: Page) -> Found:
    """The lead of a hospital."""
    return {
        "requests of a lead": "/administration/requests",
        "pairs a lead answers for": "/same-patient",
        "cover, arranged by a lead": "/administration/cover",
    }


def privacy(page: Page) -> Found:
    """A privacy officer."""
    return {"audit of a privacy officer": "/administration/audit?kind=person"}


WARD = """No;Sex;Born;Site;Ki67;Seen
1;f;3.4.1961;ileum;2;5.2.2019
2;m;17.9.1955;elsewhere;na;31.2.2020
"""


def _text(page: Page, address: str) -> str:
    page.goto(address)
    return page.locator("main").inner_text()


def manager(page: Page) -> Found:
    """A data manager, who sends a file and looks at it."""
    page.goto("/imports/new")
    file: Any = {"name": "ward.csv", "mimeType": "text/csv", "buffer": WARD.encode()}
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Send the file").click()
    page.wait_for_url("**/shape")
    address = page.url.removesuffix("/shape")
    pairs = links(page, "/same-patient", "/same-patient/")
    [joined, *_more] = links(page, "/same-patient?show=joined", "/joined/")
    alone = next(one for one in pairs if "your own patient only" in _text(page, one))
    together = next(one for one in pairs if one != alone)
    page.goto(together)
    if page.get_by_role("button", name="Answer").count():
        page.get_by_label("The same person").check()
        page.get_by_role("button", name="Answer").click()
        page.wait_for_url("**/join")
    return {
        "pairs to look at": "/same-patient",
        "pairs decided": "/same-patient?show=decided",
        "records joined": "/same-patient?show=joined",
        "pair of one's own": together,
        "pair with another centre": alone,
        "what joining would do": f"{together}/join",
        "joined record": joined,
        "imports": "/imports",
        "new import": "/imports/new",
        "file": address,
        "shape of a file": f"{address}/shape",
        "columns of a file": f"{address}/columns",
        "a column of a file": f"{address}/columns/3",
        "exports": "/exports",
    }


TOURS: dict[str, Callable[[Page], Found]] = {
    "referrer": referrer,
    "coordinator": coordinator,
    "clinician": clinician,
    "chair": chair,
    "researcher": researcher,
    "committee": committee,
    "administrator": administrator,
    "manager": manager,
    "lead": lead,
    "privacy": privacy,
    "network": of_the_network,
}
