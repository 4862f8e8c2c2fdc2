"""The NET registry. `create_app()` is the only place that knows all rooms."""

from __future__ import annotations

import logging
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from flask import Flask, redirect, url_for
from flask_babel import Babel
from jinja2 import StrictUndefined
from sqlalchemy.orm import configure_mappers
from werkzeug.middleware.proxy_fix import ProxyFix

from config import ROOT, Settings
from registry import (
    audit,
    away,
    dictionary,
    jobs,
    keys,
    kit,
    logs,
    probes,
    web,
)
from registry.access import Right
from registry.db import Base, db
from registry.language import lazy_gettext as _l
from registry.operations import production
from registry.people.models import REFERENCE_CENTRE

#: Rooms with tables.
ROOMS = (
    "people", "knowledge", "patients", "course", "referrals", "boards", "research", "interop",
)  # fmt: skip
#: Rooms with pages, in the order of the navigation.
PAGES = (
    "people", "patients", "referrals", "course", "chart", "boards", "research", "interop",
    "knowledge",
)  # fmt: skip

NAVIGATION = (
    web.Place(_l("Worklist"), "referrals.worklist", Right.TRIAGE),
    web.Place(_l("Late"), "referrals.late", Right.SEE_LATE, kind=REFERENCE_CENTRE),
    web.Place(_l("Boards"), "boards.index", Right.BOARDS),
    web.Place(_l("Referrals"), "referrals.mine", Right.FOLLOW_REFERRALS),
    web.Place(_l("Board advice"), "boards.open_letters", Right.FOLLOW_REFERRALS),
    web.Place(_l("Patients"), "patients.index", Right.READ_RECORD),
    web.Place(_l("Follow-up due"), "course.due", Right.FOLLOW_UP),
    web.Place(_l("Waiting times"), "referrals.waiting_times", Right.WAITING_TIMES),
    web.Place(_l("Figures of the boards"), "boards.figures", Right.WAITING_TIMES_OF_ALL),
    web.Place(_l("Trials"), "boards.trials", Right.WAITING_TIMES_OF_ALL),
    web.Place(_l("Research"), "research.index", Right.MAKE_RELEASE),
    web.Place(_l("Data access"), "research.grants", Right.GRANT),
    web.Place(_l("Same patient?"), "matching.index", Right.MATCH),
    web.Place(_l("Bring data in"), "interop.index", Right.BRING_IN),
    web.Place(_l("Administration"), "people.administration", Right.OFFICE),
)


def all_models() -> None:
    """Import every room's tables, so that the metadata is whole."""
    import_module("registry.audit")
    import_module("registry.health")
    import_module("registry.rekeying")
    for room in ROOMS:
        import_module(f"registry.{room}.models")
    import_module("registry.patients.matching.models")


def all_rooms() -> None:
    """Import what every application needs: each that a process makes is then there at once."""
    all_models()
    for room in PAGES:
        import_module(f"registry.{room}.views")
    configure_mappers()


