"""What a person would call a bug, counted on real code: asks a server that completes Python as an editor does.

    python benchmarks/probe.py --server "tinycoder serve" --workspace FOLDER... [--n 40] [--seed 0] [--out FILE.json]
    python benchmarks/probe.py --server "tinycoder serve" --corpus benchmarks/lspbench/corpora/open

Of a corpus the held-out files are not on disk. Each row is a kind of question; the share is that of answers which are
as a person expects. Names come from the workspace itself:

    import module      `import ` + two letters: the workspace's top-level module is in the list of ten
    from import        `from MODULE import ` + two letters: the module's name is in the list of ten
    module member      `import MODULE as it` / `it.` + two letters: the same
    workspace name     `value = ` + four letters of a class, function or constant of another file: the same
    brings its import  of those that are there, the ones whose row, accepted, leaves an import of that name from a
                       module that has it
    keyword argument   `FUNCTION(` + two letters of a parameter, the function imported from the workspace: the same
    own member         `self.` + two letters in a class whose method or attribute it is; among the first five
    instance member    `it = CLASS()` / `it.` + two letters, the class imported from the workspace; in the list of ten
    inherited member   `self.` + two letters of what a base class in another file defines; in the list of ten
    list exists        of all rows of these answers, those that are words of the workspace, the library or the language
    word is whole      in the middle of a word of an existing file (rest of the file behind): ghost text that joins with
                       the rest to words that all exist, and breaks no line; none is right too
    enter is enter     at the end of a line of a held-out file, typed from the top, where a list could be open: it is
                       empty, since Enter takes the selected row in an editor with default settings (even one that
                       equals the word)
    quiet              after a full stop in a comment, a docstring, a string, and after digits: no rows

Letters are added until at most as many names of that kind begin so as the row allows, so that a list of the right names
is enough. A kind without questions has no row, nor has ghost text where a server offers none. The workspace is copied,
without environments and repositories' own folders, and has no environment. The server is asked once it offers something
and has come to rest. An answer that fails counts as an empty one; how many did is told, and how long answers took: a
server that gives up after a while is silent on a busy machine, and its figures say little there (--init-options may
let it take its time: '{"popup": {"deadlineMs": 5000}}' is ours). Linux only; nothing of the workspace is run.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lspbench.client import INLINE, POPUP, Server, context, utf16
from lspbench.corpora import manifest, unpack
from lspbench.replies import from_utf16, inline_text, popup_items
from probe_code import WORD, Code, read
from probe_questions import QUIET, Question, line_ends, midwords, question, questions

from tinycoder.bench.quiet import Others, quiet

ASIDE = (".git", ".hg", ".venv", "venv", "env", ".env", ".tox", ".nox", "node_modules", "site-packages", "__pycache__")
ENVIRONMENT = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH")
TIMEOUT_S = 30.0
READY_S = 60.0  # until the server offers something, and again until it is at rest
REST = 0.05  # of a core: less is rest
RESOLVE = "completionItem/resolve"
Row = tuple[str, dict[str, Any]]


@dataclass
class Score:
    """How many answers of each kind were right, of how many; what was wrong; seconds until each answer."""

    table: dict[str, list[int]] = field(default_factory=dict)
    notes: list[tuple[object, ...]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def count(self, kind: str, right: object, *note: object) -> None:
        """Count an answer; what is noted of a wrong one quotes the workspace."""
        row = self.table.setdefault(kind, [0, 0])
        row[0] += bool(right)
        row[1] += 1
        if note and not right:
            self.notes.append((kind, *note))

    def add(self, other: Score) -> None:
        """Add another's counts."""
        for kind, (right, asked) in other.table.items():
            row = self.table.setdefault(kind, [0, 0])
            row[0] += right
            row[1] += asked
        self.seconds += other.seconds


class Editor:
    """Opens document after document and asks one thing in each."""

    def __init__(self, server: Server, root: Path) -> None:
        self.server, self.root, self.n_documents = server, root, 0
        self.seconds: list[float] = []

    def ask(self, method: str, text: str, at: int, path: str = "") -> tuple[Any, str, int]:
        """The result, the line up to the cursor, and its number; the document is new unless it has a path."""
        self.n_documents += 1
        uri = (self.root / (path or f"probe_{self.n_documents}.py")).as_uri()
        number, line = text.count("\n", 0, at), text[text.rfind("\n", 0, at) + 1 : at]
        item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.server.notify("textDocument/didOpen", {"textDocument": item})
        params = {
            "textDocument": {"uri": uri},
            "position": {"line": number, "character": utf16(line)},
            "context": context(self.server, method, line[-1:]),
        }
        [(result, seconds)] = self.server.ask((method, params))
        self.seconds.append(seconds)
        self.server.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        return result, line, number

    def rows(self, text: str, at: int, path: str = "") -> list[Row]:
        """The list at the cursor: the text that each row leaves from the word's start on, and LSP's item."""
        result, line, number = self.ask(POPUP, text, at, path)
        return popup_items(result, line, number, word_start(line))

    def ghost(self, text: str, at: int, path: str) -> tuple[str, int]:
        """The ghost text, and how many characters behind the cursor it replaces."""
        result, line, number = self.ask(INLINE, text, at, path)
        items = (result.get("items") if isinstance(result, dict) else result) or []
        ghost = inline_text(result, line, number)
        span = items[0].get("range") if items else None
        return ghost, max(0, offset(text, span["end"]) - at) if span else 0


