"""Pages for those who bring a centre's data in and take them out."""

from registry.interop.views import columns, exports, imports, maps, uploads
from registry.interop.views.room import room

__all__ = ["columns", "exports", "imports", "maps", "room", "uploads"]
