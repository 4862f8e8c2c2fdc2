"""The course over the years: dated assessments of a patient's tumours, therapies and outcome."""
