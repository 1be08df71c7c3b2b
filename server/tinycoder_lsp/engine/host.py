"""What the server wants of an engine, and the real one. It, and with it numpy, is imported when it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tinycoder.complete.candidate import Candidate, Document
from tinycoder.stop import Stop

if TYPE_CHECKING:
    from tinycoder.memory.mixer import Mixer
    from tinycoder.memory.suffix_index import Workspace
    from tinycoder.symbols.imports.offers import OfferedNames
    from tinycoder.symbols.world import World
    from tinycoder.transformer.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class GhostRequest:
    """What kind of ghost text is wanted, as ``Engine.inline`` takes it."""

    n: int = 1
    max_tokens: int = 64
    block: bool = False
    max_lines: int = 12
    threshold: float | None = None
    prose: str = "sure"


class Engine(Protocol):
    """What answers; ``tinycoder.complete.engine.Engine`` in use."""

    @property
    def tokenizer(self) -> Tokenizer:
        """How texts become ids, for the index of the workspace."""

    def use(self, workspace: Workspace) -> None:
        """Know this index of the workspace from now on."""

    def know(self, world: World, offered: OfferedNames) -> None:
        """Know these modules from now on, whose files may change at any time, and offer these names."""

    @property
    def mixer(self) -> Mixer | None:
        """Weights to keep from one session to the next, if there are any."""

    def inline(
        self,
        document: Document,
        offset: int,
        *,
        stop: Stop,
        max_tokens: int = 64,
        n: int = 1,
        block: bool = False,
        max_lines: int = 12,
        threshold: float | None = None,
        prose: str = "sure",
    ) -> list[Candidate]:
        """Ghost texts, best first."""

    def popup(
        self,
        document: Document,
        offset: int,
        *,
        stop: Stop,
        limit: int = 10,
        going_on: bool = False,
        imports: bool = True,
    ) -> list[Candidate]:
        """Names, best first; with ``imports`` also those that need one."""

    def look_ahead(self, document: Document, offset: int, candidate: Candidate, *, stop: Stop) -> None:
        """Find the ghost text that follows once ``candidate`` is taken."""

    def observe(self, document: Document) -> None:
        """The document is open and says this now."""

    def forget(self, path: str) -> None:
        """It is closed."""

    def leave_out(self, forgotten: Callable[[str], bool]) -> None:
        """Say nothing that comes from these paths."""

    def learn(self, *, stop: Stop) -> bool:
        """Learn a little from what was typed; whether there is more."""


def default_engine(folder: Path, memory: bool) -> Engine:
    """An engine for the model in ``folder``, with or without a memory."""
    from tinycoder.complete.parts import Parts
    from tinycoder.library import open_engine
    from tinycoder.storage.checkpoint import load_model

    return open_engine(load_model(folder), parts=Parts(memory=memory))
