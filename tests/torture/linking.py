"""Links, odd names and deep trees: what is read is what lies in the tree, and whatever lies there does no harm."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from counts import Count

from tinycoder.errors import CorpusError
from tinycoder.workspace import hard_links, tree

LEVELS, LEVELS_QUICK = 3_000, 2_100  # more than a path may name
SECRET = "outside = 1\n"
SPELT = (
    *(".ENV", ".Env.Local", ".env.py", "ID_RSA", "Id_Ed25519.PUB", "server.PEM", "Keys.P12", ".NETRC", ".PyPIrc"),
    *(".GIT/a.py", ".Hg/a.py", "Node_Modules/a.py", "Site-Packages/a.py", "VENDOR/a.py", "__PyCache__/a.py"),
    *("Build/a.py", "DIST/a.py", ".VENV/a.py", ".Env/a.py", "Thing.EGG-INFO/a.py", ".Tox/a.py"),
)
ODD = (
    *("new\nline.py", "tab\there.py", "bad\udcff.py", "quote'\".py", "\u00e9.py", "e\u0301.py", " .py", "-rf.py"),
    "a" * 252 + ".py",
)


def run(*, quick: bool, scratch: Path) -> Iterator[Count]:
    """One row for links, one for names, one for depth."""
    scratch.mkdir(parents=True)
    yield links(scratch / "links")
    yield names(scratch / "names")
    yield depth(scratch / "deep", LEVELS_QUICK if quick else LEVELS)


def links(scratch: Path) -> Count:
    """Each link by itself in a tree with one ordinary file, and whether anything but that file is read."""
    outside, root = scratch / "outside", scratch / "root"
    for folder in (outside / "pkg", root / "pkg"):
        folder.mkdir(parents=True)
        (folder / "own.py").write_text("own = 1\n")
    (outside / "secret.py").write_text(SECRET)
    pairs: dict[str, Callable[[Path], None]] = {
        "symlink to a file outside": lambda at: at.symlink_to(outside / "secret.py"),
        "relative symlink to a file outside": lambda at: at.symlink_to(Path("..", "outside", "secret.py")),
        "symlink to a folder outside": lambda at: at.with_suffix("").symlink_to(outside),
        "symlink to the folder above": lambda at: at.with_suffix("").symlink_to(".."),
        "symlink to the root": lambda at: at.with_suffix("").symlink_to("/"),
        "symlink to itself": lambda at: at.symlink_to(at.name),
        "symlink to nothing": lambda at: at.symlink_to("nowhere.py"),
        "symlink to a file within": lambda at: at.symlink_to(root / "pkg" / "own.py"),
        "symlink to a pipe": _to_a_pipe,
        "chain of symlinks": lambda at: _chain(at, outside / "secret.py"),
        "loop of symlinks": _loop,
        "hard link to a file outside": lambda at: at.hardlink_to(outside / "secret.py"),
    }
    count = Count(what="links that lead elsewhere", wanted=len(pairs) + 3)
    for what, make in pairs.items():
        tree_ = Path(shutil.copytree(root, scratch / f"tree-{count.done}"))
        make(tree_ / "link.py")
        _expect(count, what, tree_, ["pkg/own.py"])
    tree_ = Path(shutil.copytree(root, scratch / "within"))
    (tree_ / "other.py").hardlink_to(tree_ / "pkg" / "own.py")
    _expect(count, "hard link to a file within", tree_, ["other.py", "pkg/own.py"])
    (tree_ / ".hidden").mkdir()
    (tree_ / ".hidden" / "third").hardlink_to(tree_ / "other.py")
    _expect(count, "hard link to a file within that is not read", tree_, ["other.py", "pkg/own.py"])
    packages = scratch / "lib" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "module.py").hardlink_to(outside / "secret.py")
    _expect(count, "hard link of an installer", packages, ["module.py"])
    reasons = {entry.reason for entry in tree.walk([scratch / f"tree-{len(pairs) - 1}"])[1]}
    if reasons != {hard_links.REASON}:
        count.faults.append(f"a hard link to outside is left out for {reasons}")
    return count


def names(scratch: Path) -> Count:
    """Names in other case than usual are left out as usual; odd ones are read, and spelt out in one line."""
    count = Count(what="names in other case, and odd ones", wanted=len(SPELT) + len(ODD))
    for i, name in enumerate(SPELT):
        root = scratch / f"spelt-{i}"
        file = root / name
        file.parent.mkdir(parents=True)
        file.write_text("x = 1\n")
        _expect(count, name, root, [])
    root = scratch / "odd"
    root.mkdir()
    for name in ODD:
        (root / name).write_text("x = 1\n")
    files = tree.walk([root])[0]
    count.done += len(files)
    for file in files:
        if not file.path.isprintable() or file.location.read_text() != "x = 1\n":
            count.faults.append(f"{file.path!r} does not stand for its file in one line")
    return count


def depth(scratch: Path, levels: int) -> Count:
    """Folder in folder: all is read as far as a path reaches, and what is beyond is left out with a reason."""
    count = Count(what="levels of a deep tree", wanted=levels)
    scratch.mkdir()
    before = Path.cwd()
    try:
        os.chdir(scratch)
        for _ in range(levels):
            Path("d").mkdir()
            os.chdir("d")
            count.done += 1
        Path("a.py").write_text("x = 1\n")
        os.chdir(scratch)
        Path("a.py").write_text("x = 1\n")
        files, left_out = tree.walk([scratch])
        if [file.path for file in files] != ["a.py"]:
            count.faults.append(f"{len(files)} files are read, not the one that can be")
        if len(left_out) != 1 or "cannot be read" not in left_out[0].reason:
            count.faults.append(f"what is too deep is left out as {[entry.reason for entry in left_out]}")
        count.note = left_out[0].reason if left_out else ""
    except (OSError, CorpusError, RecursionError) as error:
        count.faults.append(f"a tree of {levels} levels: {error!r}")
    finally:
        _remove_deep(scratch, before)
    return count


def _expect(count: Count, what: str, root: Path, wanted: list[str]) -> None:
    count.done += 1
    try:
        found = [file.path for file in tree.walk([root])[0]]
    except (OSError, CorpusError, RuntimeError) as error:
        count.faults.append(f"{what}: {error!r}")
        return
    if found != wanted:
        count.faults.append(f"{what}: {found} is read, not {wanted}")


def _chain(at: Path, target: Path) -> None:
    for i in range(10):
        link = at.with_name(f"chain{i}.py")
        link.symlink_to(target)
        target = link
    at.symlink_to(target)


def _loop(at: Path) -> None:
    at.symlink_to("other.py")
    at.with_name("other.py").symlink_to(at.name)


def _to_a_pipe(at: Path) -> None:
    if sys.platform != "win32":
        os.mkfifo(at.with_name("pipe"))
    at.symlink_to("pipe")


def _remove_deep(scratch: Path, back: Path) -> None:
    """From within, folder by folder: no path names the innermost."""
    os.chdir(scratch)
    n = 0
    while Path("d").is_dir():
        os.chdir("d")
        n += 1
    for _ in range(n):
        Path("a.py").unlink(missing_ok=True)
        os.chdir("..")
        Path("d").rmdir()
    os.chdir(back)
