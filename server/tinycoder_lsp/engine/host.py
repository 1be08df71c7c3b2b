"""Opens the default engine, and imports it, and with it numpy, only then."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tinycoder.errors import CheckpointError
from tinycoder_lsp.engine import garbage

if TYPE_CHECKING:
    from tinycoder.complete.candidate import ServedCompleter
    from tinycoder.storage.checkpoint import Model

logger = logging.getLogger(__name__)


def default_engine(folder: Path, memory: bool) -> ServedCompleter:
    """An engine for the model in ``folder``, with or without a memory."""
    from tinycoder.complete.parts import Parts
    from tinycoder.library import open_engine
    from tinycoder.storage.checkpoint import load_model

    _keep_imports()
    return open_engine(load_model(folder), parts=Parts(memory=memory))


@cache
def _keep_imports() -> None:
    """Keep what is there before the first engine. Later there is an older one, which has to go."""
    garbage.keep()


def served_model(home: Path, name: str) -> Model | None:
    """The model of a server, by its ``name`` there, if one of that name is here too; without its parameters."""
    from tinycoder.storage.checkpoint import load_without_values
    from tinycoder.storage.models import resolve_model

    try:
        return load_without_values(resolve_model(home, name))
    except CheckpointError as error:
        logger.info("the server's model is asked as a stranger: %s", error)
        return None
