"""TinyCoder in a real VS Code, from the first letter to a trained model."""

import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import LESSON
from tests.editors import install
from tests.editors.conftest import FAILED, FRESH, editor_missing, vscode_browser

if find_spec("playwright") is None:
    editor_missing("playwright is not installed")

from playwright.sync_api import Browser, sync_playwright

from tests.editors.vscode import VSCode, start_browser
from tests.editors.vscode_server import Server

pytestmark = pytest.mark.editors

BLOCK = LESSON[: LESSON.index("\n    counter = ")]
TYPED = LESSON[: LESSON.index("total")]  # ends in "self."; the model goes on with "total = start"
BEGUN = "def write(values):\n    quagga_offset = quo"  # a name that files of the workspace define, and nothing else
NO_POPUP = {"editor.quickSuggestions": {"other": "off"}, "editor.suggestOnTriggerCharacters": False}
POPUP = {"editor.quickSuggestions": {"other": "on"}, "editor.suggestOnTriggerCharacters": True}  # as without settings
IDIOM = """from ledger import Ledger


def book_{name}(ledger: Ledger, amount: int) -> int:
    ledger.begin_transaction("{name}")
    ledger.enter_amount("{name}", amount)
    return ledger.commit_transaction("{name}")
"""
TRAIN, STOP = "TinyCoder: Train on This Workspace", "TinyCoder: Stop Training"
STATISTICS, REPORT = "TinyCoder: Show Statistics", "TinyCoder: Open Training Report"

FAKE_SERVER = """
import json, sys

def answer(number, result):
    body = json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\\r\\n\\r\\n%b" % (len(body), body))
    sys.stdout.buffer.flush()

while line := sys.stdin.buffer.readline():
    sys.stdin.buffer.readline()
    message = json.loads(sys.stdin.buffer.read(int(line.split(b":")[1])))
    with open(__file__ + ".heard", "a") as heard:
        heard.write(json.dumps(message) + "\\n")
    if "id" in message and "method" in message:
        answer(message["id"], {"capabilities": {}, "serverInfo": {"name": "tinycoder", "version": VERSION}})
    if message.get("method") == LAST:
        sys.exit(3)
"""  # reports a version, records what it receives, and ends after a given message

FAKE_PYTHON = {  # an extension with the part of the Python extension's interface that is used
    "package.json": json.dumps(
        {
            "name": "python",
            "publisher": "ms-python",
            "version": "2026.1.0",
            "engines": {"vscode": "^1.99.0"},
            "activationEvents": ["onLanguage:python"],
            "main": "./extension.js",
            "contributes": {"commands": [{"command": "python.another", "title": "Python: Another"}]},
        }
    ),
    "extension.js": """
const vscode = require("vscode");
const changed = new vscode.EventEmitter();
let path = "/environments/first/bin/python";
exports.activate = () => {
  vscode.commands.registerCommand("python.another", () => {
    path = "/environments/second";
    changed.fire({});
  });
  const getActiveEnvironmentPath = () => ({ id: path, path });
  return { environments: { getActiveEnvironmentPath, onDidChangeActiveEnvironmentPath: changed.event } };
};
""",
}
OpenServer = Callable[..., Server]
OpenWindow = Callable[..., VSCode]


def functions(word: str) -> str:
    """Code that repeats an unusual line, and defines a name that ends with ``word``."""
    return (
        "".join(
            f"def read_{name}({word}):\n    quagga_offset = {word}.stride\n    return quagga_offset\n\n\n"
            for name in "abcdefgh"
        )
        + f"def quo_{word}():\n    return 0\n"
    )


def small_workspace(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "counter.py").write_text(LESSON)
    (folder / "elsewhere.py").write_text(functions("okapi"))
    return folder


def ledgers(folder: Path, *more: str) -> Path:
    """A workspace with an idiom of its own."""
    folder.mkdir(exist_ok=True)
    for name in ("income", "refund", "salary", "gift", "rent", "fine", *more):
        (folder / f"{name}.py").write_text(IDIOM.format(name=name))
    return folder


def press_tab_for(window: VSCode, line: str) -> None:
    window.press("Tab")
    window.until(lambda: window.current_line() == line, f"Tab completes the line to {line!r}")


