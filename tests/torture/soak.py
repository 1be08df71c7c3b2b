"""Type an hour's keys with a real server and the bundled model, and watch its memory, threads and handles.

``python tests/torture/soak.py --minutes 60`` types at 8 keys a second in real time; as a part of ``torture`` the same
keys come as fast as the server answers. The second quarter of the run, when everything is loaded, is compared with
the last: resident memory at their ends, once the server is at rest; threads and handles; and in real time the 95th
percentile of the answers. That one gets no verdict where other processes used the cores in either quarter, or where the
machine itself read memory at another speed, as a virtual one does whose neighbours are busy; a training run in the
background is halted meanwhile.
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
from math import nan
from pathlib import Path
from statistics import median, quantiles
from sysconfig import get_path
from typing import Any

import numpy as np
from counts import Count

from tests.server.raw_client import RawClient
from tinycoder.bench.quiet import Others, busy, halted, own_seconds, refusal

KEYS_PER_S = 8
HOUR = 60 * 60 * KEYS_PER_S
QUICK = 60 * KEYS_PER_S
KEYS_PER_FILE = 120  # then the person turns to another one
N_FILES = 40
MAX_OPEN = 8
LOOKED_AT = 2  # one answer in so many keys is awaited; the next key cancels the others that are not there
SELDOM = 4  # the same if keys come as fast as the server answers
REST_S = 1.5  # between some files: long enough to learn from what was typed
AT_REST_S = 0.1  # of a core's time in LOOK_S, which is longer than a server waits before it learns
LOOK_S, N_LOOKS = 2.0, 10
GROWTH = 1.02  # of resident memory
QUICK_GROWTH = 1.5  # the same in a run of minutes, where not everything is loaded in the second quarter
SLOWER = 1.05  # of the answers' 95th percentile
KEYS_PER_READ = 80  # between two times of reading READ from memory: it is about as large as the weights of the model
READ = np.ones(1 << 22, np.float32)
QUICK_MINUTES = 10
SAID_S = 300  # between two lines of progress
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
    rested_kb: float = 0.0  # resident at its end, at rest
    others: float | None = None  # share of the cores that other processes used
    reads_ms: list[float] = field(default_factory=list)  # of READ, by this process

    @property
    def resident_kb(self) -> float:
        return median(sample.resident_kb for sample in self.samples)

    @property
    def p95_ms(self) -> float:
        return quantiles(self.answers_ms, n=20)[-1] if len(self.answers_ms) > 1 else nan

    @property
    def read_ms(self) -> float | None:
        return median(self.reads_ms) if self.reads_ms else None

    def line(self, number: int) -> str:
        """A row of the table."""
        threads, handles = self.samples[-1].n_threads, self.samples[-1].n_handles
        others = "?" if self.others is None else f"{self.others:.1%}"
        return (
            f"{number:>7} {self.resident_kb / 1024:>8.1f} MB {self.rested_kb / 1024:>7.1f} MB"
            f" {self.p95_ms:>7.1f} ms of {len(self.answers_ms):>6,} {threads:>8} {handles:>8} {others:>7}"
            + ("" if self.read_ms is None else f" {self.read_ms:>6.1f} ms")
        )


@dataclass(kw_only=True)
class Page:
    """An open document with the passage that is typed."""

    uri: str
    file: Path
    text: str
    start: int  # of the passage that is typed again
    version: int = 1


class Client(RawClient):
    """Takes the milliseconds of the answers to requests that were not cancelled, and keeps no old answer."""

    def __init__(self, command: list[str], log: Path) -> None:
        self.answers_ms: list[float] = []
        self.is_timed = False  # what is asked now
        self._sent: dict[int, float] = {}
        super().__init__(command, log)

    def request(self, method: str, params: Any = None) -> int:
        if self.is_timed and method in (COMPLETION, GHOST):
            self._sent[self._last_id + 1] = time.monotonic()
        return super().request(method, params)

    def cancel(self, number: int) -> None:
        self._sent.pop(number, None)
        self.notify("$/cancelRequest", {"id": number})

    def forget(self, number: int) -> None:
        """Drop the answers to this request and those before it."""
        with self._arrived:
            for old in [each for each in self._answers if each <= number]:
                del self._answers[old]

    def _keep(self, message: dict[str, Any]) -> None:
        sent = self._sent.pop(message["id"], None)
        if sent is not None:
            self.answers_ms.append(1000 * (time.monotonic() - sent))
        super()._keep(message)


def run(*, quick: bool, scratch: Path) -> Iterator[Count]:
    """Type the keys of an hour, or of a minute, as fast as the server answers."""
    if not Path("/proc/self/status").exists():  # the measurements exist on Linux only
        return
    wanted = QUICK if quick else HOUR
    soak = Soak(scratch, random.Random(7), pace_s=0.0)
    try:
        for n in range(wanted):
            soak.key(n / wanted)
        faults = soak.leave(quick)
    finally:
        soak.client.end()
    yield Count(what="keys typed", wanted=wanted, done=soak.n_keys, faults=faults, note=soak.figures())


class Soak:
    """A server, the files of a workspace, and simulated typing."""

    def __init__(self, scratch: Path, chance: random.Random, *, pace_s: float) -> None:
        self.chance = chance
        self.pace_s = pace_s
        self.quarters = [Quarter() for _ in range(4)]
        self.n_keys = 0
        self._now = self.quarters[0]
        self._workspace = scratch / "workspace"
        self._sources = cycle(_copy_sources(self._workspace, chance))
        self._open: list[Page] = []
        self._keys = self._typing()
        self._next_at = time.monotonic()
        self._asked: dict[str, int] = {}
        command = [sys.executable, "-m", "tinycoder", "--home", str(scratch / "home"), "serve"]
        self.client = Client(command, scratch / "soak.log")
        self.client.initialize(rootUri=self._workspace.as_uri(), initializationOptions={})
        self._others = Others()
        self.client.answers_ms = self._now.answers_ms

    def key(self, done: float) -> None:
        """Type one more key, where this share of the run is done."""
        quarter = self.quarters[int(4 * done)]
        if quarter is not self._now:
            self._end_quarter()
            self._now, self._others = quarter, Others()
            self.client.answers_ms = quarter.answers_ms
        next(self._keys)
        self.n_keys += 1
        if self.n_keys % 20 == 0:
            quarter.samples.append(_sample(self.client.process.pid))
        if self.pace_s and self.n_keys % KEYS_PER_READ == 0:
            start = time.monotonic()
            READ.sum()
            quarter.reads_ms.append(1000 * (time.monotonic() - start))

    def leave(self, quick: bool) -> list[str]:
        """Let the server end: what has grown since the second quarter, and errors in the log."""
        self._end_quarter()
        code = self.client.leave()
        faults = grown(self.quarters[1], self.quarters[3], quick=quick, timed=bool(self.pace_s) and not self.refusal())
        faults += [line for line in self.client.log().splitlines() if "Traceback" in line or " ERROR " in line]
        return faults + ([] if code == 0 else [f"the server ended with code {code}"])

    def _end_quarter(self) -> None:
        """Note what others did, let the server learn and come to rest, and measure its memory."""
        self._now.others = self._others.share()
        pid = self.client.process.pid
        for _ in range(N_LOOKS):
            before = own_seconds((pid,))
            time.sleep(LOOK_S)
            if own_seconds((pid,)) - before < AT_REST_S:
                break
        self._now.rested_kb = _sample(pid).resident_kb

    def refusal(self) -> str | None:
        """Why the times of the two quarters cannot be compared, if so."""
        reasons = ((number, refusal(self.quarters[number - 1].others)) for number in (2, 4))
        return next((f"{reason} in quarter {number}" for number, reason in reasons if reason), self._changed())

    def _changed(self) -> str | None:
        """How much slower or quicker the machine itself was in the last quarter, if that was much."""
        before, after = self.quarters[1].read_ms, self.quarters[3].read_ms
        if before is None or after is None or 1 / SLOWER <= after / before <= SLOWER:
            return None
        return f"the machine took {after / before:.2f} times as long to read memory in quarter 4 as in quarter 2"

    def figures(self) -> str:
        """The second and the last quarter in numbers."""
        before, after = self.quarters[1], self.quarters[3]
        threads, handles = after.samples[-1].n_threads, after.samples[-1].n_handles
        return (
            f"resident at rest {before.rested_kb / 1024:.0f} then {after.rested_kb / 1024:.0f} MB, "
            f"while typing {before.resident_kb / 1024:.0f} then {after.resident_kb / 1024:.0f}, "
            f"p95 {before.p95_ms:.0f} then {after.p95_ms:.0f} ms, {threads} threads, {handles} handles"
        )

    def table(self) -> str:
        """Each quarter in numbers."""
        rows = [quarter.line(number) for number, quarter in enumerate(self.quarters, 1)]
        head = "quarter    resident     at rest       p95 of answers  threads  handles  others  of a read"
        return "\n".join([head, *rows])

    def now(self) -> str:
        """This moment in numbers."""
        sample = _sample(self.client.process.pid)
        said = f"{sample.resident_kb / 1024:.0f} MB, {sample.n_threads} threads, {sample.n_handles} handles"
        recent = Quarter(answers_ms=self._now.answers_ms[-1000:])
        beside = busy(self._others.share())
        return f"{said}, p95 {recent.p95_ms:.0f} ms{f', {beside}' if beside else ''}"

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
        looked_at = self.n_keys % (LOOKED_AT if self.pace_s else SELDOM) == 0
        self.client.is_timed = looked_at or bool(self.pace_s)
        for method, params in requests:
            if method in self._asked:
                self.client.cancel(self._asked[method])
            self._asked[method] = self.client.request(method, params)
        if looked_at:
            self._look(requests)

    def _look(self, requests: list[tuple[str, dict[str, Any]]]) -> None:
        for method, _ in requests:
            number = self._asked.pop(method)
            answer = self.client.answer(number)
            items = answer.get("result", {}).get("items", [])
            if method == COMPLETION and items and self.chance.random() < 0.2:
                self.client.ask("completionItem/resolve", items[0])
                self.client.ask("workspace/executeCommand", items[0]["command"])
            self.client.forget(number)

    def _save(self, page: Page) -> None:
        if page.uri.startswith("file:"):
            page.file.write_text(page.text, encoding="utf-8")
            self.client.notify("textDocument/didSave", {"textDocument": {"uri": page.uri}})


def grown(before: Quarter, after: Quarter, *, quick: bool, timed: bool) -> list[str]:
    """A sentence for each figure that is larger ``after``. Answers are compared if ``timed``, and the run not quick."""
    faults = []
    then, now = before.rested_kb / 1024, after.rested_kb / 1024
    if now > (QUICK_GROWTH if quick else GROWTH) * then:
        faults.append(f"resident memory grew from {then:.1f} to {now:.1f} MB ({now / then:.3f} times)")
    if timed and not quick and after.p95_ms > SLOWER * before.p95_ms:
        ms = f"{before.p95_ms:.1f} to {after.p95_ms:.1f} ms ({after.p95_ms / before.p95_ms:.3f} times)"
        faults.append(f"the 95th percentile of answers grew from {ms}")
    for what in ("n_threads", "n_handles"):
        first = max(getattr(sample, what) for sample in before.samples)
        last = median(getattr(sample, what) for sample in after.samples)
        if last > first:
            faults.append(f"{what[2:]} grew from {first} to {last}")
    return faults


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
    quick = minutes < QUICK_MINUTES
    with tempfile.TemporaryDirectory(prefix="tinycoder-soak-", ignore_cleanup_errors=True) as scratch, halted():
        soak = Soak(Path(scratch), random.Random(7), pace_s=1 / KEYS_PER_S)
        start = said = time.monotonic()
        try:
            while (spent := time.monotonic() - start) < 60 * minutes:
                soak.key(spent / (60 * minutes))
                if time.monotonic() - said >= SAID_S:
                    said = time.monotonic()
                    print(f"{spent / 60:4.0f} minutes, {soak.n_keys:,} keys: {soak.now()}", flush=True)
            faults = soak.leave(quick)
        finally:
            soak.client.end()
    print(soak.table())
    refused = soak.refusal()
    verdict = "FAILS" if faults else "no verdict, it is too short" if quick else "refused" if refused else "flat"
    print(f"soak: {soak.n_keys:,} keys, {soak.figures()}: {verdict}")
    for reason in (*faults, *([f"the times are refused: {refused}"] if refused else [])):
        print(f"  {reason}")
    sys.exit(1 if faults or (refused and not quick) else 0)


if __name__ == "__main__":
    main()
