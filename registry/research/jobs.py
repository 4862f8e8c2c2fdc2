"""The worker's making of releases."""

from __future__ import annotations

from uuid import UUID

from registry.db import db
from registry.jobs import job
from registry.research.releases import actions, making
from registry.research.statistics import network


@job("research.make_release", sweep=True, long=True)
def make_release(release_id: str = "") -> None:
    """Make the release that was asked for; without one, all that wait or were left by the dead.

    One that fails says so itself and must not keep the others from being made.
    """
    db.session.rollback()
    for one in [UUID(release_id)] if release_id else making.waiting():
        try:
            making.make(one)
        except Exception:
            db.session.rollback()
            making.log.warning("release %s was not made", one)
    if not release_id:
        making.clear_up()


@job("research.remind", sweep=True)
def remind() -> None:
    """Tell researchers that their grants end soon."""
    db.session.rollback()
    actions.remind_of_the_end()
    db.session.commit()


@job("research.network_figures", sweep=True)
def network_figures() -> None:
    """Tell the figures of the network anew, when it is time and enough has changed."""
    db.session.rollback()
    network.make_when_due()
    db.session.commit()
