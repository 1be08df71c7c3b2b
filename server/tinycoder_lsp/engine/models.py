"""The model in use: which one, whether it could be loaded, what to tell the user.

Everything except ``buffers``, ``invalidate``, ``remember``, ``know``, ``may_be_sent`` and ``is_forgotten`` runs in the
worker's thread. Before each answer the engine gets the changes of the open documents.
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

from tinycoder.complete.candidate import Document, ServedCompleter
from tinycoder.errors import Cancelled, CheckpointError, ConfigError, TinyCoderError
from tinycoder.stop import Stop
from tinycoder.storage.bundled import is_bundled
from tinycoder.storage.forget_list import NOTHING_FORGOTTEN, Forgotten, load_forgotten, stamp_of, true_path
from tinycoder_lsp.documents.buffers import Buffers
from tinycoder_lsp.documents.positions import file_path, labels
from tinycoder_lsp.engine.host import default_engine, served_model

if TYPE_CHECKING:
    from tinycoder.memory.mixer_file import MixerFile
    from tinycoder.memory.suffix_index import SuffixIndex
    from tinycoder.storage.checkpoint import Model
    from tinycoder.symbols.imports.offers import OfferedNames
    from tinycoder.symbols.world import World
    from tinycoder.transformer.tokenizer import Tokenizer

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

SAVE_S = 180.0  # seconds between two savings of the mixture's weights


@dataclass(frozen=True, kw_only=True)
class Status:
    """The state of the server, a message for the user, and the name of the model in use, if there is one."""

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
    """A loaded model: ``stamp`` is what it was loaded for, ``modules`` what its engine knows."""

    engine: ServedCompleter
    stamp: object
    status: Status
    mixer: MixerFile | None
    modules: tuple[World, OfferedNames] | None = None
    knows_list: bool = False  # the engine knows the forget list


class Models:
    """Finds and loads the model, and holds its engine. Answers are empty while none is loaded.

    ``open_engine`` builds an engine from a model's folder, with or without a memory. ``on_list`` is called in the
    worker's thread when the forget list has changed.
    """

    on_list: Callable[[], object] | None = None

    def __init__(
        self,
        home: Path,
        open_engine: Callable[[Path, bool], ServedCompleter] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.home = home
        self.buffers = Buffers()
        self._open = open_engine or default_engine
        self._clock = clock
        self._loaded: _Loaded | None = None
        self._index: tuple[Tokenizer, SuffixIndex] | None = None
        self._modules: tuple[World, OfferedNames] | None = None
        self._served: tuple[object, Model | None] | None = None  # what it was looked up for, and what was found
        self._saved = 0.0
        self._folders: tuple[Path, ...] = ()
        self._forgotten = NOTHING_FORGOTTEN
        self._list = stamp_of(home)  # at the last look
        self._fault_of_list = ""  # that has been logged where code was to be sent

    @property
    def tokenizer(self) -> Tokenizer | None:
        """The model's tokenizer, a new object after each loading."""
        loaded = self._loaded
        return loaded.engine.tokenizer if loaded else None

    @property
    def current(self) -> str | None:
        """The name of the model in use."""
        loaded = self._loaded
        return loaded.status.model if loaded else None

    def load(
        self, name: str | None, workspaces: Sequence[Path], *, memory: bool = True, trusted: bool = True
    ) -> Status:
        """Load the model called ``name``, else the workspace's own, else the bundled one; return the outcome.

        A model that is loaded for the same workspaces is kept, unless its file has changed. For workspaces that are not
        ``trusted`` no model of their own is loaded, and nothing learnt in them is saved.
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
            from tinycoder.memory.mixer_file import MixerFile

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
        """Drop an engine that failed in the middle of a job. Call it while no job runs."""
        self._loaded = None

    def remember(self, tokenizer: Tokenizer, workspace: SuffixIndex) -> None:
        """Use this index from the next answer on, if the model still has this tokenizer. Any thread may call it."""
        self._index = tokenizer, workspace

    def know(self, world: World, offered: OfferedNames) -> None:
        """Pass these modules and names to the engine before the next answer. Any thread may call it."""
        self._modules = world, offered

    def ask(self, document: Document, call: Callable[[ServedCompleter], _T], stop: Stop) -> _T | None:
        """What ``call`` asks the engine about ``document``; None if there is no engine."""
        loaded = self._loaded
        if loaded is None:
            return None
        self._sync(loaded, stop)
        try:
            return call(loaded.engine)
        finally:
            self.buffers.shown(document)

    def served(self, name: str | None) -> Model | None:
        """The model of this ``name`` on a server, without its parameters, if it is one of ours that is here too."""
        if name is None or "/" in name or "\\" in name:
            return None
        stamp = name, _written(self.home / "models" / name)  # the bundled one stays as it is
        if self._served is None or self._served[0] != stamp:
            self._served = stamp, served_model(self.home, name)
        return self._served[1]

    def learn(self, stop: Stop) -> bool:
        """Let the engine learn from all typed lines, and save the weights now and then. True when done.

        Raises ``Cancelled`` once ``stop()`` is true.
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
        """Save the mixture's weights."""
        self._saved = self._clock()
        if self._loaded is not None and self._loaded.mixer is not None:
            self._loaded.mixer.save()

    def may_be_sent(self, path: str) -> bool:
        """Whether no file of the list is at this path of the workspace, by a list that can be read now."""
        try:
            return not self._leaves_out(load_forgotten(self.home))(path)
        except ConfigError as error:
            if str(error) != self._fault_of_list:
                self._fault_of_list = str(error)
                logger.warning("no server is sent code: %s", error)
            return False

    def is_forgotten(self, path: str) -> bool:
        """Whether a path of the workspace is on the forget list now. Any thread may call it."""
        try:
            forgotten = load_forgotten(self.home)
        except ConfigError:
            forgotten = self._forgotten
        return self._leaves_out(forgotten)(path)

    def _sync(self, loaded: _Loaded, stop: Stop) -> None:
        """Pass all changes to the engine. Raises ``Cancelled`` between two documents once ``stop()`` is true."""
        engine = loaded.engine
        index, self._index = self._index, None
        if index is not None and index[0] is engine.tokenizer:
            engine.use(index[1])
        modules = self._modules
        if modules is not None and tuple(map(id, modules)) != tuple(map(id, loaded.modules or ())):
            loaded.modules = modules
            engine.know(*modules)
        self._apply_forget_list(loaded)
        while (queued := self.buffers.next()) is not None:
            path, document = queued
            if document is None:
                engine.forget(path)
            else:
                engine.observe(document)
            if stop():
                raise Cancelled

    def _apply_forget_list(self, loaded: _Loaded) -> None:
        """Leave out the paths on the forget list from this answer on. A damaged list changes nothing."""
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
        """A test for paths, of the workspace or of open documents, whose content may not be offered."""
        is_named = forgotten.names({true_path(folder): label for folder, label in labels(self._folders).items()})

        def leaves_out(path: str) -> bool:
            if is_named(path) or any(forgotten.holds(_true_path_of(uri)) for uri in self.buffers.uris(path)):
                return True
            return bool(forgotten.paths) and Path(path).is_absolute() and forgotten.holds(true_path(Path(path)))

        return leaves_out


