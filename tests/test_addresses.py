"""Addresses that are looked up are those that Flask makes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask import Flask, g, url_for

from registry import web

ONE = UUID("01900000-0000-7000-8000-000000000001")


@pytest.fixture
def site() -> Flask:
    """An application with a page whose address has a part of its own, and one without."""
    app = Flask("site")
    for rule, endpoint in (
        ("/list", "list"), ("/case/<uuid:case_id>", "case"),
        ("/sorted/<way>", "sorted"), ("/sorted", "sorted"),
    ):  # fmt: skip
        app.add_url_rule(rule, endpoint)
    app.extensions["netreg_addresses"] = {}
    app.before_request(web.know_addresses)
    return app


@pytest.mark.parametrize("root", ["", "/registry"])
@pytest.mark.parametrize(
    ("endpoint", "values"),
    [
        ("list", {}),
        ("list", {"state": "submitted", "overdue": "1", "columns": None}),
        ("list", {"after": f"2_2027-02-05_{ONE}", "page": 2, "q": "a b/ü&=?:;+"}),
        ("list", {"one": [1, 2]}),
        ("list", {"_anchor": "there", "_external": True}),
        ("case", {"case_id": ONE, "row": 3}),
        ("sorted", {}),
        ("sorted", {"way": "up"}),
    ],
)
def test_an_address_is_the_one_flask_makes(
    site: Flask, root: str, endpoint: str, values: dict[str, Any]
) -> None:
    with site.test_request_context("/list", base_url=f"http://localhost{root}"):
        site.preprocess_request()
        wanted = url_for(endpoint, **values)
        assert web.address(endpoint, **values) == wanted
        assert web.address(endpoint, **values) == wanted  # and when it is known
        assert list(g.addresses) == [endpoint]
    assert root in wanted


def test_an_address_known_under_one_root_is_not_given_under_another(site: Flask) -> None:
    found = []
    for root in ("", "/registry", ""):
        with site.test_request_context("/list", base_url=f"http://localhost{root}"):
            site.preprocess_request()
            found.append(web.address("list"))
    assert found == ["/list", "/registry/list", "/list"]
