"""A real Chromium and the real product. Skipped, with the reason, where there is no Chromium."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests import live
from tests.conftest import FAILED
from tests.live import Live

# The one without a window comes first: it takes a third of the time for the same pages.
NAMES = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
    "google-chrome-stable",
)  # fmt: skip
# What Playwright turns off itself (a second list replaces its own), and the two pages that every
# window of Chromium keeps behind its address bar, which take a quarter of the time of a test.
TURNED_OFF = """
    AvoidUnnecessaryBeforeUnloadCheckSync DestroyProfileOnBrowserClose HttpsUpgrades
    HttpsFirstBalancedModeAutoEnable LensOverlay MediaRouter PaintHolding
    ThirdPartyStoragePartitioning AvoidCorsURLLoaderRestartOnRedirect OptimizationHints
    NetworkTimeServiceQuerying AimEnabled PreconnectToSearch
    WebUIOmniboxPopup WebUIOmniboxAimPopup
"""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-features=" + ",".join(TURNED_OFF.split()),
]
# Long enough for a small machine that does something else besides.
expect.set_options(timeout=15_000)
RESULTS = Path(__file__).resolve().parents[2] / "test-results"
# A page that answers 404 or 422 is an answer, not a fault; Chromium reports it as one.
REFUSED = re.compile(r"^Failed to load resource: the server responded with a status of 4\d\d")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, as this machine's distribution ships it."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no Chromium: none of {', '.join(NAMES)} is installed")
    with contextlib.ExitStack() as stack:
        try:
            playwright = stack.enter_context(sync_playwright())
            browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        except Exception as problem:  # Playwright raises no narrower one when its driver fails
            pytest.skip(f"Chromium cannot be driven here: {problem}")
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Live]:
    """The product with the demo network, on SQLite, shared by all browser tests."""
    folder = tmp_path_factory.mktemp("live")
    with live.serve(f"sqlite:///{folder / 'netreg.sqlite3'}", folder) as running:
        yield running


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(
    request: pytest.FixtureRequest, browser: Browser, live_server: Live
) -> Iterator[OpenPage]:
    """Opens windows, each of another person: `open_page(width=390, height=844)`.

    Addresses are relative to the product. A fault in a script, a refusal by the content policy or
    a request to another host fails the test; when a test fails, its windows are kept as pictures.
    """
    pages: list[Page] = []
    problems: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" and not REFUSED.match(message.text):
            problems.append(f"console: {message.text} ({message.page and message.page.url})")

    def on_request(sent: Request) -> None:
        parts = urlsplit(sent.url)
        if parts.scheme in {"http", "https"} and not sent.url.startswith(live_server.url):
            problems.append(f"a request to {parts.netloc}")

    def open_page(*, width: int = 1440, height: int = 900, **options: object) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": height},
            locale="en-GB",
            timezone_id="Europe/Berlin",
            reduced_motion="reduce",
            **options,  # type: ignore[arg-type]
        )
        context.set_default_timeout(30_000)
        context.on("console", on_console)
        context.on("weberror", lambda error: problems.append(f"script: {error.error}"))
        context.on("request", on_request)
        page = context.new_page()
        pages.append(page)
        return page

    yield open_page
    if request.node.stash.get(FAILED, False):
        RESULTS.mkdir(exist_ok=True)
        name = re.sub(r"\W+", "-", request.node.name)
        for number, page in enumerate(pages, 1):
            page.screenshot(path=RESULTS / f"{name}-{number}.png", full_page=True)
    for page in pages:
        page.context.close()
    assert not problems, "\n".join(problems)


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """One window of 1440 × 900."""
    return open_page()
