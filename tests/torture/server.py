"""The server stays up: odd messages, edits, cancellations, killed workers, editors that end.

A stub replaces the engine, except for training: it answers at once and can be told to fail.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import oddities
from buffer import ENCODINGS, Buffer, some_text
from counts import Count

from tests.server.raw_client import PATIENCE, PATIENT, RawClient

STUB = Path(__file__).parents[1] / "server" / "stub_server.py"
SEED = 7
GONE_S = 1.0  # within which the server must have gone with its editor
PER_S = 500  # cancellations
POPUP, GHOST = "textDocument/completion", "textDocument/inlineCompletion"
ECHO = "file:///somewhere/echo.py"
KEPT = "file:///somewhere/kept.py"  # which no odd message names
Trial = Callable[[Count, "Bench"], None]


class Client(RawClient):
    """A client that accepts several answers to an id, and counts them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.n_answers: Counter[tuple[type, Any]] = Counter()
        super().__init__(*arguments, **options)

    def _keep(self, message: dict[str, Any]) -> None:
        self.n_answers[type(message["id"]), message["id"]] += 1
        self._answers[message["id"]] = message

    def leave(self) -> int:
        """Shut down with an id that no message used before."""
        self.send({"id": "the last one", "method": "shutdown"})
        self.answer("the last one")
        self.notify("exit", None)
        return self.process.wait(PATIENCE)


def run(*, quick: bool, scratch: Path) -> Iterator[Count]:
    """Run every kind of trial, one after the other."""
    for name in ("stub", "deaf"):
        (scratch / "models" / name).mkdir(parents=True)
    bench = Bench(scratch)
    trials: tuple[tuple[str, int, int, Trial], ...] = (  # with their numbers, and those of a quick run
        ("odd messages", 20_000, 3_000, _messages),
        ("bodies that are no message", 2_000, 300, _bodies),
        ("edits compared with a reference", 10_000, 1_200, _edits),
        ("cancellations at 500 a second", 10_000, 1_000, _cancellations),
        ("huge, binary and broken documents", 40, 8, _documents),
        ("killed workers", 50, 10, _kills),
        ("editors that went", 36, 12, _ends),
        ("editors that went during training", 4, 1, _ends_in_training),
    )
    for what, number, few, trial in trials:
        yield _guarded(what, few if quick else number, bench, trial)


