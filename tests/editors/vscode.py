"""A window of a real VS Code, in Chromium without a screen.

It types with real keys and reads what a person would see. Every wait polls with a generous limit. Requests to other
machines are blocked.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Error, Frame, Locator, Page, Playwright, Request
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from tests.editors.vscode_server import PATIENCE_S, Server, poll

_T = TypeVar("_T")

PICTURES = Path(__file__).parents[2] / "build" / "editors"
DRAWN_MS = 250  # within which all lines of a ghost text are drawn
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
_EDITORS = ":is(.editor-instance, .notebookOverlay) .monaco-editor"
_REMEMBER_TOASTS = """
window.toasts = [];
new MutationObserver(changes => {
  for (const change of changes) for (const node of change.addedNodes) {
    if (node.classList && node.classList.contains('notification-toast-container')) window.toasts.push({node, text: ''});
  }
  for (const toast of window.toasts) {
    const message = toast.node.querySelector('.notification-list-item-message');
    if (message && message.textContent) toast.text = message.textContent;
  }
}).observe(document, {childList: true, subtree: true});
"""
_TEXT = """editor => [...editor.querySelectorAll('.view-lines > .view-line')]
  .map(line => [parseFloat(line.style.top), line.cloneNode(true)])
  .sort((a, b) => a[0] - b[0])
  .map(([_, line]) => { line.querySelectorAll('[class*=ghost-text]').forEach(e => e.remove()); return line; })
  .map(line => line.textContent).join('\\n')"""
_GHOST = """editor => [...editor.querySelectorAll('.view-line [class*=ghost-text], .suggest-preview-text .view-line')]
  .filter(e => !e.parentElement.closest('[class*=ghost-text]'))
  .map(e => e.textContent).join('')"""


def start_browser(playwright: Playwright, program: str) -> Browser:
    """Chromium without a screen; each window has a profile of its own."""
    return playwright.chromium.launch(executable_path=program, headless=True, args=BROWSER_FLAGS)


class VSCode:
    """One window, on a folder or a ``.code-workspace`` file, in a fresh profile."""

    def __init__(
        self,
        browser: Browser,
        server: Server,
        folder: Path,
        *,
        width: int = 1280,
        height: int = 800,
        scale: float = 1,
    ) -> None:
        self.server = server
        self.folder = folder
        self.outside: set[str] = set()  # other machines that the window tried to reach
        self._context = browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=scale)
        self._context.set_default_timeout(PATIENCE_S * 1000)
        self._context.add_init_script(_REMEMBER_TOASTS)
        self._context.on("request", self._note_request)
        self.page: Page = self._context.new_page()
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> VSCode:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        self._context.close()

    def _open(self) -> None:
        """Load the window until it shows files: VS Code in a browser sometimes forgets a workspace's folders."""
        kind = "workspace" if self.folder.suffix == ".code-workspace" else "folder"
        for attempt in range(6):
            address = f"http://127.0.0.1:{self.server.port}/?{kind}={self.folder}"
            self.page.goto(address, wait_until="domcontentloaded")
            self.page.wait_for_selector(".monaco-workbench .statusbar-item")
            try:
                self.page.wait_for_selector(".explorer-folders-view .monaco-list-row", timeout=5000 * (1 + attempt))
                return
            except PlaywrightTimeoutError:
                continue
        raise TimeoutError(f"VS Code shows no file of {self.folder}")

    # A person's hands.

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str, *, delay_ms: float = 40) -> None:
        """Type as a person does: key by key, into whatever has the focus."""
        self.page.keyboard.type(text, delay=delay_ms)

    def open_file(self, path: Path) -> None:
        """Open the file, put the cursor at the end of its text. Of a notebook the last cell is entered."""
        row = self._palette("Control+p", str(path), path.name)
        self._until(lambda: row.count() > 0, f"{path} is found")
        row.first.click()
        self.page.wait_for_selector(f'.tab.active[data-resource-name="{path.name}"]')
        if path.suffix == ".ipynb":
            self.page.locator(".notebookOverlay .cell .monaco-editor").last.click()
        self._until(self._has_focus, "the editor has the focus")
        self.press("Control+End")

    def new_file(self, name: str, text: str) -> Path:
        """Write a file into the folder, open it, put the cursor at its end."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        self.open_file(path)
        return path

    def run_command(self, title: str) -> None:
        """Run the command of that title from the command palette."""
        row = self._palette("F1", ">" + title, title)
        self._until(lambda: row.count() > 0, f"the command palette has {title!r}")
        row.first.click()

    def has_command(self, title: str) -> bool:
        """Whether the command palette offers the command now."""
        found = self._palette("F1", ">" + title, title).count() > 0
        self.press("Escape")
        return found

    def choose_from_menu(self, entry: str) -> None:
        """Click TinyCoder's item in the status bar and an entry of its menu, and return to the editor."""
        self._status_item().first.click()
        row = self._rows(entry)
        self._until(lambda: row.count() > 0, f"the menu has {entry!r}")
        row.first.click()
        self.page.locator(f"{_EDITORS} .view-lines").first.click()
        self.press("Control+End")

    def choose(self, entry: str) -> None:
        """Click an entry of the list that is open, or is about to open."""
        row = self._rows(entry)
        self._until(lambda: row.count() > 0, f"the list has {entry!r}")
        row.first.click()

    def save(self) -> None:
        """Save, and wait until it is done."""
        self.press("Control+s")
        self._until(lambda: self.page.locator(".tab.active.dirty").count() == 0, "the file is saved")

    def close_file(self) -> None:
        """Close the file without saving."""
        self.run_command("View: Revert and Close Editor")

    def close_all(self) -> None:
        """Close every tab without saving."""
        self.press("Escape")
        tabs = self.page.locator(".tab")
        while (count := tabs.count()) > 0:
            self.close_file()
            self._until(lambda count=count: tabs.count() < count, "the tab closes")  # type: ignore[misc]

    # A person's eyes.

    def editor_text(self) -> str:
        """The visible lines of the active editor, without ghost text."""
        return _plain(self._editor_value(_TEXT))

    def current_line(self) -> str:
        """The line of the cursor, if the cursor is in the last line that is not empty."""
        return self.editor_text().rstrip("\n").rpartition("\n")[2]

    def ghost_text(self) -> str:
        """The current ghost text, or an empty string."""
        return _plain(self._editor_value(_GHOST))

    def drawn_ghost_text(self) -> str:
        """The current ghost text once all its lines are drawn (the first comes apart), or an empty string."""
        ghost = self.ghost_text()
        self.page.wait_for_timeout(DRAWN_MS)
        return ghost if ghost == self.ghost_text() else ""

    def wait_for_ghost(self, text: str | None = None) -> str:
        """Wait until there is ghost text: this one, or any."""
        wanted = f"the ghost text {text!r}" if text is not None else "ghost text"

        def seen() -> str:
            if text is None:
                return self.drawn_ghost_text()
            return text if self.ghost_text() == text else ""

        return self._until(seen, wanted, now=self.ghost_text)

    def wait_for_no_ghost(self) -> None:
        self._until(lambda: not self.ghost_text(), "no ghost text", now=self.ghost_text)

    def status(self) -> str:
        """The text of TinyCoder's item in the status bar, or an empty string."""
        item = self._status_item()
        return _plain(item.first.inner_text()).strip() if item.count() else ""

    def status_label(self) -> str:
        """The spoken label of TinyCoder's item in the status bar."""
        item = self._status_item()
        inner = item.locator("[aria-label]")
        found = [each.get_attribute("aria-label") for each in [*item.all(), *inner.all()]]
        return next((label for label in found if label), "")

    def wait_for_status(self, pattern: str) -> str:
        """Wait until item or spoken label of the status match the pattern; the label."""

        def seen() -> str:
            both = f"{self.status()}\n{self.status_label()}"
            return both if re.search(pattern, both, re.IGNORECASE) else ""

        now = lambda: f"{self.status()!r}, {self.status_label()!r}"  # noqa: E731
        self._until(seen, f"the status matches {pattern!r}", now=now)
        return self.status_label()

    def messages(self) -> list[str]:
        """All messages that popped up since the window opened, oldest first."""
        return [_plain(text) for text in self.page.evaluate("window.toasts.map(t => t.text)") if text]

    def wait_for_message(self, pattern: str, *, after: int = 0, patience_s: float = PATIENCE_S) -> str:
        """Wait for a message that matches, beyond the first ``after`` ones."""

        def seen() -> str:
            return next((text for text in self.messages()[after:] if re.search(pattern, text, re.IGNORECASE)), "")

        return self._until(seen, f"a message that matches {pattern!r}", now=self.messages, patience_s=patience_s)

    def popup_rows(self) -> list[str]:
        """The rows of the completion list."""
        rows = self.page.locator(".suggest-widget.visible .monaco-list-row")
        return [_plain(text) for text in rows.all_inner_texts()]

    def ask_for_popup(self) -> list[str]:
        """Ask for the completion list manually; its rows, none if it reports no suggestions."""
        answer = self.page.locator(".suggest-widget.visible .monaco-list-row, .suggest-widget.visible .message")

        def asked() -> bool:
            self.press("Escape", "Control+Space")  # the keys are lost while the focus moves
            return self.soon(lambda: any(each.is_visible() for each in answer.all()))

        self._until(asked, "an answer to Ctrl+Space")
        return self.popup_rows()

    def ask_for_popup_until(self, word: str) -> None:
        """Ask for the completion list until it contains the word."""
        self._until(lambda: any(word in row for row in self.ask_for_popup()), f"{word!r} in the popup")

    def popup_details(self) -> str:
        """The text next to the completion list."""
        details = self.page.locator(".suggest-details")
        return "\n".join(_plain(text) for text in details.all_inner_texts())

    def frame_text(self, pattern: str) -> Frame:
        """Wait for a web page within the window whose text matches; its frame."""

        def seen() -> Frame | None:
            for frame in self.page.frames[1:]:
                try:
                    if re.search(pattern, frame.evaluate("document.body ? document.body.innerText : ''")):
                        return frame
                except Error:  # it was being replaced
                    continue
            return None

        found = self._until(seen, f"a page within VS Code that matches {pattern!r}")
        assert found is not None
        return found

    def picture(self, name: str) -> Path:
        """Leave a picture of the window in ``build/editors``."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png")
        return PICTURES / f"{name}.png"

    def evidence(self, name: str) -> None:
        """Leave a picture and the server's log in ``build/editors``, to understand a failure."""
        self.picture(name)
        (PICTURES / f"{name}.log").write_text(self.server.log_text(), encoding="utf-8")

    def until(self, condition: Callable[[], _T], wanted: str) -> _T:
        """Poll until the condition is true; its value."""
        return self._until(condition, wanted)

    def soon(self, condition: Callable[[], object]) -> bool:
        """Whether the condition becomes true within two seconds."""
        try:
            return bool(poll(condition, "", pause=lambda: self.page.wait_for_timeout(50), patience_s=2))
        except TimeoutError:
            return False

    def _until(
        self,
        condition: Callable[[], _T],
        wanted: str,
        now: Callable[[], object] | None = None,
        patience_s: float = PATIENCE_S,
    ) -> _T:
        try:
            return poll(condition, wanted, pause=lambda: self.page.wait_for_timeout(50), patience_s=patience_s)
        except TimeoutError as error:
            if now is not None:
                raise TimeoutError(f"{error}; there is {now()!r}") from None
            raise

    def _has_focus(self) -> bool:
        return self.page.locator(f"{_EDITORS}.focused .view-line").count() > 0

    def _palette(self, key: str, text: str, wanted: str) -> Locator:
        """Enter text into the palette that the key opens; its rows ``wanted``, perhaps none."""
        box = self.page.locator(".quick-input-widget:not([style*='display: none']) .quick-input-box input")
        row = self._rows(wanted)
        for _ in range(4):  # it closes again when something else takes the focus meanwhile
            self.press("Escape", key)
            if self.soon(lambda: box.count() > 0 and box.first.is_visible()):
                box.first.fill(text)
                if self.soon(lambda: row.count() > 0):
                    break
        return row

    def _rows(self, text: str) -> Locator:
        return self.page.locator(".quick-input-list .monaco-list-row .label-name").get_by_text(text, exact=True)

    def _editor_value(self, script: str) -> str:
        focused = self.page.locator(f"{_EDITORS}.focused")
        editor = focused if focused.count() else self.page.locator(_EDITORS)
        return str(editor.first.evaluate(script)) if editor.count() else ""

    def _status_item(self) -> Locator:
        return self.page.locator('.statusbar-item[id^="tinycoder" i]')

    def _note_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
            self.outside.add(str(parts.hostname))


def _plain(text: str) -> str:
    """VS Code shows spaces as no-break spaces, and puts marks that nobody sees between words."""
    return text.replace("\u00a0", " ").replace("\u200b", "").replace("\u200c", "")
