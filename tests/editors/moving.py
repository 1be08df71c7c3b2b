"""The moving picture of the README: a method is typed into a repository that ``base`` has not read.

A person's keys go to a real VS Code, whose window is photographed after each; the script says what is typed, and where
the offer of TinyCoder is taken. It ends with an error where something else is offered: the picture shows what happens.
Keys that are not letters are shown by VS Code itself (its screencast mode).
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from tests.editors import install
from tests.editors.vscode import VSCode
from tests.editors.vscode_server import Server

REPOSITORY = Path(__file__).parents[2]
PICTURES = REPOSITORY / "docs" / "pictures"
CORPUS = REPOSITORY / "benchmarks" / "lspbench" / "corpora" / "open"
PROJECT = "structlog"  # training/base/ has not read it
THEMES = {"light": "Default Light Modern", "dark": "Default Dark Modern"}
WIDTH, HEIGHT, SCALE = 760, 470, 1.6
COLOURS = 64
LETTER_MS, LOOK_MS, END_MS = 90, 900, 3500  # how long a picture stays: after a letter, at an offer, at the end
SETTINGS = {
    "breadcrumbs.enabled": False,
    "editor.autoClosingBrackets": "never",  # the script types its own
    "editor.autoClosingQuotes": "never",
    "editor.cursorBlinking": "solid",
    "editor.fontSize": 14,
    "editor.guides.indentation": False,
    "editor.hover.enabled": False,
    "editor.lineHeight": 22,
    "editor.lineNumbers": "off",
    "editor.folding": False,
    "editor.glyphMargin": False,
    "editor.occurrencesHighlight": "off",
    "editor.overviewRulerLanes": 0,
    "editor.quickSuggestions": {"other": "off"},  # the list opens where the script asks for it
    "editor.renderLineHighlight": "none",
    "editor.scrollbar.vertical": "hidden",
    "editor.stickyScroll.enabled": False,
    "editor.suggest.showStatusBar": False,
    "editor.suggestOnTriggerCharacters": False,
    "screencastMode.fontSize": 24,
    "screencastMode.keyboardOptions": {
        "showKeys": False,
        "showKeybindings": True,
        "showCommands": False,
        "showCommandGroups": False,
        "showSingleEditorCursorMoves": False,
    },
    "screencastMode.keyboardOverlayTimeout": 700,
    "screencastMode.mouseIndicatorSize": 20,
    "screencastMode.verticalOffset": 90,  # over the tabs: code lies below
    "tinycoder.popup.limit": 5,
    "window.menuBarVisibility": "hidden",
    "workbench.activityBar.location": "hidden",
    "workbench.layoutControl.enabled": False,
}
FILE = "src/structlog/secrets.py"
BEGUN = '''"""
Processors that keep secrets out of the log.
"""

from __future__ import annotations

from structlog.typing import WrappedLogger


class SecretRedactor:
    """
    Replace the values of *keys* in the event dictionary.
    """

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = keys

'''
STEPS: list[tuple[str, str, str]] = [  # what is typed, what is then offered, and how it is taken
    ("    def __c", "all__(", "Tab"),
    ("\n", "self,", "Tab"),
    (" ", "logger: WrappedLogger, name: str,", "Tab"),
    (" event_dict: Even", "EventDict", "Enter"),
    ("\n\b", ") -> EventDict:", "Tab"),
    ("\n    for key ", "in self._keys:", "Tab"),
    ("\nif key in e", "vent_dict:", "Tab"),
    ("\ne", "vent_dict[key]", "Tab"),
    (' = "***"\n\b\br', "eturn event_dict", "Tab"),
]


class Film:
    """Pictures of a window, and how long each is shown."""

    def __init__(self, window: VSCode) -> None:
        self._page = window.page
        self._pictures: list[Image.Image] = []
        self._shown_ms: list[int] = []

    def take(self, shown_ms: int) -> None:
        """Photograph the window as it is."""
        raw = self._page.screenshot(animations="disabled")
        self._pictures.append(Image.open(io.BytesIO(raw)).convert("RGB"))
        self._shown_ms.append(shown_ms)

    def write(self, file: Path) -> None:
        """Write an endless GIF, all of whose pictures have the colours of the fullest ones."""
        fullest = sorted(self._pictures, key=lambda picture: len(picture.getcolors(1 << 20) or ()))[-4:]
        sheet = Image.new("RGB", (fullest[0].width, sum(picture.height for picture in fullest)))
        for n, picture in enumerate(fullest):
            sheet.paste(picture, (0, n * picture.height))
        palette = sheet.quantize(COLOURS, dither=Image.Dither.NONE)
        first, *rest = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in self._pictures]
        file.parent.mkdir(parents=True, exist_ok=True)
        first.save(file, save_all=True, append_images=rest, duration=self._shown_ms, loop=0, optimize=False)
        print(
            f"{file}: {len(self._pictures)} pictures, {sum(self._shown_ms) / 1000:.1f} s, {file.stat().st_size:,} bytes"
        )


def take(browser: Browser, extension: Path, scratch: Path, theme: str) -> None:
    """Take the picture in one theme."""
    folder = unpacked(scratch)
    server = Server(
        install.vscode_server(),
        extension,
        settings={**SETTINGS, "workbench.colorTheme": THEMES[theme]},
        environment={"TINYCODER_HOME": str(scratch / "home")},
        programs=[Path(sys.executable).with_name("tinycoder")],
    )
    with server, VSCode(browser, server, folder, width=WIDTH, height=HEIGHT, scale=SCALE) as window:
        window.press("Control+b")  # no side bar
        window.new_file(FILE, BEGUN)
        window.wait_for_status("ready")
        window.page.wait_for_timeout(5000)  # until the workspace is read
        window.run_command("Developer: Toggle Screencast Mode")
        window.page.wait_for_timeout(1000)
        film = Film(window)
        film.take(LOOK_MS)
        for typed, offered, key in STEPS:
            try:
                do_step(window, film, typed, offered, key)
            except TimeoutError:
                window.evidence("moving")
                raise
        window.page.wait_for_timeout(1500)
        film.take(END_MS)
        film.write(PICTURES / f"typing-{theme}.gif")


def do_step(window: VSCode, film: Film, typed: str, offered: str, key: str) -> None:
    """Type, wait for the offer, and take it; each of these is photographed."""
    for letter in typed:
        window.press({"\n": "Enter", "\b": "Backspace", " ": "Space"}.get(letter, letter))
        window.page.wait_for_timeout(150)
        film.take(LETTER_MS)
    if key == "Enter":
        window.press("Control+Space")
        window.until(
            lambda: window.popup_rows() and window.popup_rows()[0].startswith(offered), f"{offered} in the list"
        )
        window.page.wait_for_timeout(300)
    else:
        window.wait_for_ghost(offered)
    film.take(LOOK_MS)
    window.press(key)
    window.page.wait_for_timeout(250)
    film.take(LOOK_MS)
    window.page.wait_for_timeout(1000)  # until the key is no longer shown


def unpacked(scratch: Path) -> Path:
    """The repository, as the benchmarks have it."""
    sys.path.insert(0, str(CORPUS.parents[1]))
    from corpora import archive, download, manifest, members

    row = next(row for row in manifest(CORPUS) if row["package"] == PROJECT)
    if not (CORPUS / "archives" / row["archive"]).exists():
        download(f"{PROJECT}=={row['version']} --hash=sha256:{row['sha256']}", CORPUS / "archives")
    folder = scratch / PROJECT
    for path, raw in members(archive(CORPUS, row)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(raw)
    return folder
