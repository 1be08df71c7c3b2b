"""Learning in pauses: when, by a clock that only the test moves, and what a real server does with a stand-in."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest

from tinycoder.errors import TrainingError
from tinycoder.store import workspace_model_name
from tinycoder_lsp.idle import MOST_FILES, Idle, Lesson
from tinycoder_lsp.training import TrainingResult

NOW = 1_000_000.0  # what the files' clock says when the server starts


class Handle:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Bench:
    """An idle learner between things that only the test moves: both clocks, the rounds, the background."""

    def __init__(self, folder: Path, seconds: float = 50.0) -> None:
        self.folder = folder
        self.seconds = seconds
        self.lesson: Lesson | None = Lesson(folder=folder, start="base")
        self.begun: list[tuple[Path, str, tuple[str, ...]]] = []
        self.stops = 0
        self.busy = False
        self.refusal: str | None = None
        self._timers: list[tuple[float, Callable[[], object], Handle]] = []
        self._work: list[Coroutine[Any, Any, Any]] = []
        self.idle = Idle(
            self,
            self,  # type: ignore[arg-type]
            lesson=lambda: self.lesson,
            pause_s=300.0,
            clock=lambda: self,
            now=lambda: NOW + self.seconds,
        )

    # The clock.

    def time(self) -> float:
        return self.seconds

    def call_later(self, delay: float, callback: Callable[[], object]) -> Handle:
        handle = Handle()
        self._timers.append((self.seconds + delay, callback, handle))
        return handle

    async def pass_by(self, seconds: float) -> None:
        """Let time go by, with all that happens meanwhile."""
        until = self.seconds + seconds
        while due := [timer for timer in self._timers if timer[0] <= until and not timer[2].cancelled]:
            first = min(due, key=lambda timer: timer[0])
            self._timers.remove(first)
            self.seconds = first[0]
            first[1]()
            work, self._work = self._work, []
            for each in work:
                await each
        self.seconds = until

    # The background and the rounds.

    def start(self, what: str, work: Coroutine[Any, Any, Any]) -> None:
        self._work.append(work)

    async def learn(self, folder: Path, *, start: str, exclude: Sequence[str] = ()) -> str:
        if self.refusal:
            raise TrainingError(self.refusal)
        self.begun.append((folder, start, tuple(exclude)))
        self.busy = True
        return "name"

    def stop(self) -> bool:
        self.stops += 1
        return self.busy

    def close(self) -> None:
        self.stop()

    # What happens.

    def save(self, name: str = "a.py") -> Path:
        """A file is written now."""
        file = self.folder / name
        file.touch()
        os.utime(file, (NOW + self.seconds,) * 2)
        return file

    def round_ends(self, state: Any = "finished") -> None:
        self.busy = False
        self.idle.ended(TrainingResult(state=state, name="name", message=""))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.idle.enable(True)
    return bench


@pytest.mark.asyncio
async def test_a_saved_file_is_learnt_after_a_pause(bench: Bench) -> None:
    bench.lesson = Lesson(folder=bench.folder, start="mine", exclude=("x",))
    bench.seconds += 10
    bench.idle.stir(bench.save())
    await bench.pass_by(299)
    assert bench.begun == []
    await bench.pass_by(2)
    assert bench.begun == [(bench.folder, "mine", ("x",))]
    assert bench.stops == 0


@pytest.mark.asyncio
async def test_every_edit_and_request_begins_the_pause_anew(bench: Bench) -> None:
    bench.idle.stir(bench.save())
    for _ in range(10):
        await bench.pass_by(200)
        bench.idle.stir()
    assert bench.begun == []
    await bench.pass_by(301)
    assert len(bench.begun) == 1


@pytest.mark.asyncio
async def test_nothing_is_learnt_that_was_not_saved(bench: Bench) -> None:
    old = bench.save()
    later = Bench(bench.folder, bench.seconds + 10)  # a server that starts after that
    later.idle.enable(True)
    later.idle.stir(old)
    later.idle.stir(bench.folder / "never_saved.py")
    later.idle.stir(Path("/elsewhere/b.py"))
    await later.pass_by(5000)
    assert later.begun == []


@pytest.mark.asyncio
async def test_of_very_many_files_the_latest_are_looked_at(bench: Bench) -> None:
    bench.idle.stir(bench.save("first.py"))
    bench.idle.stir(bench.save("second.py"))
    for n in range(MOST_FILES - 2):
        bench.idle.stir(bench.folder / f"never saved {n}.py")
    bench.idle.stir(bench.folder / "second.py")
    bench.idle.stir(bench.folder / "one more.py")  # in place of the first
    (bench.folder / "second.py").unlink()
    await bench.pass_by(1000)
    assert bench.begun == []
    bench.idle.stir(bench.folder / "first.py")
    await bench.pass_by(1000)
    assert len(bench.begun) == 1


@pytest.mark.asyncio
async def test_a_file_of_another_folder_is_no_reason(bench: Bench, tmp_path: Path) -> None:
    bench.idle.stir(bench.save())
    (tmp_path / "sub").mkdir()
    bench.lesson = Lesson(folder=tmp_path / "sub", start="base")
    await bench.pass_by(1000)
    assert bench.begun == []
    bench.idle.stir(bench.save("sub/a.py"))
    await bench.pass_by(1000)
    assert len(bench.begun) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("state", ["finished", "failed"])
async def test_after_a_round_something_must_be_saved_before_the_next(bench: Bench, state: str) -> None:
    bench.idle.stir(bench.save())
    await bench.pass_by(301)
    bench.round_ends(state)
    bench.idle.stir(bench.folder / "a.py")
    await bench.pass_by(5000)
    assert len(bench.begun) == 1
    bench.idle.stir(bench.save())
    await bench.pass_by(301)
    assert len(bench.begun) == 2


@pytest.mark.asyncio
async def test_what_is_saved_during_a_round_is_for_the_next_one(bench: Bench) -> None:
    bench.idle.stir(bench.save())
    await bench.pass_by(310)
    bench.save()
    bench.round_ends()
    await bench.pass_by(700)
    assert len(bench.begun) == 2


@pytest.mark.asyncio
async def test_an_edit_stops_the_round_and_it_is_made_up_for(bench: Bench) -> None:
    bench.idle.stir(bench.save())
    await bench.pass_by(301)
    bench.idle.stir()
    assert bench.stops == 1
    bench.round_ends("stopped")
    await bench.pass_by(301)
    assert len(bench.begun) == 2


@pytest.mark.asyncio
async def test_one_round_at_a_time(bench: Bench) -> None:
    bench.idle.stir(bench.save())
    await bench.pass_by(301)
    bench.save()
    await bench.pass_by(5000)
    assert len(bench.begun) == 1


@pytest.mark.asyncio
async def test_a_refused_round_is_not_tried_again_and_again(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    bench.refusal = "another process is writing the model"
    bench.idle.stir(bench.save())
    await bench.pass_by(5000)
    assert [record.levelname for record in caplog.records] == ["INFO"]
    bench.refusal = None
    await bench.pass_by(5000)
    assert bench.begun == []
    bench.idle.stir(bench.save())
    await bench.pass_by(301)
    assert len(bench.begun) == 1


@pytest.mark.asyncio
async def test_nothing_is_learnt_while_nothing_is_to_be(bench: Bench) -> None:
    lesson, bench.lesson = bench.lesson, None
    bench.idle.stir(bench.save())
    await bench.pass_by(1000)
    assert bench.begun == []
    bench.lesson = lesson
    await bench.pass_by(301)
    assert len(bench.begun) == 1


@pytest.mark.asyncio
async def test_it_can_be_switched_on_and_off(bench: Bench) -> None:
    bench.idle.enable(True)
    bench.idle.stir(bench.save())
    bench.idle.enable(False)
    await bench.pass_by(5000)
    assert bench.begun == []
    bench.idle.enable(True)
    await bench.pass_by(299)
    assert bench.begun == []
    await bench.pass_by(2)
    assert len(bench.begun) == 1
    before = bench.stops
    bench.idle.enable(False)
    bench.idle.enable(False)
    assert bench.stops == before + 1


@pytest.mark.asyncio
async def test_nothing_is_learnt_after_closing(bench: Bench) -> None:
    bench.idle.stir(bench.save())
    bench.idle.close()
    await bench.pass_by(5000)
    assert bench.begun == []
    assert not await bench.idle.look()


# In the server.

SERVER = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from stub_server import Models, Pauses, Session, Stub, add_handlers, index, serve_stdio, start_log

home, *trainer = sys.argv[1:]
start_log(None, "info")
pauses = Pauses(idle=0.01, index=0.01, train=0.05)
serve_stdio(add_handlers(Session(Models(Path(home), Stub), index=index, pauses=pauses, trainer=trainer)))
"""
TRAINER = """
import json, os, signal, sys
from pathlib import Path

signal.signal(signal.SIGTERM, lambda *_: None)

class Trainer:
    home = Path(sys.argv[2])
    name = sys.argv[sys.argv.index("--name") + 1]

def note(what):
    with open(Trainer.home / "notes.txt", "a") as notes:
        notes.write(what + "\\n")

def say(**event):
    print(json.dumps(event), file=sys.stderr, flush=True)

kind = "round" if "--recent" in sys.argv else "training"
note(kind)
say(event="progress", step=1, done=0.5, seconds=1.0, bits_per_byte=None)
if kind == "training" or not (Trainer.home / "goes_on").exists():
    model = Trainer.home / "models" / Trainer.name
    model.mkdir(parents=True, exist_ok=True)
    for file in ("config.json", "model.safetensors"):
        (model / file).write_text("{}")
    (model / "training.json").write_text('{"recipe": "code", "val_bpb": 1.0}')
    say(event="end", finished=True, kept=True, step=1, done=1.0, before=1.2, bits_per_byte=1.0, report=None)
else:
    while os.read(0, 100):
        pass
    note("stopped")
    say(event="end", finished=False, kept=False, step=1, done=0.5, before=1.2, bits_per_byte=1.1, report=None)
    sys.exit(130)
"""
SETTINGS = {"inline": {"deadlineMs": 60_000}, "popup": {"deadlineMs": 60_000}, "training": {"idle": True}}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def begin(start: Any, tmp_path: Path, workspace: Path) -> Callable[..., Any]:
    """Start a server whose training is a stand-in that notes what it is asked, and open the workspace."""
    (tmp_path / "home").mkdir()
    trainer = tmp_path / "trainer.py"
    trainer.write_text(TRAINER)

    def begin(**settings: Any) -> Any:
        code = SERVER.format(tests=str(Path(__file__).parent))
        command = [sys.executable, "-c", code, str(tmp_path / "home"), sys.executable, str(trainer)]
        client = start(command=command)
        client.initialize(rootUri=workspace.as_uri(), initializationOptions={**SETTINGS, **settings})
        return client

    return begin


