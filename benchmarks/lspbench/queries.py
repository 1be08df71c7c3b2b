"""One project of a corpus and one server: asks at every position, and judges each answer.

A record of a position is a dictionary with numbers and the file's path, without source text.
"""

from __future__ import annotations

import ast
import itertools
import math
import random
import re
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client import INLINE, POPUP, Document, Server
from corpora import unpack
from positions import PLACES, stretch, survey
from replies import inline_text, popup_list
from users import USERS, Step, fresh_ghosts, keys_pressed

STRETCH = 500  # characters of one stretch of simulated typing
MAX_COMPARED = 300  # characters of two lines whose similarity is measured
INCOMPLETE = 0x4000  # CPython's PyCF_ALLOW_INCOMPLETE_INPUT
Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which positions to ask at, and what of a file is in the buffer."""

    max_positions: int
    typing_chars: int
    seed: int
    open_lines: int
    rest: bool


class Project:
    """A workspace on disk, the held-out texts, and the positions in them."""

    def __init__(self, row: dict[str, Any], corpus: Path, root: Path, choice: Choice) -> None:
        """Unpack it into ``root``. The positions are a pure function of the corpus and ``choice``."""
        self.name, self.root, self.choice = row["package"], root, choice
        self.truths = unpack(corpus, row, root)
        self.words: dict[str, dict[int, int]] = {}
        identifiers: list[tuple[str, int, int, str]] = []
        places = defaultdict(list)
        rng = random.Random(f"{choice.seed}/{self.name}")
        for path, text in self.truths.items():
            found = survey(text, self.opened(path))
            self.words[path] = found.words
            identifiers += [(path, *identifier) for identifier in found.identifiers]
            for at, place in found.places:
                places[place].append((path, at, place))
        self.identifiers = sorted(_sample(rng, identifiers, choice.max_positions))
        share = math.ceil(2 * choice.max_positions / len(PLACES))
        self.places = sorted(row for place in PLACES for row in _sample(rng, places[place], share))
        paths = rng.sample(sorted(self.truths), len(self.truths))
        self.stretches = []
        for index in range(round(choice.typing_chars / STRETCH)):
            path = paths[index % len(paths)]
            if span := stretch(self.truths[path], 1, rng, STRETCH):
                self.stretches.append((path, *span))

    def opened(self, path: str) -> int:
        """Offset up to which a held-out file is in the buffer when it is opened."""
        return len("".join(self.truths[path].splitlines(True)[: self.choice.open_lines]))

    def document(self, server: Server, path: str, at: int | None = None) -> Document:
        """Open a held-out file with the cursor at an offset, or behind its first lines."""
        document = Document(server, path, (self.root / path).as_uri(), self.truths[path], self.choice.rest)
        document.open(self.opened(path) if at is None else at)
        return document


def _sample(rng: random.Random, rows: list[Any], count: int) -> list[Any]:
    return rng.sample(rows, min(count, len(rows)))


def warm_up(server: Server, project: Project, limit_s: float) -> dict[str, float]:
    """Ask until the first answer that offers anything: seconds from the start to the first answer, and to that one."""
    times: dict[str, float] = {}
    rows = [(path, at + 1, POPUP) for path, at, _, kind in project.identifiers if kind == "name"]
    rows = rows if POPUP in server.provides else [(path, at, INLINE) for path, at, _ in project.places]
    random.Random(1).shuffle(rows)
    for path, at, method in rows * 20:
        document = project.document(server, path, at)
        [(result, _)] = server.ask(document.request(method))
        document.close()
        now = time.perf_counter() - server.started
        times.setdefault("first_reply_s", now)
        if result["items"] if isinstance(result, dict) else result:
            times["first_items_s"] = now
            break
        if now > limit_s:
            break
        time.sleep(0.02)
    return times


def popups(server: Server, project: Project) -> Iterator[Record]:
    """Ask before, and after 1, 2 and 3 characters of, each identifier."""
    for path, rows in _by_file(project.identifiers):
        document, text = project.document(server, path), project.truths[path]
        for start, end, kind in rows:
            word = re.compile(re.escape(text[start:end]) + r"(?!\w)")
            for typed in range(4):
                document.goto(start + typed)
                [(result, seconds)] = server.ask(document.request(POPUP))
                line = document.line_of(start)
                line_start = document.starts[line]
                shown = popup_list(result, text[line_start : start + typed], line, start - line_start)
                yield {
                    "path": path,
                    "at": start,
                    "kind": kind,
                    "typed": typed,
                    "rank": next((rank for rank, row in enumerate(shown, 1) if word.match(row)), None),
                    "rows": len(shown),
                    "seconds": seconds,
                }
        document.close()


def inlines(server: Server, project: Project) -> Iterator[Record]:
    """Ask at each place; compare the ghost text with the rest of the line."""
    for path, rows in _by_file(project.places):
        document, text = project.document(server, path), project.truths[path]
        for at, place in rows:
            document.goto(at)
            [(result, seconds)] = server.ask(document.request(INLINE))
            line, rest = document.line_of(at), text[at : document.line_end(at)].rstrip()
            ghost = inline_text(result, text[document.starts[line] : at], line)
            first = ghost.split("\n")[0].rstrip()
            yield {
                "path": path,
                "at": at,
                "place": place,
                "shown": bool(ghost),
                "exact": first == rest,
                "similarity": similarity(first, rest) if ghost else 0.0,
                "rest": len(rest),
                "correct": n_shared(first, rest),
                "lines": ghost.strip("\n").count("\n") + 1,
                "valid": could_begin_a_module(text[:at] + ghost.rstrip()) if ghost else None,
                "seconds": seconds,
            }
        document.close()


def typing(server: Server, project: Project) -> Iterator[Record]:
    """Type each stretch key by key, ask for all that the server offers after each, and count the users' keys."""
    for path, start, end in project.stretches:
        text = project.truths[path]
        document = project.document(server, path, start)
        steps = {}
        waits: dict[str, list[float]] = {POPUP: [], INLINE: []}
        for at in range(start, end):
            line_start = document.starts[document.line_of(at)]
            if not text[line_start : at + 1].strip(" \t") and text[at] != "\n":
                continue  # indentation
            document.goto(at, end)
            word_start = project.words[path].get(at)
            methods = [m for m in (POPUP, INLINE) if m in server.provides and (m == INLINE or word_start is not None)]
            answers = dict(zip(methods, server.ask(*(document.request(method) for method in methods)), strict=True))
            steps[at] = _step(answers, text[line_start:at], document.line_of(at), at, word_start)
            for method, (_, seconds) in answers.items():
                waits[method].append(seconds)
        document.close()
        fresh, right, wrong = fresh_ghosts(text, steps)
        record = {"path": path, "at": start, "chars": len(steps), "waits": waits}
        record |= {"ghosts": sum(bool(step.ghost) for step in steps.values())}
        record |= {"fresh": fresh, "fresh_right": right, "fresh_wrong": wrong}
        for user in USERS:
            record[user], record[f"{user} accepted"] = keys_pressed(text, start, end, steps, user)
        yield record


