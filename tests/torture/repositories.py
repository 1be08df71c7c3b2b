"""Random repositories with all that git looks at before it ignores a file, and what git itself lists of them.

A person's and a repository's configuration, ``info/exclude``, linked work trees, submodules, nested repositories,
leftover ``.git`` entries, tracked files that a pattern matches, and indexes of each version.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from counts import Count

from tinycoder.errors import CorpusError
from tinycoder.workspace import tree

PATHS, PATHS_QUICK = 4_000, 400
NAMED = 4  # files of a tree that are named outright
FOLDERS = ("", "a/", "b/", "a/b/", "a/foo/", "foo/", "foo.d/b/")
FILES = ("a.py", "b.py", "foo.py", "ab.py", "x1.pyi")
PATTERNS = (
    *("*.py", "a.py", "/b.py", "foo*", "b/", "a/", "/foo/", "a/*", "**/b", "*.pyi", "!a.py", "!b/", "!foo.py", "#a"),
    *("foo.d/", "[ab].py", "a/**/b.py", "!/a/foo/a.py", "*", "!*/", "!*.py"),
)
LEFT_OVER = ("an empty folder", "an empty file", "a file that leads nowhere", "a folder without a head", "a link")


def run(*, quick: bool, scratch: Path) -> Iterator[Count]:
    """Paths that git lists, or not, in each work tree, walked and named outright."""
    count = Count(what="paths read as git lists them", wanted=PATHS_QUICK if quick else PATHS)
    git = shutil.which("git")
    if git is None:
        count.wanted, count.note = 0, "git is not installed"
        yield count
        return
    seed = n_trees = n_tracked = 0
    while count.done < count.wanted:
        made = Made(git, scratch / f"made-{seed}", random.Random(seed))
        for root in made.roots:
            wanted, n = made.listed(root)
            n_tracked += n
            there = {_relative(path, root) for path in root.rglob("*.py*") if path.is_file()}
            found = {file.path for file in tree.walk([root], environ=made.environ)[0]}
            count.faults += [
                f"seed {seed}, {root.name}: {path} is read, git has it not" for path in sorted(found - wanted)
            ]
            count.faults += [f"seed {seed}, {root.name}: {path} is not read" for path in sorted(wanted - found)]
            for path in made.draw.sample(sorted(there), min(NAMED, len(there))):
                if path in wanted and not _is_read(root / path, made.environ):
                    count.faults.append(f"seed {seed}, {root.name}: {path}, named outright, is not read")
            count.done += len(there)
            n_trees += 1
        shutil.rmtree(made.scratch)
        seed += 1
    count.note = f"{n_trees} work trees of {seed} homes, {n_tracked:,} ignored but tracked"
    yield count


class Made:
    """A person's home and repositories in ``scratch``; ``roots`` are their work trees."""

    def __init__(self, git: str, scratch: Path, draw: random.Random) -> None:
        self.git, self.scratch, self.draw = git, scratch, draw
        self.home = scratch / "home"
        self.home.mkdir(parents=True)
        quiet = {"HOME": str(self.home), "GIT_CONFIG_NOSYSTEM": "1"}
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        self.environ = {**kept, **quiet}
        if draw.random() < 0.2:
            self.environ["XDG_CONFIG_HOME"] = str(self.home / "settings")
        outer = scratch / "outer"
        self._call(scratch, "init", "-q", "-b", draw.choice(("main", "work/one")), "outer")
        self.roots = [outer]
        self._fill(outer)
        if draw.random() < 0.5:
            self._submodule(outer)
        if draw.random() < 0.5:
            self._nested(outer)
        if draw.random() < 0.5:
            self._worktree(outer, outer / "a" / "tree" if draw.random() < 0.3 else scratch / "linked")
        if draw.random() < 0.5:
            self._leftover(outer)
        for root in self.roots:
            self._rules(root)
        self._configure(outer)

    def listed(self, root: Path) -> tuple[set[str], int]:
        """The Python files that git lists, also of repositories within, and the number of ignored but tracked ones."""
        own = self._list(root, "--others", "--cached", "--exclude-standard")
        n = len(self._list(root, "--cached", "--ignored", "--exclude-standard"))
        wanted: set[str] = set()
        for path in own:
            inner = root / path
            if inner.is_dir() and inner.resolve() in [each.resolve() for each in self.roots]:
                wanted |= {f"{path.rstrip('/')}/{below}" for below in self.listed(inner)[0]}
            elif inner.suffix in (".py", ".pyi") and inner.is_file():
                wanted.add(path)
        return wanted, n

    def _list(self, root: Path, *options: str) -> set[str]:
        return {os.fsdecode(path) for path in self._call(root, "ls-files", "-z", *options).split(b"\0") if path}

    def _fill(self, root: Path) -> None:
        draw = self.draw
        for folder in FOLDERS:
            (root / folder).mkdir(parents=True, exist_ok=True)
            for name in draw.sample(FILES, 3):
                (root / folder / name).write_text("x = 1\n")
        paths = sorted(_relative(path, root) for path in root.rglob("*.py*"))
        self._call(root, "add", "-f", "--", *draw.sample(paths, 5))
        self._call(root, "commit", "-q", "-m", "begin")
        self._call(root, "rm", "-q", "--cached", "--", *self._list(root, "--cached"))
        if tracked := draw.sample(paths, draw.randint(0, 5)):
            self._call(root, "add", *draw.choice(([], ["-N"])), "-f", "--", *tracked)
        self._call(root, "update-index", "--index-version", draw.choice("234"))

    def _submodule(self, outer: Path) -> None:
        other = self.scratch / "other"
        self._call(self.scratch, "init", "-q", "other")
        self._fill(other)
        self._call(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "-f", str(other), "b/sub")
        self._fill(outer / "b" / "sub")
        self.roots.append(outer / "b" / "sub")

    def _nested(self, outer: Path) -> None:
        self._call(outer, "init", "-q", "foo/inner")
        self._fill(outer / "foo" / "inner")
        self.roots.append(outer / "foo" / "inner")

    def _worktree(self, outer: Path, at: Path) -> None:
        self._call(outer, "worktree", "add", "-q", "-f", "--detach", str(at))
        self._fill(at)
        self.roots.append(at)

    def _leftover(self, outer: Path) -> None:
        mark = outer / self.draw.choice(("a", "a/b", "foo.d")) / ".git"
        kind = self.draw.choice(LEFT_OVER)
        if kind == "an empty file":
            mark.touch()
        elif kind == "a file that leads nowhere":
            mark.write_text("gitdir: /nowhere/at/all\n")
        elif kind == "a link":
            mark.symlink_to("nowhere")
        else:
            mark.mkdir()
            if kind == "a folder without a head":
                (mark / "objects").mkdir()
                (mark / "refs").mkdir()

    def _rules(self, root: Path) -> None:
        draw = self.draw
        for folder in draw.sample(FOLDERS, 2):
            if (root / folder).is_dir():
                (root / folder / ".gitignore").write_text(self._lines())
        if draw.random() < 0.6:
            common = Path(os.fsdecode(self._call(root, "rev-parse", "--git-common-dir").rstrip(b"\n")))
            (root / common / "info").mkdir(exist_ok=True)
            (root / common / "info" / "exclude").write_text(self._lines())

    def _configure(self, outer: Path) -> None:
        """The person's excludes file, in one of the places where git looks for it, and how it is named."""
        draw, home = self.draw, self.home
        xdg = Path(self.environ.get("XDG_CONFIG_HOME", home / ".config")) / "git"
        xdg.mkdir(parents=True, exist_ok=True)
        for file in (xdg / "ignore", home / "ignored", home / "a b", outer / "rules"):
            file.write_text(self._lines())
        value = draw.choice(("~/ignored", str(home / "ignored"), '"~/a b"', "~/a\\ b ; why", "rules", "", "~/nothing"))
        value = value.replace("\\ ", " ")
        setting = f"# mine\n[Core]\n\tExcludesFile = {value}\n"
        where = draw.choice(("nowhere", "global", "xdg", "local", "included", "conditional", "worktree", "variable"))
        own = outer / ".git" / "config"
        if where == "global":
            (home / ".gitconfig").write_text(setting)
        elif where == "xdg":
            (xdg / "config").write_text(setting)
        elif where == "local":
            own.write_text(own.read_text() + setting)
        elif where == "variable":
            plain = value.strip('"').partition(" ;")[0]
            self.environ |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "core.excludesFile",
                "GIT_CONFIG_VALUE_0": plain,
            }
        elif where == "worktree":
            self._call(outer, "config", "extensions.worktreeConfig", "true")
            (outer / ".git" / "config.worktree").write_text(setting)
        elif where in ("included", "conditional"):
            (home / "more").mkdir()
            (home / "more" / "config").write_text(setting)
            conditions = (
                "gitdir:outer/",
                "gitdir:~/",
                f"gitdir:{self.scratch}/",
                "gitdir/i:**/OUTER/.git",
                "onbranch:main",
            )
            conditions += (
                "onbranch:work/",
                "hasconfig:remote.*.url:https://example.org/**",
                "gitdir:other",
                "unheard:of",
            )
            head = "[include]" if where == "included" else f'[includeIf "{draw.choice(conditions)}"]'
            path = draw.choice(("more/config", "~/more/config", '"./more/\\\nconfig"'))
            (home / ".gitconfig").write_text(f"[user] name = x ; [y]\n{head}\n  path = {path}\n")
            if draw.random() < 0.5:
                self._call(outer, "config", "remote.origin.url", "https://example.org/one/two")

    def _lines(self) -> str:
        end = self.draw.choice(("\n", "\n", "\r\n"))
        return "".join(self.draw.choice(PATTERNS) + end for _ in range(self.draw.randint(0, 3)))

    def _call(self, folder: Path, *arguments: str) -> bytes:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.fsmonitor=false")
        command = [self.git, "-C", str(folder), *who, *arguments]
        done = subprocess.run(command, env=self.environ, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"git {' '.join(arguments)} ended with {done.returncode}: {done.stderr.decode()}")
        return done.stdout


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _is_read(file: Path, environ: dict[str, str]) -> bool:
    try:
        return bool(tree.walk([file], environ=environ)[0])
    except CorpusError:
        return False
