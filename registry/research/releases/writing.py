"""The data files while they are written, batch after batch: CSV and, of the same cells, Parquet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

from registry.later import Later
from registry.research.releases.columns import File
from registry.research.releases.dictionaries import Once
from registry.research.releases.documents import Counts
from registry.research.releases.formats import Parquet
from registry.research.releases.keeping import Measured
from registry.research.releases.rendering import Block

pa: Any = Later("pyarrow")
pc: Any = Later("pyarrow.compute")

_LINE_END = "\r\n"
#: What a text is put into quotes for.
_SPECIAL = frozenset(',"\r\n')


def quoted(text: str) -> str:
    """A text as it stands in CSV (RFC 4180)."""
    return text if _SPECIAL.isdisjoint(text) else '"' + text.replace('"', '""') + '"'


class CsvLines:
    """Rows as CSV. Only texts that are kept in a dictionary may need quotes."""

    def __init__(self, columns: int) -> None:
        self._quoted = [Once(_quoted) for _one in range(columns)]

    def of(self, texts: Sequence[Any]) -> memoryview:
        """The lines of these columns."""
        *cells, last = map(self._in_csv, texts, self._quoted)
        ended = pc.binary_join_element_wise(last, _LINE_END, "", null_handling="replace")
        lines = pc.binary_join_element_wise(*cells, ended, ",", null_handling="replace")
        _there, ends, letters = lines.buffers()
        start, end = (memoryview(ends).cast("i")[place] for place in (0, len(lines)))
        return memoryview(letters)[start:end] if end > start else memoryview(b"")

    @staticmethod
    def _in_csv(column: Any, quoted: Once) -> Any:
        if not pa.types.is_dictionary(column.type):
            return column.cast(pa.string())
        return quoted.of(column.dictionary).take(column.indices)


def _quoted(dictionary: Any) -> Any:
    return pa.array([quoted(one) for one in dictionary.to_pylist()], pa.string())


class Writer:
    """One data file while it is written, in CSV and, where a place is given for it, Parquet."""

    def __init__(self, file: File, out: BinaryIO, parquet: BinaryIO | None) -> None:
        self.file, self.counts = file, Counts()
        self.csv = Measured(out)
        self.csv.write((",".join(file.header) + _LINE_END).encode())
        self._lines = CsvLines(len(file.header))
        self.parquet = None if parquet is None else Measured(parquet)
        self._parquet = None if self.parquet is None else Parquet(file, self.parquet)

    def add(self, block: Block, beside: ThreadPoolExecutor) -> Callable[[], None]:
        """Write rows; what is returned waits until the part of it that is done beside is done."""
        if not block.rows:
            return _nothing
        texts = block.texts
        other = beside.submit(self._parquet.add, texts) if self._parquet else None
        self.csv.write(self._lines.of(texts))
        self.counts.add(self.file.header, texts, block.reasons())
        return other.result if other else _nothing

    def finish(self) -> None:
        """Write what is still held back."""
        if self._parquet:
            self._parquet.close()


def _nothing() -> None:
    """There is nothing to wait for."""
