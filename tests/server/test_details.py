"""What the popup's details say of a word, and what they never show."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tinycoder_lsp.editor.details import MAX_FILE_BYTES, Offered, documentation, offered, read_from_disk

TEXT = """import os


class Reader:
    def read(self):
        first = self.first
        second = self.second
        return first + second
"""


def said(line: int, text: str | None = TEXT, percent: int | None = 50) -> str:
    return documentation(Offered(seen=("pkg/io.py", line), percent=percent), lambda path: text)


def test_the_lines_around_the_place_without_their_indentation() -> None:
    assert said(6) == (
        "50 % likely\n\n"
        "```python\n"
        "class Reader:\n"
        "    def read(self):\n"
        "        first = self.first\n"
        "        second = self.second\n"
        "        return first + second\n"
        "```"
    )
    assert "```python\nfirst = self.first\nsecond = self.second\nreturn first + second\n```" in said(8)
    assert "```python\nimport os\n```" in said(1)


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
def test_tabs_and_line_ends(line_end: str) -> None:
    text = line_end.join(["if x:", "\tif y:", "\t\tz = 1", ""])
    assert "```python\nif x:\n    if y:\n        z = 1\n```" in said(1, text)


@pytest.mark.parametrize(
    "seen", [None, [], ["a.py"], ["a.py", "x"], ["a.py", 0], [3, 3], ["a.py", True], ["a.py", 10**9]]
)
def test_what_names_no_line_has_no_lines(seen: object) -> None:
    item = offered("x", {"percent": 25, "seen": seen})
    assert documentation(item, lambda path: pytest.fail("nothing is to be read")) == "25 % likely"


@pytest.mark.parametrize("line", [99, 10**9 - 1])
def test_a_line_that_is_not_there(line: int) -> None:
    assert said(line, "") == "50 % likely"
    assert "```" not in said(line)


def test_a_file_that_cannot_be_read_has_no_lines() -> None:
    assert said(3, None) == "50 % likely"


def test_a_probability_that_is_none_is_not_said() -> None:
    assert said(3, None, None) == ""
    assert documentation(Offered(), lambda path: None) == ""


@pytest.mark.parametrize("path", ["pkg/__init__.py", "a b_*.py", "ti`ck.py", "a: b:3.py"])
def test_the_whole_path_is_asked_for(path: str) -> None:
    assert documentation(Offered(seen=(path, 1)), {path: "x = 1"}.get) == "```python\nx = 1\n```"


def test_code_does_not_end_its_own_block() -> None:
    assert said(1, "x = '````'").endswith("`````python\nx = '````'\n`````")


def test_secrets_are_not_shown() -> None:
    text = 'user = "me"\napi_key = "sk_live_9aF3kQ7zXw2LmN8pR4tV6yB1"\nsend(api_key)\n'
    assert "9aF3" not in said(1, text)
    assert "api_key" in said(1, text)
    key = (
        "-----BEGIN RSA PRIVATE KEY-----\n"
        + "MIIEpAIBAAKCAQEAx3k9Zq7Lw2Vb8Tn4\n" * 9
        + "-----END RSA PRIVATE KEY-----\n"
    )
    assert "MIIEpAIB" not in said(6, f'KEY = """{key}"""\n')


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"percent": 25}, 25),
        ({"percent": 99.6}, 100),
        ({"percent": 0}, 0),
        *(({"percent": odd}, None) for odd in (200, -1, 10**400, float("nan"), True, "0.5", None, [], {})),
        *((odd, None) for odd in ({}, None, [], "x", 3)),
    ],
)
def test_the_probability_in_whatever_is_sent_back(data: Any, found: int | None) -> None:
    assert offered("name", data).percent == found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "one" / "project"
    (folder / "pkg").mkdir(parents=True)
    (folder / "pkg" / "io.py").write_text(TEXT)
    (tmp_path / "outside.py").write_text("outside = 1\n")
    return folder


def test_a_file_of_the_workspace(project: Path) -> None:
    assert read_from_disk("pkg/io.py", [project]) == TEXT
    assert read_from_disk("pkg/no.py", [project]) is None
    assert read_from_disk("pkg/io.py", []) is None
    assert read_from_disk("pkg/io.py", [project / "nowhere"]) is None


def test_of_several_folders_the_one_that_the_path_begins_with(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "two" / "project"
    other.mkdir(parents=True)
    (other / "io.py").write_text("other = 1\n")
    folders = [project, other]
    assert read_from_disk("one/project/pkg/io.py", folders) == TEXT
    assert read_from_disk("two/project/io.py", folders) == "other = 1\n"
    assert read_from_disk("pkg/io.py", folders) is read_from_disk("io.py", folders) is None


@pytest.mark.parametrize(
    "path",
    [
        "../../outside.py",
        "pkg/../../../outside.py",
        "{outside}",
        "/{outside}",
        "link.py",
        "linked/outside.py",
        "circle.py",
        "pipe.py",
        "folder.py",
        "secrets.env",
        "",
        ".",
        "a\0b.py",
        "a\ud800b.py",
        "x" * 5000 + ".py",
    ],
)
def test_nothing_else_is_read(project: Path, tmp_path: Path, path: str) -> None:
    if sys.platform == "win32":
        pytest.skip("links and pipes are made differently there")
    (project / "link.py").symlink_to(tmp_path / "outside.py")
    (project / "linked").symlink_to(tmp_path)
    (project / "circle.py").symlink_to("circle.py")
    (project / "folder.py").mkdir()
    (project / "secrets.env").write_text("TOKEN=x")
    os.mkfifo(project / "pipe.py")
    assert read_from_disk(path.format(outside=tmp_path / "outside.py"), [project]) is None


def test_a_file_of_the_environment(project: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    for installed, found in (([tmp_path], "outside = 1\n"), ([tmp_path / "one"], None), ([], None)):
        assert read_from_disk(str(outside), [project], installed) == found
    assert read_from_disk(str(project / "pkg" / ".." / ".." / ".." / "outside.py"), [], [project]) is None
    assert read_from_disk("outside.py", [project], [tmp_path]) is None  # a path of the workspace


def test_a_link_within_the_workspace_is_followed(project: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("links need a right there")
    (project / "same.py").symlink_to(project / "pkg" / "io.py")
    assert read_from_disk("same.py", [project]) == TEXT


def test_large_and_odd_files(project: Path) -> None:
    (project / "large.py").write_text("x" * (MAX_FILE_BYTES + 1))
    (project / "latin.py").write_bytes("é = 1\n".encode("latin-1"))
    assert read_from_disk("large.py", [project]) is None
    assert read_from_disk("latin.py", [project]) == "\ufffd = 1\n"


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("# coding: latin-1\né = 'ß'\n".encode("latin-1"), "é = 'ß'"),
        ("# -*- coding: cp1252 -*-\nprice = '€'\n".encode("cp1252"), "price = '€'"),
        ("\ufeffimport os\nx = 'ü'\n".encode(), "x = 'ü'"),
        (b"import os\r\nx = 1\r\n", "x = 1"),
        (b"import os\rx = 1\r", "x = 1"),
        (b"import os\r\xff = 1\r", "\ufffd = 1"),
    ],
)
def test_an_excerpt_is_decoded_as_python_does_by_lines_of_all_ends(project: Path, raw: bytes, line: str) -> None:
    (project / "odd.py").write_bytes(raw)
    text = read_from_disk("odd.py", [project])
    assert text is not None
    assert text.split("\n")[1] == line
    assert "\ufeff" not in said(1, text)
    assert line in said(2, text)
    assert "\r" not in said(2, text)


# Asked for by an editor.


def resolved(client: Any, item: dict[str, Any]) -> str:
    value: str = client.ask("completionItem/resolve", item)["documentation"]["value"]
    return value


def test_an_item_of_the_popup_gets_its_details(start: Any, project: Path) -> None:
    client = start()
    client.initialize(rootUri=project.as_uri())
    item = client.popup(client.open("ab"), 0, 2)[0]
    assert "documentation" not in item
    found = client.ask("completionItem/resolve", item)
    assert found.pop("documentation")["kind"] == "markdown"
    assert found == item  # all else as it was
    item["data"]["seen"] = ["pkg/io.py", 6]  # as the engine says it
    assert resolved(client, item).startswith("50 % likely\n\n```python\nclass Reader:")


@pytest.mark.parametrize(
    ("formats", "kind"),
    [
        (["plaintext"], "plaintext"),
        (["plaintext", "html"], "plaintext"),  # with one that the protocol does not know
        (["plaintext", "markdown"], "plaintext"),
        (["markdown", "plaintext"], "markdown"),
        (["html"], "markdown"),
        (None, "markdown"),
    ],
)
@pytest.mark.parametrize("newer", [False, True])
def test_details_have_the_format_that_the_client_prefers(
    start: Any, project: Path, formats: list[str] | None, kind: str, newer: bool
) -> None:
    client = start()
    item_support = {"documentationFormat": formats}
    capabilities: dict[str, Any] = {"textDocument": {"completion": {"completionItem": item_support}}}
    if newer:  # another value that is newer than what the server knows
        capabilities["workspace"] = {"symbol": {"symbolKind": {"valueSet": [1, 9999]}}}
    client.initialize(capabilities, rootUri=project.as_uri())
    item = {"label": "x", "data": {"seen": ["pkg/io.py", 1]}}
    documentation = client.ask("completionItem/resolve", item)["documentation"]
    assert documentation["kind"] == kind
    assert ("```" in documentation["value"]) is (kind == "markdown")


def test_an_open_document_counts_as_it_is_in_the_editor(start: Any, project: Path) -> None:
    client = start()
    client.initialize(rootUri=project.as_uri())
    item = {"label": "x", "data": {"seen": ["pkg/io.py", 1]}}
    assert "import os" in resolved(client, item)
    uri = client.open("import sys\n", uri=(project / "pkg" / "io.py").as_uri())
    assert "import sys" in resolved(client, item)
    client.send(client.change(uri, {"text": ""}))
    assert resolved(client, item) == ""
    client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert "import os" in resolved(client, item)


@pytest.mark.parametrize(
    "data",
    [
        *(None, 3, [], "x", {}, {"percent": "high"}, {"percent": {"is": 1}}),
        *({"seen": ["../../../etc/passwd", 1]}, {"seen": ["a.py", 10**20]}, {"seen": "a.py"}),
    ],
)
def test_odd_items_are_answered(client: Any, data: Any) -> None:
    item = {key: value for key, value in (("label", "x"), ("data", data)) if value is not None}
    assert client.ask("completionItem/resolve", item)["label"] == "x"
    assert "Traceback" not in client.log()
