"""What can stand at a bar (¦) in a text, in a workspace of small files."""

from __future__ import annotations

from pathlib import Path

from tinycoder.complete.names.cursor import Cursor
from tinycoder.complete.names.name import Name
from tinycoder.complete.names.names import Names
from tinycoder.symbols.imports.offers import OfferedNames, read_offered
from tinycoder.symbols.project import Project, WorkspaceFile
from tinycoder.symbols.world import World

BAR = "¦"


def split(text: str) -> tuple[str, int]:
    """The text without its bar, and where that was."""
    assert text.count(BAR) == 1, text
    return text.replace(BAR, ""), text.index(BAR)


def cursor(text: str, *, path: str = "here.py", names: Names | None = None) -> Cursor:
    return (names or Names()).cursor(path, *split(text))


def at(text: str, *, path: str = "here.py", names: Names | None = None) -> list[Name]:
    """The names that could stand at the bar."""
    names = names or Names()
    clean, _ = split(text)
    return names.at(cursor(text, path=path, names=names), clean)


def texts(text: str, *, path: str = "here.py", names: Names | None = None) -> list[str]:
    return [name.text for name in at(text, path=path, names=names)]


def of(group: str, text: str, *, path: str = "here.py", names: Names | None = None) -> list[str]:
    """The names of one group."""
    return [name.text for name in at(text, path=path, names=names) if name.group == group]


def group_of(word: str, text: str, *, path: str = "here.py", names: Names | None = None) -> str:
    """The group of a word; empty where it cannot stand."""
    return next((name.group for name in at(text, path=path, names=names) if name.text == word), "")


def world(files: dict[str, Path]) -> World:
    """A workspace of these files, by the paths that they have there."""
    project = Project()
    project.refresh(WorkspaceFile(path=path, location=location) for path, location in files.items())
    return World(project)


def workspace(folder: Path, files: dict[str, str], *, offers: bool = False) -> Names:
    """A reader that knows these files, and with ``offers`` what they import."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    known, names = world({path: folder / path for path in files}), Names()
    names.know(known, read_offered(known.view()) if offers else OfferedNames())
    return names
