"""Training from an editor: real processes on a few small files, and stand-ins for those that behave badly."""

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tinycoder.errors import TinyCoderError, TrainingError
from tinycoder.storage.checkpoint import STATE, TRAINING, WEIGHTS, load_model, load_state
from tinycoder.storage.forget_list import add_forgotten, true_path
from tinycoder.storage.models import find_model, list_models, model_folder, only_writer, workspace_model_name
from tinycoder_lsp.jobs.background import Background
from tinycoder_lsp.jobs.training import Training, TrainingResult

PATIENCE = 60.0
ADDER = "def add_{n}(first, second):\n    total = first + second + {n}\n    return total\n"
STAND_IN = """
import json, os, sys, threading
{body}
"""
TELLS = """
print("Begin", "\\x1b[31mjunk", "{'event': 'no JSON'}", '["event"]', '{"event": "unknown"}', file=sys.stderr, sep="\\n")
sys.stderr.buffer.write(b"\\xff\\xfe no text\\n")
told = {"argv": sys.argv[1:], "nice": os.nice(0) if hasattr(os, "nice") else None}
with open("told.json", "w") as file:
    json.dump(told, file)
print(json.dumps({"event": "end", "finished": True, "kept": True, "step": 1, "done": 1.0, "before": 1.5,
                  "standing": None, "bits_per_byte": 1.25}), file=sys.stderr)
"""
ENDS = """
event = {{"event": "end", "finished": True, "step": 1, "done": 1.0, "kept": {kept}}}
event |= {{"before": {before}, "standing": {standing}, "bits_per_byte": {after}}}
print(json.dumps(event), file=sys.stderr)
"""
DEAF = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
event = {"event": "progress", "step": 1, "done": 0.1, "seconds": 1.0, "bits_per_byte": None}
print(json.dumps(event), file=sys.stderr, flush=True)
threading.Event().wait()
"""
SERVER = """
import asyncio, sys
from pathlib import Path
from test_training import Editor

