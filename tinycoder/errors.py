"""The expected errors: one sentence each that says what happened, where, and what to do next.

Only the command line and the language server's edge catch them; everything else is a bug and shows itself.
"""


class TinyCoderError(Exception):
    """Base of every error that a person can cause and cure."""


class ConfigError(TinyCoderError):
    """A setting is unknown, has the wrong type, or lies out of range."""


class CorpusError(TinyCoderError):
    """There is nothing to learn from, or a source cannot be read."""


class TokenizerError(TinyCoderError):
    """A tokenizer file is damaged or does not fit."""


class CheckpointError(TinyCoderError):
    """A model folder is missing, damaged, foreign, or cannot be written."""


class TrainingError(TinyCoderError):
    """A run cannot start, or cannot continue."""


class Cancelled(Exception):  # noqa: N818 - a request that is no longer wanted is not an error
    """Raised between two tokens when the caller's ``stop`` says that nobody waits for the answer."""
