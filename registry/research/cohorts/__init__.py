"""Cohorts: criteria over the dictionary, evaluated on the record, told with disclosure control."""
