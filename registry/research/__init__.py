"""Grants by the access committee, and the frozen, de-identified releases made under them."""
