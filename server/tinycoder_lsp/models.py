"""The model that answers: which one, whether it could be loaded, what to tell the person. Knows no protocol.

Everything here runs in the worker's thread. The engine, and with it numpy, is imported when a model is first
loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from tinycoder.complete.candidate import Candidate, Document
from tinycoder.errors import TinyCoderError

Stop = Callable[[], bool]


class Engine(Protocol):
    """What answers; ``tinycoder.complete.engine.Engine`` in use."""

    def inline(
        self, document: Document, offset: int, *, stop: Stop, max_tokens: int = 64, n: int = 1
    ) -> list[Candidate]:
        """Ghost texts, best first."""

    def popup(self, document: Document, offset: int, *, stop: Stop, limit: int = 10) -> list[Candidate]:
        """Words, best first."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """What the server has to say about itself, as ``didChangeStatus`` sends it."""

    kind: Literal["Normal", "Warning", "Error", "Inactive"]
    message: str
    busy: bool = False


LOADING = Status(kind="Normal", message="TinyCoder is loading its model.", busy=True)
SWITCHED_OFF = Status(kind="Inactive", message="TinyCoder is switched off by the setting tinycoder.enable.")
FAILED = Status(kind="Error", message="TinyCoder could not load its model; the server's log says why.")


class Models:
    """Finds and loads the model, and holds its engine. Without one every answer is empty."""

    def __init__(self, home: Path, open_engine: Callable[[Path], Engine] | None = None) -> None:
        self._home = home
        self._open = open_engine or _open_engine
        self._engine: Engine | None = None
        self._loaded: tuple[Path, int] | None = None
        self._status = LOADING

    def load(self, name: str | None, workspaces: Sequence[Path]) -> Status:
        """Load the model called ``name``, else the workspace's own, else the newest; say how that went.

        A model that is loaded already, and was not written again since, stays.
        """
        try:
            folder = _choose(self._home, name, workspaces)
            stamp = (folder, _written(folder)) if folder else None
            if self._engine is not None and stamp == self._loaded:
                return self._status
            self._engine, self._loaded = None, stamp
            if folder is None:
                hint = f"Train one: {_command(workspaces)}"
                return Status(kind="Warning", message=f"TinyCoder has no model yet. {hint}")
            self._engine = self._open(folder)
        except TinyCoderError as error:
            self._engine = None
            return Status(kind="Error", message=f"TinyCoder cannot use its model. {error}")
        message = f"TinyCoder completes with the model {folder.name}."
        if not (name or not workspaces or _is_own(folder, workspaces)):
            message += f" It learnt from other code. Train one on this workspace: {_command(workspaces)}"
        self._status = Status(kind="Normal", message=message)
        return self._status

    def inline(self, document: Document, offset: int, *, stop: Stop, max_tokens: int, n: int) -> list[Candidate]:
        """Ghost texts from the engine, if there is one."""
        if self._engine is None:
            return []
        return self._engine.inline(document, offset, stop=stop, max_tokens=max_tokens, n=n)

    def popup(self, document: Document, offset: int, *, stop: Stop, limit: int) -> list[Candidate]:
        """Words from the engine, if there is one."""
        return [] if self._engine is None else self._engine.popup(document, offset, stop=stop, limit=limit)


def _choose(home: Path, name: str | None, workspaces: Sequence[Path]) -> Path | None:
    from tinycoder.store import find_model, resolve_model

    return resolve_model(home, name) if name else find_model(home, workspaces)


def _written(folder: Path) -> int:
    """When the model was saved; 0 if that cannot be told."""
    try:
        return (folder / "training.json").stat().st_mtime_ns
    except OSError:
        return 0


def _is_own(folder: Path, workspaces: Sequence[Path]) -> bool:
    from tinycoder.store import workspace_model_name

    return folder.name in map(workspace_model_name, workspaces)


def _open_engine(folder: Path) -> Engine:
    from tinycoder.checkpoint import load_model
    from tinycoder.complete.engine import Engine
    from tinycoder.decode import use_one_blas_thread

    use_one_blas_thread()
    return Engine(load_model(folder))


def _command(workspaces: Sequence[Path]) -> str:
    return f'tinycoder train "{workspaces[0]}"' if workspaces else "tinycoder train FOLDER"
