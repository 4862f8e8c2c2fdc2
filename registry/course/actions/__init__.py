"""Writing the course: add and change entries, derive beside them, open a record from facts."""

from registry.course.actions.accepting import accept
from registry.course.actions.dates import date_problems
from registry.course.actions.entry import add, change
from registry.course.actions.mistakes import mark_error, restore
from registry.course.actions.opening import open_record
from registry.course.actions.undoing import undo

__all__ = [
    "accept",
    "add",
    "change",
    "date_problems",
    "mark_error",
    "open_record",
    "restore",
    "undo",
]
