"""Type an hour's keys with a real server and the bundled model, and watch its memory, threads and handles.

``python tests/torture/soak.py --minutes 60`` types at 8 keys a second in real time; as a part of ``torture`` the same
keys come as fast as the server answers. The second quarter of the run, when everything is loaded, is compared with
the last.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from sysconfig import get_path
from typing import Any

from counts import Count

from tests.server.raw_client import RawClient

KEYS_PER_S = 8
HOUR = 60 * 60 * KEYS_PER_S
QUICK = 60 * KEYS_PER_S
KEYS_PER_FILE = 120  # then the person turns to another one
N_FILES = 40
MAX_OPEN = 8
LOOKED_AT = 2  # one answer in so many keys is awaited; the next key cancels the others
SELDOM = 4  # the same if keys come as fast as the server answers
REST_S = 1.5  # between some files: long enough to learn from what was typed
GROWTH = 1.05  # of resident memory
SLOWER = 1.25  # of the answers' 95th percentile, in milliseconds and relative to a fixed piece of work
SLACK_MS = 5.0
SLACK_KB = 4 * 1024  # an interpreter's own fluctuation
COMPLETION, GHOST = "textDocument/completion", "textDocument/inlineCompletion"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The server's process at one moment."""

    resident_kb: int
    n_threads: int
    n_handles: int


@dataclass(kw_only=True)
class Quarter:
    """The measurements of a quarter of the run."""

    samples: list[Sample] = field(default_factory=list)
    answers_ms: list[float] = field(default_factory=list)
    yardstick_ms: list[float] = field(default_factory=list)  # times of a fixed piece of work

    @property
    def resident_kb(self) -> float:
        return median(sample.resident_kb for sample in self.samples)

    @property
    def p95_ms(self) -> float:
        return quantiles(self.answers_ms, n=20)[-1]

    @property
    def slowness(self) -> float:
        """The answers' 95th percentile by the yardstick's: other work on the machine slows both."""
        return self.p95_ms / quantiles(self.yardstick_ms, n=20)[-1]


@dataclass(kw_only=True)
class Page:
    """An open document with the passage that is typed."""

    uri: str
    file: Path
    text: str
    start: int  # of the passage that is typed again
    version: int = 1


def run(*, quick: bool, scratch: Path) -> Iterator[Count]:
    """Type the keys of an hour, or of a minute, as fast as the server answers."""
    if not Path("/proc/self/status").exists():  # the measurements exist on Linux only
        return
    wanted = QUICK if quick else HOUR
    soak = Soak(scratch, random.Random(7), pace_s=0.0)
    try:
        for n in range(wanted):
            soak.quarter = 4 * n // wanted
            soak.key()
        code = soak.leave()
    finally:
        soak.client.end()
    faults = soak.faults(quick) + ([] if code == 0 else [f"the server ended with code {code}"])
    yield Count(what="keys typed", wanted=wanted, done=soak.n_keys, faults=faults, note=soak.figures())


