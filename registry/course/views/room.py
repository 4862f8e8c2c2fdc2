"""The room that all pages of the course belong to."""

from registry import web

room = web.Room("course", __name__)
