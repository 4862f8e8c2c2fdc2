"""Statistics on the files of a release, or on any table."""
