"""Ghost text from llama.cpp's server: is it our model's own, what do we add to its time, and does a team get along?

    llama-server -m base.gguf --host 127.0.0.1 --port 8091 -c 512 -np 1 -ctk f32 -ctv f32 -fa off
    python benchmarks/serving.py --url http://127.0.0.1:8091 --pid PID [--places 200]
    python benchmarks/serving.py --url http://127.0.0.1:8091 --pid PID --editors 20 --minutes 5

The server has ``base``, as `tinycoder checkpoint export base base.gguf` writes it. At random places of the standard
library its text is compared with the greedy one of our own engine, and then each place is asked through the language
server: what that adds is its time less the time of llama.cpp's answer, which a relay between the two takes. With
--editors each has a language server of its own, types at 4 keys a second, and takes suggestions. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from editor import GHOST, POPUP, Editor
from feel import workspace
from judge import percentile, stale, typed_through, withdrawals
from process import Server
from simulated_user import Habits, SimulatedUser

from tinycoder.bench.quiet import Others, quiet
from tinycoder.complete.candidate import Document
from tinycoder.complete.documents import CleanDocument
from tinycoder.complete.ghost import LINE, Ghost, write
from tinycoder.complete.healing import Healer
from tinycoder.complete.parts import Parts
from tinycoder.complete.predict import Predictor
from tinycoder.complete.question import question_of
from tinycoder.complete.redact import Redactor
from tinycoder.complete.written import ghost_of
from tinycoder.memory.mixer import Mixer
from tinycoder.memory.token_lines import TokenLines
from tinycoder.storage.bundled import BUNDLED, bundled_folder
from tinycoder.storage.checkpoint import load_model
from tinycoder.transformer.tokenizer import Tokenizer
from tinycoder_lsp.remote.address import Address, address_of
from tinycoder_lsp.remote.client import Remote
from tinycoder_lsp.settings import RemoteSettings

MAX_TOKENS = 64
LOOK_S = 0.3  # from opening a file to the first key, as in an editor that is in use
N_DRAWS = 10  # of two files each, from which the places come
KEYS_PER_S = 4.0


class Relay:
    """Passes bytes between our server and the other one, and takes the time of each answer."""

    def __init__(self, url: str) -> None:
        self._to = urlsplit(url)
        self.n_asked = self.n_answered = self.n_closed = 0
        self._asked = self._answered = 0.0
        self._server: asyncio.Server | None = None

    async def listen(self) -> str:
        """Begin; the address to ask in place of the other one."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def close(self) -> None:
        """End it."""
        assert self._server is not None
        self._server.close()

    def take(self) -> float:
        """Seconds of the answer since the last call."""
        return self._answered - self._asked

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(self._to.hostname, self._to.port)
        there = asyncio.ensure_future(self._copy(reader, ours, asks=True))
        back = asyncio.ensure_future(self._copy(theirs, writer, asks=False))
        done, left = await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
        self.n_closed += there in done
        for task in left:
            task.cancel()
        for each in (ours, writer):
            each.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, asks: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 20):
                if asks and data.startswith(b"POST"):
                    self.n_asked += 1
                    self._asked = time.perf_counter()
                writer.write(data)
                await writer.drain()
                if not asks:
                    self.n_answered += data.startswith(b"HTTP/")
                    self._answered = time.perf_counter()


def places(n: int, seed: int, tokenizer: Tokenizer) -> dict[str, list[tuple[str, str, int]]]:
    """Random cursors in code, behind whole pieces and within words: a path, a text without the rest of the line, an
    offset."""
    with tempfile.TemporaryDirectory() as name:
        files = [file for each in range(N_DRAWS) for file in workspace(None, Path(name), seed + each)]
    rng = random.Random(seed)
    found: dict[str, list[tuple[str, str, int]]] = {"behind pieces": [], "within words": []}
    while any(len(cursors) < n for cursors in found.values()):
        path, text = rng.choice(files)
        offset = rng.randrange(1, len(text))
        line = text[text.rfind("\n", 0, offset) + 1 : offset]
        if text[offset].isspace() or not line.strip():
            continue
        within = len(tokenizer.last_piece(line + text[offset])) > 1 and tokenizer.last_piece(line).strip() != ""
        cursors = found["within words" if within else "behind pieces"]
        end = text.find("\n", offset)
        if len(cursors) < n:
            cursors.append((path.name, text[:offset] + (text[end:] if end >= 0 else ""), offset))
    return found


