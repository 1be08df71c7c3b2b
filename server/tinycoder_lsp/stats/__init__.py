"""Outcomes of suggestions: inferred from edits, counted, kept on this machine, and shown."""
