"""Four processes decide the same referral at once: exactly one wins, the others are told."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from config import Settings
from registry import create_app
from registry.db import db
from registry.errors import Conflict
from registry.people import queries as people
from registry.referrals import actions, queries
from registry.referrals.models import Referral, ReferralEvent
from tests import make_referrals

ROUNDS = 5
#: What each of the four wants.
WISHES = (
    ("chris.chen@example.org", "accept", {}),
    ("carla.cohen@example.org", "decline", {"text": "No capacity."}),
    ("carla.cohen@example.org", "request_information", {"text": "Which Ki-67?"}),
    ("alice.adler@example.org", "withdraw", {"text": "Moved abroad."}),
)


def decide(url, instance, ids, email, step, needs, together, outcome):
    """One process: see every referral, then, together with the others, take the step."""
    settings = Settings(
        database_url=url, instance=Path(instance), secret_key="x", environment="testing"
    )
    app = create_app(settings)
    with app.app_context():
        by = people.viewer_of_person(people.person_by_email(email))
        seen = {one: queries.referral(by, UUID(one)).version for one in ids}
        db.session.rollback()
        for one in ids:
            together.wait(timeout=60)
            try:
                referral = queries.referral(by, UUID(one))
                actions.take(referral, step, by=by, version=seen[one], **needs)
                db.session.commit()
                outcome.put((one, step, "won"))
            except Conflict as conflict:
                db.session.rollback()
                outcome.put((one, step, conflict.message))


def test_exactly_one_of_four_processes_wins(app):
    net = make_referrals.network()
    made = [make_referrals.referral(net, family_name=f"Round{n}") for n in range(ROUNDS)]
    ids = [str(one.id) for one in made]
    db.session.commit()
    settings = app.extensions["netreg_settings"]
    # One server imports the product once, and each process is a fork of it before any database.
    apart = multiprocessing.get_context("forkserver")
    ours = sorted(name for name in sys.modules if name.startswith("registry."))
    apart.set_forkserver_preload([__name__, *ours])
    together, outcome = apart.Barrier(len(WISHES)), apart.Queue()
    processes = [
        apart.Process(
            target=decide,
            args=(
                settings.database_url, str(settings.instance), ids, *wish, together, outcome,
            ),
        )
        for wish in WISHES
    ]  # fmt: skip
    for process in processes:
        process.start()
    told = [outcome.get(timeout=90) for _ in range(ROUNDS * len(WISHES))]
    for process in processes:
        process.join(timeout=30)
        assert process.exitcode == 0
    db.session.expire_all()
    for one in ids:
        answers = [(step, text) for of, step, text in told if of == one]
        winners = [step for step, text in answers if text == "won"]
        assert len(winners) == 1
        assert all("was first" in text for step, text in answers if step not in winners)
        stands = db.session.get(Referral, UUID(one))
        steps = db.session.scalars(
            sa.select(ReferralEvent.step).where(ReferralEvent.referral_id == stands.id)
        ).all()
        assert sorted(steps) == sorted(["submit", winners[0]])
