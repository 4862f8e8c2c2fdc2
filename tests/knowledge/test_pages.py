"""How this is derived: every subject has its page, with its limits and sources."""

from __future__ import annotations

import pytest

from registry.access import Role
from registry.clinical import handbook
from tests import make


@pytest.mark.parametrize("subject", [chapter.name for chapter in handbook.chapters()])
def test_every_subject_has_its_page(client, subject):
    make.sign_in(client, make.person(make.hospital(), Role.REFERRER))
    assert f'href="/how/{subject}"' in client.get("/how").text
    assert client.get(f"/how/{subject}").status_code == 200


def test_the_grading_page_shows_the_limits_and_where_they_are_from(client):
    make.sign_in(client, make.person(make.hospital(), Role.REFERRER))
    page = client.get("/how/grading").text
    assert "grade_thresholds" in page
    assert "S01" in page  # the source of the digestive limits


def test_an_unknown_subject_is_not_found(client):
    make.sign_in(client, make.person(make.hospital(), Role.REFERRER))
    assert client.get("/how/astrology").status_code == 404
