"""What machines ask: is it alive, can it work, and how does it do. Nothing of a patient, and
nothing of who is asking."""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, abort, current_app, g, jsonify, request
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from registry import health, web
from registry.access import Right
from registry.audit import AuditSeal
from registry.away import RETRY_SECONDS
from registry.db import db, now
from registry.logs import UNWRITTEN

#: Where gunicorn's processes put their counts together; set before this module is imported.
SHARED = "PROMETHEUS_MULTIPROC_DIR"
NEEDED = ("database", "storage")
_STATES = {health.GOOD: 0.0, health.WARNING: 1.0, health.BAD: 2.0}

_here = CollectorRegistry()
_SECONDS = Histogram(
    "netreg_request_seconds",
    "How long answers took, by endpoint",
    ["endpoint", "method", "status"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=_here,
)


def healthz() -> Any:
    """Does this process answer? The database is not asked."""
    return jsonify(alive=True)


def readyz() -> Any:
    """Can it work: is the database reachable and migrated, can files be written?"""
    found = {row.name: row.state for row in health.rows(NEEDED)}
    ready = health.BAD not in found.values()
    response = jsonify(ready=ready, **found)
    if not ready:
        response.status_code = 503
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def metrics() -> Any:
    """For Prometheus, who says the token of NETREG_METRICS_TOKEN; without one there is no page."""
    token: str = current_app.extensions["netreg_settings"].metrics_token
    if not token:
        abort(404)
    said = request.headers.get("Authorization", "")
    if not hmac.compare_digest(said.encode(), f"Bearer {token}".encode()):
        abort(401)
    if os.environ.get(SHARED):
        counted = CollectorRegistry()
        MultiProcessCollector(counted)
    else:
        counted = _here
    house = CollectorRegistry()
    house.register(_House())
    text = generate_latest(counted) + generate_latest(house)
    return Response(text, content_type=CONTENT_TYPE_LATEST)


class _House(Collector):
    """The checks of the health page as numbers."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family for the states, one for each number."""
        version = GaugeMetricFamily("netreg_info", "The version that answers", labels=["version"])
        version.add_metric([current_app.extensions["netreg_version"]], 1)
        yield version
        states = GaugeMetricFamily(
            "netreg_check", "State of a check: 0 good, 1 warning, 2 bad", labels=["check"]
        )
        numbers: list[GaugeMetricFamily] = []
        for row in health.rows():
            states.add_metric([row.name], _STATES[row.state])
            numbers += [
                GaugeMetricFamily(f"netreg_{row.name}_{name}", f"{row.name}: {name}", value=value)
                for name, value in row.numbers.items()
            ]
        yield states
        yield from numbers
        yield from _seal_age()


def _seal_age() -> Iterator[GaugeMetricFamily]:
    try:
        at = db.session.scalar(sa.select(AuditSeal.at).order_by(AuditSeal.id.desc()).limit(1))
    except sa.exc.SQLAlchemyError:  # the check of the database says so
        db.session.rollback()
        return
    if at is not None:
        yield GaugeMetricFamily(
            "netreg_audit_seal_age_seconds",
            "Since the audit was sealed last",
            value=(now() - at).total_seconds(),
        )


def _count(response: Response) -> Response:
    if request.endpoint and request.endpoint not in UNWRITTEN and "begun" in g:
        _SECONDS.labels(request.endpoint, request.method, str(response.status_code)).observe(
            time.perf_counter() - g.begun
        )
    return response


def install(app: Flask) -> None:
    """Add the three addresses, and count every other one."""
    app.after_request(_count)
    for view in (healthz, readyz, metrics):
        app.add_url_rule(f"/{view.__name__}", view.__name__, view)
        web.state_right(view.__name__, Right.ANYONE)
