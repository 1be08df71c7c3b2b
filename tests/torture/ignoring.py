"""Random trees with random ``.gitignore`` files: whether TinyCoder reads what git would track. Knows git and walks."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from counts import Count

from tinycoder.workspace import tree

PATHS, PATHS_QUICK = 6_000, 960
FILES_OF_TREE = 60
NAMES = ("a", "b", "ab", "foo", "foo.d", "Foo", "x1", "a b", "#c", "!d", "[e]", "f]", "é", "-g", "h\\i", "j*k", "tail ")
PARTS = (
    *("*", "**", "?", "a", "b", "foo", "foo*", "*.d", "*o", "[ab]", "[!a]", "[^a]", "[a-c]*", "[[:digit:]]", "x[0-9]"),
    *("[[:alpha:]]*", "[]f]*", "[a-", "a[", "\\#c", "\\!d", "\\[e\\]", "[[]e]", "h\\\\i", "j\\*k", "*\\*k", "f\\]"),
    *(
        "a b",
        "a\\ b",
        "tail\\ ",
        "tail ",
        "é",
        "?",
        "a**",
        "***",
        "**b",
        "F*",
        "[A-Z]*",
        "\\a",
        "\\f\\o\\o",
        "-g",
        "[!b-z]*",
    ),
)


def run(*, quick: bool, scratch: Path) -> Iterator[Count]:
    """Paths judged by both, and each that git judges in another way."""
    count = Count(what="paths judged as git judges them", wanted=PATHS_QUICK if quick else PATHS)
    git = shutil.which("git")
    if git is None:
        count.wanted, count.note = 0, "git is not installed"
        yield count
        return
    seed = n_ignored = 0
    while count.done < count.wanted:
        root = scratch / f"repository-{seed}"
        paths = make_tree(root, random.Random(seed))
        ignored, read = git_ignores(git, root, paths), files_read(root)
        for path in paths:
            if (path in ignored) == (path in read):
                said = "ignores" if path in ignored else "tracks"
                count.faults.append(f"tree {seed}: git {said} {path!r}, TinyCoder does not; see {root.name}'s rules")
        count.done += len(paths)
        n_ignored += len(ignored)
        seed += 1
    count.note = f"{seed} trees, {n_ignored:,} paths ignored"
    yield count


def make_tree(root: Path, draw: random.Random) -> list[str]:
    """A new repository with Python files and rules; the files' paths."""
    folders = [""]
    while len(folders) < 9:
        folders.append(f"{draw.choice(folders)}{draw.choice(NAMES)}/")
    folders = sorted(set(folders))
    paths = sorted({f"{draw.choice(folders)}{draw.choice(NAMES)}.py" for _ in range(FILES_OF_TREE)})
    paths += [f"{folder}a" for folder in folders if (f"{folder}a/") not in folders]  # no Python file, not read
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x = 1\n")
    for folder in draw.sample(folders, min(4, len(folders))):
        end = draw.choice(("\n", "\n", "\r\n"))
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / ".gitignore").write_bytes("".join(line + end for line in rules(draw)).encode())
    return [path for path in paths if path.endswith(".py")]


def rules(draw: random.Random) -> list[str]:
    """Some lines of a ``.gitignore`` file."""
    return [rule(draw) for _ in range(draw.randint(1, 6))]


def rule(draw: random.Random) -> str:
    """A pattern that matches something now and then, or a comment."""
    if draw.random() < 0.05:
        return draw.choice(("# a comment", "", "  ", "#", "!", "/", "//", "\\"))
    parts = [draw.choice(PARTS) for _ in range(draw.choice((1, 1, 1, 2, 2, 3)))]
    if draw.random() < 0.4:
        parts[-1] += draw.choice((".py", ".py", "*.py", ".p?", ".[op]y", "*"))
    body = ("/" if draw.random() < 0.2 else "") + "/".join(parts) + ("/" if draw.random() < 0.25 else "")
    return ("!" if draw.random() < 0.3 else "") + body + draw.choice(("", "", "", "", " ", "  ", "\t"))


def git_ignores(git: str, root: Path, paths: list[str]) -> set[str]:
    """What git would leave out, by ``git check-ignore``."""
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "XDG_CONFIG_HOME": str(root.parent)}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | quiet
    subprocess.run([git, "init", "-q", str(root)], check=True, env=environment)
    command = [git, "-C", str(root), "check-ignore", "--stdin", "-z"]
    asked = "".join(f"{path}\0" for path in paths).encode()
    answer = subprocess.run(command, input=asked, capture_output=True, env=environment, check=False)
    if answer.returncode not in (0, 1):  # 1: none of them
        raise RuntimeError(f"git check-ignore ended with {answer.returncode}: {answer.stderr.decode()}")
    return {path.decode() for path in answer.stdout.split(b"\0") if path}


def files_read(root: Path) -> set[str]:
    """What TinyCoder would read."""
    return {file.path for file in tree.walk([root])[0]}
