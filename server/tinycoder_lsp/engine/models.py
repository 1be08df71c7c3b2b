"""The model that answers: which one, whether it could be loaded, what to tell the person.

All but ``buffers``, ``invalidate``, ``remember`` and ``know`` runs in the worker's thread. Before each answer the
engine is told what changed in the open documents.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from tinycoder.complete.candidate import Completer, Document
from tinycoder.errors import Cancelled, CheckpointError, ConfigError, TinyCoderError
from tinycoder.memory.mixer_file import MixerFile
from tinycoder.stop import Stop
from tinycoder.storage.bundled import is_bundled
from tinycoder.storage.forget_list import NOTHING_FORGOTTEN, Forgotten, load_forgotten, stamp_of, true_path
from tinycoder_lsp.documents.buffers import Buffers
from tinycoder_lsp.documents.positions import file_path, labels
from tinycoder_lsp.engine.host import default_engine

if TYPE_CHECKING:
    from tinycoder.memory.suffix_index import Workspace
    from tinycoder.symbols.imports.offers import OfferedNames
    from tinycoder.symbols.world import World
    from tinycoder.transformer.tokenizer import Tokenizer

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

SAVE_S = 180.0  # seconds between two savings of what was learnt


@dataclass(frozen=True, kw_only=True)
class Status:
    """What the server has to say about itself, and the model that answers, if one does."""

    state: Literal["loading", "ready", "off", "error"]
    message: str
    model: str | None = None


LOADING = Status(state="loading", message="TinyCoder is loading its model.")
SWITCHED_OFF = Status(state="off", message="TinyCoder is switched off by the setting tinycoder.enable.")
GIVEN_UP = Status(
    state="error",
    message="TinyCoder's engine failed again and again; the server's log says where. Open or save a file to try again.",
)
FAILED = Status(state="error", message="TinyCoder could not load its model; the server's log says why.")


@dataclass(kw_only=True)
class _Loaded:
    """A model that was loaded, for what (``stamp``), and what its engine was told."""

    engine: Completer
    stamp: object
    status: Status
    mixer: MixerFile | None
    modules: tuple[World, OfferedNames] | None = None
    knows_list: bool = False  # of what is to be left out


class Models:
    """Finds and loads the model, and holds its engine. Until it is loaded, and where it cannot be, answers are empty.

    ``open_engine`` makes an engine from a model's folder, with or without a memory. ``on_list`` is called, in the
    worker's thread, when the list of what to forget has changed.
    """

    on_list: Callable[[], object] | None = None

    def __init__(
        self,
        home: Path,
        open_engine: Callable[[Path, bool], Completer] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.home = home
        self.buffers = Buffers()
        self._open = open_engine or default_engine
        self._clock = clock
        self._loaded: _Loaded | None = None
        self._index: tuple[Tokenizer, Workspace] | None = None
        self._modules: tuple[World, OfferedNames] | None = None
        self._saved = 0.0
        self._folders: tuple[Path, ...] = ()
        self._forgotten = NOTHING_FORGOTTEN
        self._list = stamp_of(home)  # as it was at the last look

    @property
    def tokenizer(self) -> Tokenizer | None:
        """That of the model; another one for each loading."""
        loaded = self._loaded
        return loaded.engine.tokenizer if loaded else None

    @property
    def current(self) -> str | None:
        """The name of the model that answers."""
        loaded = self._loaded
        return loaded.status.model if loaded else None

    def load(
        self, name: str | None, workspaces: Sequence[Path], *, memory: bool = True, trusted: bool = True
    ) -> Status:
        """Load the model called ``name``, else the workspace's own, else the bundled one; say how that went.

        A model that is loaded already for the same workspaces, and was not written again since, stays. Workspaces that
        are not ``trusted`` have no model of their own, and nothing is kept of what was learnt in them.
        """
        try:
            folder = _choose(self.home, name, workspaces, trusted)
            stamp = (folder, _written(folder), tuple(workspaces), memory, trusted)
            if self._loaded is not None and stamp == self._loaded.stamp:
                return self._loaded.status
            self.save()
            self._folders = tuple(workspaces)
            engine = self._open(folder, memory)
        except TinyCoderError as error:
            self.save()
            self._loaded = None
            return Status(state="error", message=f"TinyCoder cannot use its model. {error}")
        except BaseException:
            self._loaded = None
            raise
        mixer = None
        if engine.mixer is not None and trusted:
            mixer = MixerFile(engine.mixer, _mixer_file(self.home, workspaces, engine.tokenizer))
        message = f"TinyCoder completes with the model {folder.name}"
        message += ", which knows Python in general." if is_bundled(folder) else "."
        if is_bundled(folder) and trusted and workspaces and not name:
            message += f' Ten minutes of training make it yours: tinycoder train "{workspaces[0]}"'
        status = Status(state="ready", message=message, model=folder.name)
        self._loaded, self._saved = _Loaded(engine=engine, stamp=stamp, status=status, mixer=mixer), self._clock()
        self.buffers.mark_dirty()
        return status

    def invalidate(self) -> None:
        """The engine failed in the middle of something: answer nothing until it is loaded anew. While none works."""
        self._loaded = None

    def remember(self, tokenizer: Tokenizer, workspace: Workspace) -> None:
        """Use this index from the next answer on, if the model still has this tokenizer. For any thread."""
        self._index = tokenizer, workspace

    def know(self, world: World, offered: OfferedNames) -> None:
        """Let the engine know these modules, and names to offer, from the next answer on. For any thread."""
        self._modules = world, offered

    def ask(self, document: Document, call: Callable[[Completer], _T], stop: Stop) -> _T | None:
        """What ``call`` asks the engine about ``document``; None if there is no engine."""
        loaded = self._loaded
        if loaded is None:
            return None
        self._sync(loaded, stop)
        try:
            return call(loaded.engine)
        finally:
            self.buffers.shown(document)

    def learn(self, stop: Stop) -> bool:
        """Let the engine learn all there is to learn, and keep it on disk once in a while. True when done.

        Raises ``Cancelled`` once ``stop`` says so.
        """
        loaded = self._loaded
        if loaded is None:
            return True
        self._sync(loaded, stop)
        while loaded.engine.learn(stop=stop):
            if stop():
                raise Cancelled
        if self._clock() - self._saved >= SAVE_S:
            self.save()
        return True

    def save(self) -> None:
        """Keep what was learnt."""
        self._saved = self._clock()
        if self._loaded is not None and self._loaded.mixer is not None:
            self._loaded.mixer.save()

    def is_forgotten(self, path: str) -> bool:
        """Whether a path of the workspace is on the list of what to forget right now. For any thread."""
        try:
            forgotten = load_forgotten(self.home)
        except ConfigError:
            forgotten = self._forgotten
        return self._leaves_out(forgotten)(path)

    def _sync(self, loaded: _Loaded, stop: Stop) -> None:
        """Tell the engine what is new. Raises ``Cancelled`` between two documents once ``stop`` says so."""
        engine = loaded.engine
        index, self._index = self._index, None
        if index is not None and index[0] is engine.tokenizer:
            engine.use(index[1])
        modules = self._modules
        if modules is not None and tuple(map(id, modules)) != tuple(map(id, loaded.modules or ())):
            loaded.modules = modules
            engine.know(*modules)
        self._keep_to_list(loaded)
        while (queued := self.buffers.next()) is not None:
            path, document = queued
            if document is None:
                engine.forget(path)
            else:
                engine.observe(document)
            if stop():
                raise Cancelled

    def _keep_to_list(self, loaded: _Loaded) -> None:
        """Leave out what is to be forgotten, from this answer on. A damaged list changes nothing."""
        stamp = stamp_of(self.home)
        changed, self._list = stamp != self._list, stamp
        if loaded.knows_list and not changed:
            return
        loaded.knows_list = True
        before = self._forgotten
        try:
            self._forgotten = load_forgotten(self.home)
        except ConfigError as error:
            logger.warning("%s", error)
        if self._forgotten.paths or before.paths:
            loaded.engine.leave_out(self._leaves_out(self._forgotten))
        if changed and self.on_list is not None:
            self.on_list()

    def _leaves_out(self, forgotten: Forgotten) -> Callable[[str], bool]:
        """Whether nothing may be said that comes from a path: of the workspace, or of an open document."""
        is_named = forgotten.names({true_path(folder): label for folder, label in labels(self._folders).items()})

        def leaves_out(path: str) -> bool:
            if is_named(path) or any(forgotten.holds(_place(uri)) for uri in self.buffers.uris(path)):
                return True
            return bool(forgotten.paths) and Path(path).is_absolute() and forgotten.holds(true_path(Path(path)))

        return leaves_out


@lru_cache(maxsize=1024)
def _place(uri: str) -> Path:
    """Where an open document lies."""
    return true_path(file_path(uri))


def _choose(home: Path, name: str | None, workspaces: Sequence[Path], trusted: bool) -> Path:
    from tinycoder.storage.models import find_model, resolve_model

    folder = resolve_model(home, name) if name else find_model(home, workspaces, trusted=trusted)
    if not (trusted or _is_kept_apart(home, folder)) and _lies_in(folder, workspaces):
        raise CheckpointError(f"{folder} lies in the workspace, which is not trusted; trust it in the editor")
    return folder


def _written(folder: Path) -> int:
    """When the model was saved; 0 if that cannot be told."""
    try:
        return (folder / "training.json").stat().st_mtime_ns
    except OSError:
        return 0


def _is_kept_apart(home: Path, folder: Path) -> bool:
    """Whether no workspace can have put the model there, wherever that is: at home, or where this program is."""
    return folder.parent == home / "models" or is_bundled(folder)


def _lies_in(folder: Path, workspaces: Sequence[Path]) -> bool:
    place = Path(os.path.realpath(folder))
    return any(place.is_relative_to(os.path.realpath(workspace)) for workspace in workspaces)


def _mixer_file(home: Path, workspaces: Sequence[Path], tokenizer: Tokenizer) -> Path:
    from tinycoder.memory.indexing import index_file_of

    return index_file_of(home, workspaces, tokenizer).with_suffix(".mixer.json")
