"""What the audit says of importing and exporting, in words."""

from __future__ import annotations

from registry import audit
from registry.language import lazy_gettext as _l

audit.learn(
    {
        "imported": _l("Brought a source in"),
        "imported patient": _l("Registered the patient by an import"),
        "undid import": _l("Undid an import"),
        "asked to undo import": _l("Asked to undo an import"),
        "took in a file": _l("Sent a file to be brought in"),
        "opened a file": _l("Opened a file that waits to be brought in"),
        "opened import": _l("Opened an import"),
        "checked a file": _l("Had a file checked"),
        "asked to bring in": _l("Asked to bring a file in"),
        "brought a file in": _l("Brought a file in"),
        "stopped": _l("Stopped the work on a file"),
        "threw a file away": _l("Threw a file away"),
        "saved map": _l("Saved a map"),
        "asked for the centre's data": _l("Asked for the centre's own data"),
        "made the centre's data": _l("Had the centre's own data made"),
        "removed the centre's data": _l("Removed a file of the centre's own data"),
        "downloaded the centre's data": _l("Downloaded the centre's own data"),
        "exported patient": _l("Took the patient's data out with the centre's own"),
    }
)
