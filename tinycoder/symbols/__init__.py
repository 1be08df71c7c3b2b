"""What Python files define, read from their text: never imported, never run."""