class Bench:
    """Starts servers, and checks their logs."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self._n = 0

    @contextlib.contextmanager
    def server(
        self, count: Count, *, command: list[str] | None = None, tolerant: bool = False, **options: Any
    ) -> Iterator[Client]:
        """A server, until the block ends. A traceback or an error in its log is a fault, unless ``tolerant``."""
        self._n += 1
        stub = [sys.executable, str(STUB), str(self.scratch), "stub"]
        client = Client(command or stub, self.scratch / f"{self._n}.log", **options)
        try:
            yield client
        finally:
            client.end()
            lines = client.log().splitlines()
            errors = [line for line in lines if "Traceback" in line or " ERROR " in line or "exception" in line.lower()]
            count.faults += [f"the log of server {self._n} says: {line}" for line in errors[: 0 if tolerant else 3]]


def _guarded(what: str, wanted: int, bench: Bench, trial: Trial) -> Count:
    """Run a trial; an exception that ends it early is a fault."""
    count = Count(what=what, wanted=wanted)
    try:
        trial(count, bench)
    except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
        count.faults.append(f"after {count.done} {what} (seed {SEED}): {str(error)[:500]}")
    return count


def _messages(count: Count, bench: Bench) -> None:
    chance, wanted = random.Random(SEED), []
    with bench.server(count, tolerant=True) as client:
        client.initialize()
        client.open("kept", uri=KEPT)
        while count.done < count.wanted:
            for _ in range(50):
                count.done += 1
                message = oddities.message(chance, 1000 + count.done)
                client.raw(json.dumps(message).encode())
                wanted += [message["id"]] if "id" in message else []
            _probe(client, f"probe {count.done}")
        if client.leave() != 0:
            count.faults.append("the server did not end well")
        wrong = [number for number in wanted if client.n_answers[int, number] != 1]
        for number in wrong[:5]:
            n = client.n_answers[int, number]
            count.faults.append(f"the request {number} was answered {n} times (seed {SEED})")


def _probe(client: Client, number: str) -> None:
    """The server answers, in order, so it has read all that was sent before; and it has the text."""
    client.send({"id": number, "method": POPUP, "params": client.position(KEPT, 0, 4)})
    assert client.answer(number)["result"]["items"][0]["label"] == "kept_tail"


def _bodies(count: Count, bench: Bench) -> None:
    chance = random.Random(SEED)
    whole = json.dumps({"jsonrpc": "2.0", "method": "textDocument/didSave", "params": {"textDocument": {"uri": "a"}}})
    with bench.server(count, tolerant=True) as client:
        client.initialize()
        client.open("kept", uri=KEPT)
        while count.done < count.wanted:
            client.raw(oddities.body(chance, whole.encode()))
            count.done += 1
            if count.done % 10 == 0:
                _probe(client, f"probe {count.done}")
        if client.leave() != 0:
            count.faults.append("the server did not end well")


def _edits(count: Count, bench: Bench) -> None:
    for encoding in ENCODINGS:
        chance = random.Random(SEED)
        with bench.server(count) as client:
            client.initialize({"general": {"positionEncodings": [encoding]}})
            buffer = Buffer("", encoding)
            until = count.done + -(-count.wanted // len(ENCODINGS))
            client.open("", uri=ECHO)
            while count.done < until and not count.faults:
                if len(buffer.text) > 3000 or chance.random() < 0.01:
                    buffer.text = "start = 1\n"
                    client.send(client.change(ECHO, {"text": buffer.text}))
                changes = []
                for _ in range(chance.choice([1, 1, 1, 2, 3])):
                    start, end, new = buffer.somewhere(chance), buffer.somewhere(chance), some_text(chance, 6)
                    changes.append({"range": {"start": _position(start), "end": _position(end)}, "text": new})
                    buffer.replace(start, end, new)
                    count.done += 1
                client.send(client.change(ECHO, *changes, version=chance.randrange(100)))
                cursor = buffer.somewhere(chance)
                echoed = json.loads(client.popup(ECHO, *cursor)[0]["detail"])
                if echoed != {"digest": buffer.digest, "offset": buffer.code_offset(*cursor)}:
                    count.faults.append(f"edit {count.done} in {encoding} (seed {SEED}): the texts differ: {changes}")
            client.leave()


def _position(cursor: tuple[int, int]) -> dict[str, int]:
    return {"line": cursor[0], "character": cursor[1]}


def _cancellations(count: Count, bench: Bench) -> None:
    chance, numbers = random.Random(SEED), []
    with bench.server(count) as client:
        client.initialize()
        slow, quick = client.open("# slow\n", uri="file:///slow.py"), client.open("ab", uri="file:///quick.py")
        start = time.monotonic()
        while count.done < count.wanted:
            time.sleep(max(0.0, start + count.done / PER_S - time.monotonic()))
            params = client.position(chance.choice([slow, quick]), 1, 0) | {"context": {"triggerKind": 2}}
            if chance.random() < 0.5:
                params["context"] = {"triggerKind": 1}
            number = client.request(chance.choice([POPUP, GHOST]), params)
            numbers.append(number)
            client.notify("$/cancelRequest", {"id": number - chance.choice([0, 0, 1, 2])})
            count.done += 1
        count.note = f"{count.done / (time.monotonic() - start):.0f} a second"
        client.open("ab", uri=slow)  # requests for the old text are obsolete
        for number in numbers:
            client.answer(number)
        if not client.popup(quick, 0, 2):
            count.faults.append("the worker is not free after the cancellations")
        twice = [number for number in numbers if client.n_answers[int, number] != 1]
        count.faults += [f"request {number} was answered more than once (seed {SEED})" for number in twice[:3]]
        client.leave()


def _documents(count: Count, bench: Bench) -> None:
    chance = random.Random(SEED)
    texts = (
        "value = 1  # é😀\n" * 300_000,
        "x = [" + "1, " * 1_700_000 + "]",
        chance.randbytes(500_000).decode("latin-1"),
        "".join(map(chr, range(0x2FFF))) * 5,
        "\ud83d" * 10_000 + "\ude00\n" * 10_000,
        "\r" * 100_000,
        "\x00" * 100_000,
        "(" * 100_000,
    )
    options = PATIENT | {"maxFileKb": 100_000}
    with bench.server(count) as client:
        client.initialize(initializationOptions=options)
        while count.done < count.wanted:
            text = texts[count.done % len(texts)]
            buffer = Buffer("", "utf-16")
            buffer.replace((0, 0), (0, 0), text)
            client.open(text, uri=ECHO)
            for line, column in ((0, 0), (0, 2), (2**31 - 1, 2**31 - 1)):
                new = chance.choice(["\n", "😀", "name"])
                span = {"start": _position((line, column)), "end": _position((line, column))}
                client.send(client.change(ECHO, {"range": span, "text": new}))
                at = len(buffer.text) if line else buffer.offset(line, column)
                buffer.text = buffer.text[:at] + new + buffer.text[at:]
            if json.loads(client.popup(ECHO, 0, 1)[0]["detail"])["digest"] != buffer.digest:
                count.faults.append(f"document {count.done} (seed {SEED}): the texts differ")
            count.done += 1
        client.leave()


def _kills(count: Count, bench: Bench) -> None:
    chance = random.Random(SEED)
    with bench.server(count) as client:
        client.initialize()
        good = client.open("ab", uri="file:///good.py")
        while count.done < count.wanted:
            first_line = chance.choice(["# panic"] + [f"# kill {chance.randrange(5000)}"] * 4)
            n_loaded = _n_times(client, "loading")
            client.open(f"{first_line}\n", uri="file:///bad.py")
            ask = client.popup if chance.random() < 0.5 else client.ghost
            ask("file:///bad.py", 1, 0)
            _until(
                lambda n=n_loaded: client.popup(good, 0, 2) is not None and _n_times(client, "loading") > n, first_line
            )
            _until(
                lambda: client.popup(good, 0, 2) and client.ghost(good, 0, 2, triggerKind=1),
                f"answers after {first_line}",
            )
            count.done += 1
        said = [each for each in client.notices if each["method"] == "window/showMessage"]
        if len(said) != 1:
            count.faults.append(f"{len(said)} messages popped up for one cause")
        if client.leave() != 0:
            count.faults.append("the server did not end well")


def _n_times(client: Client, state: str) -> int:
    shown = [each for each in client.notices if each["method"] == "didChangeStatus"]
    return sum(each["params"]["state"] == state for each in shown)


def _until(holds: Callable[[], object], what: str) -> None:
    """Poll; each call is a round trip to the server."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"in vain: {what}"


