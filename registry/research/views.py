"""The room's own pages: grants and releases. Cohorts, requests and analyses have theirs."""

from registry.research.releases.views import room

__all__ = ["room"]
