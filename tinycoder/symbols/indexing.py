"""What a workspace's files define, and what they can import: the symbols of its folders and of its environment.

Of the folders count all files that could be imported, also generated and vendored ones; not those that git ignores,
that hold secrets by their name, or that are forgotten. Files are read, nothing is run.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tinycoder.stop import Progress, never, no_progress
from tinycoder.storage.forget_list import Forgotten, load_forgotten, true_path
from tinycoder.storage.models import name_of_folders
from tinycoder.symbols.environment import Environment, FileRecords
from tinycoder.symbols.imports.offers import OfferedNames, read_offered
from tinycoder.symbols.interpreter import Interpreter, find_interpreter, is_folder, no_interpreter
from tinycoder.symbols.project import Project, WorkspaceFile
from tinycoder.symbols.symbol_file import SUFFIX, SymbolFile
from tinycoder.symbols.world import World
from tinycoder.workspace import tree


def symbol_file_of(home: Path, folders: Sequence[Path], what: str = "") -> Path:
    """Where the symbols of ``folders`` are kept; with ``what`` some that are kept apart."""
    return home / "memory" / f"{name_of_folders(folders)}{what}{SUFFIX}"


class WorkspaceSymbols:
    """The modules that the files of some folders define and can import: ``world``, which ``refresh`` fills.

    ``offered`` are the names that could be had from outside the workspace by an import, as of the last ``refresh``.

    They, and what was read of the library and the environment, are kept under ``home`` from one session to the next if
    ``keep`` says so. ``exclude`` are patterns as for ``tree.walk``. The interpreter is found as ``find_interpreter``
    does, with ``python`` and what the variables ``environ`` say. Where the folders are not ``trusted``, neither they
    nor an environment are read: there are open documents and the standard library.
    """

    def __init__(
        self,
        home: Path,
        folders: Sequence[Path],
        *,
        python: str = "",
        environ: Mapping[str, str],
        exclude: Sequence[str] = (),
        trusted: bool = True,
        keep: bool = True,
    ) -> None:
        self._home = home
        self._exclude = tuple(exclude)
        self._folders = tuple(true_path(folder) for folder in folders) if trusted else ()
        self._files: list[WorkspaceFile] = []
        self._known: set[Path] = set()
        self._forgotten: Forgotten | None = None
        self._offered_for: object = None
        find = partial(find_interpreter, self._folders, environ=environ, python=python)
        keeps = bool(self._folders) and keep
        records = FileRecords(SymbolFile(symbol_file_of(home, folders, "-installed"))) if keeps else None
        self._environment = Environment(find if trusted else no_interpreter, records=records)
        roots = tuple(tree.labels_of([true_path(folder) for folder in folders]).values()) if folders else ("",)
        file = SymbolFile(symbol_file_of(home, folders)) if keeps else None
        self._project = Project(file, roots=roots)
        self.world = World(self._project, self._environment)
        self.offered = OfferedNames()

    @property
    def interpreter(self) -> Interpreter:
        """The interpreter whose packages and library are known."""
        return self._environment.interpreter

    def refresh(
        self,
        *,
        changed: Sequence[Path] | None = None,
        stop: Callable[[], bool] = never,
        progress: Progress = no_progress,
    ) -> None:
        """Read the files that are new or changed. The folders are walked, unless all ``changed`` ones are known.

        If the list of what to forget changes meanwhile it is done again. Raises ``Cancelled`` once ``stop`` says so,
        ``ConfigError`` for a list that cannot be read, and ``CorpusError`` where a ``.gitignore`` file above a folder
        cannot be read.
        """
        while True:
            forgotten = load_forgotten(self._home)
            is_known = changed is not None and self._known.issuperset(map(true_path, changed))
            if not is_known or forgotten != self._forgotten:
                self._walk(forgotten)
            self._project.refresh(self._files, stop=stop, progress=progress)
            if forgotten == load_forgotten(self._home):
                break
        self._offer(stop)

    def _offer(self, stop: Callable[[], bool]) -> None:
        """Find what to offer anew if what the files import has changed, or what is installed."""
        view = self.world.view()
        forms = view.snapshot.forms
        packages = self._environment.packages()
        imported = {name: forms.forms(name) for name in forms.names()}
        if (packages, imported) != self._offered_for:
            try:
                self.offered = read_offered(view, stop=stop)
            finally:
                self._environment.records.keep()
            self._offered_for = packages, imported
        self._environment.records.keep()  # what completions looked at since

    def _walk(self, forgotten: Forgotten) -> None:
        there = [folder for folder in self._folders if is_folder(folder)]
        files = tree.walk(there, exclude=self._exclude, forgotten=forgotten, importable=True)[0] if there else []
        self._files = [WorkspaceFile(path=each.path, location=each.location) for each in files]
        self._known, self._forgotten = {each.location for each in files}, forgotten
        self._environment.records.forget(forgotten)
