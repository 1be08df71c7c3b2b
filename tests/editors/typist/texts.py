"""The texts to type: installed files of three styles.

A file is fit if typing it key by key, with Enter at each line's end, can give its bytes: ASCII, spaces, no blanks
at a line's end. It is typed in a folder that holds the other files of its package.
"""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

MIN_LINES = 150
STYLES = {  # of each the first file that is installed and fit: package, folder, file
    "classes": (
        ("hypothesis", "internal/conjecture", "shrinking/choicetree.py"),
        ("pluggy", "", "_execution.py"),
        ("wsgiref", "", "simple_server.py"),
    ),
    "docstrings": (
        ("attr", "", "converters.py"),
        ("numpy", "lib", "_ufunclike_impl.py"),
        ("wsgiref", "", "util.py"),
    ),
    "tests": (
        ("greenlet", "tests", "test_generator_nested.py"),
        ("numpy", "lib", "tests/test_mixins.py"),
        ("mypy", "test", "testcmdline.py"),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text to type, and the package around it."""

    name: str
    text: str
    package: Path  # the folder with the other files
    place: Path  # of the file, relative to the folder that holds the package

    def first(self, n_lines: int) -> Text:
        """The text cut after ``n_lines`` lines."""
        return replace(self, text=_cut(self.text, n_lines))

    def workspace(self, folder: Path) -> Path:
        """Copy the package without the file into a folder; the path at which to type the file."""
        target = folder / self.place.parts[0]
        shutil.copytree(self.package, target, ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyd"))
        (folder / self.place).unlink()
        return folder / self.place


def texts(*, n_lines: int) -> list[Text]:
    """One text of each style, cut after ``n_lines`` lines."""
    return [_first(style, n_lines) for style in STYLES]


def text_of(path: Path, *, n_lines: int) -> Text:
    """A given file, with its folder as its package."""
    path = path.resolve()
    whole = path.read_text(encoding="utf-8")
    reason = unfit(whole)
    if reason:
        raise ValueError(f"{path} cannot be typed as it is: {reason}")
    package, place = path.parent, Path(path.parent.name) / path.name
    return Text(name=path.stem, text=_cut(whole, n_lines), package=package, place=place)


def unfit(text: str) -> str:
    """Why typing the text cannot give its bytes; nothing if it can."""
    lines = text.split("\n")
    if not text.isascii() or any(not (" " <= letter <= "~" or letter == "\n") for letter in text):
        return "it holds other letters than those of a plain keyboard"
    if not text.endswith("\n") or text.endswith("\n\n"):
        return "it does not end with one line's end"
    if any(line != line.rstrip() for line in lines):
        return "a line ends with a blank"
    return ""


def _first(style: str, n_lines: int) -> Text:
    for name, folder, file in STYLES[style]:
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            continue
        package = Path(next(iter(spec.submodule_search_locations))) / folder
        path = package / file
        if not path.is_file():
            continue
        whole = path.read_text(encoding="utf-8")
        if whole.count("\n") >= MIN_LINES and not unfit(whole):
            place = Path(package.name) / file
            return Text(name=f"{style}: {name} {path.name}", text=_cut(whole, n_lines), package=package, place=place)
    raise LookupError(f"none of the files of the style {style!r} is installed and fit")


def _cut(text: str, n_lines: int) -> str:
    """The first ``n_lines`` lines, and more until one is not empty."""
    lines = text.rstrip("\n").split("\n")
    end = next((at for at in range(n_lines, len(lines)) if lines[at - 1]), len(lines))
    return "\n".join(lines[:end]) + "\n"
