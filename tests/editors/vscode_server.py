"""A VS Code server with one extension, in a home of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import urlopen

_T = TypeVar("_T")

PATIENCE_S = 60.0  # for anything to happen; machines that run tests are slow and shared
QUIET = {  # nothing on the screen but the code, and no requests to other machines
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "workbench.welcomePage.walkthroughs.openOnInstall": False,
    "workbench.enableExperiments": False,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "extensions.autoUpdate": False,
    "extensions.autoCheckUpdates": False,
    "extensions.ignoreRecommendations": True,
    "editor.accessibilitySupport": "off",
    "editor.minimap.enabled": False,
    "editor.quickSuggestionsDelay": 10,
    "editor.fontFamily": "DejaVu Sans Mono",
    "files.autoSave": "off",
    "files.simpleDialog.enable": True,
    "git.enabled": False,
    "chat.commandCenter.enabled": False,
    "chat.disableAIFeatures": True,
    "window.commandCenter": False,
}


class Server:
    """The VS Code server with one extension, on a free port of this machine, in a new home that is removed after.

    ``settings`` are the person's and the machine's; ``programs`` are installed for the person, as pipx does it;
    ``environment`` is added to that of this process; ``more_extensions`` are installed next to it; ``node`` runs it,
    without one the node on the path.
    """

    def __init__(
        self,
        main: Path,
        extension: Path | None,
        *,
        settings: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        programs: Iterable[Path] = (),
        trust_everything: bool = True,
        more_extensions: Iterable[Path] = (),
        node: Path | None = None,
    ) -> None:
        self.state = Path(tempfile.mkdtemp(prefix="vsc-"))  # a short path: sockets live in it
        own_programs = self.state / ".local" / "bin"
        own_programs.mkdir(parents=True)
        for program in programs:
            (own_programs / program.name).symlink_to(program)
        self.environment = {**os.environ, **_own_home(self.state), **(environment or {})}
        self.settings: dict[str, Any] = {**QUIET}
        if trust_everything:
            self.settings["security.workspace.trust.enabled"] = False
        self.change_settings(settings or {})
        self._first_settings = dict(self.settings)
        self._program = [str(node or shutil.which("node") or "node"), str(main), "--accept-server-license-terms"]
        self._program += ["--server-data-dir", str(self.state), "--extensions-dir", str(self.state / "ext")]
        for each in ([extension] if extension is not None else []) + list(more_extensions):
            self._install(each)
        self.port = _free_port()
        flags = ["--host", "127.0.0.1", "--port", str(self.port), "--without-connection-token", "--disable-telemetry"]
        flags += ["--enable-smoke-test-driver", *(["--disable-workspace-trust"] if trust_everything else [])]
        self.log = self.state / "server.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*self._program, *flags],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
            )
        try:
            poll(self._answers, f"the VS Code server answers: {self.log_text()}")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def change_settings(self, changes: Mapping[str, Any]) -> None:
        """Write settings to the disk, where VS Code reads them; ``None`` removes one."""
        self.settings = {name: value for name, value in {**self.settings, **changes}.items() if value is not None}
        for scope in ("User", "Machine"):
            file = self.state / "data" / scope / "settings.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(self.settings, indent=2), encoding="utf-8")

    def reset_settings(self) -> None:
        """Restore the first settings."""
        self.change_settings({**dict.fromkeys(self.settings), **self._first_settings})

    def completion_servers(self) -> list[int]:
        """Process ids of the TinyCoder servers that the extension runs."""
        return [process for process, words in self._family() if "serve" in words]

    def log_text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        """End the server and all processes that it started."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=10)
        for process, _ in self._family():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._process.wait()
        poll(lambda: not self._family(), "all processes of VS Code have ended")
        shutil.rmtree(self.state, ignore_errors=True)

    def _install(self, extension: Path) -> None:
        command = [*self._program, "--install-extension", str(extension), "--force"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=120)
        assert "successfully installed" in done.stdout, done.stdout + done.stderr

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log_text()
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/version", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _family(self) -> list[tuple[int, list[str]]]:
        """Process id and command of every living process that has this home, however it was started."""
        mark = f"\0HOME={self.state}\0".encode()
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                with suppress(OSError):  # it has ended, or belongs to somebody else
                    words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
                    if mark in b"\0" + (folder / "environ").read_bytes():
                        found.append((int(folder.name), [Path(word).name for word in words if word]))
        return found


def poll(
    condition: Callable[[], _T],
    wanted: str,
    *,
    pause: Callable[[], None] = lambda: time.sleep(0.1),
    patience_s: float = PATIENCE_S,
) -> _T:
    """Poll until ``condition()`` is true, and return its value. Raises ``TimeoutError`` that names ``wanted``."""
    end = time.monotonic() + patience_s
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {patience_s:g} s for this: {wanted}")
        pause()
    return value


def _own_home(state: Path) -> dict[str, str]:
    folders = {"HOME": state, "XDG_RUNTIME_DIR": state}
    for name in ("DATA", "CONFIG", "CACHE", "STATE"):
        folders[f"XDG_{name}_HOME"] = state / "xdg" / name.lower()
    return {
        **{name: str(folder) for name, folder in folders.items()},
        "EXTENSIONS_GALLERY": json.dumps({"serviceUrl": ""}),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
