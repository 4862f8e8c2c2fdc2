"""The few named refusals. A view never builds an error answer itself: it lets one of these rise."""

from __future__ import annotations


class Refusal(Exception):
    """Something the house will not do. `message` is shown to the person, already translated."""

    status = 400

    def __init__(self, message: str = "", *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class NotFound(Refusal):
    """There is no such record, or none that this viewer may know of. The two look the same."""

    status = 404


class Forbidden(Refusal):
    """The viewer may see this and may not do that."""

    status = 403


class Conflict(Refusal):
    """Somebody else was first: an edit made on an old copy, or a step already taken."""

    status = 409


class Invalid(Refusal):
    """A value cannot be accepted; `field` names the form field it belongs to."""

    status = 422


class Unreadable(Refusal):
    """A sealed value cannot be opened: the key is missing or the value was altered."""

    status = 500
