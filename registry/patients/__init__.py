"""Identity, consent and care relations: the only room with names."""
