"""Which centre is suggested, and why; what the public directory says."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from registry.db import db, now
from registry.referrals import queries
from registry.referrals.rules import suggesting
from registry.referrals.rules.suggesting import Candidate, Need, Reason, suggest
from tests import make, make_referrals

NEAR, FAR, LUNG, BUSY = (UUID(int=number) for number in range(1, 5))
GUT = frozenset({"small_bowel", "pancreas"})


def centre(centre_id, name="", **about):
    facts = {"country": "NL", "sites": GUT, "services": frozenset({"prrt", "sstr_pet"}), **about}
    return Candidate(id=centre_id, name=name or str(centre_id), **facts)


def order(need, *centres):
    return [one.id for one in suggest(need, centres)]


def test_what_a_centre_takes_comes_before_where_it_is():
    need = Need(question="prrt_suitability", site_group="pancreas", country="NL")
    lung = centre(LUNG, sites=frozenset({"lung"}))
    abroad = centre(FAR, country="DE")
    assert order(need, lung, abroad) == [FAR, LUNG]
    first, last = suggest(need, [lung, abroad])
    assert (first.fits, last.fits) == (True, False)
    assert Reason("site", False, "pancreas") in last.reasons


def test_a_service_weighs_more_than_a_country():
    need = Need(question="prrt_suitability", site_group="pancreas", country="NL")
    without = centre(NEAR, services=frozenset())
    assert order(need, without, centre(FAR, country="DE")) == [FAR, NEAR]


@pytest.mark.parametrize(
    ("question", "site", "high", "needed"),
    [
        ("prrt_suitability", "pancreas", False, ("prrt", "sstr_pet")),
        ("surgery_suitability", "pancreas", False, ("hpb_surgery",)),
        ("surgery_suitability", "lung", False, ("thoracic_surgery",)),
        ("surgery_suitability", "small_bowel", False, ("endocrine_surgery",)),
        ("treatment_options", "pancreas", True, ("sstr_pet", "prrt", "trials")),
        ("trial", "pancreas", True, ("trials",)),
        ("second_opinion", "pancreas", False, ()),
    ],
)
def test_what_a_question_needs(question, site, high, needed):
    assert suggesting.needed(Need(question, site, high)) == needed


def test_a_centre_that_does_not_take_the_country_stands_last():
    need = Need(site_group="pancreas", country="NL")
    closed = centre(NEAR, countries=frozenset({"SE"}), services=frozenset({"prrt"}))
    assert order(need, closed, centre(FAR, country="IT")) == [FAR, NEAR]


def test_distance_waiting_and_free_places_decide_between_equals():
    need = Need(site_group="pancreas", country="NL", latitude=52.5, longitude=4.7)
    near = centre(NEAR, latitude=52.2, longitude=5.0)
    far = centre(FAR, latitude=44.5, longitude=11.0)
    assert order(need, far, near) == [NEAR, FAR]
    slow = centre(BUSY, waiting_days=40.0, latitude=52.2, longitude=5.0)
    quick = centre(FAR, waiting_days=7.0, latitude=52.2, longitude=5.0)
    assert order(need, slow, quick) == [FAR, BUSY]
    full = centre(BUSY, weekly_capacity=10, open_cases=60)
    free = centre(FAR, weekly_capacity=10, open_cases=2)
    assert order(need, full, free) == [FAR, BUSY]
    assert Reason("busy", False, "6") in suggest(need, [full])[0].reasons


def test_equals_stand_by_name():
    assert order(Need(), centre(FAR, "Beta"), centre(NEAR, "Alpha")) == [NEAR, FAR]


def test_distance():
    # Amsterdam to Rome, great circle: 1297 km (haversine of the published coordinates).
    assert suggesting.distance_km(52.37, 4.90, 41.90, 12.50) == pytest.approx(1297, abs=5)
    assert suggesting.distance_km(None, 1.0, 2.0, 3.0) is None


# -- the directory -----------------------------------------------------------------------------


def test_the_directory_is_open_to_everybody_and_tells_no_small_number(client):
    net = make_referrals.network()
    net.centre.sites, net.centre.services = ["pancreas"], ["prrt"]
    net.centre.latitude, net.centre.longitude = 52.2, 5.0
    net.centre.cutoff_weekday, net.centre.cutoff_time = 0, "12:00"
    page = client.get("/centres").text
    assert "Centre 1" in page
    assert "too few cases to say" in page
    assert "Monday 12:00" in page
    assert "europe.svg" in page
    assert f'href="#{net.centre.code}"' in page
    assert "Hospital A" not in page
    only = client.get("/centres?country=DE&service=prrt").text
    assert "No centre fits" in only
    net.centre.in_directory = False
    assert "Centre 1" not in client.get("/centres").text


def test_time_to_advice_is_the_median_of_the_last_90_days(client):
    net = make_referrals.network()
    days = [2, 4, 6, 8, 100]
    for number, waited in enumerate(days):
        sent = make_referrals.referral(net, "advised", family_name=f"Zonneveld{number}")
        sent.submitted_at, sent.advised_at = now() - timedelta(days=waited), now()
    old = make_referrals.referral(net, "advised", family_name="Bakker")
    old.submitted_at = now() - timedelta(days=400)
    old.advised_at = now() - timedelta(days=91)
    [(_place, found)] = [row for row in queries.directory() if row[0].id == net.centre.id]
    assert found.waiting_days == pytest.approx(6, abs=0.1)
    assert "6 days" in client.get("/centres").text
    sent.advised_at = None
    db.session.flush()
    assert queries.directory()[0][1].waiting_days is None


def test_the_form_suggests_and_the_doctor_decides(client):
    net = make_referrals.network()
    net.centre.sites, net.other_centre.sites = ["lung"], ["pancreas"]
    net.other_centre.services = ["prrt", "sstr_pet"]
    draft = make_referrals.draft(net)
    make.sign_in(client, net.alice)
    typed = make_referrals.typed(centre=str(net.centre.id))
    answer = make.post(client, f"/referrals/{draft.id}/derive", typed)
    first, second = answer.text.index("Centre 2"), answer.text.index("Centre 1")
    assert first < second
    assert "does not take: Pancreas" in answer.text
    assert "in the same country" in answer.text
    assert draft.to_organisation_id == net.centre.id