def create_app(settings: Settings | None = None, *, serving: bool = True) -> Flask:
    """The application for these settings, or for those of the environment.

    Raises Unsafe when it would serve production with settings that are not safe for it.
    """
    settings = settings or Settings.load()
    app = Flask("registry", template_folder=str(ROOT / "templates"), static_folder=None)
    app.static_folder = str(ROOT / "static")
    app.add_url_rule("/static/<path:filename>", "static", app.send_static_file)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_pre_ping": not settings.database_url.startswith("sqlite"),
            "hide_parameters": True,  # the text of an error never holds what was in a record
            "connect_args": _connecting(settings),
        },
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=settings.environment == "production",
        SEND_FILE_MAX_AGE_DEFAULT=3600,
        MAX_CONTENT_LENGTH=2 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        MAX_FORM_PARTS=5000,
        TESTING=settings.environment == "testing",
        BABEL_TRANSLATION_DIRECTORIES=str(
            settings.extra.get("translations", ROOT / "registry" / "translations")
        ),
        BABEL_DEFAULT_LOCALE=settings.languages[0],
    )
    app.extensions["netreg_settings"] = settings
    app.extensions["netreg_keys"] = _key_holder(settings, serving)
    app.extensions["netreg_version"] = _version()
    if settings.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies
        )
    app.jinja_environment = kit.Templates
    app.jinja_options = {**app.jinja_options, "undefined": StrictUndefined}
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    db.init_app(app)
    away.keep_missing_file_missing(app)
    Babel(app, locale_selector=lambda: settings.languages[0])
    kit.install(app)
    all_models()
    _put_actions_in_words()
    logs.install(app)
    probes.install(app)
    web.install(app)
    for room in PAGES:
        app.register_blueprint(import_module(f"registry.{room}.views").room)
    for part in (
        "patients.matching.views",
        "knowledge.views_support",
        "chart.views_documents",
        "chart.views_letters",
        "research.cohorts.views",
        "research.requests.views",
        "research.statistics.views",
        "research.subjects.views",
    ):
        app.register_blueprint(import_module(f"registry.{part}").room)
    import_module("registry.chart.views_letters").put_on_chart(app)
    import_module("registry.boards.on_chart").put_on_chart(app)
    import_module("registry.boards.sealed").watch()
    for handlers in (
        "audit_jobs", "people.jobs", "patients.documents.jobs", "patients.matching.jobs",
        "course.joining", "course.jobs", "referrals.jobs", "boards.jobs", "research.jobs",
    ):  # fmt: skip
        import_module(f"registry.{handlers}")
    from registry.course import intervals
    from registry.patients import queries as patient_queries
    from registry.people import forms as people_forms
    from registry.people import queries as people_queries
    from registry.people import views as people_views
    from registry.referrals import level1 as referral_level1
    from registry.referrals import queries as referral_queries
    from registry.referrals import targets

    import_module("registry.interop.jobs")
    import_module("registry.patients.rekeying")  # what a rotation of keys has to reach
    people_views.manager.init_app(app)
    app.extensions["netreg_nobody"] = people_views.manager.anonymous_user
    app.extensions["netreg_navigation"] = NAVIGATION
    app.extensions["netreg_find_viewer"] = people_views.find_viewer
    app.extensions["netreg_sign_in_form"] = people_forms.SignInForm
    app.extensions["netreg_patient_of_pseudonym"] = patient_queries.id_of_pseudonym
    app.extensions["netreg_entry_kinds"] = entry_kinds
    app.extensions["netreg_pseudonyms"] = patient_queries.pseudonyms_of
    app.extensions["netreg_unread"] = people_queries.unread
    app.extensions["netreg_notice_link"] = notice_link
    app.extensions["netreg_notice_about"] = referral_queries.pseudonyms
    app.extensions["netreg_level1_of_referral"] = referral_level1.items
    app.extensions["netreg_refused_passwords"] = refused_passwords(settings)
    app.extensions["netreg_demo_emails"] = demo_emails
    app.extensions["netreg_demo_accounts"] = lambda: demo_accounts()
    targets.read(settings.urgency_targets)
    intervals.read(settings.follow_up_intervals)  # a table with a mistake stops the start
    jobs.connect(app)

    @app.get("/", endpoint="home")
    def home() -> Any:
        """The first page of one's role."""
        for place in NAVIGATION:
            if place.open_to(web.viewer()):
                return redirect(place.url, 303)
        return redirect(url_for("people.account"), 303)

    web.state_right("home", Right.SIGNED_IN)
    web.refuse_open_views(app)
    if serving and settings.environment == "production":
        production.refuse_unsafe(app)
    logging.getLogger("netreg").setLevel(logging.INFO)
    return app


