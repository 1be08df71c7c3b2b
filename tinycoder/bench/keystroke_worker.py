"""Types with the engine of one checkout, and says what each answer took, by part. See ``tinycoder.bench.keystroke``.

A process of its own, started by path, so that ``PYTHONPATH`` chooses the checkout: it uses nothing that is new in this
one. It reads the number of a stretch, and answers with one row for each request.
"""

import functools
import importlib
import json
import random
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.protocol import default_converter

import tinycoder
from tinycoder.complete.candidate import Candidate, Document
from tinycoder.complete.parts import Parts
from tinycoder.library import engine_maker
from tinycoder.memory.change import change_of
from tinycoder.stop import never
from tinycoder.storage.checkpoint import load_model
from tinycoder_lsp.documents.positions import Lines
from tinycoder_lsp.editor.items import completion_list, inline_list

LIST, GHOST, JUMP = "list", "ghost", "jump"
LEAST, MOST = 4_000, 60_000  # characters of a file that is typed
N_FILES = 6  # that are typed
N_JUMPS = 8  # of a stretch, before anything is typed
FAR = 1_000  # characters that they cover
KEYS = 100  # of a stretch
N_STRETCHES = 400
LONG_STEP = 8  # positions that the model reads at once; more are a prompt, fewer a step
PARTS = {  # what is timed, in a tree that has it: the name that callers use, as module, perhaps a class, and function
    "screen": ["tinycoder.complete.redact:Redactor.redacted"],
    "tokens": [
        "tinycoder.memory.ngrams:Memory.update",
        "tinycoder.complete.predict:make_context",
        "tinycoder.complete.likelihood:Speller.spell",
    ],
    "steps": ["tinycoder.transformer.decode:Session.logits", "tinycoder.transformer.decode:Session.score_branches"],
    "memory": [
        "tinycoder.memory.ngrams:Memory.evidence",
        "tinycoder.memory.ngrams:Memory.continuation",
        "tinycoder.memory.ngrams:Memory.seen",
        "tinycoder.memory.ngrams:Memory.knows",
    ],
    "mixture": [
        "tinycoder.complete.predict:Predictor.mixed",
        "tinycoder.complete.predict:softmax",
        "tinycoder.memory.mixer:Mixer.mix",
    ],
    "names": [
        "tinycoder.complete.names.names:Names.at",
        "tinycoder.complete.names.names:Names.is_open",
        "tinycoder.complete.names.names:Names.cursor",
        "tinycoder.complete.names.names:Names.observe",
        "tinycoder.complete.names.names:Names.resolver",
        "tinycoder.complete.completion_list:describe",
        "tinycoder.complete.completion_list:import_edits",
        "tinycoder.complete.inline:unknown_names",
    ],
    "ranking": [
        "tinycoder.complete.completion_list:likelihoods",
        "tinycoder.complete.completion_list:complete_word",
        "tinycoder.complete.completion_list:ranked",
    ],
    "gates": ["tinycoder.complete.inline:held_back", "tinycoder.complete.filters:Filters.let_through"],
}
_PLACE = re.compile(r"^ *(?=\w)|\w[.(]|\w =\x20|\w, ", re.MULTILINE)  # where a person may go on