def save(client: Any, workspace: Path, version: int = 2) -> str:
    """Open a file that was just written, as after a change that was saved."""
    file = workspace / "a.py"
    file.write_text("x = 1\n" * version)
    os.utime(file, (2**31, 2**31))  # in the future, so that it is new whatever the file system's clock says
    return str(client.open("x = 1\n" * version, uri=file.as_uri()))


def notes(tmp_path: Path) -> list[str]:
    file = tmp_path / "home" / "notes.txt"
    return file.read_text().splitlines() if file.exists() else []


def until(client: Any, done: Callable[[], object]) -> None:
    """Ask for something that is no person's work until it is done; each answer comes from the server's loop."""
    for _ in range(30_000):
        if done():
            return
        client.ask("workspace/executeCommand", {"command": "tinycoder.showStats"})
    raise AssertionError(client.log())


def test_a_pause_teaches_the_model_in_silence(begin: Any, workspace: Path, tmp_path: Path) -> None:
    client = begin()
    save(client, workspace)
    name = workspace_model_name(workspace)
    status = client.notice("didChangeStatus", model=name)
    assert (status["state"], status["training"]) == ("ready", None)
    assert notes(tmp_path)[0] == "round"
    statuses = [message["params"] for message in client.notices if message["method"] == "didChangeStatus"]
    assert all(status["state"] != "training" for status in statuses)
    assert not any(message["method"] == "window/showMessage" for message in client.notices)
    assert client.leave() == 0


