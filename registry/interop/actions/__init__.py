"""Writing: bringing files in, files that wait, the maps a centre keeps, undoing, and exports."""

from registry.interop.actions.bringing import (
    apply,
    bring_in,
    new_import,
    one_at_a_time,
    record,
)
from registry.interop.actions.exports import ask_export, cancel_export, hand_out
from registry.interop.actions.maps import save_map
from registry.interop.actions.undo import ask_undo
from registry.interop.actions.uploads import (
    add_file,
    ask_check,
    ask_import,
    cancel,
    discard,
    redraft,
    reshape,
    take_in,
    text_of,
)
from registry.interop.planning import content_index, source_id_index

__all__ = [
    "add_file",
    "apply",
    "ask_check",
    "ask_export",
    "ask_import",
    "ask_undo",
    "bring_in",
    "cancel",
    "cancel_export",
    "content_index",
    "discard",
    "hand_out",
    "new_import",
    "one_at_a_time",
    "record",
    "redraft",
    "reshape",
    "save_map",
    "source_id_index",
    "take_in",
    "text_of",
]
