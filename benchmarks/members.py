"""How often the member that an author wrote is among the candidates after a dot: ours, and those of ty.

    python benchmarks/members.py [--corpus FOLDER] [--workspace FOLDER...] [--python PYTHON] [--after none|rest|word]
        [--max-places 300] [--seed 0] [--json FILE] [--notes]

Of each project (by default those of the open corpora) some files are held out: they are not on disk, but are typed
from the top, as in lspbench; of a plain folder those that lspbench's rule would choose. At attributes of these files
that are read, `receiver.name`, both are asked with the text up to and including the dot: ours in this process, ty
(https://docs.astral.sh/ty, a development dependency) over LSP. --python names the interpreter in which the projects'
dependencies are installed; without it neither has an environment.

A receiver is known if we say that its candidates are all that it has. The table has the share of known ones, and where
they are known and where they are not, how often the true name is among each one's candidates.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shlex
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from lspbench.client import POPUP, Document, Server
from lspbench.corpora import BELONGS, OPEN, manifest, split, text_of, unpack
from lspbench.replies import popup_list
from probe_code import WORD

from tinycoder.complete.names.names import Names
from tinycoder.complete.names.position import ATTRIBUTE
from tinycoder.symbols.indexing import WorkspaceSymbols

TIMEOUT_S = 60.0
ENVIRONMENT = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH")
ASIDE = (".git", ".venv", "venv", "node_modules", "__pycache__")
Ours = Callable[[str, str, int], tuple[bool, frozenset[str]]]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An attribute that is read: the offsets of its name, and what kind of receiver it has."""

    start: int
    end: int
    receiver: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one place; ``shown`` counts candidates."""

    project: str
    path: str
    line: int
    receiver: str
    name: str
    known: bool
    ours: bool
    theirs: bool
    ours_shown: int
    theirs_shown: int


def places(text: str) -> list[Seen]:
    """The attributes that a text reads, in order. Raises ``SyntaxError``."""
    raw_lines = [line.encode() for line in text.split("\n")]
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    result = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            assert node.end_lineno is not None
            assert node.end_col_offset is not None
            row = node.end_lineno - 1
            end = starts[row] + len(raw_lines[row][: node.end_col_offset].decode())
            start = end - len(node.attr)
            if text[start - 1 : end] == f".{node.attr}":  # else there is space between, or it is in an old f-string
                result.append(Seen(start=start, end=end, receiver=receiver_of(node.value)))
    return sorted(result, key=lambda place: place.start)


def receiver_of(node: ast.expr) -> str:
    """The kind of a receiver."""
    match node:
        case ast.Name(id="self" | "cls"):
            return "self"
        case ast.Name():
            return "name"
        case ast.Attribute(value=ast.Name(id="self" | "cls")):
            return "self.name"
        case ast.Attribute():
            return "chain"
        case ast.Call():
            return "call"
    return "other"


def our_side(root: Path, python: str, home: Path) -> Ours:
    """What our engine offers after a dot in a file of the workspace: whether the receiver is known, and the names."""
    symbols = WorkspaceSymbols(home, [root], python=python, environ={}, keep=False)
    symbols.refresh()
    names = Names(symbols.world)

    def ours(path: str, text: str, offset: int) -> tuple[bool, frozenset[str]]:
        cursor = names.cursor(path, text, offset)
        position = cursor.position
        known = position.kind == ATTRIBUTE and names.resolver(cursor, text).members(position.receiver).known
        return known, frozenset(name.word for name in names.at(cursor, text))

    return ours


def ty_command() -> str:
    """The command of the ty that is installed next to this Python, or is on the path."""
    neighbour = Path(sys.executable).with_name("ty")
    found = str(neighbour) if neighbour.exists() else shutil.which("ty")
    if not found:
        raise SystemExit("ty is not installed; it comes with the development dependencies: pip install --group dev")
    return f"{shlex.quote(found)} server"


def candidates(document: Document) -> frozenset[str]:
    """What a server offers at the document's cursor."""
    [(result, _)] = document.server.ask(document.request(POPUP))
    number = document.line_of(document.lo)
    line = document.truth[document.starts[number] : document.lo]
    words = (WORD.match(row) for row in popup_list(result, line, number, len(line)))
    return frozenset(word[0] for word in words if word)


def compare(
    root: Path, held_out: dict[str, str], options: argparse.Namespace, home: Path
) -> tuple[list[Outcome], dict[str, int]]:
    """Ask both at places of a workspace's held-out files: outcomes, and how many requests ty left without an answer."""
    every = [(path, place) for path, text in sorted(held_out.items()) for place in places(text)]
    rng = random.Random(f"{options.seed}/{root.name}")
    chosen = sorted(rng.sample(every, min(options.max_places, len(every))), key=lambda row: (row[0], row[1].start))
    ours = our_side(root, options.python, home)
    server = Server(options.ty or ty_command(), root, {}, TIMEOUT_S)
    outcomes, last = [], None
    try:
        server.initialize(root, {})
        for path, place in chosen:
            if last is None or last.path != path:
                if last:
                    last.close()
                last = Document(server, path, (root / path).as_uri(), held_out[path], options.after != "none")
                last.open(0)  # each place is then a change: ty takes a file that is opened again for the one it knew
            last.goto(place.start, place.end if options.after == "word" else None)
            name, text = last.truth[place.start : place.end], last.truth[: last.lo] + last.truth[last.hi :]
            theirs = candidates(last)
            known, mine = ours(path, text, place.start)
            outcomes.append(
                Outcome(
                    project=root.name,
                    path=path,
                    line=last.line_of(place.start) + 1,
                    receiver=place.receiver,
                    name=name,
                    known=known,
                    ours=name in mine,
                    theirs=name in theirs,
                    ours_shown=len(mine),
                    theirs_shown=len(theirs),
                )
            )
    finally:
        server.stop()
    return outcomes, server.failures


