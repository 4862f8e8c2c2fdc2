"""The clinical rules, their limits, tables and sources, as they are in `registry/clinical`."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import render_template

from registry import web
from registry.access import Right
from registry.clinical import handbook
from registry.errors import NotFound

room = web.Room("knowledge", __name__)


@cache
def _chapters() -> dict[str, handbook.Chapter]:
    return {chapter.name: chapter for chapter in handbook.chapters()}


@room.page("/how", right=Right.SIGNED_IN)
def index() -> Any:
    """The subjects."""
    return render_template("knowledge/index.html", chapters=list(_chapters().values()))


@room.page("/how/<subject>", right=Right.SIGNED_IN)
def chapter(subject: str) -> Any:
    """One subject: what the rule says, its limits, its functions and tables."""
    found = _chapters().get(subject)
    if found is None:
        raise NotFound()
    return render_template(
        "knowledge/chapter.html", chapter=found, chapters=list(_chapters().values())
    )
