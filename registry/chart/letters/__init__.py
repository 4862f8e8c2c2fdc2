"""Letters that sum up a record: for the referring doctor, and in plain words for the patient.

A letter is plain facts (`parts.Letter`) from which its page and its PDF are laid out alike.
"""
