"""Requests for access: what is asked for and why, the votes, and what was decided."""
