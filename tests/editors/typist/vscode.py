"""Type texts into a real VS Code with its default settings, and watch what each Enter meets."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.editors import install
from tests.editors.typist.outcome import Enter, Outcome
from tests.editors.typist.texts import Text
from tests.editors.vscode import VSCode, start_browser
from tests.editors.vscode_server import Server

WORDS_SERVER = Path(__file__).parent / "words" / "server.py"
AS_TYPED = {  # settings against letters that nobody typed; all others have their defaults
    "editor.autoIndent": "none",
    "editor.autoClosingBrackets": "never",
    "editor.autoClosingQuotes": "never",
    "editor.autoSurround": "never",
}
MAX_PICTURES = 3
# Hears each key before VS Code does. A list can take Enter a tenth of a second before it is seen ("visible"), so what
# counts is also whether VS Code kept the key from the text.
WATCH = """() => {
  window.heard = {keys: 0, line: 0, lists: []};
  const plain = row => row.querySelector('.contents').innerText.replace(/\\u00a0/g, ' ').replace(/\\n+/g, '  ');
  window.addEventListener('keydown', event => {
    heard.keys += 1;
    if (event.key !== 'Enter') return;
    heard.line += 1;
    const line = heard.line, list = document.querySelector('.suggest-widget');
    const rows = list ? [...list.querySelectorAll('.monaco-list-row')] : [];
    const chosen = rows.find(row => row.classList.contains('focused'));
    const met = {line, row: chosen ? plain(chosen) : '', rows: rows.map(plain)};
    const seen = rows.length > 0 && list.classList.contains('visible');
    setTimeout(() => {
      met.taken = event.defaultPrevented;
      if (seen || met.taken) heard.lists.push(met);
    });
  }, true);
}"""
PROGRAM = Path(sys.executable).with_name("tinycoder")


def type_texts(
    texts: Sequence[Text],
    *,
    delay_ms: int,
    beside: bool,
    ours: bool = True,
    program: Path = PROGRAM,
) -> Iterator[Outcome]:
    """Type each of the texts in a window of its own, in one VS Code as it is after an installation."""
    browser_program, extension = install.browser(), install.extension()
    assert browser_program is not None, "Chromium is missing"
    assert extension is not None, "the extension was not built"
    settings: dict[str, Any] = {
        **AS_TYPED,
        "tinycoder.server.command": [str(program)],
        "tinycoder.enable": ours,
        "second.command": [sys.executable, str(WORDS_SERVER)],
    }
    with tempfile.TemporaryDirectory(prefix="typing-", ignore_cleanup_errors=True) as scratch:
        server = Server(
            install.vscode_server(),
            extension,
            settings=settings,
            environment={"TINYCODER_HOME": str(Path(scratch) / "home")},
            more_extensions=[install.words_extension()] if beside else [],
        )
        with server, sync_playwright() as playwright, start_browser(playwright, browser_program) as browser:
            for number, text in enumerate(texts):
                folder = Path(scratch) / f"workspace{number}"
                who = "typing" if ours else "control"
                name = f"{who}-{'second' if beside else 'alone'}-{delay_ms}-{number}"
                yield _type(browser, server, text, folder, delay_ms=delay_ms, beside=beside, ours=ours, picture=name)


def _type(
    browser: Browser,
    server: Server,
    text: Text,
    folder: Path,
    *,
    delay_ms: int,
    beside: bool,
    ours: bool,
    picture: str,
) -> Outcome:
    folder.mkdir()
    path = text.workspace(folder)
    path.write_bytes(b"")
    with VSCode(browser, server, folder) as window:
        window.open_file(path)
        window.wait_for_status("ready" if ours else "off")
        if beside:
            window.page.locator(".statusbar-item", has_text="second: ready").wait_for()
        window.page.evaluate(WATCH)
        pictures: list[str] = []
        n_lists = 0
        begin = time.monotonic()
        wait_ms = float(delay_ms)
        for line in text.text.splitlines(keepends=True):
            line_begin = time.monotonic()
            window.type(line, delay_ms=wait_ms)
            spent_ms = 1000 * (time.monotonic() - line_begin) / len(line)
            wait_ms = max(1.0, delay_ms - (spent_ms - wait_ms))  # a key itself takes time
            if len(pictures) < MAX_PICTURES and (now := window.page.evaluate("heard.lists.length")) > n_lists:
                n_lists = now
                pictures.append(str(window.picture(f"{picture}-{now}")))
        seconds = time.monotonic() - begin
        heard = window.page.evaluate("heard")
        window.save()
        saved = path.read_bytes().decode()
        if saved != text.text:
            window.evidence(picture)
        return Outcome(
            editor="vscode",
            name=text.name,
            typed=text.text,
            saved=saved,
            delay_ms=delay_ms,
            beside=beside,
            ours=ours,
            n_keys=heard["keys"],
            seconds=seconds,
            lists=[Enter(**each) for each in heard["lists"]],
            pictures=pictures,
        )