def word_start(line: str) -> int:
    """Where the word that ends the line begins."""
    start = len(line)
    while start and (line[start - 1].isalnum() or line[start - 1] == "_"):
        start -= 1
    return start


def offset(text: str, position: dict[str, int]) -> int:
    """An offset in characters from LSP's position."""
    start = 0
    for _ in range(position["line"]):
        start = text.find("\n", start) + 1
    return start + from_utf16(text[start:].partition("\n")[0], position["character"])


def word_of(row: str) -> str:
    """The name that a row begins with."""
    match = WORD.match(row)
    return match[0] if match else row


def wait(editor: Editor, settle_s: float) -> None:
    """Until the server offers anything, and then until it is at rest, so that it has read the workspace."""
    server, limit = editor.server, time.perf_counter() + READY_S
    text = "import os\nos.\n"
    while time.perf_counter() < limit:
        result, *_ = editor.ask(POPUP, text, len(text) - 1)
        if (result or {}).get("items") if isinstance(result, dict) else result:
            break
        time.sleep(0.1)
    limit = time.perf_counter() + READY_S
    time.sleep(settle_s)
    while time.perf_counter() < limit:
        before = server.cpu_seconds()
        time.sleep(1)
        if server.cpu_seconds() - before < REST:
            return
    print("the server did not come to rest; it is asked all the same", file=sys.stderr)


def probe(
    command: str,
    root: Path,
    held_out: Mapping[str, str],
    *,
    n: int,
    seed: int = 0,
    settle_s: float = 5.0,
    init_options: object = None,
) -> tuple[Score, dict[str, int]]:
    """Ask a server about a workspace: the score, and the requests that had no answer."""
    score = Score()
    with tempfile.TemporaryDirectory(prefix="probe-") as scratch:
        work = Path(scratch).resolve() / root.name
        shutil.copytree(root, work, symlinks=True, ignore=shutil.ignore_patterns(*ASIDE))
        code, rng = read(work), random.Random(seed)
        code.words.update(word for text in held_out.values() for word in WORD.findall(text))
        server = Server(command, work, {}, TIMEOUT_S)
        try:
            server.initialize(work, init_options)
            editor = Editor(server, work)
            wait(editor, settle_s)
            editor.seconds = score.seconds
            for wanted in questions(code, rng, n):
                ask_list(editor, code, wanted, score)
            for path, at in midwords(code.files, rng, 2 * n):
                if INLINE in server.provides:
                    ask_ghost(editor, code, path, at, score)
            texts = held_out or code.files
            for path, at in line_ends(texts, rng, 2 * n):
                text = texts[path][:at]
                rows = [row for row, _ in editor.rows(text, at, path)]
                score.count("enter is enter", not rows, text.rpartition("\n")[2][-40:], "", rows[:4])
            for marked in QUIET:
                wanted = question("quiet", marked)
                rows = [row for row, _ in editor.rows(wanted.text, wanted.at)]
                score.count("quiet", not rows, marked, "", rows)
        finally:
            server.stop()
    return score, server.failures


def ask_list(editor: Editor, code: Code, wanted: Question, score: Score) -> None:
    """Ask for a list in which a name should be."""
    items = editor.rows(wanted.text, wanted.at)
    words = [word_of(row) for row, _ in items]
    shown = wanted.text.rpartition("\n\n")[2] if len(wanted.text) > 200 else wanted.text
    score.count(wanted.kind, wanted.meant in words[: wanted.rank], shown, wanted.meant, words)
    if wanted.kind == "workspace name" and wanted.meant in words[: wanted.rank]:
        found = [item for (_, item), word in zip(items, words, strict=True) if word == wanted.meant]
        right = any(brings_import(editor.server, code, wanted, item) for item in found)
        score.count("brings its import", right, wanted.text, wanted.meant, [item.get("detail") for item in found])
    known = code.words.union(WORD.findall(wanted.text))
    for word in words:
        score.count("list exists", word in known, wanted.text[-60:], word)


