"""How long a server takes from its start to the first suggestion in a workspace that was indexed before.

    python benchmarks/start.py FOLDER [--model NAME] [--starts N]

The first start indexes a copy of FOLDER and reads its symbols; meanwhile a file is typed at 30 ms a key, or as fast as
lists come, and their times are printed. In each of the others a file of the workspace, written to its middle, is opened
at once, and ghost text, then the popup, is asked for until something is offered, which is so once the model is loaded.
`ready` is when the index is loaded too, `cores` what all of it took of one core until then: of use where others work.
Then the file is typed on for a while, and memory is read from /proc. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from editor import GHOST, POPUP, Editor
from feel import workspace
from process import Server

from tinycoder.bench.quiet import Others, quiet
from tinycoder.storage.models import resolve_model

KEYS = 200
KEYS_PER_S = 8.0
FAST_S = 0.03  # a key
PATIENCE_S = 60.0
CORES = ("cores, initialized", "cores, ghost", "cores, popup", "cores, ready")
READ = "read the workspace's symbols"  # as the log says


async def start(
    command: Sequence[str], scratch: Path, place: Path, typed: tuple[Path, str], keys: int
) -> dict[str, Any]:
    """One session: seconds to the first suggestion of each kind, seconds until all is loaded, and MB."""
    file, text = typed
    at = text.index("\n", len(text) // 2) + 1
    server = await Server.launch(command, scratch, scratch / "log.txt")
    try:
        await server.initialize(place, {})
        initialized = server.now()
        editor = Editor(server, file, text[:at], at, cancel=False)
        firsts = {}
        cores = [server.cpu_seconds()]
        for method in (GHOST, POPUP):
            firsts[method] = await first(server, editor, method)
            cores.append(server.cpu_seconds())
        await server.settle(quiet_s=1.0)
        ready = server.now() - 1.0
        cores.append(server.cpu_seconds())
        for character in text[at : at + keys]:
            editor.type(character)
            await asyncio.sleep(1 / KEYS_PER_S)
        return {
            "initialized": initialized,
            "ghost": firsts[GHOST],
            "popup": firsts[POPUP],
            "ready": ready,
            **dict(zip(CORES, cores, strict=True)),
            "resident": server.resident_mb(),
            "most": server.resident_mb("VmHWM"),
        }
    finally:
        await server.stop()


async def lists_while_reading(
    command: Sequence[str], scratch: Path, place: Path, typed: tuple[Path, str]
) -> list[float]:
    """The milliseconds that each list took from the first one until the workspace's symbols were read."""
    file, text = typed
    at = text.index("\n", len(text) // 2) + 1
    log = scratch / "log.txt"
    server = await Server.launch(command, scratch, log)
    try:
        await server.initialize(place, {})
        editor = Editor(server, file, text[:at], at, cancel=False)
        await first(server, editor, POPUP)
        server.exchanges.clear()
        for character in text[at:]:
            editor.type(character)
            await asyncio.sleep(FAST_S)
            while POPUP in server.in_flight():  # a list that was overtaken would be answered early, with nothing
                await asyncio.sleep(0.001)
            if READ in log.read_text(encoding="utf-8"):
                break
        lists = [each for each in server.exchanges if each.method == POPUP]
        await server.settle(quiet_s=1.0)
        return [1000 * each.seconds for each in lists if each.seconds is not None]
    finally:
        await server.stop()


async def first(server: Server, editor: Editor, method: str) -> float:
    """Seconds from the start of the server until an answer offers something."""
    position = {"line": editor.text.count("\n", 0, editor.offset), "character": 0}
    trigger = {"triggerKind": 1}
    while server.now() < PATIENCE_S:
        document = {"uri": editor.uri}
        result = await server.request(method, {"textDocument": document, "position": position, "context": trigger})[1]
        if result and result.get("items"):
            return server.now()
        await asyncio.sleep(0.01)
    raise SystemExit(f"start: no answer to {method} offered anything for {PATIENCE_S:.0f} s")


def main() -> None:
    """Start several times, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="Python files, a million tokens of them or so")
    parser.add_argument("--model", default="base")
    parser.add_argument("--home", type=Path, default=Path(), help="where the model is, if it is not the shipped one")
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with quiet() as others, tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        home, place = scratch / "home", scratch / "workspace"
        home.mkdir()
        model = options.model
        if model != "base":
            model = "typed"
            shutil.copytree(resolve_model(options.home, options.model), home / "models" / model)
        typed = workspace(options.folder, place, options.seed, [])[0]
        n_bytes = sum(file.stat().st_size for file in place.rglob("*.py"))
        command = [sys.executable, "-m", "tinycoder", "--home", str(home), "serve", "--model", model]
        lists = sorted(asyncio.run(lists_while_reading(command, scratch, place, typed)))
        runs = [asyncio.run(start(command, scratch, place, typed, KEYS)) for _ in range(options.starts)]
        if lists:
            p50, p95 = lists[len(lists) // 2], lists[int(0.95 * len(lists))]
            times = others.figure(f"p50 {p50:.0f}, p95 {p95:.0f}, most {lists[-1]:.0f} ms")
            print(f"{len(lists)} lists while symbols are read: {times}")
        print(f"{n_bytes:,} bytes of Python; medians of {len(runs)} starts (least, most)")
        show(runs, others)


def show(runs: Sequence[dict[str, Any]], others: Others) -> None:
    """Print medians, least and most."""
    for what, unit in (
        ("initialized", "s"),
        ("ghost", "s"),
        ("popup", "s"),
        ("ready", "s"),
        *((name, "s") for name in CORES),
        ("resident", "MB"),
        ("most", "MB"),
    ):
        values = [run[what] for run in runs]
        places = 2 if unit == "s" else 0
        said = f"{statistics.median(values):8.{places}f} {unit}  ({min(values):.{places}f}, {max(values):.{places}f})"
        print(f"  {what:18} {others.figure(said) if unit == 's' and what not in CORES else said}")


if __name__ == "__main__":
    main()