def workspaces(options: argparse.Namespace, scratch: Path) -> Iterable[tuple[Path, dict[str, str]]]:
    """Each project without its held-out files, and their texts."""
    if options.corpus or not options.workspace:
        corpus = options.corpus or OPEN
        for row in manifest(corpus):
            yield scratch / row["package"], unpack(corpus, row, scratch / row["package"])
    for folder in options.workspace:
        root = scratch / folder.resolve().name
        shutil.copytree(folder.resolve(), root, symlinks=True, ignore=shutil.ignore_patterns(*ASIDE))
        files = {file.relative_to(root).as_posix(): file for file in root.rglob("*") if BELONGS.search(file.as_posix())}
        paths, _ = split(root.name, {path: file.read_bytes() for path, file in files.items() if file.is_file()})
        held_out = {path: text_of(files[path].read_bytes()) for path in paths}
        for path in paths:
            files[path].unlink()
        yield root, held_out


def row(name: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures of some outcomes."""
    n = len(outcomes)
    ours, theirs = sum(each.ours for each in outcomes), sum(each.theirs for each in outcomes)
    return {
        "places": name,
        "n": n,
        "ours": ours / n if n else None,
        "ty": theirs / n if n else None,
        "ratio": ours / theirs if theirs else None,
        "only_ours": sum(each.ours and not each.theirs for each in outcomes),
        "only_ty": sum(each.theirs and not each.ours for each in outcomes),
        "ours_shown": median(each.ours_shown for each in outcomes) if n else None,
        "ty_shown": median(each.theirs_shown for each in outcomes) if n else None,
    }


def rows(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The table: known and unknown receivers, then the known ones by kind of receiver and by project."""
    known = [each for each in outcomes if each.known]
    result = [row("known", known), row("not known", [each for each in outcomes if not each.known])]
    result.append(row("all", outcomes))
    for kind in sorted({each.receiver for each in outcomes}):
        of_kind = [each for each in known if each.receiver == kind]
        share = len(of_kind) / sum(each.receiver == kind for each in outcomes)
        result.append(row(f"known: {kind} ({share:.0%})", of_kind))
    for project in dict.fromkeys(each.project for each in outcomes):
        of_project = [each for each in known if each.project == project]
        share = len(of_project) / sum(each.project == project for each in outcomes)
        result.append(row(f"known: {project} ({share:.0%})", of_project))
    return result


def table(outcomes: Sequence[Outcome]) -> str:
    """The table for people; shares in brackets are those of known receivers."""
    known = sum(each.known for each in outcomes)
    lines = [
        f"{known} of {len(outcomes)} receivers are known ({known / max(1, len(outcomes)):.1%})",
        "",
        f"{'receivers':24}{'n':>6}{'ours':>8}{'ty':>8}{'ratio':>8}{'only ours':>11}{'only ty':>9}{'shown':>13}",
    ]
    for each in rows(outcomes):
        match_weights = ("-" if each[key] is None else f"{each[key]:.3f}" for key in ("ours", "ty", "ratio"))
        figures = "".join(f"{share:>8}" for share in match_weights)
        shown = "-" if not each["n"] else f"{each['ours_shown']:.0f} / {each['ty_shown']:.0f}"
        alone = f"{each['only_ours']:>11}{each['only_ty']:>9}"
        lines.append(f"{each['places']:24}{each['n']:>6}{figures}{alone}{shown:>13}")
    return "\n".join(lines)


def main() -> None:
    """Parse the command line, compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, metavar="FOLDER", help="with MANIFEST.json and archives")
    parser.add_argument("--workspace", nargs="+", action="extend", default=[], type=Path, metavar="FOLDER")
    parser.add_argument("--python", default="", help="interpreter, or environment, that has the dependencies")
    parser.add_argument("--ty", default="", help="command that starts ty")
    parser.add_argument(
        "--after",
        choices=("none", "rest", "word"),
        default="none",
        help="what follows the cursor: nothing, the lines below, or all but the name that is asked for",
    )
    parser.add_argument("--max-places", type=int, default=300, help="attributes of a project")
    parser.add_argument("--seed", type=int, default=0, help="chooses the attributes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows and all outcomes here")
    parser.add_argument("--notes", action="store_true", help="print what ty alone had, and known receivers without it")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # those of the code that is read
    for name in ENVIRONMENT:
        os.environ.pop(name, None)
    if options.python:
        os.environ["VIRTUAL_ENV"] = str(environment(Path(options.python)))
    outcomes, failures = [], {"error": 0, "timeout": 0}
    with tempfile.TemporaryDirectory(prefix="members-") as scratch:
        home = Path(scratch).resolve() / "home"
        home.mkdir()
        for root, held_out in workspaces(options, Path(scratch).resolve() / "work"):
            some, failed = compare(root, held_out, options, home)
            outcomes += some
            failures = {key: failures[key] + failed[key] for key in failures}
    for each in outcomes if options.notes else ():
        if not each.ours and (each.theirs or each.known):
            state = "known" if each.known else "not known"
            alone = "" if each.theirs else ", nor ty"
            print(f"{each.project}/{each.path}:{each.line} .{each.name} ({each.receiver}, {state}{alone})")
    print(table(outcomes))
    if any(failures.values()):
        print(f"ty did not answer: {failures['error']} failed, {failures['timeout']} came too late")
    if options.json:
        text = json.dumps({"rows": rows(outcomes), "outcomes": [asdict(each) for each in outcomes]}, indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")


def environment(python: Path) -> Path:
    """An interpreter's environment; an environment is its own."""
    return python.absolute() if python.is_dir() else python.absolute().parent.parent


if __name__ == "__main__":
    main()
