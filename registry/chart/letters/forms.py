"""What the writer of a letter adds."""

from __future__ import annotations

from registry.chart.letters.parts import Added
from registry.forms import HouseForm, LongText, Text
from registry.language import lazy_gettext as _l


class LetterForm(HouseForm):
    """To whom, whom to call, and a paragraph of one's own."""

    recipient = LongText(
        _l("To"), help=_l("Name and place, line by line, as they stand on the letter."), longest=400
    )
    telephone = Text(_l("Telephone for questions"), longest=60)
    note = LongText(
        _l("In your own words"),
        help=_l("Stands before the summary. An empty line begins a new paragraph."),
        longest=5000,
    )

    def added(self) -> Added:
        """What was typed."""
        return Added(self.recipient.data or "", self.telephone.data or "", self.note.data or "")
