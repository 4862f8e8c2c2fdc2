"""Bringing existing data in: maps, files, and what was imported from where."""
