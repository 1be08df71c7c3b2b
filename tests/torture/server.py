"""The server stays up: odd messages, edits, cancellations, killed workers, editors that go.

All but the training is done with a stub in place of the engine, which answers at once and can be told to fail.
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
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """How many trials of each kind."""

    messages: int = 20_000
    bodies: int = 2_000
    edits: int = 10_000
    cancellations: int = 10_000
    documents: int = 40
    kills: int = 50
    ends: int = 36
    ends_in_training: int = 4


QUICK = Numbers(
    messages=3_000,
    bodies=300,
    edits=1_200,
    cancellations=1_000,
    documents=8,
    kills=10,
    ends=12,
    ends_in_training=1,
)


class Client(RawClient):
    """One that hears several answers to an id, and counts them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.n_answers: Counter[tuple[type, Any]] = Counter()
        super().__init__(*arguments, **options)

    def _keep(self, message: dict[str, Any]) -> None:
        self.n_answers[type(message["id"]), message["id"]] += 1
        self._answers[message["id"]] = message

    def leave(self) -> int:
        """As any client does, though numbers may have been used before."""
        self.send({"id": "the last one", "method": "shutdown"})
        self.answer("the last one")
        self.notify("exit", None)
        return self.process.wait(PATIENCE)


def run(*, quick: bool, scratch: Path) -> Iterator[Count]:
    """Every kind of trial, one after the other."""
    numbers = QUICK if quick else Numbers()
    for name in ("stub", "deaf"):
        (scratch / "models" / name).mkdir(parents=True)
    bench = Bench(scratch)
    yield _guarded("odd messages", numbers.messages, bench, _messages)
    yield _guarded("bodies that are no message", numbers.bodies, bench, _bodies)
    yield _guarded("edits compared with a reference", numbers.edits, bench, _edits)
    yield _guarded("cancellations at 500 a second", numbers.cancellations, bench, _cancellations)
    yield _guarded("huge, binary and broken documents", numbers.documents, bench, _documents)
    yield _guarded("killed workers", numbers.kills, bench, _kills)
    yield _guarded("editors that went", numbers.ends, bench, _ends)
    yield _guarded("editors that went during training", numbers.ends_in_training, bench, _ends_in_training)


class Bench:
    """Starts servers, and looks at what they leave in their logs."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self._n = 0

    @contextlib.contextmanager
    def server(
        self, count: Count, *, command: list[str] | None = None, tolerant: bool = False, **options: Any
    ) -> Iterator[Client]:
        """A server, until the block ends. What its log holds that it should not is a fault, unless we are tolerant."""
        self._n += 1
        stub = [sys.executable, str(STUB), str(self.scratch), "stub"]
        client = Client(command or stub, self.scratch / f"{self._n}.log", **options)
        try:
            yield client
        finally:
            client.end()
            lines = client.log().splitlines()
            found = [line for line in lines if "Traceback" in line or " ERROR " in line or "exception" in line.lower()]
            count.faults += [f"the log of server {self._n} says: {line}" for line in found[: 0 if tolerant else 3]]


def _guarded(what: str, wanted: int, bench: Bench, trial: Callable[[Count, Bench], None]) -> Count:
    """A count, with what ended the trials early as a fault."""
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
                found = json.loads(client.popup(ECHO, *cursor)[0]["detail"])
                if found != {"digest": buffer.digest, "offset": buffer.offset(*cursor)}:
                    count.faults.append(f"edit {count.done} in {encoding} (seed {SEED}): the texts differ: {changes}")
            client.leave()


def _position(place: tuple[int, int]) -> dict[str, int]:
    return {"line": place[0], "character": place[1]}


def _cancellations(count: Count, bench: Bench) -> None:
    chance, numbers = random.Random(SEED), []
    with bench.server(count) as client:
        client.initialize()
        slow, quick = client.open("# slow\n", uri="file:///slow.py"), client.open("ab", uri="file:///quick.py")
        begun = time.monotonic()
        while count.done < count.wanted:
            time.sleep(max(0.0, begun + count.done / PER_S - time.monotonic()))
            params = client.position(chance.choice([slow, quick]), 1, 0) | {"context": {"triggerKind": 2}}
            if chance.random() < 0.5:
                params["context"] = {"triggerKind": 1}
            number = client.request(chance.choice([POPUP, GHOST]), params)
            numbers.append(number)
            client.notify("$/cancelRequest", {"id": number - chance.choice([0, 0, 1, 2])})
            count.done += 1
        count.note = f"{count.done / (time.monotonic() - begun):.0f} a second"
        client.open("ab", uri=slow)  # what is asked of the old text is of no use any more
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
            found = json.loads(client.popup(ECHO, 0, 1)[0]["detail"])
            if found["digest"] != buffer.digest:
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
            _until(lambda: client.popup(good, 0, 2) and _by_hand(client, good), f"answers after {first_line}")
            count.done += 1
        said = [each for each in client.notices if each["method"] == "window/showMessage"]
        if len(said) != 1:
            count.faults.append(f"{len(said)} messages popped up for one cause")
        if client.leave() != 0:
            count.faults.append("the server did not end well")


def _by_hand(client: Client, uri: str) -> list[Any]:
    """Ghost text that has to be thought about: else nobody knows that the engine can think again."""
    place = client.position(uri, 0, 2) | {"context": {"triggerKind": 1}}
    items: list[Any] = client.ask("textDocument/inlineCompletion", place)["items"]
    return items


def _n_times(client: Client, state: str) -> int:
    shown = [each for each in client.notices if each["method"] == "didChangeStatus"]
    return sum(each["params"]["state"] == state for each in shown)


def _until(holds: Callable[[], object], what: str) -> None:
    """Ask again and again, each time a round trip to the server."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"in vain: {what}"


def _ends(count: Count, bench: Bench) -> None:
    """What the server is doing, and the way in which its editor goes."""
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
            seconds, code = _go(client, editor, way)
            longest = max(longest, seconds)
            count.done += 1
            if seconds > GONE_S or code != 1:
                words = doing or "idle"
                count.faults.append(f"an editor {way} ({words}): gone in {seconds:.2f} s with code {code}")
    count.note = f"gone in {longest:.2f} s at the latest"


def _go(client: Client, editor: subprocess.Popen[bytes], way: str) -> tuple[float, int]:
    """Let the editor go; how long the server takes to follow, in seconds, and its exit code."""
    assert client.process.stdin is not None
    assert editor.stdin is not None
    begun = time.monotonic()
    if way != "hangs up":
        editor.kill()
        editor.wait(PATIENCE)
    if way != "ends, and its pipes stay open":
        client.process.stdin.close()
    code = client.process.wait(PATIENCE)
    editor.stdin.close()
    editor.kill()
    return time.monotonic() - begun, code


def _ends_in_training(count: Count, bench: Bench) -> None:
    """The server goes at once, and the training saves and ends by itself."""
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
            wish = {"command": "tinycoder.train", "arguments": [{"minutes": 5, "preset": "nano"}]}
            assert client.ask("workspace/executeCommand", wish)["started"]
            _until(lambda: _progress(client) > 0, "training under way")
            trainer = int(client.log().partition("in process ")[2].split()[0])
            begun = time.monotonic()
            assert client.process.stdin is not None
            client.process.stdin.close()
            code = client.process.wait(PATIENCE)
            seconds = time.monotonic() - begun
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
    """Whether a process runs; one that has ended and that nobody has asked for does not."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (ProcessLookupError, FileNotFoundError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
