"""States of imports, of files that wait, and of exports; how long they wait."""

from __future__ import annotations

from datetime import timedelta

from registry.language import lazy_gettext as _l

# -- imports -------------------------------------------------------------------------------------

WRITING, DONE, UNDOING, UNDONE = "writing", "done", "undoing", "undone"
IMPORT_STATES = {
    WRITING: _l("Being brought in"),
    DONE: _l("Brought in"),
    UNDOING: _l("Being undone"),
    UNDONE: _l("Undone"),
}

# -- files that wait -----------------------------------------------------------------------------

UPLOADED, CHECKING, CHECKED = "uploaded", "checking", "checked"
ASKED, BRINGING = "asked", "bringing"
BROUGHT, FAILED, DISCARDED = "brought", "failed", "discarded"
ASKED_CHECK = "asked_check"
UPLOAD_STATES = {
    UPLOADED: _l("Map to be made"),
    ASKED_CHECK: _l("Waiting to be checked"),
    CHECKING: _l("Being checked"),
    CHECKED: _l("Checked"),
    ASKED: _l("Waiting to be brought in"),
    BRINGING: _l("Being brought in"),
    BROUGHT: _l("Brought in"),
    FAILED: _l("Could not be read"),
    DISCARDED: _l("Thrown away"),
}
UNDER_WAY = (ASKED_CHECK, CHECKING, ASKED, BRINGING)
#: States in which the map and the shape of the file may be changed.
EDITABLE = (UPLOADED, CHECKED, FAILED)
PHASES = {
    "": _l("Waiting for the worker"),
    "reading": _l("Reading"),
    "checking": _l("Checking"),
    "writing": _l("Writing"),
    "correcting": _l("Applying corrections"),
    "showing": _l("Finishing"),
}

#: A file that nobody goes on with is thrown away after this.
KEPT = timedelta(days=14)
#: Its largest size in bytes; see `views.allow_large_files`.
LARGEST = 40 * 1024 * 1024

# -- exports -------------------------------------------------------------------------------------

MAKING, MADE, CANCELLED, EXPIRED = "making", "made", "cancelled", "expired"
EXPORT_STATES = {
    ASKED: _l("Asked for"),
    MAKING: _l("Being made"),
    MADE: _l("Made"),
    FAILED: _l("Failed"),
    CANCELLED: _l("Cancelled"),
    EXPIRED: _l("Removed"),
}
EXPORT_UNDER_WAY = (ASKED, MAKING)
#: An export can be downloaded for so long; it names patients.
EXPORT_KEPT = timedelta(days=3)
EXPORT_KINDS = {"csv": _l("CSV files in one ZIP"), "xlsx": _l("Excel workbook (XLSX)")}

# -- the worker ----------------------------------------------------------------------------------

#: A maker that shows no sign of life for so long is taken for dead.
SILENT = timedelta(seconds=60)
#: What kills its maker this often is given up.
ATTEMPTS = 3