def press_enter_for(window: VSCode, line: str) -> None:
    window.press("Enter")
    window.until(lambda: window.current_line() == line, f"Enter completes the line to {line!r}")


def message_once(window: VSCode, folder: Path, pattern: str, picture: str) -> None:
    """Wait for a message, and see that opening another file does not bring it again."""
    window.wait_for_message(pattern)
    window.picture(picture)
    window.open_file(folder / "elsewhere.py")
    assert len(window.messages()) == 1


# Editors and folders.


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = start_browser(playwright, vscode_browser())
        yield chromium
        chromium.close()


def start_server(home: Path, **options: Any) -> Server:
    """VS Code with the extension, and TinyCoder as it is after an installation, with a home of its own."""
    options.setdefault("programs", [Path(sys.executable).with_name("tinycoder")])
    environment = {"TINYCODER_HOME": str(home), **options.pop("environment", {})}
    return Server(install.vscode_server(), install.extension(), environment=environment, **options)


@pytest.fixture(scope="module")
def server(browser: Browser, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One VS Code for all tests that need no other, with a model that knows its lesson.

    Its completion list opens manually only, so that Tab takes the ghost text.
    """
    own_home = tmp_path_factory.mktemp("vscode") / "home"
    shutil.copytree(home, own_home)
    settings = {**NO_POPUP, "files.defaultLanguage": "python", "tinycoder.model": "counter"}
    with start_server(own_home, settings=settings) as started:
        yield started


@pytest.fixture(scope="module")
def window(browser: Browser, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VSCode]:
    """A window on a small workspace."""
    with VSCode(browser, server, small_workspace(tmp_path_factory.mktemp("workspace"))) as opened:
        yield opened
        assert not opened.outside


@pytest.fixture
def editor(window: VSCode, request: pytest.FixtureRequest) -> Iterator[VSCode]:
    """The shared window, with no files open before and after the test."""
    yield window
    if request.node.stash.get(FAILED, False):
        window.evidence(request.node.name)
    window.close_all()
    window.server.reset_settings()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Whatever must be closed after the test."""
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def open_server(stack: ExitStack) -> OpenServer:
    """Starts a VS Code that ends after the test."""
    return lambda home, **options: stack.enter_context(start_server(home, **options))


@pytest.fixture
def open_window(browser: Browser, stack: ExitStack, request: pytest.FixtureRequest) -> OpenWindow:
    """Opens windows that are closed after the test, and leave a picture if it failed."""

    def check(window: VSCode) -> None:
        if request.node.stash.get(FAILED, False):
            window.evidence(f"{request.node.name}-{window.folder.stem}")
        assert not window.outside

    def open_it(server: Server, folder: Path, **options: Any) -> VSCode:
        window = stack.enter_context(VSCode(browser, server, folder, **options))
        stack.callback(check, window)
        return window

    return open_it


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A small workspace of its own."""
    return small_workspace(tmp_path / "workspace")


def use_command(folder: Path, *command: str) -> None:
    """Let the folder's settings start another server than the installed one."""
    (folder / ".vscode").mkdir()
    (folder / ".vscode" / "settings.json").write_text(json.dumps({"tinycoder.server.command": command}))


def use_fake(folder: Path, script: Path, *, version: str = "0.1.0", last: str = "exit") -> None:
    """Let the folder's settings start a server that only reports a version, and ends after the message ``last``."""
    script.write_text(FAKE_SERVER.replace("VERSION", repr(version)).replace("LAST", repr(last)))
    use_command(folder, sys.executable, str(script), "serve")


def offers_ghost(window: VSCode, word: str = "tot") -> bool:
    """Type the word at the cursor again; whether ghost text comes soon."""
    window.press(*["Backspace"] * len(word))
    window.type(word)
    return window.soon(window.ghost_text)


@pytest.fixture(scope="module")
def fresh(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VSCode]:
    """A window on some code after an installation. The offer to train comes after a minute; other tests run first."""
    folder = ledgers(tmp_path_factory.mktemp("ledgers"))
    settings = {**NO_POPUP, "tinycoder.training.minutes": 5, "tinycoder.training.preset": "nano"}
    home = tmp_path_factory.mktemp("fresh") / "home"
    with start_server(home, settings=settings) as server, VSCode(browser, server, folder) as opened:
        opened.open_file(folder / "income.py")
        yield opened
        assert not opened.outside


@pytest.fixture(scope="module")
def dying(browser: Browser, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VSCode]:
    """A window whose server keeps dying. It is given up after half a minute, in which other tests run."""
    folder = tmp_path_factory.mktemp("dying")
    (folder / "counter.py").write_text(LESSON)
    use_fake(folder, tmp_path_factory.mktemp("fake") / "server.py", last="initialized")
    with VSCode(browser, server, folder) as opened:
        opened.open_file(folder / "counter.py")
        yield opened


# Ghost text.


def test_a_fresh_installation_completes_at_once_with_a_model_that_knows_python(fresh: VSCode) -> None:
    assert "base, which knows Python in general" in fresh.wait_for_status("ready, model")
    fresh.new_file("first.py", f"import os\n\n\n{FRESH}")
    fresh.until(lambda: offers_ghost(fresh, "__ma"), "the first ghost text")
    assert fresh.ghost_text() == 'in__":'
    press_tab_for(fresh, 'if __name__ == "__main__":')
    assert not fresh.messages()


def test_a_fresh_profile_has_ghost_text_without_any_setting(editor: VSCode) -> None:
    editor.new_file("first.py", TYPED + "tot")
    begin = time.monotonic()
    editor.until(lambda: offers_ghost(editor), "the first ghost text")
    print(f"\nfrom the open editor to the first ghost text: {time.monotonic() - begin:.1f} s")
    assert editor.ghost_text() == "al = start"
    assert not editor.messages()


def test_ghost_text_stays_while_it_is_typed_and_tab_accepts_it(editor: VSCode) -> None:
    editor.new_file("typed.py", TYPED)
    editor.wait_for_status("ready")
    editor.type("tot")
    editor.wait_for_ghost("al = start")
    editor.picture("ghost")
    for letter, rest in [("a", "l = start"), ("l", " = start"), (" ", "= start")]:
        editor.type(letter)
        editor.wait_for_ghost(rest)
    press_tab_for(editor, "        self.total = start")
    editor.wait_for_no_ghost()


def test_a_word_of_the_ghost_text_can_be_accepted(editor: VSCode) -> None:
    editor.new_file("word.py", TYPED)
    editor.wait_for_status("ready")
    editor.type("tot")
    editor.wait_for_ghost("al = start")
    editor.press("Control+ArrowRight")
    editor.until(lambda: editor.current_line() == "        self.total", "the first word is accepted")
    editor.wait_for_ghost(" = start")
    editor.press("Escape")
    editor.wait_for_no_ghost()


def test_a_line_of_several_can_be_accepted(editor: VSCode) -> None:
    editor.new_file("line.py", BLOCK)
    editor.wait_for_status("ready")
    accept_a_line(editor)


def accept_a_line(window: VSCode) -> None:
    """Ask for the block of a function, and take its first line."""

    def offers_a_block() -> bool:
        window.press("Alt+Backslash")
        return window.soon(lambda: "return counter" in window.ghost_text())

    window.press("Enter")
    window.until(offers_a_block, "several lines")
    window.press("Alt+ArrowRight")
    window.until(lambda: window.current_line() == "    counter = Counter(start)", "the first line is accepted")
    assert "return" not in window.editor_text().partition("counter = ")[2]


def test_several_suggestions_by_hand(editor: VSCode) -> None:
    editor.new_file("several.py", LESSON[: LESSON.index("class")])
    editor.wait_for_status("ready")
    editor.press("Alt+Backslash")
    first = editor.wait_for_ghost()
    editor.press("Alt+BracketRight")
    editor.until(lambda: editor.drawn_ghost_text() not in ("", first), "another suggestion")
    editor.press("Alt+BracketLeft")
    editor.wait_for_ghost(first)


def test_no_ghost_text_comes_while_text_is_deleted(editor: VSCode) -> None:
    editor.new_file("deleted.py", TYPED)
    editor.wait_for_status("ready")
    editor.type("tot")
    editor.wait_for_ghost("al = start")
    for left in ("to", "t"):
        editor.press("Backspace")
        editor.until(lambda left=left: editor.current_line() == f"        self.{left}", "the letter is gone")  # type: ignore[misc]
        editor.wait_for_no_ghost()
        assert not editor.soon(editor.ghost_text)
    editor.type("ot")
    editor.wait_for_ghost("al = start")


def test_no_ghost_text_comes_while_a_placeholder_is_selected(editor: VSCode) -> None:
    snippet = {"Placed": {"prefix": "placed", "body": "self.${1:tot}"}}
    (editor.folder / ".vscode").mkdir(exist_ok=True)
    (editor.folder / ".vscode" / "placed.code-snippets").write_text(json.dumps(snippet))
    editor.new_file("placeholder.py", TYPED.removesuffix("self."))
    editor.wait_for_status("ready")
    editor.type("placed")
    editor.ask_for_popup_until("placed")
    press_enter_for(editor, "        self.tot")
    editor.wait_for_no_ghost()  # which continued the selected row
    assert not editor.soon(editor.ghost_text)
    editor.type("tot")
    editor.wait_for_ghost("al = start")


def test_a_snooze_is_chosen_from_the_palette_and_ended_from_the_menu(editor: VSCode) -> None:
    editor.new_file("snooze.py", TYPED + "tot")
    editor.wait_for_status("ready")
    editor.until(lambda: offers_ghost(editor), "ghost text at first")
    editor.run_command("TinyCoder: Snooze")
    editor.choose("15 minutes")
    editor.wait_for_status("snoozing for 15 min")
    editor.picture("snooze")
    assert not offers_ghost(editor)
    editor.press("Alt+\\")
    editor.wait_for_ghost("al = start")
    editor.run_command("TinyCoder: Show Menu")
    editor.choose("End the snooze, or change it")
    editor.choose("End the snooze, of which 15 min are left")
    editor.wait_for_status("ready")
    editor.until(lambda: offers_ghost(editor), "ghost text again")
    assert not editor.messages()


def test_ghost_text_and_the_selected_row_of_the_popup_agree(editor: VSCode) -> None:
    editor.server.change_settings(POPUP)
    editor.new_file("both.py", TYPED + "tot")
    editor.until(lambda: offers_ghost(editor) and editor.soon(editor.popup_rows), "ghost text and popup together")
    assert editor.ghost_text() == "al = start"
    assert editor.popup_rows()[0].startswith("total")
    editor.picture("ghost-and-popup")
    press_tab_for(editor, "        self.total")
    editor.wait_for_ghost(" = start")


def test_a_screen_reader_can_read_status_and_ghost_text(editor: VSCode) -> None:
    label = editor.wait_for_status("ready")
    assert "TinyCoder" in label
    assert "counter" in label
    editor.new_file("spoken.py", TYPED)
    editor.type("tot")
    editor.wait_for_ghost("al = start")
    editor.press("Alt+F2")
    view = editor.page.locator(".accessible-view .view-lines")
    editor.until(lambda: view.count() > 0 and "total" in view.first.inner_text(), "the accessible view")
    assert "total = start" in view.first.inner_text().replace("\u00a0", " ")
    editor.press("Escape")


# The completion list.


def test_words_of_other_files_are_offered_with_their_place(editor: VSCode) -> None:
    editor.new_file("use.py", BEGUN)
    editor.ask_for_popup_until("okapi")
    editor.press("Control+Space")  # the details
    editor.until(lambda: "elsewhere.py" in editor.popup_details(), "the details say where it was seen")
    editor.picture("popup")
    editor.press("Enter")
    editor.until(lambda: editor.current_line() == "    quagga_offset = quo_okapi", "the name is accepted")
    editor.until(lambda: "from elsewhere import quo_okapi" in editor.editor_text(), "its import comes along")


def test_the_editors_own_word_list_does_not_open_where_tinycoder_is_silent(editor: VSCode) -> None:
    as_without_settings = dict.fromkeys(NO_POPUP)
    editor.server.change_settings({**as_without_settings, "tinycoder.popup.enable": False})
    editor.new_file("quiet.py", "quagga_offset = 1\n\n# quag")
    editor.wait_for_status("ready")
    editor.until(lambda: not editor.ask_for_popup(), "no list in a comment, even when it is asked for")
    editor.press("Enter")
    editor.type("quag")
    assert not editor.soon(editor.popup_rows)
    assert not editor.ask_for_popup()
    editor.server.change_settings({"[python]": {"editor.wordBasedSuggestions": "matchingDocuments"}})
    editor.ask_for_popup_until("quagga_offset")  # the setting still enables it


# Documents of every kind.


def test_an_untitled_document_is_completed(editor: VSCode) -> None:
    editor.run_command("File: New Untitled Text File")
    editor.page.wait_for_selector(".tab.active[data-resource-name^='Untitled']")
    for line in ("import os\n", "\n", "\n", "class Counter:\n", "def __init__(self, start):\n", "self.tot"):
        editor.type(line)  # VS Code indents by itself
    editor.wait_for_ghost("al = start")
    press_tab_for(editor, "        self.total = start")


def test_a_file_with_windows_line_ends_keeps_them(editor: VSCode) -> None:
    path = editor.new_file("windows.py", TYPED.replace("\n", "\r\n"))
    editor.type("tot")
    editor.wait_for_ghost("al = start")
    press_tab_for(editor, "        self.total = start")
    editor.save()
    assert path.read_bytes() == (TYPED + "total = start").replace("\n", "\r\n").encode()


def test_a_large_file_is_quietly_left_alone(editor: VSCode) -> None:
    before = len(editor.messages())
    editor.server.change_settings({"tinycoder.maxFileKb": 2})
    editor.new_file("large.py", LESSON * 10 + TYPED)
    editor.type("tot")
    editor.until(lambda: not editor.ask_for_popup() and not offers_ghost(editor), "nothing is offered in a large file")
    editor.server.reset_settings()
    editor.until(lambda: offers_ghost(editor), "ghost text where files may be large")
    assert editor.messages()[before:] == []


def test_a_notebook_is_completed_with_its_cells_above(editor: VSCode) -> None:
    above, below = LESSON.split("def make_counter")
    cells: list[dict[str, object]] = [
        {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": source}
        for source in (above.rstrip("\n"), "def make_counter" + below.split("    counter", maxsplit=1)[0].rstrip("\n"))
    ]
    notebook = {"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}
    path = editor.folder / "lesson.ipynb"
    path.write_text(json.dumps(notebook))
    editor.open_file(path)
    editor.press("Enter")
    editor.type("coun")
    editor.wait_for_ghost("ter = Counter(start)")
    press_tab_for(editor, "    counter = Counter(start)")


def test_all_folders_of_a_workspace_count(open_window: OpenWindow, server: Server, tmp_path: Path) -> None:
    words = {"one": "okapi", "two": "ostrich"}
    for name, word in words.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "tools.py").write_text(functions(word))
    file = tmp_path / "both.code-workspace"
    file.write_text(json.dumps({"folders": [{"path": "one"}, {"path": "two"}]}))
    window = open_window(server, file)
    path = tmp_path / "two" / "use.py"
    path.write_text(BEGUN)
    window.open_file(path)
    for word in words.values():
        window.ask_for_popup_until(word)


# Settings.


def test_settings_count_at_once(editor: VSCode) -> None:
    editor.new_file("settings.py", TYPED + "tot")
    editor.until(lambda: offers_ghost(editor), "ghost text at first")
    editor.server.change_settings({"tinycoder.inline.enable": False})
    editor.until(lambda: not offers_ghost(editor), "no ghost text without tinycoder.inline.enable")
    editor.server.reset_settings()
    editor.until(lambda: offers_ghost(editor), "ghost text again")
    editor.server.change_settings({"tinycoder.enable": False})
    editor.wait_for_status("off")
    editor.until(lambda: not offers_ghost(editor), "no ghost text without tinycoder.enable")
    editor.server.reset_settings()
    editor.wait_for_status("ready")
    editor.until(lambda: offers_ghost(editor), "ghost text after all")


def test_the_menu_of_the_status_bar_switches_a_language_off(editor: VSCode) -> None:
    editor.new_file("menu.py", TYPED + "tot")
    editor.wait_for_status("ready")
    editor.until(lambda: offers_ghost(editor), "ghost text at first")
    editor.choose_from_menu("Disable completions for Python")
    editor.wait_for_status("off for Python")
    editor.until(lambda: not offers_ghost(editor), "no ghost text")
    editor.choose_from_menu("Enable completions for Python")
    editor.wait_for_status("ready")
    editor.until(lambda: offers_ghost(editor), "ghost text again")


def test_the_server_is_told_the_interpreter_that_the_python_extension_names(
    open_server: OpenServer, open_window: OpenWindow, tmp_path: Path, workspace: Path
) -> None:
    install.pack(tmp_path / "python.vsix", FAKE_PYTHON)
    use_fake(workspace, tmp_path / "server.py")
    server = open_server(tmp_path / "home", more_extensions=[tmp_path / "python.vsix"])
    window = open_window(server, workspace)
    heard = tmp_path / "server.py.heard"

    def told() -> object:
        """The setting as the server knows it now."""
        value = None
        for line in heard.read_text().splitlines() if heard.exists() else []:
            params = json.loads(line).get("params") or {}
            for settings in (params.get("initializationOptions"), (params.get("settings") or {}).get("tinycoder")):
                value = settings.get("python") if settings else value
        return value

    window.open_file(workspace / "counter.py")
    window.until(lambda: told() == "/environments/first/bin/python", "the interpreter that is chosen")
    window.run_command("Python: Another")
    window.until(lambda: told() == "/environments/second", "the environment that is chosen then")
    server.change_settings({"tinycoder.python": "/mine/bin/python"})

    def told_at_the_start() -> bool:
        window.run_command("TinyCoder: Restart Server")  # the fake server does not ask for changed settings
        return window.soon(lambda: told() == "/mine/bin/python")

    window.until(told_at_the_start, "the interpreter that the person named")


def test_the_server_is_told_where_a_cursor_rests_and_not_of_keys(
    tmp_path: Path, workspace: Path, open_server: OpenServer, open_window: OpenWindow
) -> None:
    use_fake(workspace, tmp_path / "server.py")
    window = open_window(open_server(tmp_path / "home"), workspace)
    heard = tmp_path / "server.py.heard"

    def told(method: str) -> list[dict[str, Any]]:
        messages = map(json.loads, heard.read_text().splitlines() if heard.exists() else [])
        return [each["params"] for each in messages if each["method"] == method]

    def cursors() -> list[tuple[int, int]]:
        positions = [each["position"] for each in told("textDocument/didMoveCursor")]
        return [(position["line"], position["character"]) for position in positions]

    def arrived(at: tuple[int, int]) -> bool:
        return at in cursors()

    window.open_file(workspace / "counter.py")
    window.until(lambda: told("textDocument/didFocus"), "a server that runs")
    window.press("Control+Home", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight")
    window.until(lambda: arrived((3, 1)), "the cursor after some moves")
    window.type("xyz", delay_ms=150)
    window.press("ArrowLeft")
    window.until(lambda: arrived((3, 3)), "the cursor after another move")
    assert not {(3, 2), (3, 4)} & set(cursors())


# Statistics and training.


def test_the_page_of_statistics_counts_what_was_accepted(editor: VSCode) -> None:
    editor.run_command(STATISTICS)
    before = accepted(editor)
    editor.new_file("counted.py", TYPED + "tot")
    editor.until(lambda: offers_ghost(editor), "ghost text")
    press_tab_for(editor, "        self.total = start")
    editor.run_command(STATISTICS)
    editor.until(lambda: accepted(editor) == before + 1, "one more is accepted")
    editor.picture("statistics")


def accepted(window: VSCode) -> int:
    """The number of accepted ghost texts on the page of statistics."""
    text = str(window.frame_text("(?i)ghost text shown").evaluate("document.body.innerText"))
    found = re.search(r"^\s*accepted\s+(\d+|-)", text, re.MULTILINE)
    assert found, text
    return 0 if found[1] == "-" else int(found[1])


def test_training_from_the_command_palette_to_suggestions(
    open_server: OpenServer, open_window: OpenWindow, tmp_path: Path
) -> None:
    folder = ledgers(tmp_path / "ledgers", "bonus", "interest")
    settings = {**NO_POPUP, "tinycoder.training.minutes": 0.5}
    window = open_window(open_server(tmp_path / "home", settings=settings), folder)
    window.new_file("tax.py", IDIOM.format(name="tax").partition("begin")[0] + "beg")
    window.wait_for_status("ready, model base")
    window.run_command(TRAIN)
    window.wait_for_status(r"training.*\d+ (%|per cent)")
    window.picture("training")
    window.wait_for_message("learnt this workspace")
    window.wait_for_status("ready, model ledgers-")
    window.until(lambda: offers_ghost(window, "beg"), "ghost text from the new model")
    assert window.ghost_text().startswith("in_transaction(")
    window.run_command(REPORT)
    window.frame_text("(?i)bits per byte")
    window.picture("report")


def test_training_is_offered_after_a_minute_and_can_be_stopped(fresh: VSCode) -> None:
    fresh.wait_for_message("make it yours", patience_s=120)
    fresh.run_command("Notifications: Show Notifications")  # it may have come long ago
    fresh.picture("offer")
    fresh.page.get_by_role("button", name="Train", exact=True).click()
    fresh.wait_for_status("training")
    fresh.run_command(STOP)
    fresh.wait_for_message("stopped")
    fresh.wait_for_status("ready, model base")
    assert len([text for text in fresh.messages() if "make it yours" in text]) == 1


# When something is wrong.


def test_a_server_that_dies_is_started_again_and_this_is_said_once(editor: VSCode) -> None:
    editor.wait_for_status("ready")
    before = len(editor.messages())
    (process,) = editor.server.completion_servers()
    os.kill(process, signal.SIGKILL)
    editor.until(lambda: editor.server.completion_servers() not in ([], [process]), "another server runs")
    editor.wait_for_message("again|restart", after=before)
    editor.new_file("again.py", TYPED + "tot")
    editor.wait_for_status("ready")
    editor.until(lambda: offers_ghost(editor), "ghost text from the new server")
    assert len(editor.messages()[before:]) == 1


@pytest.mark.usefixtures("dying")
def test_a_server_that_does_not_start_is_said_once(open_window: OpenWindow, server: Server, workspace: Path) -> None:
    use_command(workspace, sys.executable, "-c", "raise SystemExit(3)", "serve")
    window = open_window(server, workspace)
    window.open_file(workspace / "counter.py")
    window.wait_for_status("error")
    message_once(window, workspace, "could not be started", "given-up")


def test_a_missing_server_is_said_once_with_what_to_do(
    open_server: OpenServer, open_window: OpenWindow, tmp_path: Path, workspace: Path
) -> None:
    elsewhere = {"PATH": "/usr/bin:/bin", "VIRTUAL_ENV": "", "CONDA_PREFIX": ""}
    window = open_window(open_server(tmp_path / "home", programs=[], environment=elsewhere), workspace)
    window.open_file(workspace / "counter.py")
    window.wait_for_status("no server|not installed")
    message_once(window, workspace, "install", "missing")


def test_a_server_of_another_version_is_said_once(
    open_window: OpenWindow, server: Server, tmp_path: Path, workspace: Path
) -> None:
    use_fake(workspace, tmp_path / "server.py", version="9.9.9")
    window = open_window(server, workspace)
    window.open_file(workspace / "counter.py")
    message_once(window, workspace, r"9\.9\.9", "other-version")


def test_nothing_is_read_or_learnt_in_a_workspace_before_it_is_trusted(
    open_server: OpenServer, open_window: OpenWindow, tmp_path: Path, workspace: Path
) -> None:
    window = open_window(open_server(tmp_path / "home", settings=NO_POPUP, trust_everything=False), workspace)
    restricted = window.page.locator(".statusbar-item", has_text="Restricted Mode")
    restricted.wait_for()
    path = window.new_file("use.py", BEGUN)
    window.wait_for_status("ready")
    assert "okapi" not in "".join(window.ask_for_popup())
    window.picture("untrusted")
    assert not window.has_command(TRAIN)
    assert "okapi" not in "".join(window.ask_for_popup())
    window.run_command("Workspaces: Manage Workspace Trust")
    window.page.get_by_role("button", name="Trust", exact=True).click()
    window.until(lambda: restricted.count() == 0, "the trust")
    window.open_file(path)
    window.ask_for_popup_until("okapi")
    assert window.has_command(TRAIN)


def test_a_server_that_always_dies_is_given_up(dying: VSCode) -> None:
    dying.wait_for_status("error")
    dying.wait_for_message("keeps stopping")
    first, last = dying.messages()
    assert "started again" in first
    assert "keeps stopping" in last
