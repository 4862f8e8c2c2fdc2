"""Staging texts are licensed: the operator decides whether stages are derived here."""

from __future__ import annotations

from flask import current_app


def may_derive_stages() -> bool:
    """Does this installation derive stage groups? (STAGING_LICENSED, docs/decisions/0006)"""
    return bool(current_app.extensions["netreg_settings"].staging_licensed)
