"""Opens the default engine, and imports it, and with it numpy, only then."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinycoder.complete.candidate import Completer


def default_engine(folder: Path, memory: bool) -> Completer:
    """An engine for the model in ``folder``, with or without a memory."""
    from tinycoder.complete.engine import Engine
    from tinycoder.complete.parts import Parts
    from tinycoder.storage.checkpoint import load_model
    from tinycoder.transformer.decode import use_one_blas_thread

    use_one_blas_thread(prefill=1)
    return Engine(load_model(folder), parts=Parts(memory=memory))
