"""How it feels to type with the server: a session at 8 keys a second, as VS Code asks and shows, and a judge's report.

    python benchmarks/feel.py --model NAME [--home HOME] [--folder FOLDER] [--keys N] [--without PART...] [--json]

Python files are taken out of a copy of FOLDER (by default some of the standard library) and typed again. The model is
copied too, so that the home learns nothing. ``--without`` switches parts off (popup, inline, memory) and may be given
several times, for a session each: what a part costs is the difference. ``--no-cancel`` waits for every answer.
Linux only: times of the server are read from /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import random
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from editor import GHOST, POPUP, Editor
from judge import Acceptance, Exchange, Key, most_in_flight, percentile, stale, typed_through, withdrawals
from process import Server
from simulated_user import Habits, SimulatedUser

from tinycoder.bench.quiet import Others, halted, refusal, refused_all
from tinycoder.storage.home import default_home
from tinycoder.storage.models import resolve_model

LIBRARY = ("asyncio", "email", "http", "importlib", "json", "logging", "multiprocessing", "unittest", "urllib")
PARTS = ("popup", "inline", "memory")
N_FILES = 2
LEAST, MOST = 6_000, 60_000  # bytes of a file that is typed
LEARNING_S = 10.0  # after the last key, until the server must be at rest
IDLE_S = 20.0
TIMES = ("popup_ms", "ghost_ms", "cancelled_answered_ms")  # which other work makes longer
GRACE_S = 0.1  # a cancelled request may take that long to be answered


def workspace(folder: Path | None, place: Path, seed: int, names: Sequence[str] = ()) -> list[tuple[Path, str]]:
    """Copy Python files of ``folder`` to ``place`` but for the files to type: their paths there, and their texts.

    Those are the ones whose paths end with one of ``names``, or else some of a fit size.
    """
    library = Path(sysconfig.get_path("stdlib"))
    roots = [folder.resolve()] if folder else [library / name for name in LIBRARY]
    texts = {}
    for root in roots:
        for file in sorted(root.rglob("*.py")):
            path = Path(root.name) / file.relative_to(root)
            try:
                texts[place / path] = file.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    ascii_ = [path for path, text in texts.items() if text.isascii()]
    fit = [path for path in ascii_ if LEAST <= len(texts[path]) <= MOST]
    typed = random.Random(seed).sample(fit, min(N_FILES, len(fit)))
    if names:
        typed = [path for path in ascii_ if path.as_posix().endswith(tuple(names))]
    if not typed:
        raise SystemExit("there is no such Python file, in ASCII and of a size to be typed")
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if path not in typed:
            path.write_text(text, encoding="utf-8")
    return [(path, texts[path]) for path in typed]


async def session(options: argparse.Namespace, without: Sequence[str]) -> dict[str, Any]:
    """Type once, and the report of it."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        home, place = scratch / "home", scratch / "workspace"
        shutil.copytree(resolve_model(options.home, options.model), home / "models" / "typed")
        files = workspace(options.folder, place, options.seed, options.type)
        command = [sys.executable, "-m", "tinycoder", "--home", str(home), "serve", "--model", "typed"]
        server = await Server.launch(command, scratch, scratch / "log.txt")
        try:
            await server.initialize(place, {part: {"enable": False} for part in without})
            await server.settle()
            return {"without": list(without), **await typing(server, files, options)}
        except ConnectionError as error:
            raise SystemExit(f"{error}: {(scratch / 'log.txt').read_text(encoding='utf-8')[-1000:]}") from None
        finally:
            await server.stop()
            if options.log:
                shutil.copy(scratch / "log.txt", options.log)


