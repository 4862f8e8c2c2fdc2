"""Running the house: what production refuses, backup and restore, keys; for administrators."""
