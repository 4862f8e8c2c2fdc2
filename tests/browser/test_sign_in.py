"""Somebody who has just started the product, and signs in with the keyboard."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from registry.demo import network


def test_the_first_page_asks_who_is_there_and_the_keyboard_is_enough(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_label("E-mail").focus()
    page.keyboard.type("coordinator@demo.example")
    page.keyboard.press("Tab")
    page.keyboard.type(network.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation").first).to_contain_text("Worklist")
