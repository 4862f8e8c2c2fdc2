"""Clinical knowledge: pure functions and data tables, one module a subject.

Nothing here knows the web or the database. Every derivation returns a small value object
(`results.Derived`): the answer, its status, the reasons in plain words with the inputs used,
the rule and its version, the source. Tables are CSV files under `data/`.
"""