class Clock:
    """How long each part has taken since ``begin``, without the parts that it calls."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._inner = [0.0]

    def begin(self) -> None:
        """Start anew."""
        self._seconds.clear()

    def parts(self) -> dict[str, float]:
        """Milliseconds of each part."""
        return {part: 1e3 * seconds for part, seconds in self._seconds.items()}

    def watch(self) -> None:
        """Time all PARTS from here on."""
        for part, places in PARTS.items():
            for place in places:
                module, _, path = place.partition(":")
                self._wrap(module, path, lambda *args, part=part, **kwargs: part)
        self._wrap(
            "tinycoder.transformer.decode",
            "step",
            lambda *args, **kwargs: "prefill" if args[3].shape[1] > LONG_STEP else "steps",
        )

    def timed(self, part: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A decorator that times a function as ``part``."""
        return lambda function: self._timed(function, lambda *args, **kwargs: part)

    def _wrap(self, module: str, path: str, part_of: Callable[..., str]) -> None:
        try:
            owner: Any = importlib.import_module(module)
        except ImportError:
            return
        *outer, name = path.split(".")
        for each in outer:
            owner = getattr(owner, each, None)
        if hasattr(owner, name):
            setattr(owner, name, self._timed(getattr(owner, name), part_of))

    def _timed(self, function: Callable[..., Any], part_of: Callable[..., str]) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            part, start = part_of(*args, **kwargs), time.perf_counter()
            self._inner.append(0.0)
            try:
                return function(*args, **kwargs)
            finally:
                whole = time.perf_counter() - start
                self._seconds[part] += whole - self._inner.pop()
                self._inner[-1] += whole

        return timed


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Text of a file to be typed from ``start`` on; with ``after`` what follows it is in the file already."""

    path: str
    text: str
    start: int
    jumps: tuple[int, ...]
    after: bool

    def requests(self) -> Iterator[tuple[str, str, int]]:
        """Kind, text and cursor of each request: jumps down the file, then keys."""
        for at in self.jumps:
            yield JUMP, self.text[:at] + (self.text[_line_end(self.text, at) :] if self.after else ""), at
        rest = self.text[_line_end(self.text, self.start + KEYS) :] if self.after else ""
        for at in range(self.start, self.start + KEYS):
            typed = self.text[:at] + rest
            if any(each in "_." or each.isalnum() for each in self.text[at - 1 : at]):
                yield LIST, typed, at
            yield GHOST, typed, at


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


class Typist:
    """An engine with the workspace, and stretches to be typed."""

    def __init__(self, model: Path, folder: Path) -> None:
        texts = {}
        for file in sorted(folder.rglob("*.py")):
            with suppress(OSError):  # a folder of such a name, or a link that leads nowhere
                texts[file.relative_to(folder).as_posix()] = _read(file)
        dice = random.Random(0)
        fit = [path for path, text in texts.items() if LEAST <= len(text) <= MOST]
        typed = dice.sample(fit, min(N_FILES, len(fit)))
        known = [Document(path=path, text=text) for path, text in texts.items() if path not in typed]
        self.engine = engine_maker(load_model(model), known)(Parts())
        self.clock, self._converter = Clock(), default_converter()  # type: ignore[no-untyped-call]
        self._answered = self.clock.timed("protocol")(self._answered)  # type: ignore[method-assign]
        self.clock.watch()
        self.stretches = []
        for number in range(N_STRETCHES if typed else 0):
            path, after = typed[number % len(typed)], number % 3 == 2
            text = texts[path]
            first = dice.randrange(len(text) // 8, len(text) - FAR - 2 * KEYS)
            jumps = [match.end() for match in _PLACE.finditer(text, first, first + FAR)]
            jumps = sorted(dice.sample(jumps, min(N_JUMPS, len(jumps))))
            start = _line_end(text, first + FAR) + 1
            if start + KEYS < len(text):
                self.stretches.append(Stretch(path=path, text=text, start=start, jumps=tuple(jumps), after=after))

    def type(self, number: int) -> list[tuple[str, float, dict[str, float], list[Any]]]:
        """Type a stretch: for each request its kind, its milliseconds as a whole and by part, and the answer."""
        stretch, rows = self.stretches[number], []
        kind, text, offset = next(stretch.requests())
        self.engine.observe(Document(path=stretch.path, text=text))  # opening the file is no keystroke
        before = text
        for kind, text, offset in stretch.requests():
            edited = Document(
                path=stretch.path, text=text, change=change_of(before, text)
            )  # the editor says what changed
            before = text
            start = time.perf_counter()
            self.clock.begin()
            answer = self._ask(kind, edited, offset)
            ms = 1e3 * (time.perf_counter() - start)
            rows.append((kind, ms, self.clock.parts(), [_plain(each) for each in answer]))
        while self.engine.learn(stop=never):
            pass
        return rows

    def _ask(self, kind: str, document: Document, offset: int) -> list[Candidate]:
        self.engine.observe(document)
        ask = self.engine.popup if kind == LIST else self.engine.inline
        answer = ask(document, offset, stop=never)
        self._answered(kind, document.text, answer)
        return answer

    def _answered(self, kind: str, text: str, answer: list[Candidate]) -> str:
        """The answer as it is sent."""
        items = completion_list if kind == LIST else inline_list
        message = items({str(i): each for i, each in enumerate(answer)}, Lines(text))
        of = lsp.CompletionList if kind == LIST else lsp.InlineCompletionList
        return json.dumps(self._converter.unstructure(message, unstructure_as=of))


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n")


def _say(**message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _plain(each: Candidate) -> list[Any]:
    return [each.text, each.start, each.end, str(each.provenance), each.probability]


def main(arguments: dict[str, str]) -> None:
    """Answer each number that is read."""
    typist = Typist(Path(arguments["model"]), Path(arguments["folder"]))
    _say(ready={"n": len(typist.stretches), "tree": str(Path(tinycoder.__file__).parents[1])})
    for line in sys.stdin:
        _say(value=typist.type(int(line)))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
