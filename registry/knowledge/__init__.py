"""How this is derived: the clinical rules and tables as pages. Owns no table."""