class Soak:
    """A server, the files of a workspace, and simulated typing."""

    def __init__(self, scratch: Path, chance: random.Random, *, pace_s: float) -> None:
        self.chance = chance
        self.pace_s = pace_s
        self.quarter = 0
        self.quarters = [Quarter() for _ in range(4)]
        self.n_keys = 0
        self._workspace = scratch / "workspace"
        self._sources = cycle(_copy_sources(self._workspace, chance))
        self._open: list[Page] = []
        self._keys = self._typing()
        self._next_at = time.monotonic()
        self._asked: dict[str, int] = {}
        command = [sys.executable, "-m", "tinycoder", "--home", str(scratch / "home"), "serve"]
        self.client = RawClient(command, scratch / "soak.log")
        self.client.initialize(rootUri=self._workspace.as_uri(), initializationOptions={})

    def key(self) -> None:
        """Type one more key."""
        next(self._keys)
        self.n_keys += 1
        if self.n_keys % 20 == 0:
            self.quarters[self.quarter].samples.append(_sample(self.client.process.pid))
            self.quarters[self.quarter].yardstick_ms.append(_yardstick_ms())

    def leave(self) -> int:
        """Let the server end; its exit code."""
        return self.client.leave()

    def faults(self, quick: bool) -> list[str]:
        """What has grown, and errors in the log. In a quick run only large growth of memory counts."""
        before, after = self.quarters[1], self.quarters[3]
        faults = []
        if after.resident_kb > (1.5 if quick else GROWTH) * before.resident_kb + SLACK_KB:
            faults.append(f"resident memory grew from {before.resident_kb:.0f} to {after.resident_kb:.0f} KB")
        slower = after.p95_ms > SLOWER * before.p95_ms + SLACK_MS and after.slowness > SLOWER * before.slowness
        if slower and not quick:
            faults.append(f"the 95th percentile of answers grew from {before.p95_ms:.1f} to {after.p95_ms:.1f} ms")
        for what in ("n_threads", "n_handles"):
            first = max(getattr(sample, what) for sample in before.samples)
            last = median(getattr(sample, what) for sample in after.samples)
            if last > first:
                faults.append(f"{what[2:]} grew from {first} to {last}")
        faults += [line for line in self.client.log().splitlines() if "Traceback" in line or " ERROR " in line]
        return faults

    def figures(self) -> str:
        """The second and the last quarter in numbers."""
        before, after = self.quarters[1], self.quarters[3]
        threads, handles = after.samples[-1].n_threads, after.samples[-1].n_handles
        return (
            f"resident {before.resident_kb / 1024:.0f} then {after.resident_kb / 1024:.0f} MB, "
            f"p95 {before.p95_ms:.0f} then {after.p95_ms:.0f} ms, {threads} threads, {handles} handles"
        )

    def now(self) -> str:
        """This moment in numbers."""
        sample = _sample(self.client.process.pid)
        recent = Quarter(answers_ms=[ms for quarter in self.quarters for ms in quarter.answers_ms][-1000:])
        return (
            f"{sample.resident_kb / 1024:.0f} MB, {sample.n_threads} threads, {sample.n_handles} handles, "
            f"p95 {recent.p95_ms:.0f} ms"
        )

    def _typing(self) -> Iterator[None]:
        while True:
            page = self._turn_to()
            passage, n = page.text[page.start : page.start + KEYS_PER_FILE], 0
            self._replace(page, page.start, page.start + len(passage), "")
            for n, character in enumerate(passage, 1):
                self._wait()
                self._replace(page, page.start + n - 1, page.start + n - 1, character)
                self._ask(page, page.start + n, character)
                yield
            self._save(page)
            if self.chance.random() < 0.3:
                time.sleep(REST_S)

    def _wait(self) -> None:
        """Wait until the next key is due, if keys come at a pace."""
        self._next_at = max(self._next_at + self.pace_s, time.monotonic() - 1)
        time.sleep(max(0.0, self._next_at - time.monotonic()) if self.pace_s else 0)

    def _turn_to(self) -> Page:
        """Turn to the next file, opening it if necessary; the one that was open longest is closed."""
        source = next(self._sources)
        page = next((page for page in self._open if page.file == source), None)
        if page is None:
            text = source.read_text(encoding="utf-8")
            untitled = self.chance.random() < 0.2  # a name that occurs once
            uri = f"untitled:Untitled-{self.n_keys}" if untitled else source.as_uri()
            page = Page(uri=uri, file=source, text=text, start=0)
            self.client.open(text, uri=uri)
            self._open.append(page)
            if len(self._open) > MAX_OPEN:
                closed = self._open.pop(0)
                self.client.notify("textDocument/didClose", {"textDocument": {"uri": closed.uri}})
        page.start = self.chance.randrange(max(1, len(page.text) - KEYS_PER_FILE))
        return page

    def _replace(self, page: Page, start: int, end: int, new: str) -> None:
        span = {"start": _position(page.text, start), "end": _position(page.text, end)}
        page.text = page.text[:start] + new + page.text[end:]
        page.version += 1
        self.client.send(self.client.change(page.uri, {"range": span, "text": new}, version=page.version))

    def _ask(self, page: Page, offset: int, character: str) -> None:
        """Send an editor's requests after a key: ghost text always, a completion list in a name or after a dot."""
        cursor = {"textDocument": {"uri": page.uri}, "position": _position(page.text, offset)}
        requests: list[tuple[str, dict[str, Any]]] = [(GHOST, cursor | {"context": {"triggerKind": 2}})]
        if character.isidentifier() or character == ".":
            requests.insert(0, (COMPLETION, cursor))
        start = time.monotonic()
        for method, params in requests:
            if method in self._asked:
                self.client.notify("$/cancelRequest", {"id": self._asked[method]})
            self._asked[method] = self.client.request(method, params)
        if self.n_keys % (LOOKED_AT if self.pace_s else SELDOM) == 0:
            self._look(requests, start)

    def _look(self, requests: list[tuple[str, dict[str, Any]]], start: float) -> None:
        for method, _ in requests:
            answer = self.client.answer(self._asked.pop(method))
            self.quarters[self.quarter].answers_ms.append(1000 * (time.monotonic() - start))
            items = answer.get("result", {}).get("items", [])
            if method == COMPLETION and items and self.chance.random() < 0.2:
                self.client.ask("completionItem/resolve", items[0])
                self.client.ask("workspace/executeCommand", items[0]["command"])

    def _save(self, page: Page) -> None:
        if page.uri.startswith("file:"):
            page.file.write_text(page.text, encoding="utf-8")
            self.client.notify("textDocument/didSave", {"textDocument": {"uri": page.uri}})


