"""A black-box benchmark of language servers that complete Python: real projects, typed as in an editor.

    python benchmarks/lspbench/lspbench.py run --server "tinycoder serve" --set open --out mine.json
    python benchmarks/lspbench/lspbench.py run --server @benchmarks/lspbench/servers/pyright.json --out pyright.json
    python benchmarks/lspbench/lspbench.py table mine.json pyright.json

A run starts the server by its command, opens a workspace that holds the known files of a real project, types files
that were held out of it, and asks for the list and for ghost text as an editor does. Every server is asked at the same
positions, chosen by --seed. README.md says exactly what each figure means. Needs Linux, this project installed, and the
archives that ``corpora.py fetch`` brings.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from client import INLINE, POPUP, Server
from corpora import manifest
from queries import Choice, Project, Record, inlines, popups, typing, warm_up
from results import PROCESS, summarise, table, without_times

from tinycoder.bench.quiet import Others, halted, refusal, refused_all

HERE = Path(__file__).resolve().parent
Asking = Callable[[Server, Project], Iterator[Record]]
KINDS: dict[str, tuple[str | None, Asking]] = {  # with the method that the server must offer
    "popup": (POPUP, popups),
    "inline": (INLINE, inlines),
    "typing": (None, typing),
}


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure a server on the projects of a corpus, write the files that are asked for, and return the results."""
    corpus = options.corpora / options.set
    rows = manifest(corpus)
    wanted = options.repos.split(",") if options.repos else [row["package"] for row in rows]
    rows = [row for row in rows if row["package"] in wanted]
    records, repos, uses = defaultdict(list), {}, {}
    for row in rows:
        some, use = measure(row, corpus, options)
        for kind, those in some.items():
            records[kind] += those
        repos[row["package"]], uses[row["package"]] = summarise(some), use
        print(f"{options.name}: {row['package']} in {use['seconds']:.0f} s", file=sys.stderr)
    used = list(uses.values())
    results = {
        "name": options.name,
        "server": used[0]["server"],
        "provides": used[0]["provides"],
        "setup": _setup(options, rows),
        **summarise(records),
        "process": {key: round(max(use.get(key, math.inf) for use in used), 3) for key in PROCESS},
        "failures": {key: sum(use["failures"][key] for use in used) for key in ("error", "timeout")},
        "seconds": round(sum(use["seconds"] for use in used), 1),
        "by_repo": repos,
        "process_by_repo": uses,
    }
    for name, use in uses.items():
        if reason := refusal(use["others_share"]):
            without_times(reason, use, repos[name])
    if reason := refusal(results["process"]["others_share"]):
        without_times(reason, results, results["process"])
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if options.records:
        lines = [json.dumps({"test": kind, **record}) for kind, some in records.items() for record in some]
        options.records.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return results


