"""The patient's page: reads from all rooms, owns no table, writes nothing."""
