"""The rules of the boards: tables and pure functions, one noun a file."""
