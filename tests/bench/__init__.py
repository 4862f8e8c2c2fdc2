"""Measurements: what a page costs, against the least it could cost."""