@lru_cache(maxsize=1024)
def _true_path_of(uri: str) -> Path:
    """The real path of an open document."""
    return true_path(file_path(uri))


def _choose(home: Path, name: str | None, workspaces: Sequence[Path], trusted: bool) -> Path:
    from tinycoder.storage.models import find_model, resolve_model

    folder = resolve_model(home, name) if name else find_model(home, workspaces, trusted=trusted)
    if not (trusted or _is_kept_apart(home, folder)) and _lies_in(folder, workspaces):
        raise CheckpointError(f"{folder} lies in the workspace, which is not trusted; trust it in the editor")
    return folder


def _written(folder: Path) -> int:
    """When the model was saved, in nanoseconds; 0 if that is unknown."""
    try:
        return (folder / "training.json").stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


def _is_kept_apart(home: Path, folder: Path) -> bool:
    """Whether the model is where no workspace could have put it: in the home folder, or in this program's."""
    return folder.parent == home / "models" or is_bundled(folder)


def _lies_in(folder: Path, workspaces: Sequence[Path]) -> bool:
    real = Path(os.path.realpath(folder))
    return any(real.is_relative_to(os.path.realpath(workspace)) for workspace in workspaces)


def _mixer_file(home: Path, workspaces: Sequence[Path], tokenizer: Tokenizer) -> Path:
    from tinycoder.memory.indexing import index_file_of

    return index_file_of(home, workspaces, tokenizer).with_suffix(".mixer.json")