def _step(answers: dict[str, tuple[Any, float]], line: str, number: int, at: int, word_start: int | None) -> Step:
    popup, popup_s = answers.get(POPUP, (None, 0.0))
    inline, inline_s = answers.get(INLINE, (None, 0.0))
    start = at if word_start is None else word_start
    rows = popup_list(popup, line, number, start - (at - len(line)))
    return Step(rows, start, inline_text(inline, line, number), popup_s, inline_s)


def _by_file(rows: list[Any]) -> list[tuple[str, list[Any]]]:
    files = defaultdict(list)
    for path, *row in rows:
        files[path].append(row)
    return list(files.items())


def n_shared(a: str, b: str) -> int:
    """How many characters two texts begin with alike."""
    return len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False))))


def similarity(a: str, b: str) -> float:
    """1 - Levenshtein distance / longer length, of the first characters of each."""
    a, b = a[:MAX_COMPARED], b[:MAX_COMPARED]
    return 1 - levenshtein(a, b) / max(len(a), len(b), 1)


def levenshtein(a: str, b: str) -> int:
    """The fewest characters to insert, remove or replace."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


def could_begin_a_module(text: str) -> bool:
    """Whether the text and a line break parse, or fail for want of more input alone, as the interactive prompt asks."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text + "\n", "module", "exec", ast.PyCF_ONLY_AST | INCOMPLETE, True)
    except (SyntaxError, ValueError) as error:
        return "incomplete input" in str(error)
    return True