def _setup(options: argparse.Namespace, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What the results depend on."""
    return {
        "command": options.server,
        "repos": {row["package"]: row["sha256"] for row in rows},
        **{name: getattr(options, name) for name in ("set", "seed", "kinds", "max_positions", "typing_chars")},
        **{name: getattr(options, name) for name in ("after", "open_lines")},
        "python": platform.python_version(),
        "cpus": sorted(os.sched_getaffinity(0)),
        "date": time.strftime("%Y-%m-%d"),
    }


def measure(
    row: dict[str, Any], corpus: Path, options: argparse.Namespace
) -> tuple[dict[str, list[Record]], dict[str, Any]]:
    """Run the server on one project: records by kind, and what the process used."""
    choice = Choice(
        max_positions=options.max_positions,
        typing_chars=options.typing_chars,
        seed=options.seed,
        open_lines=options.open_lines,
        rest=options.after == "rest",
    )
    records = {}
    with tempfile.TemporaryDirectory(prefix="lspbench-") as scratch:
        root = Path(scratch).resolve() / row["package"]
        root.mkdir()
        project = Project(row, corpus, root, choice)

        def fill(text: str) -> str:
            places = {"python": options.python, "this": sys.executable, "workspace": str(root), "here": str(HERE)}
            for name, value in places.items():
                text = text.replace("{" + name + "}", value)
            return text

        settings = json.loads(fill(json.dumps(options.settings)))
        log = options.log.open("ab") if options.log else None
        others = Others()
        server = Server(fill(options.server), root, settings, options.timeout, log)
        try:
            info, seconds = server.initialize(root, json.loads(fill(json.dumps(options.init_options))))
            use = {"server": info, "provides": sorted(server.provides), "initialize_s": seconds}
            use |= warm_up(server, project, options.warmup)
            time.sleep(options.settle)
            before = (time.perf_counter(), server.cpu_seconds(), server.n_requests)
            for kind in options.kinds.split(","):
                method, query = KINDS[kind]
                if method is None or method in server.provides:
                    records[kind] = [{"repo": project.name, **record} for record in query(server, project)]
            after = (time.perf_counter(), server.cpu_seconds(), server.n_requests)
            seconds, cpu, n_requests = (b - a for a, b in zip(before, after, strict=True))
            use |= {
                "requests": n_requests,
                "seconds": seconds,
                "cpu_ms_per_request": 1000 * cpu / max(1, n_requests),
                "others_share": others.share(),
                "peak_rss_mb": server.peak / 1e6,
                "failures": server.failures,
            }
        finally:
            server.stop()
            if log:
                log.close()
    return records, use


def options_from(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line, with a server's file (@FILE) read into it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    shown = commands.add_parser("table", help="print the main figures of finished runs")
    shown.add_argument("results", nargs="+", type=Path)
    measured = commands.add_parser(
        "run", help="measure one server", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    _add_run_options(measured.add_argument)
    options = parser.parse_args(arguments)
    if options.command == "run":
        if options.server.startswith("@"):
            profile = json.loads(Path(options.server[1:]).read_text(encoding="utf-8"))
            options.server, options.name = profile["command"], options.name or profile.get("name", "")
            options.init_options = options.init_options or profile.get("initializationOptions")
            options.settings = options.settings or profile.get("settings", {})
        options.name = options.name or options.server.split()[0].rpartition("/")[2]
    return options


def _add_run_options(add: Callable[..., Any]) -> None:
    add(
        "--server",
        required=True,
        help="command, or @FILE: JSON with command, name, initializationOptions, settings; {python}, {workspace}, "
        "{here} (the folder of this script) and {this} (its interpreter) are filled in",
    )
    add("--name", default="", help="what to call it in tables")
    add("--init-options", type=json.loads, default=None, help="initializationOptions as JSON")
    add("--settings", type=json.loads, default={}, help="JSON that answers workspace/configuration")
    add("--python", default=sys.executable, help="interpreter whose packages the workspace may import")
    add("--corpora", type=Path, default=HERE / "corpora", help="folder of the corpora")
    add("--set", default="open", help="which corpus: a folder with a MANIFEST.json and archives")
    add("--repos", default="", help="only these packages, by commas")
    add("--kinds", default="popup,inline,typing", help="what to measure")
    add("--max-positions", type=int, default=150, help="identifiers per project; twice as many places of ghost text")
    add("--typing-chars", type=int, default=1500, help="characters typed per project, in stretches of 500")
    add(
        "--after",
        choices=("none", "rest"),
        default="none",
        help="what follows the cursor: nothing (the file is written top down) or the rest of the file",
    )
    add("--open-lines", type=int, default=10, help="lines in the buffer when a file is opened")
    add("--seed", type=int, default=0, help="chooses the positions")
    add("--timeout", type=float, default=10, help="seconds to wait for an answer")
    add("--warmup", type=float, default=30, help="seconds to wait for the first answer that offers anything")
    add("--settle", type=float, default=1, help="seconds of peace before measuring")
    add("--out", type=Path, help="write the results here (JSON)")
    add("--records", type=Path, help="write each position's outcome here (JSON lines, without source text)")
    add("--log", type=Path, help="append what the server says on standard error here")


def main() -> None:
    """Parse the command line, measure, and print tables."""
    options = options_from(sys.argv[1:])
    if options.command == "table":
        print(table([json.loads(path.read_text(encoding="utf-8")) for path in options.results]))
    else:
        with halted():
            results = run(options)
        print(table([results]))
        if results.get("refused"):
            raise SystemExit(refused_all(results["refused"]))


if __name__ == "__main__":
    main()
