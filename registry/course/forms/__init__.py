"""The forms of the course: what is asked of each entity, in which order."""

from registry.course.forms.entry import EntryForm, form_class, laid_out, sections, stored
from registry.course.forms.layout import SECTIONS, Section

__all__ = ["SECTIONS", "EntryForm", "Section", "form_class", "laid_out", "sections", "stored"]
