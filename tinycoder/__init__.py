"""TinyCoder: code completion that a person owns outright."""

__version__ = "0.1.0"