def brings_import(server: Server, code: Code, wanted: Question, item: dict[str, Any]) -> bool:
    """Whether the row leaves, when it is accepted, an import of the name from a module of the workspace that has it."""
    edits = item.get("additionalTextEdits")
    if not edits and server.resolves:
        [(resolved, _)] = server.ask((RESOLVE, item))
        edits = (resolved or {}).get("additionalTextEdits")
    text = wanted.text[: word_start(wanted.text[: wanted.at])] + wanted.meant + "\n"
    for edit in sorted(edits or [], key=lambda edit: -offset(text, edit["range"]["start"])):
        start, end = (offset(text, edit["range"][side]) for side in ("start", "end"))
        text = text[:start] + edit["newText"] + text[end:]
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module in code.modules
        and wanted.meant in code.modules[node.module].bound
        and any(alias.name == wanted.meant and alias.asname is None for alias in node.names)
        for node in tree.body
    )


def ask_ghost(editor: Editor, code: Code, path: str, at: int, score: Score) -> None:
    """Ask for ghost text in the middle of a word."""
    text = code.files[path]
    ghost, n_replaced = editor.ghost(text, at, path)
    if not ghost:
        score.count("word is whole", True)
        return
    after = text[:at] + ghost + text[at + n_replaced :]
    end = at + len(ghost)
    while end < len(after) and (after[end].isalnum() or after[end] == "_"):
        end += 1
    whole = all(word in code.words for word in WORD.findall(after[word_start(after[:at]) : end]))
    shown = text[max(0, at - 25) : at] + "¦" + text[at : at + 15].partition("\n")[0]
    score.count("word is whole", whole and (parses(after) or not parses(text)), shown, "", ghost)


def parses(text: str) -> bool:
    """Whether it is a module."""
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def workspaces(options: argparse.Namespace, scratch: Path) -> list[tuple[Path, dict[str, str]]]:
    """The folders to ask about, each with the texts of its held-out files."""
    places: list[tuple[Path, dict[str, str]]] = [(path.resolve(), {}) for path in options.workspace]
    if options.corpus:
        for row in manifest(options.corpus):
            root = scratch / row["package"]
            places.append((root, unpack(options.corpus, row, root)))
    return places


def main() -> None:
    """Parse the command line, and ask on a quiet machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, help="command that starts it")
    parser.add_argument("--workspace", nargs="+", action="extend", default=[], type=Path, metavar="FOLDER")
    parser.add_argument("--corpus", type=Path, metavar="FOLDER", help="with MANIFEST.json and archives")
    parser.add_argument("--n", type=int, default=40, help="questions of a kind and workspace")
    parser.add_argument("--seed", type=int, default=0, help="chooses the questions")
    parser.add_argument("--settle", type=float, default=5.0, help="least seconds of peace before the first question")
    parser.add_argument("--init-options", type=json.loads, default={}, metavar="JSON", help="initializationOptions")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the counts here (JSON)")
    parser.add_argument("--notes", action="store_true", help="print what was wrong (quotes the workspace)")
    options = parser.parse_args()
    if not options.workspace and not options.corpus:
        parser.error("give a --workspace or a --corpus")
    warnings.simplefilter("ignore")  # those of the code that is read
    for name in ENVIRONMENT:
        os.environ.pop(name, None)
    with quiet() as others:
        ask_all(options, others)


def ask_all(options: argparse.Namespace, others: Others) -> None:
    """Ask about each workspace, and print the table."""
    total, by_place, failures = Score(), {}, {"error": 0, "timeout": 0}
    with tempfile.TemporaryDirectory(prefix="probe-") as scratch:
        for root, held_out in workspaces(options, Path(scratch).resolve()):
            score, failed = probe(
                options.server,
                root,
                held_out,
                n=options.n,
                seed=options.seed,
                settle_s=options.settle,
                init_options=options.init_options,
            )
            by_place[root.name] = score.table
            total.add(score)
            failures = {key: failures[key] + failed[key] for key in failures}
            print(f"{root.name}: " + ", ".join(f"{k} {r}/{a}" for k, (r, a) in score.table.items()), file=sys.stderr)
            for note in score.notes if options.notes else ():
                print("   ", *note, sep=" | ")
    print(f"{'kind':20} right  asked  share")
    for kind, (right, asked) in total.table.items():
        print(f"{kind:20} {right:5}  {asked:5}  {right / asked:.3f}")
    half, most = (1000 * sorted(total.seconds)[int(q * len(total.seconds))] for q in (0.5, 0.95))
    print(f"answers after {others.figure(f'{half:.0f} ms, {most:.0f} ms (50 / 95 %)')}")
    if any(failures.values()):
        print(f"without an answer: {failures['error']} failed, {failures['timeout']} came too late")
    if options.out:
        text = json.dumps({"total": total.table, "by_place": by_place, "failures": failures}, indent=1)
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