async def main():
    editor = Editor(Path(sys.argv[1]))
    await editor.start(Path(sys.argv[2]))
    await editor.first_step()
    print("training", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    editor.training.close()

asyncio.run(main())
"""


class ShownBar:
    """What an editor would show."""

    def __init__(self, cancel: Callable[[], object]) -> None:
        self.cancel = cancel
        self.percents: list[int] = []
        self.opened = self.closed = 0

    async def open(self) -> None:
        self.opened += 1

    def report(self, done: int, total: int, message: str | None = None) -> None:
        assert not self.closed
        self.percents.append(100 * done // total)

    def close(self, message: str | None = None) -> None:
        self.closed += 1


class Editor:
    """Who starts training, and what they are told."""

    def __init__(self, home: Path, **options: Any) -> None:
        self.home = home
        self.bars: list[ShownBar] = []
        self.told: list[tuple[int, str]] = []
        self.results: asyncio.Queue[TrainingResult] = asyncio.Queue()
        self._stepped = asyncio.Event()
        self._step = 0
        self.training = Training(
            home, Background(), bar=self._bar, on_progress=self._hear, on_end=self.results.put_nowait, **options
        )

    async def start(self, folder: Path, **wish: Any) -> str:
        self._stepped.clear()
        return await self.training.start(folder, **{"minutes": 100.0, "preset": "nano", **wish})

    async def first_step(self) -> int:
        """The first step of the run that we are told of."""
        await asyncio.wait_for(self._stepped.wait(), PATIENCE)
        return self._step

    async def result(self) -> TrainingResult:
        return await asyncio.wait_for(self.results.get(), PATIENCE)

    def _bar(self, cancel: Callable[[], object]) -> Any:
        self.bars.append(ShownBar(cancel))
        return self.bars[-1]

    def _hear(self, percent: int, message: str) -> None:
        self.told.append((percent, message))
        if message.startswith("step ") and not self._stepped.is_set():
            self._step = int(message.split()[1].replace(",", ""))
            self._stepped.set()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    for n in range(6):
        (folder / f"add_{n}.py").write_text(ADDER.format(n=n) * (n + 1))
    return folder


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """Options that let something else than ``tinycoder`` run."""

    def make(body: str) -> dict[str, Any]:
        script = tmp_path / "stand_in.py"
        script.write_text(STAND_IN.replace("{body}", body))
        return {"command": (sys.executable, str(script))}

    return make


def until_ended(home: Path, folder: Path) -> Path:
    """Wait until no process writes the folder's model any more; where that is."""
    model = model_folder(home, workspace_model_name(folder))
    for _ in range(int(PATIENCE / 0.01)):
        try:
            with only_writer(model):
                return model
        except TrainingError:
            threading.Event().wait(0.01)
    raise AssertionError("a process still writes the model")


@pytest.mark.asyncio
async def test_a_run_to_its_end_gives_the_workspace_its_model(home: Path, folder: Path) -> None:
    editor = Editor(home)
    name = await editor.start(folder, minutes=0.02)
    result = await editor.result()
    assert result.state == "finished"
    assert find_model(home, [folder]) == home / "models" / name
    bits_per_byte = load_model(home / "models" / name).training.val_bpb
    assert result.message == f"TinyCoder learnt this workspace: held-out code {bits_per_byte:.3f} bits per byte."
    assert "<polyline" in (home / "reports" / f"{name}.html").read_text()

    percents = [percent for percent, _ in editor.told]
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (0, 100)
    steps = [message for _, message in editor.told if message.startswith("step ")]
    assert all(" left" in message for message in steps)
    assert "bits per byte" in steps[-1]
    (bar,) = editor.bars
    assert (bar.opened, bar.closed) == (1, 1)
    assert bar.percents == percents


@pytest.mark.asyncio
async def test_a_stopped_run_goes_on_and_a_finished_one_begins_anew(home: Path, folder: Path) -> None:
    editor = Editor(home)
    name = await editor.start(folder)
    await editor.first_step()
    assert editor.training.stop()
    assert editor.training.stop()  # twice is no harm
    result = await editor.result()
    assert result.state == "stopped"
    assert "goes on from there" in result.message
    assert not editor.training.stop()
    stopped_at = load_state(home / "models" / name).metadata["step"]

    await editor.start(folder, preset=None)
    assert await editor.first_step() > stopped_at
    editor.training.stop()
    assert (await editor.result()).state == "stopped"
    (model,) = (model for model in list_models(home) if not model.bundled)
    assert model.resumable
    assert model.training.preset == "nano"

    await editor.start(folder, minutes=0.0001)  # used up by the run that was stopped
    assert await editor.first_step() == 1
    assert (await editor.result()).state == "finished"
    await editor.start(folder)
    await editor.first_step()
    editor.training.stop()
    await editor.result()
    assert find_model(home, [folder]) == home / "models" / name  # the finished one stays meanwhile


@pytest.mark.asyncio
async def test_one_run_at_a_time(home: Path, folder: Path) -> None:
    editor = Editor(home)
    first = asyncio.create_task(editor.start(folder))
    await asyncio.sleep(0)
    with pytest.raises(TinyCoderError, match="under way already"):
        await editor.start(folder)
    await first
    with pytest.raises(TinyCoderError, match="under way already"):
        await editor.start(folder)
    await editor.first_step()
    with pytest.raises(TinyCoderError, match="another process is writing the model"):
        await Editor(home).start(folder)
    editor.training.stop()
    await editor.result()


@pytest.mark.asyncio
async def test_what_keeps_it_from_training_is_said_in_its_sentence(home: Path, tmp_path: Path) -> None:
    empty = tmp_path / "nothing here"
    empty.mkdir()
    editor = Editor(home)
    await editor.start(empty)
    result = await editor.result()
    assert result.state == "failed"
    assert "nothing here" in result.message
    assert "\n" not in result.message
    assert editor.bars[0].closed == 1


@pytest.mark.asyncio
async def test_cancelling_the_bar_stops_and_saves(home: Path, folder: Path) -> None:
    editor = Editor(home)
    name = await editor.start(folder)
    await editor.first_step()
    editor.bars[0].cancel()
    assert (await editor.result()).state == "stopped"
    assert load_state(home / "models" / name).metadata["step"] >= 1


@pytest.mark.asyncio
async def test_a_run_stopped_before_its_first_step(home: Path, folder: Path) -> None:
    editor = Editor(home)
    await editor.start(folder)
    assert editor.training.stop()
    assert (await editor.result()).state == "stopped"


def test_nothing_is_told_after_closing(home: Path, folder: Path) -> None:
    async def serve() -> Editor:
        editor = Editor(home)
        await editor.start(folder)
        await editor.first_step()
        editor.training.close()
        return editor

    editor = asyncio.run(serve())
    assert load_state(until_ended(home, folder)).metadata["step"] >= 1
    assert editor.results.empty()
    assert editor.bars[0].closed == 1


@pytest.fixture
def server(home: Path, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that trains, until its standard input ends."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", SERVER, str(home), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "training\n"
        yield server
        server.kill()


def test_a_server_that_closes_leaves_no_process_and_loses_nothing(home: Path, folder: Path, server: Any) -> None:
    _, said = server.communicate(timeout=PATIENCE)
    assert (server.returncode, said) == (0, "")
    assert load_state(until_ended(home, folder)).metadata["step"] >= 1


def test_a_server_that_is_killed_leaves_no_process_and_loses_nothing(home: Path, folder: Path, server: Any) -> None:
    server.kill()
    assert load_state(until_ended(home, folder)).metadata["step"] >= 1


@pytest.mark.asyncio
async def test_how_it_is_started_and_what_else_it_says(
    home: Path, folder: Path, stand_in: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    editor = Editor(home, **stand_in(TELLS))
    name = await editor.start(folder, minutes=2.5, exclude=["*_pb2.py", "-x"])
    result = await editor.result()
    assert result.state == "finished"
    assert "1.250" in result.message
    told = json.loads((home / "told.json").read_text())  # there, as code in the workspace must not be imported
    assert told["argv"][:3] == ["--home", str(home), "train"]
    assert ["--name", name, "--minutes", "2.5"] == told["argv"][6:10]
    assert told["argv"][-6:] == ["--preset", "nano", "--exclude=*_pb2.py", "--exclude=-x", "--", str(folder)]
    assert told["nice"] is None or told["nice"] > os.nice(0)
    for words in ("junk", "no JSON", '["event"]', "unknown", "no text"):
        assert any(words in record.message for record in caplog.records)


@pytest.mark.asyncio
@pytest.mark.parametrize("why", ["forgotten", "another size", "minutes used up", "state damaged", "record damaged"])
async def test_a_stopped_run_that_cannot_go_on_is_replaced(home: Path, folder: Path, why: str) -> None:
    editor = Editor(home)
    name = await editor.start(folder, preset="tiny" if why == "another size" else "nano")
    await editor.first_step()
    assert editor.training.stop()
    assert (await editor.result()).state == "stopped"
    if why == "forgotten":
        add_forgotten(home, [true_path(folder / "add_0.py")])
    elif why == "state damaged":
        (home / "models" / name / STATE).write_bytes(b"no tensors")
    elif why == "record damaged":
        (home / "models" / name / TRAINING).write_text("[]")
    await editor.start(folder, minutes=0.0001)
    assert await editor.first_step() == 1
    assert (await editor.result()).state == "finished"
    assert load_model(home / "models" / name).training.preset == "nano"


@pytest.mark.asyncio
async def test_a_size_from_nothing_replaces_no_better_model_of_the_workspace(home: Path, folder: Path) -> None:
    editor = Editor(home)
    name = await editor.start(folder, minutes=0.0001, preset=None)
    assert (await editor.result()).state == "finished"
    weights = (home / "models" / name / WEIGHTS).read_bytes()
    page = (home / "reports" / f"{name}.html").read_text()
    await editor.start(folder, minutes=0.0001)
    result = await editor.result()
    assert result.state == "finished"
    standing = load_model(home / "models" / name).training.val_bpb
    said = re.search(r"the one that was there stays: held-out code (\d\.\d{3}) bits per byte", result.message)
    assert said is not None, result.message
    assert float(said[1]) == pytest.approx(standing, abs=2e-3)  # its weights were rounded when it was saved
    assert "--overwrite" in result.message
    assert (home / "models" / name / WEIGHTS).read_bytes() == weights
    assert (home / "reports" / f"{name}.html").read_text() == page
    assert [path.name for path in (home / "models").iterdir()] == [name]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("kept", "before", "standing", "after", "words"),
    [
        (True, 1.2041, None, 1.0206, "learnt this workspace: held-out code 1.204 bits per byte before, 1.021 after."),
        (True, 1.2041, 1.1, 1.0206, "learnt this workspace: held-out code 1.204 bits per byte before, 1.021 after."),
        (
            True,
            1.0,
            None,
            1.0206,
            "learnt this workspace, and is better beside its memory: alone, held-out code 1.000 ",
        ),
        (True, None, None, 1.0206, "learnt this workspace: held-out code 1.021 bits per byte."),
        (False, 1.2041, None, 1.2041, "trained and became no better: held-out code 1.204 bits per byte, as before."),
        (
            False,
            1.2041,
            0.9,
            1.0206,
            "trained and found no better model, so the one that was there stays: ",
        ),
        (False, None, None, None, "found nothing new to learn."),
    ],
)
async def test_what_a_run_was_worth(
    home: Path,
    folder: Path,
    stand_in: Any,
    kept: bool,
    before: float | None,
    standing: float | None,
    after: float | None,
    words: str,
) -> None:
    editor = Editor(home, **stand_in(ENDS.format(kept=kept, before=before, standing=standing, after=after)))
    await editor.start(folder)
    result = await editor.result()
    assert result.message.startswith(f"TinyCoder {words}")
    assert result.state == "finished"


@pytest.mark.asyncio
async def test_a_run_that_is_being_started_can_be_stopped(home: Path, folder: Path, stand_in: Any) -> None:
    editor = Editor(home, **stand_in(DEAF))
    starting = asyncio.create_task(editor.start(folder))
    await asyncio.sleep(0)
    assert editor.training.stop()
    with pytest.raises(TrainingError, match="stopped before it began"):
        await starting
    assert editor.bars == []
    assert not editor.training.stop()


@pytest.mark.asyncio
async def test_a_process_that_does_not_stop_is_ended(home: Path, folder: Path, stand_in: Any) -> None:
    editor = Editor(home, patience_s=0.01, **stand_in(DEAF))
    await editor.start(folder)
    await editor.first_step()
    editor.training.stop()
    assert (await editor.result()).state == "stopped"


@pytest.mark.asyncio
async def test_a_process_that_dies(home: Path, folder: Path, stand_in: Any) -> None:
    editor = Editor(home, **stand_in("os._exit(7)"))
    await editor.start(folder)
    result = await editor.result()
    assert result.state == "failed"
    assert "code 7" in result.message