def _copy_sources(workspace: Path, chance: random.Random) -> list[Path]:
    """Copy files of installed packages into the workspace."""
    sources = sorted(Path(get_path("purelib")).glob("*/**/*.py"))
    chance.shuffle(sources)
    copies = []
    for file in sources:
        text = file.read_text(encoding="utf-8", errors="ignore")
        if 4_000 <= len(text) <= 40_000 and text.isascii() and "\r" not in text:
            copies.append(workspace / f"{len(copies):02}_{file.name}")
            copies[-1].parent.mkdir(parents=True, exist_ok=True)
            copies[-1].write_text(text, encoding="utf-8")
        if len(copies) == N_FILES:
            break
    return copies


def _yardstick_ms() -> float:
    """The time of a fixed piece of work."""
    start = time.perf_counter()
    sum(range(100_000))
    return 1000 * (time.perf_counter() - start)


def _position(text: str, offset: int) -> dict[str, int]:
    """The LSP position of an offset in an ASCII text."""
    start = text.rfind("\n", 0, offset) + 1
    return {"line": text.count("\n", 0, offset), "character": offset - start}


def _sample(pid: int) -> Sample:
    """Measure a process by /proc."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    handles = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return Sample(resident_kb=int(values["VmRSS"].split()[0]), n_threads=int(values["Threads"]), n_handles=handles)


def main() -> None:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="tinycoder-soak-", ignore_cleanup_errors=True) as scratch:
        soak = Soak(Path(scratch), random.Random(7), pace_s=1 / KEYS_PER_S)
        start = said = time.monotonic()
        try:
            while (spent := time.monotonic() - start) < 60 * minutes:
                soak.quarter = int(4 * spent / (60 * minutes))
                soak.key()
                if time.monotonic() - said >= 300:
                    said = time.monotonic()
                    print(f"{spent / 60:4.0f} minutes, {soak.n_keys:,} keys: {soak.now()}", flush=True)
            code = soak.leave()
        finally:
            soak.client.end()
        faults = soak.faults(quick=minutes < 10) + ([] if code == 0 else [f"the server ended with code {code}"])
        print(f"soak: {soak.n_keys:,} keys, {soak.figures()}: {'holds' if not faults else 'FAILS'}")
        for fault in faults:
            print(f"  {fault}")
        sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
