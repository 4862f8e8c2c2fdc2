"""Sending a file, and saying that one does not belong here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from registry import codes
from registry.forms import Choice, HouseField, HouseForm, LongText, Option, PartialDateField, Text
from registry.language import lazy_gettext as _l
from registry.patients.documents import rules


class FileField(HouseField):
    """A file to send. A browser never fills it in again: it is chosen anew after a refusal."""

    kind = "file"
    accept = ",".join(f".{e}" for one in rules.TYPES.values() for e in one.extensions)
    largest = rules.LARGEST
    sent: Any = None

    def process(self, formdata: Any = None, *_about: Any, **_more: Any) -> None:
        """Nothing of a file stands among the words of a form; see `take`."""
        self.errors, self.warnings, self.bad_parts = [], [], set()

    def take(self, sent: Any) -> None:
        """The file that came with the form, if any."""
        self.sent = sent if sent is not None and sent.filename else None
        self.data = self.sent.read() if self.sent else None

    @property
    def is_empty(self) -> bool:
        """No file was chosen."""
        return self.sent is None


def _kinds() -> list[Option]:
    listed = codes.codes("document_kind").values()
    return [Option(c.code, c.shown()) for c in listed if c.code not in rules.WRITTEN_HERE]


class UploadForm(HouseForm):
    """A file about a patient."""

    file = FileField(
        _l("File"),
        help=_l("PDF, PNG, JPEG, TIFF, DICOM or DOCX, up to 40 MB."),
        needed=_l("Choose the file."),
    )
    kind = Choice(_l("What it is"), options=_kinds, needed=_l("Choose what it is."))
    title = Text(
        _l("Name in the list"),
        help=_l("Leave empty to keep the file's own name."),
        longest=rules.LONGEST_NAME,
    )
    dated = PartialDateField(_l("Date of the document"), help=_l("The year alone is enough."))
    entry = Choice(
        _l("Belongs to"), help=_l("Leave empty if it belongs to the patient as a whole.")
    )

    def __init__(
        self,
        formdata: Any = None,
        *,
        entries: Sequence[tuple[str, str]] = (),
        stored: Mapping[str, Any] | None = None,
    ) -> None:
        """`entries`: what it can belong to, (value, words)."""
        super().__init__(formdata, stored=stored)
        self.entry._options = [Option(value, text) for value, text in entries]
        self.entry.process(formdata, (stored or {}).get("entry"))


class ErrorForm(HouseForm):
    """Why a document does not belong here."""

    because = LongText(
        _l("Why it was entered in error"),
        needed=_l("Say why."),
        longest=500,
        help=_l("It stays in the list, marked, with the reason."),
    )
