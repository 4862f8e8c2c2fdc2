"""Grants, and the frozen, de-identified files made under them."""
