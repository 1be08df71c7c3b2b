"""The real server with a stub in place of the engine. The document's first line says what the stub does.

`# slow`: tokens until it is stopped. `# deaf`: the same, but it does not look at `stop`, only for a file that
lets it go. `# fault`: raises. `# panic`: raises what is no ``Exception``. `# kill N`: raises it N microseconds later,
at whatever instruction the thread executes then. `# new`: thinks about ghost text for one token, once for each text.
`# told`: a candidate that says, in its source, what the engine was told, and how often it has thought. Else a candidate
for the word before the cursor that says, in its source, what was asked, or, of a file whose name begins with `echo`,
the digest of its text.

What a server writes is offered as it is, behind the word before the cursor; ``unfit`` does not fit anywhere.

The stub of the symbols says which files there are, and in a folder `lazy` takes until it is stopped or let go too.

The stub of the index goes by the workspace folder's name. `fault`: raises. `panic`: raises what is no ``Exception``,
once. `slow`: takes until it is stopped or a file in the folder lets it go.
"""

import asyncio
import ctypes
import dataclasses
import hashlib
import json
import os
import re
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinycoder.complete.candidate import Candidate, Document, GhostRequest, ListRequest, NameOrigin
from tinycoder.complete.question import Question
from tinycoder.complete.written import Written
from tinycoder.errors import Cancelled, CheckpointError
from tinycoder.stop import Progress, Stop, never
from tinycoder.symbols.interpreter import Interpreter, own_library
from tinycoder_lsp import app as app  # registers the handlers
from tinycoder_lsp.connection.handlers import register
from tinycoder_lsp.connection.lifetime import leave
from tinycoder_lsp.connection.transport import serve_stdio
from tinycoder_lsp.engine.models import Models
from tinycoder_lsp.jobs.indexing import IndexRequest
from tinycoder_lsp.jobs.symbols import SymbolRequest
from tinycoder_lsp.logs import start_log
from tinycoder_lsp.session import Pauses, Session


class Panic(BaseException):
    """What a library in another language raises when it gives up."""


class Told:
    """What the stub was told; it is its own memory."""

    def __init__(self) -> None:
        self.open: dict[str, int] = {}
        self.index: Any = None
        self.symbols: Any = None
        self.ahead: list[str] = []
        self.prepared: list[int] = []
        self.learnt = 0
        self.thought = 0
        self.known: set[str] = set()

    def use(self, index: Any) -> None:
        self.index = index


GHOST, LIST = GhostRequest(), ListRequest()


class Stub:
    mixer = None

    def __init__(self, folder: Path, memory: bool) -> None:
        self.folder = folder
        self.memory = Told()
        self.tokenizer = object()
        self._with_memory = memory
        if folder.name == "broken":
            raise CheckpointError(f"{folder.name}/config.json is damaged; train the model again")
        if folder.name == "bug":
            raise KeyError("nobody foresaw this")
        while folder.name == "stuck" and not (folder / "let_go").exists():
            threading.Event().wait(0.001)
        print("a library that prints to stdout")

    def inline(self, document: Document, offset: int, request: GhostRequest = GHOST, *, stop: Stop) -> list[Candidate]:
        asked = dataclasses.asdict(request)
        if _mode(document) == "# new" and document.text not in self.memory.known:
            self.memory.known.add(document.text)
            self.memory.thought += 1
        candidate = self._complete(document, offset, stop, asked)
        if _mode(document) == "# asked":
            candidate = dataclasses.replace(candidate, text=json.dumps(asked), start=offset)
        return [candidate] * request.n

    def cached_inline(self, document: Document, offset: int, request: GhostRequest) -> list[Candidate] | None:
        mode = _mode(document)
        thinks = mode.startswith(("# slow", "# deaf", "# fault", "# panic", "# kill"))
        if thinks or (mode == "# new" and document.text not in self.memory.known):
            return None
        return self.inline(document, offset, request, stop=never)

    def question(self, document: Document, offset: int, request: GhostRequest, model: Any = None) -> Question | None:
        text, after = document.text[:offset], document.text[offset:]
        return Question(text=text, after=after, max_tokens=request.max_tokens, block=request.block)

    def served(
        self, document: Document, offset: int, request: GhostRequest, question: Question, written: Written
    ) -> list[Candidate] | None:
        if written.text == "unfit":
            return None
        own = self._complete(document, offset, never, {})
        return [dataclasses.replace(own, text=own.text.removesuffix("_tail") + written.text)]

    def popup(self, document: Document, offset: int, request: ListRequest = LIST, *, stop: Stop) -> list[Candidate]:
        return [self._complete(document, offset, stop, {"limit": request.limit, "imports": request.imports})]

    def look_ahead(self, document: Document, offset: int, candidate: Candidate, *, stop: Stop) -> None:
        self.memory.ahead.append(candidate.text)
        while "# slow ahead" in document.text:
            if stop():
                raise Cancelled
            threading.Event().wait(0.001)

    def prepare(self, document: Document, offset: int, *, stop: Stop) -> None:
        self.memory.prepared.append(offset)

    def use(self, index: Any) -> None:
        self.memory.use(index)

    def know(self, world: Any, offered: Any) -> None:
        self.memory.symbols = {**world, "offered": offered}

    def observe(self, document: Document) -> None:
        self.memory.open[document.path] = len(document.text)

    def forget(self, path: str) -> None:
        self.memory.open.pop(path, None)

    def leave_out(self, forgotten: Any) -> None:
        pass

    def learn(self, *, stop: Stop) -> bool:
        self.memory.learnt += 1
        return self.memory.learnt % 3 != 0

    def _complete(self, document: Document, offset: int, stop: Stop, asked: dict[str, Any]) -> Candidate:
        mode = _mode(document)
        if mode == "# fault":
            raise ValueError("the engine has a fault")
        if mode == "# panic":
            raise Panic
        if mode.startswith("# kill"):
            _kill_in(int(mode.split()[2]) / 1e6)
        while mode == "# slow":
            if stop():
                raise Cancelled
            threading.Event().wait(0.001)
        while mode == "# deaf" and not (self.folder / "let_go").exists():
            threading.Event().wait(0.001)
        word = re.search(r"\w*\Z", document.text[:offset])
        assert word is not None
        facts: dict[str, Any] = {"path": document.path, "offset": offset, "length": len(document.text), **asked}
        if Path(document.path).name.startswith("echo"):
            facts = {"offset": offset, "digest": hashlib.sha256(document.text.encode()).hexdigest()}
        if mode == "# told":
            told = self.memory
            facts = {
                "open": told.open,
                "index": told.index,
                "symbols": told.symbols,
                "ahead": told.ahead,
                "prepared": told.prepared,
                "learnt": told.learnt,
                "thought": told.thought,
                "memory": self._with_memory,
            }
        return Candidate(
            text=f"{word.group()}_tail",
            start=word.start(),
            end=offset,
            probability=0.5,
            provenance=NameOrigin("stub", json.dumps(facts)),
        )