async def same(address: Address, cursors: Sequence[tuple[str, str, int]]) -> dict[str, Any]:
    """Whether the server writes what our own engine does, greedily and without a memory."""
    model = load_model(bundled_folder())
    predictor = Predictor(model.tokenizer, model, None, Mixer(), Parts(memory=False))
    healer, remote, counts = Healer(model.tokenizer), Remote(address, print, pause=2.0), Counter[str]()
    for path, text, offset in cursors:
        lines = TokenLines(model.tokenizer, text)
        opened = CleanDocument(redacted=Redactor().redacted(Document(path=path, text=text)), lines=lines)
        at = opened.redacted.offset(offset)
        if at is None or opened.document.text != text:
            counts["secret"] += 1
            continue
        context = predictor.context(opened.document, at, lines)
        [*_, ours] = [
            None,
            *write(predictor, healer, context, n=1, max_tokens=MAX_TOKENS, layout=LINE, poll=lambda: None),
        ]
        if ours is None:
            counts["nothing spells what is typed"] += 1
            continue
        question = question_of(opened, at, model, max_tokens=MAX_TOKENS, block=False)
        written = await remote.ask(question, 60.0)
        theirs = ghost_of(written, question.typed, LINE) if written else None
        equal = theirs is not None and agree(ours, theirs)
        counts["equal" if equal else "other"] += 1
        if not equal:
            print(
                f"{path}:{offset} {question.typed!r}: {ours.text!r}, {theirs and theirs.text!r}",
                file=sys.stderr,
            )
    await remote.close()
    return {"places": len(cursors), **counts}


def agree(one: Ghost, other: Ghost) -> bool:
    """Whether two texts are equal as far as they are written: below a probability of a thousandth both break off."""
    shorter, longer = sorted((one, other), key=lambda ghost: len(ghost.text))
    return one.text == other.text or (not shorter.ended and longer.text.startswith(shorter.text))


async def added(url: str, cursors: Sequence[tuple[str, str, int]], place: Path, others: Others) -> dict[str, Any]:
    """Milliseconds from request to answer, through the language server, and those that llama.cpp does not take."""
    relay = Relay(url)
    server = await serving(place, await relay.listen())
    whole, ours, asked = [], [], 0
    try:
        for number, (path, text, offset) in enumerate(cursors):
            uri = (place / "workspace" / f"{number}_{path}").as_uri()
            before = text[: offset - 1] + text[offset:]
            document = {"uri": uri, "languageId": "python", "version": 1, "text": before}
            server.notify("textDocument/didOpen", {"textDocument": document})
            await server.request(GHOST, at(uri, before, offset - 1))[1]
            await asyncio.sleep(LOOK_S)
            where = at(uri, before, offset - 1)["position"]
            change = {"range": {"start": where, "end": where}, "text": text[offset - 1]}
            identity = {"uri": uri, "version": 2}
            server.notify("textDocument/didChange", {"textDocument": identity, "contentChanges": [change]})
            last, start = relay.take(), time.perf_counter()
            await server.request(GHOST, at(uri, text, offset))[1]
            seconds = time.perf_counter() - start
            if relay.take() != last:
                asked += 1
                whole.append(1000 * seconds)
                ours.append(1000 * (seconds - relay.take()))
            server.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    finally:
        await server.stop()
        relay.close()
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return {
        "asked": asked,
        "whole_ms": others.value({name: percentile(whole, share) for name, share in shares.items()}),
        "added_ms": others.value({name: percentile(ours, share) for name, share in shares.items()}),
        "refused": others.refused,
    }


def at(uri: str, text: str, offset: int) -> dict[str, Any]:
    """The parameters of a request."""
    line = text.count("\n", 0, offset)
    position = {"line": line, "character": offset - text.rfind("\n", 0, offset) - 1}
    return {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 2}}