def _key_holder(settings: Settings, serving: bool) -> keys.Holder:
    """Where the keys are. In production none are made by themselves: a path mistyped would give
    new keys that open nothing. What cannot be used is refused below, by its name."""
    production_start = settings.environment == "production"
    try:
        return keys.Holder(settings.keys, settings.key_place, make=not production_start)
    except (OSError, ValueError):
        if serving and production_start:
            return keys.Holder(keys.to_json(keys.fresh()), settings.key_place)
        raise


def _connecting(settings: Settings) -> dict[str, Any]:
    """A server that does not answer is given up soon: people are told instead of left waiting."""
    if settings.database_url.startswith("sqlite"):
        return {}
    return {"connect_timeout": 5, "keepalives_idle": 30, "tcp_user_timeout": 20_000}


def _put_actions_in_words() -> None:
    """What the audit says of entries and steps, in the words of their rooms."""
    from registry.referrals import rules

    for model in dictionary.entities(Base):
        label = model.entity_label
        audit.learn(
            {
                f"added {model.entity}": _l("Added: %(what)s", what=label),
                f"changed {model.entity}": _l("Changed: %(what)s", what=label),
                f"linked {model.entity}": _l("Linked to a tumour: %(what)s", what=label),
                f"derived {model.entity} anew": _l("Derived anew: %(what)s", what=label),
                f"opened {model.entity}": _l("Opened: %(what)s", what=label),
                f"marked as entered in error: {model.entity}": _l(
                    "Marked as entered in error: %(what)s", what=label
                ),
                f"restored: {model.entity}": _l("Restored: %(what)s", what=label),
                f"opened new {model.entity}": _l("Opened a new: %(what)s", what=label),
                f"opened {model.entity} table": _l("Opened a table: %(what)s", what=label),
            }
        )
    audit.learn(
        {
            "opened biomarker table": _l("Opened: %(what)s", what=_l("Table of laboratory values")),
            "opened entries made in error": _l(
                "Opened: %(what)s", what=_l("Entries made in error")
            ),
        }
    )
    audit.learn(
        {
            f"referral: {step.replace('_', ' ')}": _l("Referral: %(what)s", what=what)
            for step, what in rules.TAKEN.items()
        }
    )


def notice_link(kind: str, subject_id: object) -> str:
    """Where the subject of a notice is looked at."""
    endpoint, name = {
        "referral": ("referrals.case", "referral_id"),
        "account_request": ("people.requests", ""),
        "confirmation": ("people.requests", ""),
        "cover": ("people.account", ""),
        "meeting": ("boards.meeting", "meeting_id"),
        "agenda_need": ("boards.asked", ""),
        "recommendation": ("boards.recommendation", "recommendation_id"),
        "release": ("research.release", "release_id"),
        "upload": ("interop.upload", "upload_id"),
        "import": ("interop.imported", "import_id"),
        "export": ("interop.export", "export_id"),
        "grant": ("research.index", ""),
        "match": ("matching.pair", "match_id"),
        "patient_merge": ("matching.joined", "merge_id"),
        "late": ("referrals.late", ""),
        "access_request": ("requests.request_page", "access_request_id"),
    }[kind]
    values: dict[str, Any] = {name: subject_id} if name else {}
    return url_for(endpoint, **values)


def entry_kinds() -> dict[str, Any]:
    """The kinds of entries of a record in words, for the audit."""
    return {model.entity: model.entity_label for model in dictionary.entities(Base)}


def refused_passwords(settings: Settings) -> frozenset[str]:
    """The demonstration's password is public: in production it opens no account."""
    from registry import demo

    return frozenset({demo.PASSWORD} if settings.environment == "production" else ())


def demo_emails() -> frozenset[str]:
    """The addresses that the demonstration's accounts have."""
    from registry.demo import network

    return frozenset(one.email for one in network.STAFF)


def demo_accounts() -> list[object]:
    """The demo network's sign-ins, shown only while it is loaded."""
    from registry import demo

    return list(demo.accounts())


def _version() -> str:
    try:
        return version("netreg")
    except PackageNotFoundError:
        return "0"