def _kill_in(seconds: float) -> None:
    """Let this thread raise ``Panic`` when the time has come, and have something to do until about then."""
    ident = ctypes.c_ulong(threading.get_ident())
    end = time.perf_counter() + seconds

    def kill() -> None:
        while time.perf_counter() < end:
            pass
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(Panic))

    threading.Thread(target=kill, daemon=True).start()
    while time.perf_counter() < end - 0.0002:
        pass


def _mode(document: Document) -> str:
    return document.text.split("\n", 1)[0].strip()


def index(home: Path, request: IndexRequest, stop: Stop, progress: Progress) -> Any:
    """The files that there are, in place of an index."""
    progress(1, 2)
    for folder in request.folders:
        if folder.name == "fault":
            raise ValueError("the index has a fault")
        if folder.name == "panic" and not (folder / "panicked").exists():
            (folder / "panicked").touch()
            raise Panic
        while folder.name == "slow" and not (folder / "let_go").exists():
            if stop():
                raise Cancelled
            threading.Event().wait(0.001)
    progress(2, 2)
    return sorted(
        path.name for folder in request.folders for path in folder.rglob("*.py") if path.name not in request.exclude
    )


class Reader:
    """What the place is, and which files there are, in place of their symbols."""

    def __init__(self, home: Path, place: SymbolRequest) -> None:
        self.interpreter = Interpreter(prefix=None, search_paths=(), library=own_library())
        self.world: Any = {"python": place.python, "trusted": place.trusted, "files": [], "changed": [], "read": 0}
        self.offered: Any = []
        self._place = place
        if place.python == "fault":
            raise ValueError("the symbols have a fault")

    def refresh(self, *, changed: Sequence[Path] | None, stop: Stop) -> None:
        for folder in self._place.folders:
            while folder.name == "lazy" and not (folder / "let_go").exists():
                if stop():
                    raise Cancelled
                threading.Event().wait(0.001)
        self.world["files"] = sorted(path.name for folder in self._place.folders for path in folder.rglob("*.py"))
        self.world["changed"] = None if changed is None else sorted(path.name for path in changed)
        self.world["read"] += 1
        self.offered = [*self.offered, self.world["read"]]


if __name__ == "__main__":
    home, model = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
    start_log(None, "info")
    look_s = float(os.environ.get("STUB_LOOK_S", "60"))
    pauses = Pauses(idle=0.01, index=0.01, symbols=0.01, fault=60, look=look_s)
    models = Models(home, Stub)  # type: ignore[arg-type]
    personal = home / os.environ.get("STUB_SETTINGS", "settings.toml")
    session = register(Session(models, model=model, index=index, open_reader=Reader, pauses=pauses, personal=personal))
    asyncio.run(serve_stdio(session))
    leave(session.exit_code)
