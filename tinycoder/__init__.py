"""TinyCoder: code completion that a person owns outright.

with tinycoder.open(".") as workspace:
    completion = workspace.complete("pkg/io.py", text, offset)
    workspace.train(minutes=10)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tinycoder.library import Workspace

__all__ = ["__version__", "open"]
__version__ = "0.1.0"


def open(  # noqa: A001 - tinycoder.open, as in gzip.open
    folder: str | Path = ".",
    *,
    model: str | None = None,
    home: str | Path | None = None,
    memory: bool = True,
    exclude: Sequence[str] = (),
    python: str = "",
    trusted: bool = True,
    leave_out: Sequence[str] = (),
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Workspace:
    """Open a folder of Python code, to complete in it and to learn from it.

    ``tinycoder.library.Workspace`` says what the options are and what is raised.
    """
    from tinycoder.library import Workspace

    return Workspace(
        folder,
        model=model,
        home=home,
        memory=memory,
        exclude=exclude,
        python=python,
        trusted=trusted,
        leave_out=leave_out,
        progress=progress,
    )
