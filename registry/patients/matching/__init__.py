"""Who may be the same person: tolerant search, pairs to look at, merging and taking apart."""