async def serving(place: Path, url: str) -> Server:
    """A language server whose person has named this address."""
    settings = place / "config" / "tinycoder" / "settings.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    remote = {"url": url, "kind": "llama.cpp", "model": BUNDLED}
    settings.write_text("[remote]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in remote.items()))
    folder = place / "workspace"
    folder.mkdir(exist_ok=True)
    os.environ["XDG_CONFIG_HOME"] = str(place / "config")
    command = [sys.executable, "-m", "tinycoder", "--home", str(place / "home"), "serve", "--model", BUNDLED]
    server = await Server.launch(command, place, place / "log.txt")
    await server.initialize(folder, {})
    await server.settle(quiet_s=1.0)
    return server


async def team(url: str, options: argparse.Namespace, scratch: Path, others: Others) -> dict[str, Any]:
    """Several people at once, each with an editor."""
    relay = Relay(url)
    address = await relay.listen()
    servers = []
    for number in range(options.editors):
        (scratch / str(number)).mkdir()
        servers.append(await serving(scratch / str(number), address))
    try:
        started = time.perf_counter()
        people = [person(server, scratch / str(n), n, options) for n, server in enumerate(servers)]
        found = await asyncio.gather(*people)
        seconds = time.perf_counter() - started
    finally:
        await asyncio.gather(*(server.stop() for server in servers))
        relay.close()
    total = Counter[str]()
    for each in found:
        total.update(each["counts"])
    ghosts = [ms for each in found for ms in each["ghost_ms"]]
    logs = [(scratch / str(n) / "log.txt").read_text(encoding="utf-8") for n in range(options.editors)]
    return {
        "editors": options.editors,
        "seconds": seconds,
        **total,
        "asked": relay.n_asked,
        "answered": relay.n_answered,
        "closed": relay.n_closed,
        "tracebacks": sum(log.count("Traceback") for log in logs),
        "ghost_ms": others.value({"p50": percentile(ghosts, 0.5), "p95": percentile(ghosts, 0.95)}),
        "refused": others.refused,
    }


async def person(server: Server, place: Path, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Type for some minutes: what went wrong."""
    [(path, text), *_] = workspace(None, place / "texts", seed)
    start = text.index("\n", len(text) // 3) + 1
    editor = Editor(server, place / "workspace" / path.name, text[:start], start)
    n_keys = int(60 * options.minutes * KEYS_PER_S)
    user = SimulatedUser(editor, text, n_keys, seed=seed, habits=Habits(keys_per_s=KEYS_PER_S))
    reached = await user.type()
    exchanges = [each for each in server.exchanges if each.method in (POPUP, GHOST)]
    answered = [each for each in exchanges if each.cancelled is None]
    gone = withdrawals(editor.keys)
    return {
        "counts": {
            "keys": len(editor.keys),
            "errors": sum(each.n_items == -1 for each in answered),
            "stale": len(stale(editor.acceptances)),
            "lost": int(editor.text[: editor.offset] != text[: editor.offset] or editor.offset < reached),
            "taken": len(editor.acceptances),
            "shown": sum(bool(key.shown) for key in editor.keys),
            "typed_through": typed_through(editor.keys),
            "flickers": sum(each.back is not None for each in gone),
            "withdrawn": len(gone),
        },
        "ghost_ms": [1000 * each.seconds for each in answered if each.method == GHOST and each.seconds is not None],
    }


async def run(options: argparse.Namespace, others: Others) -> dict[str, Any]:
    """Either of the two."""
    address = address_of(RemoteSettings(url=options.url, kind="llama.cpp", model=BUNDLED), {})
    assert address is not None
    with tempfile.TemporaryDirectory() as name:
        if options.editors:
            return await team(options.url, options, Path(name), others)
        found = places(options.places, options.seed, load_model(bundled_folder()).tokenizer)
        cursors = found["behind pieces"]
        return {
            **{which: await same(address, each) for which, each in found.items()},
            **await added(options.url, cursors, Path(name), others),
        }


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--places", type=int, default=200)
    parser.add_argument("--editors", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pid", type=int, help="process of llama.cpp's server, whose work is not that of others")
    options = parser.parse_args()
    with quiet(*([options.pid] if options.pid else [])) as others:
        print(json.dumps(asyncio.run(run(options, others)), indent=2))


if __name__ == "__main__":
    main()
