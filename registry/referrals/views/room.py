"""The room that all pages of referrals belong to."""

from registry import web

room = web.Room("referrals", __name__)
