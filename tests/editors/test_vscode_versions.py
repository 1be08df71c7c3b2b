"""What a person uses all day, in the oldest VS Code that the extension takes and in the newest that npm has."""

import json
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import LESSON
from tests.editors import install
from tests.editors.conftest import FAILED, editor_missing, vscode_browser

if find_spec("playwright") is None:
    editor_missing("playwright is not installed")

from playwright.sync_api import sync_playwright

from tests.editors.vscode import VSCode, start_browser
from tests.editors.vscode_server import Server

pytestmark = pytest.mark.editors

SETTINGS = {
    "editor.quickSuggestions": {"other": "off"},
    "editor.suggestOnTriggerCharacters": False,
    "tinycoder.model": "counter",
}


@pytest.fixture(params=[install.OLDEST, install.NEWEST])
def window(request: pytest.FixtureRequest, home: Path, tmp_path: Path) -> Iterator[VSCode]:
    """A window of that version on a small workspace, with a model that knows its lesson."""
    version = request.param
    program = vscode_browser(version)
    shutil.copytree(home, tmp_path / "home")
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "counter.py").write_text(LESSON)
    server = Server(
        install.vscode_server(version),
        install.extension(),
        settings=SETTINGS,
        environment={"TINYCODER_HOME": str(tmp_path / "home")},
        programs=[Path(sys.executable).with_name("tinycoder")],
        node=install.node(version),
    )
    with (
        sync_playwright() as playwright,
        start_browser(playwright, program) as browser,
        server,
        VSCode(browser, server, tmp_path / "workspace") as opened,
    ):
        yield opened
        if request.node.stash.get(FAILED, False):
            opened.evidence(request.node.name)
        assert not opened.outside


def test_the_oldest_and_the_newest_vs_code_complete(window: VSCode) -> None:
    window.new_file("use.py", LESSON[: LESSON.index("al = start")])
    window.wait_for_status("ready, model counter")

    def offers(key: str, wanted: str) -> bool:
        window.press(key)
        return window.soon(lambda: wanted in window.ghost_text())

    window.until(lambda: offers("Alt+Backslash", "al = start"), "ghost text")
    window.press("Control+ArrowRight")
    window.until(lambda: window.current_line().strip() == "self.total", "its first word is accepted")
    window.wait_for_ghost(" = start")
    window.press("Tab")
    window.until(lambda: window.current_line().strip() == "self.total = start", "the rest is accepted")
    window.close_file()
    window.new_file("block.py", LESSON[: LESSON.index("\n    counter = ")])
    window.press("Enter")
    window.until(lambda: offers("Alt+Backslash", "return counter"), "a block")
    window.press("Alt+ArrowRight")
    window.until(lambda: window.current_line() == "    counter = Counter(start)", "its first line is accepted")
    window.close_file()
    window.new_file("list.py", "quagga = 1\nprint(qua")
    window.ask_for_popup_until("quagga")
    window.press("Enter")
    window.until(lambda: window.current_line() == "print(quagga", "the name is accepted")
    window.run_command("TinyCoder: Show Statistics")
    window.frame_text("(?i)ghost text shown")
    assert not window.messages()


def test_the_oldest_is_the_one_that_the_extension_asks_for() -> None:
    asked = json.loads((install.CLIENT / "package.json").read_text(encoding="utf-8"))["engines"]["vscode"]
    assert asked == f"^1.{install.OLDEST.split('.')[1]}.0"
