"""Lines, positions and incremental edits, against a slow reference that follows the specification's words."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol.types import (
    Position,
    Range,
    TextDocumentContentChangePartial,
    TextDocumentContentChangeWholeDocument,
)
from pygls.workspace import PositionCodec

from tinycoder.workspace import tree
from tinycoder.workspace.line_ends import BYTE_ORDER_MARK, as_code, with_line_feeds
from tinycoder_lsp.documents.positions import Lines, file_path, is_python, relative_path, whole
from tinycoder_lsp.documents.workspace import CodeDocument

ENCODINGS = ("utf-8", "utf-16", "utf-32")
# Everything that some library takes for a line end, and characters of each width.
LETTERS = st.sampled_from([*"ab \t\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029é€\ufffd", "\r\n", "😀", "e\u0301", "👩‍💻"])
TEXTS = st.lists(LETTERS, max_size=30).map("".join)
POSITIONS = st.builds(Position, line=st.integers(0, 12), character=st.integers(0, 20))
ENCODING = st.sampled_from(ENCODINGS)


def reference_lines(text: str) -> list[str]:
    """Lines with their ends, character by character."""
    lines, at = [""], 0
    while at < len(text):
        end = "\r\n" if text[at : at + 2] == "\r\n" else text[at]
        lines[-1] += end
        at += len(end)
        if end in ("\r\n", "\n", "\r"):
            lines.append("")
    return lines


def width(character: str, encoding: str) -> int:
    number = ord(character)
    if encoding == "utf-8":
        return 1 + (number > 0x7F) + (number > 0x7FF) + (number > 0xFFFF)
    return 1 + (number > 0xFFFF) if encoding == "utf-16" else 1


def reference_offset(text: str, position: Position, encoding: str) -> int:
    lines = reference_lines(text)
    if position.line >= len(lines):
        return len(text)
    offset, units = sum(map(len, lines[: position.line])), 0
    for character in lines[position.line].rstrip("\r\n"):
        units += width(character, encoding)
        if units > position.character:
            break
        offset += 1
    return offset


@given(TEXTS, POSITIONS, ENCODING)
def test_a_position_is_clamped_to_the_text_and_never_cuts_a_character(
    text: str, position: Position, encoding: str
) -> None:
    before = Position(position.line, position.character)
    offset = Lines(text, encoding).offset(position)
    assert offset == reference_offset(text, position, encoding)
    assert position == before
    assert text[max(0, offset - 1) : offset + 1] != "\r\n"


@given(TEXTS, ENCODING, st.data())
def test_an_offset_comes_back_from_its_position(text: str, encoding: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    lines = Lines(text, encoding)
    inside_line_end = text[max(0, offset - 1) : offset + 1] == "\r\n"
    assert lines.offset(lines.position(offset)) == offset - inside_line_end


@given(TEXTS, ENCODING, st.lists(st.tuples(POSITIONS, POSITIONS, TEXTS), max_size=6))
def test_incremental_edits_give_the_text_that_the_editor_has(
    text: str, encoding: str, edits: list[tuple[Position, Position, str]]
) -> None:
    document = CodeDocument("file:///a.py", text, 1, position_codec=PositionCodec(encoding))
    expected = text
    for start, end, new in edits:
        a, b = sorted((reference_offset(expected, start, encoding), reference_offset(expected, end, encoding)))
        expected = expected[:a] + new + expected[b:]
        document.apply_change(TextDocumentContentChangePartial(range=Range(start, end), text=new))
    assert document.source == expected
    assert "".join(document.lines) == expected
    assert list(document.lines) == [line for line in reference_lines(expected) if line]


MARKS = st.sampled_from(["", "", BYTE_ORDER_MARK])


@given(MARKS, TEXTS, ENCODING, st.lists(st.tuples(POSITIONS, POSITIONS, TEXTS | MARKS), max_size=6))
def test_the_code_in_a_text_has_line_feeds_and_the_positions_of_the_text(
    mark: str, text: str, encoding: str, edits: list[tuple[Position, Position, str]]
) -> None:
    document = CodeDocument("file:///a.py", mark + text, 1, position_codec=PositionCodec(encoding))
    for edit in [None, *edits]:
        if edit:
            span = Range(edit[0], edit[1])
            document.apply_change(TextDocumentContentChangePartial(range=span, text=edit[2]))
        code = document.index
        assert code.text == as_code(document.source)
        if change := code.change:
            middle = code.text[change.start : change.new_end]
            assert change.before[: change.start] + middle + change.before[change.old_end :] == code.text
        for offset in range(len(code.text) + 1):
            position = code.position(offset)
            assert code.offset(position) == offset
            assert with_line_feeds(document.source[document.offset_at_position(position) :]) == code.text[offset:]


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("a\r\nb\r\n", "\r\n"),
        ("a\nb\n", "\n"),
        ("a\r\nb\nc\r\n", "\r\n"),
        ("a\r\nb\nc\n", "\n"),
        ("a\rb\r", "\n"),
        ("a\rb\r\nc\r\n", "\r\n"),
        ("\ufeffa\r\n", "\r\n"),
        ("", "\n"),
    ],
)
def test_what_is_inserted_has_the_ends_of_most_lines_and_never_a_lone_return(text: str, end: str) -> None:
    document = CodeDocument("file:///a.py", text)
    assert document.index.inserted("x\n    y\n") == f"x{end}    y{end}"
    at = Range(Position(0, 1), Position(0, 1))
    document.apply_change(TextDocumentContentChangePartial(range=at, text="z"))
    assert document.index.inserted("\n") == end


def test_a_document_whose_ends_are_changed_inserts_the_new_ones() -> None:
    document = CodeDocument("file:///a.py", "a\r\nb\r\n")
    everything = Range(Position(0, 0), Position(9, 0))
    document.apply_change(TextDocumentContentChangePartial(range=everything, text="a\nb\n"))
    assert document.index.inserted("\n") == "\n"
    document.apply_change(TextDocumentContentChangeWholeDocument(text="a\r\nb\r\n"))
    assert document.index.inserted("\n") == "\r\n"


@pytest.mark.parametrize("separator", ["\x0c", "\u2028", "\x0b", "\x85", "\x1c"])
def test_only_line_ends_of_the_specification_end_a_line(separator: str) -> None:
    document = CodeDocument("file:///a.py", f"a\n{separator}b\nc")
    change = TextDocumentContentChangePartial(range=Range(Position(2, 0), Position(2, 1)), text="Z")
    document.apply_change(change)
    assert document.source == f"a\n{separator}b\nZ"


def test_a_column_past_the_last_line_without_line_end_is_its_end() -> None:
    document = CodeDocument("file:///a.py", "abc")
    position = Position(0, 99)
    assert document.offset_at_position(position) == 3
    assert position == Position(0, 99)


def test_the_empty_line_after_the_last_line_end_exists() -> None:
    lines = Lines("abc\n")
    assert lines.offset(Position(1, 0)) == 4
    assert lines.position(4) == Position(1, 0)


def test_lines_are_counted_once_for_each_text() -> None:
    document = CodeDocument("file:///a.py", "a\nb\n")
    index = document.index
    assert document.index is index
    document.apply_change(TextDocumentContentChangePartial(range=Range(Position(0, 0), Position(0, 0)), text=""))
    assert document.lines == ("a\n", "b\n")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_half_an_emoji_keeps_its_columns(encoding: str) -> None:
    text = whole("x = '\ud83d'; y")
    text.encode("utf-8")
    units = {"utf-8": 3, "utf-16": 1, "utf-32": 1}[encoding]
    assert Lines(text, encoding).offset(Position(0, 5 + units)) == 6


def test_half_an_emoji_typed_into_a_document_is_replaced() -> None:
    document = CodeDocument("file:///a.py", "ab")
    document.apply_change(TextDocumentContentChangePartial(range=Range(Position(0, 1), Position(0, 1)), text="\ude00"))
    assert document.source == "a\ufffdb"


@pytest.mark.parametrize(
    ("uri", "folders", "path"),
    [
        ("file:///project/pkg/io.py", ["/project"], "pkg/io.py"),
        ("file:///project/pkg/io.py", ["/project", "/project/pkg"], "project/pkg/io.py"),
        ("file:///project/pkg/io.py", ["/project/pkg", "/project"], "pkg/io.py"),
        ("file:///b/src/io.py", ["/a/src", "/b/src"], "b/src/io.py"),
        ("file:///b/src/io.py", ["/b/src", "/b/src"], "io.py"),
        ("file:///project/pkg/io.py", ["/project/pk"], "io.py"),
        ("file:///elsewhere/deep/io.py", ["/project"], "io.py"),
        ("file:///elsewhere/io.py", [], "io.py"),
        ("file:///project/a%20b/%C3%A9%23%3Bx.py", ["/project"], "a b/é#;x.py"),
        ("file:///project/a;b/c;d.py", ["/project"], "a;b/c;d.py"),
        ("untitled:Untitled-1", ["/project"], "Untitled-1"),
        ("vscode-notebook-cell:/project/book.ipynb#W0", ["/project"], "book.ipynb"),
    ],
)
def test_a_path_is_relative_to_its_folder_or_is_a_name(uri: str, folders: list[str], path: str) -> None:
    if uri.startswith("vscode-notebook-cell"):
        folders = []
    assert relative_path(uri, [Path(folder) for folder in folders]) == path


@pytest.mark.parametrize(
    "names", [["one"], ["one", "two"], ["a/src", "b/src"], ["a/src", "src"], ["one", "one/inner"], ["one/inner", "one"]]
)
def test_paths_are_those_of_the_workspaces_index(tmp_path: Path, names: list[str]) -> None:
    folders = [tmp_path / name for name in names]
    for folder in folders:
        (folder / "pkg").mkdir(parents=True)
        (folder / "pkg" / "io.py").touch()
    files, _ = tree.walk(folders)
    assert len(files) == len(folders)
    for file in files:
        assert relative_path(file.location.as_uri(), folders) == file.path


def test_a_uri_names_a_path() -> None:
    assert file_path("file:///project/a%20b.py") == Path("/project/a b.py")


@pytest.mark.parametrize(
    ("uri", "language", "expected"),
    [
        ("file:///a.py", None, True),
        ("file:///a.pyi", "plaintext", True),
        ("file:///a.txt", "python", True),
        ("untitled:Untitled-1", "python", True),
        ("file:///a.txt", "plaintext", False),
        ("file:///a.py.bak", None, False),
    ],
)
def test_python_is_known_by_language_or_name(uri: str, language: str | None, expected: bool) -> None:
    assert is_python(uri, language) is expected
