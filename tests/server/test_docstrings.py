"""What the popup's details say of a definition: signature, first paragraph, place."""

from pathlib import Path
from typing import Any

import pytest

from tinycoder_lsp.editor.details import Offered, documentation, offered
from tinycoder_lsp.editor.docstrings import MAX_PARAGRAPH, first_paragraph, line_of

DEFINED = '''"""Counts things.

More.
"""
import os

LIMIT: int = 3
"""The most.

Of all."""

class Counter(Base):
    """Adds up `amounts`, see <Other> and *all* of it,
    in ``two_lines``.

    More.
    """

    @cached
    async def add(
        self, amount: int = 3,  # how much
    ) -> None:
        # first
        "Add " "one."
        return None

    def bare(self): return 1

    def raw(self):
        r"""Matches \\d."""

    def no(self):
        f"""Not {self}."""

def broken(x):
    """Still read."""
    retur(
'''


def at(start: str) -> int:
    """The line that begins so, from 1; 0 for the first one, the module's own."""
    line = next(n for n, text in enumerate(DEFINED.split("\n")) if text.startswith(start))
    return line + 1 if line else 0


@pytest.mark.parametrize(
    ("start", "paragraph"),
    [
        ('"""Counts', "Counts things."),
        ("LIMIT", "The most."),
        ("class Counter", "Adds up `amounts`, see <Other> and *all* of it,\nin ``two_lines``."),
        ("    async def add", "Add one."),
        ("    def bare", ""),
        ("    def raw", "Matches \\d."),
        ("    def no", ""),
        ("import os", ""),
        ("def broken", "Still read."),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_the_first_paragraph_of_a_docstring(start: str, paragraph: str, line_end: str) -> None:
    assert first_paragraph(DEFINED.replace("\n", line_end), at(start)) == paragraph


@pytest.mark.parametrize(
    "text", ["", "\n", "def f(", '"""', "x", '"\\ud800', "\\\n" * 5000, "(" * 5000, "\0", "\ud800"]
)
@pytest.mark.parametrize("line", [0, 1, 2, 10**6])
def test_texts_without_a_docstring(text: str, line: int) -> None:
    assert first_paragraph(text, line) == ""


def test_a_paragraph_without_end_is_cut() -> None:
    assert len(first_paragraph(f'"""{"word " * 1000}"""', 0)) <= MAX_PARAGRAPH + 2


def test_a_definition_is_told_by_its_signature_and_docstring() -> None:
    line = at("    async def add(")
    item = Offered(name="add", percent=60, signature="(amount: int = 3)", path="my_pkg/a.py", line=line)
    texts = {"my_pkg/a.py": DEFINED}
    code = "```python\nadd(amount: int = 3)\n```\n\n"
    assert documentation(item, texts.get) == f"{code}Add one.\n\nmy\\_pkg/a.py:{line}, 60 % likely"
    assert documentation(item, {}.get) == f"{code}my\\_pkg/a.py:{line}, 60 % likely"
    plain = documentation(item, texts.get, markdown=False)
    assert plain == f"    add(amount: int = 3)\n\nAdd one.\n\nmy_pkg/a.py:{line}, 60 % likely"


def test_prose_is_not_read_as_markdown() -> None:
    said = documentation(Offered(path="a.py", line=at("class Counter")), lambda path: DEFINED)
    assert said.startswith("Adds up `amounts`, see \\<Other\\> and \\*all\\* of it,\nin ``two_lines``.\n\na.py")


def test_a_definition_without_words_is_shown() -> None:
    item = Offered(path="a.py", line=3, seen=("b.py", 1))
    texts = {"a.py": "import os\n\nlimit = 3\nother = 4\n", "b.py": "seen"}
    assert documentation(item, texts.get) == "a.py:3\n\n```python\nimport os\n\nlimit = 3\nother = 4\n```"
    plain = documentation(item, texts.get, markdown=False)
    assert plain == "a.py:3\n\n    import os\n\n    limit = 3\n    other = 4"


def test_a_module_is_told_by_its_docstring() -> None:
    item = offered("pkg", {"path": "pkg/__init__.py", "line": 1}, is_module=True)
    assert item.line == 0
    assert documentation(item, lambda path: DEFINED) == "Counts things.\n\npkg/\\_\\_init\\_\\_.py"


def test_the_place_in_an_environment_is_short() -> None:
    for path, shown in (("/a/site-packages/httpx/api.py", "httpx/api.py:3"), ("/usr/lib/python3.12/os.py", "os.py:3")):
        assert documentation(Offered(path=path, line=3), lambda path: None) == shown


def test_secrets_in_docstrings_are_not_shown() -> None:
    text = 'def f():\n    """Send with api_key = "sk_live_9aF3kQ7zXw2LmN8pR4tV6yB1"."""\n'
    said = documentation(Offered(path="a.py", line=1), lambda path: text)
    assert "Send with" in said
    assert "9aF3" not in said


@pytest.mark.parametrize("odd", [None, 3, True, -1, 1.5, [], {}, "x", "9" * 5000, 10**400])
def test_odd_data_of_a_definition(odd: Any) -> None:
    for key in ("path", "line", "signature"):
        item = offered(odd, {"path": "a.py", "line": 1, "signature": "()", key: odd})
        assert isinstance(documentation(item, lambda path: "x = 1\n"), str)
    assert offered(odd, odd).path == ""


STUB = """import sys
class One:
    def run(self) -> int: ...
if sys.platform == "win32":
    class Two:
        x: int
        class Inner:
            async def run(self) -> str: ...
def alone() -> None: ...
def missing() -> None: ...
"""
CODE = """class One:
    def other(self): pass
class Two:
    def __init__(self):
        def alone(): pass
    class Inner:
        @cached
        def run(self):
            '''Runs.'''
def alone():
    '''Stands alone.'''
def run(): pass
"""


@pytest.mark.parametrize(("line", "found"), [(0, 0), (2, 1), (3, None), (5, 3), (8, 8), (9, 10), (10, None), (6, None)])
def test_what_a_stub_declares_is_found_in_the_code(line: int, found: int | None) -> None:
    assert line_of(STUB, line, CODE) == found
    assert line_of(STUB, 99, CODE) is line_of("", 1, CODE) is line_of(STUB, 2, "") is None


def test_a_stub_is_told_by_the_docstrings_of_its_code() -> None:
    texts = {"a.pyi": STUB, "a.py": CODE}
    assert documentation(Offered(path="a.pyi", line=8), texts.get) == "Runs.\n\na.pyi:8"
    assert "Runs" not in documentation(Offered(path="a.pyi", line=3), texts.get)
    del texts["a.py"]
    assert "async def run" in documentation(Offered(path="a.pyi", line=8), texts.get)


# Asked for by an editor.

CLASS = 'class Reader:\n    """Reads *all*."""\n'
ITEM = {"label": "Reader", "kind": 7, "data": {"path": "pkg/io.py", "line": 1, "signature": "()", "percent": 9}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "io.py").write_text(CLASS)
    return tmp_path


def resolved(client: Any, item: dict[str, Any] = ITEM) -> dict[str, str]:
    found = client.ask("completionItem/resolve", item)
    documentation: dict[str, str] = found.pop("documentation")
    assert found == item  # all else as it was
    return documentation


def test_in_the_format_that_the_editor_takes(start: Any, project: Path) -> None:
    marked = "```python\nReader()\n```\n\nReads \\*all\\*.\n\npkg/io.py:1, 9 % likely"
    plain = "    Reader()\n\nReads *all*.\n\npkg/io.py:1, 9 % likely"
    for formats, kind, said in ((["markdown", "plaintext"], "markdown", marked), (["plaintext"], "plaintext", plain)):
        client = start()
        able = {"textDocument": {"completion": {"completionItem": {"documentationFormat": formats}}}}
        client.initialize(able, rootUri=project.as_uri())
        assert resolved(client) == {"kind": kind, "value": said}


def test_nothing_of_a_workspace_that_is_not_trusted_or_of_a_file_outside(start: Any, project: Path) -> None:
    client = start()
    client.initialize(rootUri=project.as_uri(), initializationOptions={"trusted": False})
    assert "Reads" not in resolved(client)["value"]
    outside = {**ITEM, "data": {"path": str(project / "pkg" / "io.py"), "line": 1}}
    client = start()
    client.initialize()
    assert "Reads" not in resolved(client, outside)["value"]