async def typing(server: Server, files: Sequence[tuple[Path, str]], options: argparse.Namespace) -> dict[str, Any]:
    """Type into each file in turn, rest, and judge."""
    keys: list[Key] = []
    acceptances: list[Acceptance] = []
    started, cpu, others = server.now(), server.cpu_seconds(), Others()
    for number, (path, text) in enumerate(files):
        # The first file is written at its end, the others in the middle, with the rest below.
        start = text.index("\n", len(text) // 3) + 1
        truth = text if number == 0 else text[: text.index("\n", 2 * len(text) // 3) + 1]
        editor = Editor(
            server,
            path,
            text[:start] + text[len(truth) :],
            start,
            cancel=not options.no_cancel,
            selection=options.selection,
        )
        await SimulatedUser(editor, truth, options.keys // len(files), seed=options.seed).type()
        keys += editor.keys
        acceptances += editor.acceptances
        if number < len(files) - 1:
            editor.close()
    seconds, cpu, share = server.now() - started, server.cpu_seconds() - cpu, others.share()
    exchanges = [exchange for exchange in server.exchanges if exchange.at >= started]
    reason = refusal(share)
    return {
        "keys": len(keys),
        "seconds": seconds,
        "cpu_share": cpu / len(keys) * Habits().keys_per_s,  # as if there were no pauses
        "cpu_share_with_pauses": cpu / seconds,
        "cpu_ms_a_key": 1000 * cpu / len(keys),
        "others_share": share,
        **await rest(server),
        "resident_mb": server.resident_mb(),
        "most_resident_mb": server.resident_mb("VmHWM"),
        **requests(exchanges),
        **(dict.fromkeys(TIMES) if reason else {}),
        "refused": reason,
        **shown(keys, acceptances),
        "trace": [dataclasses.asdict(key) for key in keys] if options.trace else [],
    }


def requests(exchanges: Sequence[Exchange]) -> dict[str, Any]:
    """What was asked, and how it was answered."""
    late = [e.answered - e.cancelled for e in exchanges if e.cancelled is not None and e.answered is not None]
    return {
        "popup_ms": latencies(exchanges, POPUP),
        "ghost_ms": latencies(exchanges, GHOST),
        "requests": {method: sum(e.method == method for e in exchanges) for method in (POPUP, GHOST)},
        "cancelled": sum(e.cancelled is not None for e in exchanges),
        "cancelled_answered_ms": {"p95": 1000 * percentile(late, 0.95), "most": 1000 * max(late, default=0.0)},
        "errors": sum(e.n_items < 0 and e.cancelled is None for e in exchanges),
        "unanswered": sum(e.answered is None for e in exchanges),
        "most_in_flight": most_in_flight(exchanges, grace=GRACE_S),
    }


def shown(keys: Sequence[Key], acceptances: Sequence[Acceptance]) -> dict[str, Any]:
    """Outcomes of the suggestions that were shown."""
    gone = withdrawals(keys)
    return {
        "ghosts_shown": sum(bool(key.shown) for key in keys),
        "typed_through": typed_through(keys),
        "withdrawn": {kind: sum(w.kind == kind for w in gone) for kind in ("gone", "shorter", "other")},
        "flickers": sum(w.back is not None for w in gone),
        "withdrawals": [dataclasses.asdict(w) | {"typed": keys[w.key].text} for w in gone],
        "accepted": {kind: sum(a.kind == kind for a in acceptances) for kind in ("whole", "word", "row")},
        "stale_insertions": len(stale(acceptances)),
    }


async def rest(server: Server) -> dict[str, float]:
    """What the server does once nobody types: until it should be at rest, and then."""
    before = server.cpu_seconds()
    await asyncio.sleep(LEARNING_S)
    learning, woken, start = server.cpu_seconds(), server.wake_ups(), server.now()
    await asyncio.sleep(IDLE_S)
    seconds = server.now() - start
    wakes = sum(n - woken.get(thread, 0) for thread, n in server.wake_ups().items())
    return {
        "learning_cpu_s": learning - before,
        "idle_share": (server.cpu_seconds() - learning) / seconds,
        "idle_wake_ups_a_s": wakes / seconds,
    }


def latencies(exchanges: Sequence[Exchange], method: str) -> dict[str, float]:
    """Milliseconds of the answers that were waited for."""
    times = [1000 * e.seconds for e in exchanges if e.method == method and e.seconds is not None]
    return {"p50": percentile(times, 0.5), "p95": percentile(times, 0.95), "most": max(times, default=float("nan"))}


def table(found: Mapping[str, Any]) -> str:
    """A report for people."""
    name = f"without {', '.join(found['without'])}" if found["without"] else "everything on"
    gone = ", ".join(f"{n} {kind}" for kind, n in found["withdrawn"].items())
    flight = ", ".join(f"{n} {method.rpartition('/')[2]}" for method, n in found["most_in_flight"].items())
    return f"""{name}: {found["keys"]} keys in {found["seconds"]:.0f} s, {sum(found["requests"].values())} requests
  processor: {found["cpu_share"]:.1%} of a core while typing ({found["cpu_ms_a_key"]:.1f} ms a key, \
{found["cpu_share_with_pauses"]:.1%} with the pauses; others \
{found["others_share"]:.0%}), {found["learning_cpu_s"]:.2f} s to learn afterwards,
             then {found["idle_share"]:.2%} at rest with {found["idle_wake_ups_a_s"]:.1f} wake-ups a second
  memory:    {found["resident_mb"]:.0f} MB resident, {found["most_resident_mb"]:.0f} at most
  latency:   {latency(found)}
  requests:  at most in flight {flight}; {found["cancelled"]} cancelled, {found["errors"]} errors, \
{found["unanswered"]} never answered
  ghosts:    shown at {found["ghosts_shown"]} keys, {found["typed_through"]} typed through, withdrawn then: {gone}; \
flickers: {found["flickers"]}
  accepted:  {", ".join(f"{n} {kind}" for kind, n in found["accepted"].items())}; stale: {found["stale_insertions"]}"""


def latency(found: Mapping[str, Any]) -> str:
    """The times of a report, or why they are refused."""
    if found["refused"]:
        return f"refused: {found['refused']}"
    popup, ghost = (
        " / ".join(f"{found[kind][share]:.0f}" for share in ("p50", "p95", "most")) for kind in ("popup_ms", "ghost_ms")
    )
    late = found["cancelled_answered_ms"]["p95"]
    return (
        f"popup {popup} ms, ghost text {ghost} ms (p50 / p95 / most); cancelled ones answered after {late:.0f} ms (p95)"
    )


def main() -> None:
    """Type, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=default_home(os.environ))
    parser.add_argument("--model", required=True)
    parser.add_argument("--folder", type=Path, help="a project to type in, instead of the standard library")
    parser.add_argument("--type", nargs="*", default=(), metavar="FILE", help="files of the project to type")
    parser.add_argument("--keys", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--without", nargs="*", choices=PARTS, action="append", help="parts to switch off")
    parser.add_argument("--no-cancel", action="store_true", help="as clients do that cancel nothing")
    parser.add_argument("--selection", action="store_true", help="tell what the popup has selected, as VS Code does")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--trace", action="store_true", help="with --json: each key and what it showed")
    parser.add_argument("--log", type=Path, help="keep the server's log here")
    options = parser.parse_args()
    reports = []
    for without in options.without or [[]]:
        with halted():
            report = asyncio.run(session(options, without))
        reports.append(report)
        if not options.json:
            print(table(report), flush=True)
            for each in report["withdrawals"]:
                print(f"    {each['expected']!r} became {each['shown']!r} after {1000 * each['after']:.0f} ms")
    if options.json:
        print(json.dumps(reports, indent=1))
    if reasons := [report["refused"] for report in reports if report["refused"]]:
        raise SystemExit(refused_all(reasons[0]))


if __name__ == "__main__":
    main()
