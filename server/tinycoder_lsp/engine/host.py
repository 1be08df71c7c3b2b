"""Opens the default engine, and imports it, and with it numpy, only then."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinycoder.complete.candidate import ServedCompleter


def default_engine(folder: Path, memory: bool) -> ServedCompleter:
    """An engine for the model in ``folder``, with or without a memory."""
    from tinycoder.complete.parts import Parts
    from tinycoder.library import open_engine
    from tinycoder.storage.checkpoint import load_model

    return open_engine(load_model(folder), parts=Parts(memory=memory))
