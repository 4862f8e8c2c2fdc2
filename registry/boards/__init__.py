"""Tumour boards: meetings, agenda, what was advised, whether it arrived and was done."""
