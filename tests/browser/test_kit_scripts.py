"""What the kit's scripts do in a real browser, under the product's content policy.

The pages come from a bare application through Playwright's routing: no server, no database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, jsonify, render_template_string, request
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect, generate_csrf
from playwright.sync_api import Browser, Page, Route, expect

from registry import codes, kit, web
from registry.forms import Choice, CodeField, HouseForm, Ki67Field, LongText, Option, yes_no

ROOT = Path(__file__).resolve().parents[2]
HOST = "http://kit.example"
ABSENT = ("not_known", "not_available")

FORM = """
{% extends 'base.html' %}{% from 'ui/forms.html' import field, csrf, buttons, submit %}
{% from 'ui/forms.html' import section, autosave_status %}
{% block title %}Form{% endblock %}
{% block content %}<h1>Form</h1>
<form method="post" action="/form" novalidate data-autosave="/draft" data-derive="/derive">
  {{ csrf() }}<input type="hidden" name="version" value="1">
  {% call section('Tumour', 'tumour') %}{% for f in form %}{{ field(f) }}{% endfor %}{% endcall %}
  <div data-derive-target></div>{{ autosave_status() }}
  {% call buttons() %}{{ submit('Send', name='step', value='send', main=true) }}
  {{ submit('Save a draft', name='step', value='file', file=true) }}{% endcall %}
