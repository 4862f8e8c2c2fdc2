"""What an upper room wants to have chosen when two records are joined, such as one of two vital
statuses; and how it makes the choice good, and takes it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from registry.access import Viewer

KEPT, MOVED = "kept", "moved"


@dataclass(frozen=True)
class Question:
    """Two records say different things: what each says, in words."""

    key: str
    label: Any
    kept: Any
    moved: Any


Ask = Callable[[UUID, UUID], Question | None]
#: (record that is wrong, the other one, by) → what was changed, as it is given to `TakeBack`.
Settle = Callable[[UUID, UUID, Viewer], list[str]]
TakeBack = Callable[[list[str], Viewer], None]

_asked: dict[str, tuple[Ask, Settle, TakeBack]] = {}


def ask(key: str, question: Ask, settle: Settle, take_back: TakeBack) -> None:
    """Have a question asked whenever two records are joined and say different things."""
    _asked[key] = (question, settle, take_back)


def questions(kept_id: UUID, moved_id: UUID) -> list[Question]:
    """What has to be chosen of these two, in a fixed order."""
    found = (question(kept_id, moved_id) for _key, (question, *_more) in sorted(_asked.items()))
    return [one for one in found if one is not None]


def settle(
    kept_id: UUID, moved_id: UUID, chosen: dict[str, str], *, by: Viewer
) -> dict[str, list[str]]:
    """Make the choices good; returns what was changed, by question. Before anything is moved."""
    done = {}
    for one in questions(kept_id, moved_id):
        wrong = moved_id if chosen.get(one.key) == KEPT else kept_id
        right = kept_id if wrong == moved_id else moved_id
        done[one.key] = _asked[one.key][1](wrong, right, by)
    return done


def take_back(done: dict[str, list[str]], *, by: Viewer) -> None:
    """Undo what `settle` changed."""
    for key, what in sorted(done.items()):
        if key in _asked:
            _asked[key][2](what, by)
