"""The pages of referrals: writing one, reading and deciding one, and the lists."""

from registry.referrals.views import (
    case,
    centres,
    days,
    files,
    lists,
    texts,
    waiting,
    work_out,
    work_team,
    work_views,
    worklist,
    write,
)
from registry.referrals.views.room import room

__all__ = [
    "case",
    "centres",
    "days",
    "files",
    "lists",
    "room",
    "texts",
    "waiting",
    "work_out",
    "work_team",
    "work_views",
    "worklist",
    "write",
]