</form>{% endblock %}
"""
SIGN_IN = """
<h2>Sign in</h2><form method="post" action="/again">
<input type="hidden" name="csrf_token" value="{{ csrf_token() }}">
<label for="pw">Password</label><input id="pw" name="password" type="password">
<button type="submit">Sign in</button></form>
"""


class Tumour(HouseForm):
    """A few questions of different kinds."""

    ki67 = Ki67Field("Ki-67", unit="%", absent_codes=ABSENT)
    diff = Choice("Differentiation", options=[Option("well", "Well"), Option("poor", "Poor")])
    small = Choice("Small cell", options=yes_no, show_if=("diff", frozenset({"poor"})))
    topography = CodeField("Topography", codes="topography", absent_codes=ABSENT)
    note = LongText("Note")


@dataclass
class Bare:
    """The bare application: what it was sent, and how it answers the next drafts."""

    drafts: list[dict[str, str]] = field(default_factory=list)
    sent: list[dict[str, str]] = field(default_factory=list)
    answer: str = "saved"

    def app(self) -> Flask:
        """Pages of the kit, and the answers that its scripts are promised."""
        folders = {"template_folder": ROOT / "templates", "static_folder": ROOT / "static"}
        app = Flask("kit", **{name: str(path) for name, path in folders.items()})
        app.config.update(SECRET_KEY="only for tests", WTF_CSRF_CHECK_DEFAULT=False)
        app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
        Babel(app)
        CSRFProtect(app)
        kit.install(app)
        frame: dict[str, Any] = {"viewer": None, "navigation": [], "demo": False, "unread": 0}
        app.context_processor(lambda: {**frame, "product_version": "1"})
        app.add_url_rule("/form", view_func=self.form, methods=["GET", "POST"])
        app.add_url_rule("/draft", view_func=self.draft, methods=["POST"])
        app.add_url_rule("/derive", view_func=self.derive, methods=["POST"])
        app.add_url_rule("/again", view_func=self.again, methods=["GET", "POST"])
        return app

    def form(self) -> Any:
        """The form; what is posted is kept."""
        if request.method == "POST":
            self.sent.append(dict(request.form))
            if request.form["step"] == "file":
                return "", 204  # as a file that is saved: the page stays
            return "<title>Sent</title>"
        return render_template_string(FORM, form=Tumour())

    def draft(self) -> Any:
        """A draft: saved, or refused as the test wants."""
        self.drafts.append(dict(request.form))
        if self.answer == "signed out":
            return jsonify(sign_in="/again"), 401
        if self.answer == "conflict":
            return jsonify(saved_by="Bob", saved_at="2025-03-04T09:30:00Z", link="/form"), 409
        if self.answer == "broken":
            self.answer = "saved"
            return "", 503
        return jsonify(version=int(request.form["version"]) + 1, saved_at="2025-03-04T14:02:00Z")

    def derive(self) -> Any:
        """What follows, as a piece of page."""
        return render_template_string("<p>Ki-67 is {{ k }}</p>", k=request.form["ki67"])

    def again(self) -> Any:
        """Sign in in place."""
        if request.method == "GET":
            return render_template_string(SIGN_IN)
        if request.form["password"] != "right":
            return render_template_string(SIGN_IN + "<p>Wrong</p>"), 422
        self.answer = "saved"
        return jsonify(csrf_token=generate_csrf() + "-new")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Bare:
    """The application behind the page."""
    monkeypatch.setattr(codes, "_local", dict)  # local codes stand in a database
    return Bare()


@pytest.fixture
def page(browser: Browser, bare: Bare) -> Iterator[Page]:
    """The form, open in a window, with what goes wrong in its scripts collected."""
    client = bare.app().test_client()

    def serve(route: Route) -> None:
        asked = route.request
        answer: Response = client.open(
            asked.url.removeprefix(HOST),
            method=asked.method,
            data=asked.post_data_buffer,
            buffered=True,
            headers=[(name, text) for name, text in asked.headers.items() if name != "cookie"],
        )
        headers = {"Content-Type": answer.content_type, **web._HEADERS}
        route.fulfill(status=answer.status_code, body=answer.get_data(), headers=headers)

    problems: list[str] = []
    context = browser.new_context(locale="en-GB", timezone_id="UTC", base_url=HOST)
    context.set_default_timeout(5_000)
    context.route("**/*", serve)
    context.on("weberror", lambda error: problems.append(str(error.error)))
    context.on(
        "console",
        lambda said: problems.append(said.text) if "Content Security" in said.text else None,
    )
    page = context.new_page()
    page.goto("/form")
    yield page
    stored = page.evaluate("localStorage.length + sessionStorage.length")
    context.close()
    assert not problems
    assert stored == 0


def test_a_question_appears_when_its_condition_is_met(page: Page) -> None:
    question = page.get_by_role("group", name="Small cell")
    expect(question).to_be_hidden()

    page.get_by_label("Poor").check()
    expect(question).to_be_visible()

    page.get_by_role("button", name="Clear the answer: Differentiation").click()
    expect(question).to_be_hidden()
    expect(page.get_by_label("Poor")).not_to_be_checked()


def test_a_reason_lays_the_value_aside_and_gives_it_back(page: Page) -> None:
    value = page.get_by_label("Ki-67 (%)")
    why = page.get_by_label("Ki-67: if there is no value")
    because = page.get_by_label("Ki-67: not available because")
    value.fill("12")
    expect(because).to_be_hidden()

    why.select_option("not_available")
    expect(because).to_be_focused()
    expect(value).to_have_value("")

    why.select_option("")
    expect(value).to_have_value("12")
    expect(because).to_be_hidden()


def test_typing_a_value_takes_the_reason_back(page: Page) -> None:
    why = page.get_by_label("Ki-67: if there is no value")
    why.select_option("not_known")

    page.get_by_label("Ki-67 (%)").fill("3")

    expect(why).to_have_value("")


def test_a_draft_saves_itself_and_keeps_the_version(page: Page, bare: Bare) -> None:
    page.get_by_label("Note").fill("First")
    expect(page.get_by_text("Saved 14:02")).to_be_visible()
    page.get_by_label("Note").fill("Second")
    expect(page.locator("[name=version]")).to_have_value("3")

    assert [(draft["note"], draft["version"]) for draft in bare.drafts] == [
        ("First", "1"),
        ("Second", "2"),
    ]


def test_a_draft_is_tried_again_after_a_failure(page: Page, bare: Bare) -> None:
    bare.answer = "broken"
    page.get_by_label("Note").fill("Kept")

    expect(page.get_by_text("Not saved – retrying")).to_be_visible()
    expect(page.get_by_text("Saved 14:02")).to_be_visible()
    assert bare.drafts[-1]["note"] == "Kept"


def test_somebody_else_saved_meanwhile(page: Page, bare: Bare) -> None:
    bare.answer = "conflict"
    page.get_by_label("Note").fill("Mine")

    expect(page.get_by_text("Bob saved this at 09:30")).to_be_visible()
    expect(page.get_by_role("link", name="See the saved version")).to_be_visible()
    expect(page.get_by_label("Note")).to_have_value("Mine")


def test_signing_in_again_in_place_loses_nothing(page: Page, bare: Bare) -> None:
    bare.answer = "signed out"
    page.get_by_label("Note").fill("Long text")
    dialog = page.get_by_role("dialog", name="Sign in again")
    expect(dialog.get_by_label("Password")).to_be_focused()

    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("Wrong")).to_be_visible()
    dialog.get_by_label("Password").fill("right")
    page.keyboard.press("Enter")

    expect(dialog).to_have_count(0)
    expect(page.get_by_text("Saved 14:02")).to_be_visible()
    assert bare.drafts[-1]["note"] == "Long text"
    assert bare.drafts[-1]["csrf_token"].endswith("-new")
    assert page.locator("body").get_attribute("hx-headers:inherited", timeout=100)


def test_a_closed_dialog_does_not_come_back_by_itself(page: Page, bare: Bare) -> None:
    bare.answer = "signed out"
    page.get_by_label("Note").fill("Text")
    page.get_by_role("button", name="Close").click()

    expect(page.get_by_role("button", name="Sign in again")).to_be_visible()
    page.get_by_label("Note").fill("More text")
    page.wait_for_timeout(1800)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_what_follows_appears_as_it_is_typed(page: Page) -> None:
    page.get_by_label("Ki-67 (%)").fill("25")
    expect(page.get_by_text("Ki-67 is 25")).to_be_visible()


def test_a_form_is_sent_once(page: Page, bare: Bare) -> None:
    page.get_by_label("Note").fill("Once")
    page.get_by_role("button", name="Send").dblclick()

    expect(page).to_have_title("Sent")
    assert [(sent["note"], sent["step"]) for sent in bare.sent] == [("Once", "send")]


def test_a_form_that_fetched_a_file_is_sent_afterwards(page: Page, bare: Bare) -> None:
    page.get_by_label("Note").fill("Once")
    page.get_by_role("button", name="Save a draft").click()
    page.get_by_role("button", name="Send").click()

    expect(page).to_have_title("Sent")
    assert [sent["step"] for sent in bare.sent] == ["file", "send"]


def test_only_the_button_or_ctrl_enter_sends(page: Page, bare: Bare) -> None:
    page.get_by_label("Ki-67 (%)").press("Enter")
    page.wait_for_timeout(200)
    assert not bare.sent

    page.get_by_label("Note").press("Control+Enter")
    expect(page).to_have_title("Sent")
    assert [sent["step"] for sent in bare.sent] == ["send"]


def test_a_code_is_found_by_typing(page: Page, bare: Bare) -> None:
    box = page.get_by_role("combobox", name="Topography", exact=True)
    box.press_sequentially("ileum")
    expect(page.get_by_role("option", name=re.compile("Ileum"))).to_be_visible()

    box.press("ArrowDown")
    box.press("Enter")

    expect(box).to_have_value(re.compile("^C17.2 "))
    expect(page.get_by_role("listbox")).to_be_hidden()
    assert not bare.sent