def test_an_edit_stops_a_round_and_the_next_pause_begins_another(begin: Any, workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "home" / "goes_on").touch()
    client = begin()
    uri = save(client, workspace)
    until(client, lambda: notes(tmp_path) == ["round"])
    client.send(client.change(uri, client.edit(0, 0, 0, "y = 2\n")))
    until(client, lambda: notes(tmp_path)[:3] == ["round", "stopped", "round"])
    assert client.leave() == 0
    assert "Traceback" not in client.log()


def test_a_person_s_training_comes_first(begin: Any, workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "home" / "goes_on").touch()
    client = begin()
    save(client, workspace)
    until(client, lambda: notes(tmp_path) == ["round"])
    answer = client.ask("workspace/executeCommand", {"command": "tinycoder.train"})
    assert answer["started"] is True
    said = client.notice("window/showMessage", type=3)["message"]
    assert said == "TinyCoder learnt this workspace: held-out code 1.200 bits per byte before, 1.000 after."
    assert notes(tmp_path)[:3] == ["round", "stopped", "training"]
    assert client.notice("didChangeStatus", state="training")["training"] >= 0


def test_a_round_ends_with_the_server(begin: Any, workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "home" / "goes_on").touch()
    client = begin()
    save(client, workspace)
    until(client, lambda: notes(tmp_path) == ["round"])
    assert client.leave() == 0
    while "stopped" not in notes(tmp_path):  # it has seen its standard input end
        assert asyncio.run(asyncio.sleep(0)) is None


@pytest.mark.parametrize(
    "settings",
    [{"training": {"idle": False}}, {"trusted": False}, {"enable": False}, {"model": "base"}],
    ids=lambda settings: json.dumps(settings),
)
def test_settings_that_let_nothing_be_learnt(
    begin: Any, workspace: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    client = begin(**settings)
    save(client, workspace)
    for _ in range(100):
        client.ask("workspace/executeCommand", {"command": "tinycoder.showStats"})
    client.ask("workspace/executeCommand", {"command": "tinycoder.stopTraining"})
    assert notes(tmp_path) == []
    assert client.leave() == 0
