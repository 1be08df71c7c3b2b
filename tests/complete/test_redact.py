"""Redaction of open documents: searching only the changed lines finds what a search of the whole text finds."""

import random
import string

from hypothesis import example, given
from hypothesis import strategies as st

from tinycoder.complete.candidate import FROM_MODEL, Candidate, Document, Edit
from tinycoder.complete.redact import Redactor
from tinycoder.workspace.secrets.redaction import PLACEHOLDER, redact


def chance(n: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    draw = random.Random(f"{n} {alphabet}")
    return "".join(draw.choice(alphabet) for _ in range(n))


TOKEN = "ghp_" + chance(36)
VALUE = chance(20)
BODY = [chance(64, string.ascii_letters + string.digits + "+/") for _ in range(3)]
LINES = [
    f"token = '{VALUE}'", "SECRET = (", f"    '{VALUE}'", ")", "api_key =", "os.environ.setdefault('API_KEY',",
    f"print('{VALUE}')", f"x = {TOKEN!r}", "", "    ", "# nothing", "def f(a, b):",
    "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", *BODY,
    f"DB_PASSWORD={VALUE}", f"url = 'https://u:{VALUE}@example.org'", "token = '", "password=",
    "API_KEYS = [", "passwords = {  # theirs", "    'first',  # of them", f"    'bob': '{VALUE}',",
    "server.login(user,",
    f"if '{VALUE}' == token:", "os.getenv('API_TOKEN') or", f"password = {VALUE}", '"""',
    "    default=", "tokens.append(",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(LINES), max_size=8)


def redacted(redactor: Redactor, text: str) -> str:
    return redactor.redacted(Document(path="a.py", text=text)).document.text


@given(TEXTS, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 60), st.sampled_from([*LINES, "\n", "'", "="]))))
@example(["SECRET = (", f"    '{VALUE}'"], [(8, 1, "")])
@example(["password=", "", f"    '{VALUE}'"], [(0, 8, "abc"), (0, 3, "password")])
def test_an_edit_gives_the_result_of_a_fresh_search(lines: list[str], edits: list[tuple[int, int, str]]) -> None:
    redactor, text = Redactor(), "\n".join(lines)
    assert redacted(redactor, text) == redact(text)[0]
    for at, n_gone, new in edits:
        text = text[:at] + new + text[at + n_gone :]
        assert redacted(redactor, text) == redact(text)[0]


@given(TEXTS)
def test_offsets_are_mapped_there_and_back(lines: list[str]) -> None:
    text = "\n".join(lines)
    seen = Redactor().redacted(Document(path="a.py", text=text))
    for at in range(len(text) + 1):
        there = seen.offset(at)
        if there is None:
            assert any(start < at <= end for start, end in seen.spans)
        else:
            clean = seen.document.text
            assert clean[there:] == redact(text)[0][there:]
            assert clean[there : there + 1] == (PLACEHOLDER[0] if at in dict(seen.spans) else text[at : at + 1])
            word = Candidate(text="word", start=there - 2, end=there, probability=1.0, provenance=FROM_MODEL)
            (back,) = seen.back([word], there, at)
            assert (back.start, back.end) == (at - 2, at)


def test_edits_elsewhere_in_the_document_are_mapped_too() -> None:
    text = f"x = '{TOKEN}'\ny = na"
    seen = Redactor().redacted(Document(path="a.py", text=text))
    clean, at = seen.document.text, len(text)
    edits = tuple(Edit(start=n, end=n, text="import name\n") for n in (0, clean.index("y")))
    word = Candidate(
        text="name",
        start=len(clean) - 2,
        end=len(clean),
        probability=1.0,
        provenance=FROM_MODEL,
        replace_end=len(clean),
        edits=edits,
    )
    (back,) = seen.back([word], len(clean), at)
    assert (back.start, back.end, back.replace_end) == (at - 2, at, at)
    assert [(edit.start, edit.end) for edit in back.edits] == [(0, 0), (text.index("y"), text.index("y"))]


def test_an_offset_within_a_placeholder_is_mapped_to_the_start_of_the_secret() -> None:
    text = f"x = '{TOKEN}'\n"
    seen = Redactor().redacted(Document(path="a.py", text=text))
    start = seen.spans[0][0]
    for at in range(start + 1, start + len(PLACEHOLDER)):
        assert seen.raw_offset(at) == start
    assert seen.raw_offset(start + len(PLACEHOLDER)) == seen.spans[0][1]


def test_candidates_with_the_placeholder_are_dropped() -> None:
    seen = Redactor().redacted(Document(path="a.py", text=f"x = '{TOKEN}'"))
    offered = [
        Candidate(text=text, start=0, end=0, probability=1.0, provenance=FROM_MODEL)
        for text in (f"'{PLACEHOLDER}'", "y")
    ]
    assert [candidate.text for candidate in seen.back(offered, 0, 0)] == ["y"]
