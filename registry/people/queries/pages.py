"""A part of a long list, and looking for text in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

PAGE = 50
_Row = TypeVar("_Row")


@dataclass(frozen=True)
class Part(Generic[_Row]):
    """One page of a list."""

    rows: Sequence[_Row]
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // PAGE))


def any_of(text: str, *columns: Any) -> sa.ColumnElement[bool]:
    """Every word of the text stands in one of the columns; capitals do not matter (on SQLite only
    for letters without accents, so that the word as typed is looked for too)."""
    return sa.and_(
        *(
            sa.or_(
                *(
                    sa.or_(
                        sa.func.lower(column).contains(word.lower(), autoescape=True),
                        column.contains(word, autoescape=True),
                    )
                    for column in columns
                )
            )
            for word in text.split()[:6]
        )
    )