def _ends(count: Count, bench: Bench) -> None:
    """End editors in several ways, while the server is idle, answering, stuck or indexing."""
    slow = bench.scratch / "slow"
    slow.mkdir(exist_ok=True)
    doings = ("", "# slow", "# deaf", "indexing")
    ways = ("hangs up", "is killed", "ends, and its pipes stay open")
    longest = 0.0
    while count.done < count.wanted:
        doing, way = doings[count.done // len(ways) % len(doings)], ways[count.done % len(ways)]
        editor = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
        with editor, bench.server(count) as client:
            root = slow.as_uri() if doing == "indexing" else None
            client.initialize(rootUri=root, processId=editor.pid)
            if doing.startswith("#"):
                client.request(POPUP, client.position(client.open(f"{doing}\n"), 1, 0))
            assert client.error("nope/nope")["code"] == -32601  # it answers
            seconds, code = _end(client, editor, way)
            longest = max(longest, seconds)
            count.done += 1
            if seconds > GONE_S or code != 1:
                words = doing or "idle"
                count.faults.append(f"an editor {way} ({words}): gone in {seconds:.2f} s with code {code}")
    count.note = f"gone in {longest:.2f} s at the latest"


def _end(client: Client, editor: subprocess.Popen[bytes], way: str) -> tuple[float, int]:
    """End the editor; the seconds until the server has ended too, and its exit code."""
    assert client.process.stdin is not None
    assert editor.stdin is not None
    start = time.monotonic()
    if way != "hangs up":
        editor.kill()
        editor.wait(PATIENCE)
    if way != "ends, and its pipes stay open":
        client.process.stdin.close()
    code = client.process.wait(PATIENCE)
    editor.stdin.close()
    editor.kill()
    return time.monotonic() - start, code


def _ends_in_training(count: Count, bench: Bench) -> None:
    """The server ends at once, and the training saves and ends by itself."""
    from tinycoder.storage.checkpoint import STATE
    from tinycoder.storage.models import model_folder, run_folder, workspace_model_name

    project = bench.scratch / "project"
    project.mkdir()
    for n in range(8):
        lines = [f"def function_{i}(value_{n}):\n    return value_{n} + {i}\n" for i in range(40)]
        (project / f"module_{n}.py").write_text("\n\n".join(lines), encoding="utf-8")
    while count.done < count.wanted:
        home = bench.scratch / f"home {count.done}"
        options = ["--home", str(home), "serve", "--log-level", "info"]
        with bench.server(count, command=[sys.executable, "-m", "tinycoder", *options]) as client:
            client.initialize(rootUri=project.as_uri())
            command = {"command": "tinycoder.train", "arguments": [{"minutes": 5, "preset": "nano"}]}
            assert client.ask("workspace/executeCommand", command)["started"]
            _until(lambda: _progress(client) > 0, "training under way")
            trainer = int(client.log().partition("in process ")[2].split()[0])
            start = time.monotonic()
            assert client.process.stdin is not None
            client.process.stdin.close()
            code = client.process.wait(PATIENCE)
            seconds = time.monotonic() - start
            _until(lambda pid=trainer: not _lives(pid), "the end of the training")
            saved = run_folder(model_folder(home, workspace_model_name(project)))
            count.done += 1
            if seconds > GONE_S or code != 1:
                count.faults.append(f"during training the server was gone in {seconds:.2f} s with code {code}")
            if not (saved / STATE).is_file():
                count.faults.append("the training did not save what it had")
            count.note = f"gone in {seconds:.2f} s"


def _progress(client: Client) -> int:
    """The percentage of the training that is done."""
    client.error("nope/nope")  # a round trip
    shown = [each["params"] for each in client.notices if each["method"] == "didChangeStatus"]
    return max((each["training"] or 0 for each in shown), default=0)


def _lives(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (ProcessLookupError, FileNotFoundError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
