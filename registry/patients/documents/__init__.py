"""Files about a patient: what may be kept, who may read it, and how it is kept."""
