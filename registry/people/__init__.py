"""Staff, organisations, memberships, sign-in and notices."""
