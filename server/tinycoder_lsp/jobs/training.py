"""Train a model in the background: ``tinycoder train`` in a process of its own, one at a time."""

import asyncio
import contextlib
import json
import logging
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from tinycoder.errors import TrainingError
from tinycoder_lsp.editor.progress import Bar
from tinycoder_lsp.jobs.background import Background

logger = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "tinycoder")
PATIENCE_S = 30.0  # for a process that was asked to save and stop
_STOPPED = 130
_EVENTS = ("start", "progress", "end")
_COMPLAINTS = ("tinycoder: ", "Error: ")  # what a line begins with that says why the process gives up
_LINE = 1 << 16  # characters at most that are taken for one line


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """How a run ended; ``message`` is a sentence for a person."""

    state: Literal["finished", "stopped", "failed"]
    message: str


@dataclass(kw_only=True, eq=False)
class _Run:
    """A process and what it has said so far."""

    process: subprocess.Popen[str]
    bar: Bar
    percent: int = 0
    asked: bool = False
    complaint: str | None = None
    end: Mapping[str, Any] | None = None
    timer: asyncio.TimerHandle | None = None


class Training:
    """At most one training process. All methods and callbacks run on the event loop's thread.

    ``bar`` makes a bar, given what to call when a person cancels it. ``on_progress`` gets the percentage and a short
    text; ``on_end`` is called once for each run that was started, unless the server is closing.
    """

    def __init__(
        self,
        home: Path,
        background: Background,
        *,
        bar: Callable[[Callable[[], object]], Bar],
        on_progress: Callable[[int, str], object],
        on_end: Callable[[TrainingResult], object],
        command: Sequence[str] = COMMAND,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._home = home.absolute()
        self._background = background
        self._bar = bar
        self._on_progress = on_progress
        self._on_end = on_end
        self._command = tuple(command)
        self._patience_s = patience_s
        self._run: _Run | None = None
        self._closed = self._unwanted = self._busy = False

    async def start(
        self, folder: Path, *, minutes: float, preset: str | None = None, exclude: Sequence[str] = ()
    ) -> str:
        """Train on the files under ``folder`` for so many minutes in all; returns the model's name.

        A run that was stopped goes on where ``tinycoder train --attached`` finds that it can; else all begins anew. A
        finished model is replaced by a better one only. Raises a ``TinyCoderError`` if this server or another
        process trains that model already, and if no process can be started.
        """
        if self._busy:
            raise TrainingError("a run is under way already; stop it first, or wait until it ends")
        self._busy, self._unwanted = True, False
        try:
            name, options = await asyncio.to_thread(_plan, self._home, folder, minutes, preset, exclude)
            if self._closed or self._unwanted:
                raise TrainingError("the server is closing" if self._closed else "it was stopped before it began")
            process = _spawn([*self._command, "--home", str(self._home), "train", *options], cwd=self._home)
        except BaseException:
            self._busy = False
            raise
        logger.info("training %s in process %d", name, process.pid)
        run = self._run = _Run(process=process, bar=self._bar(self.stop))
        threading.Thread(
            target=_listen, args=(process, asyncio.get_running_loop(), partial(self._hear, run)), daemon=True
        ).start()
        self._tell(run, 0, "reading the code")
        self._background.start("the bar of progress", run.bar.open())
        return name

    def stop(self) -> bool:
        """Ask the process to save and stop, which it does after its step; false if none runs or is being started.

        One that does not stop within ``patience_s`` is ended, and what it had saved before stays.
        """
        run = self._run
        if run is None:
            self._unwanted = True
            return self._busy
        if not run.asked:
            run.asked = True
            _ask_to_stop(run.process)
            run.timer = asyncio.get_running_loop().call_later(self._patience_s, self._end_by_force, run)
            self._tell(run, run.percent, "saving")
        return True

    def close(self) -> None:
        """Ask the process to save and stop, and do not wait: it does so without the server too."""
        self._closed, self._busy = True, False
        run, self._run = self._run, None
        if run is None:
            return
        if run.timer is not None:
            run.timer.cancel()
        run.bar.close()
        if not run.asked:
            _ask_to_stop(run.process)

    def _hear(self, run: _Run, said: str | int) -> None:
        """A line, or the exit code in the end."""
        if isinstance(said, int):
            self._ended(run, said)
            return
        event = _event(said)
        if event is None:
            if said.strip():
                logger.info("training: %s", said.rstrip())
            if said.startswith(_COMPLAINTS):
                run.complaint = said.partition(": ")[2].strip()
            return
        if event["event"] == "end":
            run.end = event
        self._tell(run, int(100 * event["done"]), "saving" if run.asked else _words(event))

    def _tell(self, run: _Run, percent: int, message: str) -> None:
        if self._run is run:
            run.percent = max(run.percent, min(100, percent))
            run.bar.report(run.percent, 100, message)
            self._on_progress(run.percent, message)

    def _end_by_force(self, run: _Run) -> None:
        logger.info("training did not stop within %g s; its process is ended", self._patience_s)
        run.process.kill()

    def _ended(self, run: _Run, code: int) -> None:
        if run.timer is not None:
            run.timer.cancel()
        _let_go(run.process)
        if self._run is run:
            self._run = None
            self._busy = False
            result = _result(run, code)
            logger.info("%s", result.message)
            run.bar.close(result.message)
            self._on_end(result)


def _plan(
    home: Path, folder: Path, minutes: float, preset: str | None, exclude: Sequence[str]
) -> tuple[str, list[str]]:
    """The model's name and the options of ``tinycoder train``. Raises if another process writes that model."""
    from tinycoder.storage.models import model_folder, only_writer, workspace_model_name

    name = workspace_model_name(folder)
    with only_writer(model_folder(home, name)):
        pass
    size = ["--preset", preset] if preset else []
    left_out = [f"--exclude={pattern}" for pattern in exclude]
    options = ["--progress", "json", "--attached", "--name", name, "--minutes", str(minutes)]
    return name, [*options, *size, *left_out, "--", str(folder.absolute())]


def _spawn(arguments: list[str], cwd: Path) -> subprocess.Popen[str]:
    """Start the process behind all others, and out of reach of a Ctrl-C that is meant for the server.

    ``cwd`` is no folder with code in it: Python would import from there.
    """
    flags, nice = 0, None
    if sys.platform == "win32":
        flags = (
            subprocess.BELOW_NORMAL_PRIORITY_CLASS | subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        )
    else:
        nice = shutil.which("nice")
    try:
        return subprocess.Popen(
            [nice, "-n", "10", *arguments] if nice else arguments,
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            creationflags=flags,
            start_new_session=True,
        )
    except OSError as error:
        raise TrainingError(
            f"cannot start {arguments[0]} to train ({error.strerror}); check the installation"
        ) from None


def _listen(
    process: subprocess.Popen[str], loop: asyncio.AbstractEventLoop, hear: Callable[[str | int], object]
) -> None:
    """Hand over what the process says, and its exit code in the end. In a thread of its own.

    asyncio's own processes would be killed when the loop ends, before they could save.
    """
    assert process.stderr is not None
    with process.stderr:
        while line := process.stderr.readline(_LINE):
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(hear, line)
    code = process.wait()
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(hear, code)


def _ask_to_stop(process: subprocess.Popen[str]) -> None:
    _let_go(process)
    if sys.platform != "win32":  # also a process that does not look at its standard input yet
        process.terminate()


def _let_go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()


def _event(line: str) -> dict[str, Any] | None:
    """What the process reports in this line, if it is a report."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and event.get("event") in _EVENTS else None


def _words(event: Mapping[str, Any]) -> str:
    """Step, quality as soon as it is known, and the time that is left, in minutes and seconds."""
    if event["event"] != "progress":
        return "training" if event["event"] == "start" else "done"
    left = int(event["seconds"] * (1 - event["done"]) / max(event["done"], 1e-6))
    quality = event["bits_per_byte"]
    known = "" if quality is None else f"bits per byte {quality:.2f}, "
    return f"step {event['step']:,}, {known}{left // 60}:{left % 60:02} left"


def _result(run: _Run, code: int) -> TrainingResult:
    if run.end is not None and run.end["finished"]:
        return TrainingResult(state="finished", message=_quality(run.end))
    if run.end is not None:
        message = f"Training stopped at {run.percent} % and is saved; started again, it goes on from there."
        return TrainingResult(state="stopped", message=message)
    if run.asked or code == _STOPPED:
        return TrainingResult(state="stopped", message="Training stopped; what had been saved before is kept.")
    reason = run.complaint or f"its process ended with code {code}, and the server's log has what it said"
    return TrainingResult(state="failed", message=f"TinyCoder could not train: {reason}")


def _quality(end: Mapping[str, Any]) -> str:
    """The quality before and after a run that finished, in a sentence."""
    before, after, standing = end["before"], end["bits_per_byte"], end["standing"]
    if after is None:
        return "TinyCoder found nothing new to learn."
    if not end["kept"] and standing is not None:
        return (
            "TinyCoder trained and found no better model, so the one that was there stays: held-out code "
            f"{standing:.3f} bits per byte, {after:.3f} now. `tinycoder train --overwrite` replaces it in any case."
        )
    if not end["kept"]:
        return f"TinyCoder trained and became no better: held-out code {after:.3f} bits per byte, as before."
    if before is not None and after > before:
        return (
            "TinyCoder learnt this workspace, and is better beside its memory: alone, held-out code "
            f"{before:.3f} bits per byte before, {after:.3f} after."
        )
    if before is None:
        return f"TinyCoder learnt this workspace: held-out code {after:.3f} bits per byte."
    return f"TinyCoder learnt this workspace: held-out code {before:.3f} bits per byte before, {after:.3f} after."
