"""Rights of the patients in releases: which of them held somebody who no longer agrees."""
