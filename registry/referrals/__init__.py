"""The referral: form, drafts, submissions, steps and events, advice, and the triage worklist."""
