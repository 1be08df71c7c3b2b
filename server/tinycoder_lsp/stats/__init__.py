"""What became of suggestions: seen from edits, counted, kept on this machine, and shown."""
