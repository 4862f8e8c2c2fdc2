"""The pages of referrals: writing one, reading and deciding one, and the lists."""

from registry.referrals.views import case, files, lists, write
from registry.referrals.views.room import room

__all__ = ["case", "files", "lists", "room", "write"]
