"""With the bundled model: a secret in an open document is never offered, there or anywhere else."""

import random
import string

import pytest

from tinycoder.complete.candidate import Document, GhostRequest
from tinycoder.complete.engine import Engine
from tinycoder.stop import never
from tinycoder.storage.bundled import bundled_folder
from tinycoder.storage.checkpoint import load_model

PIECE = 6  # characters of a secret that are no coincidence


def chance(n: int, alphabet: str = string.ascii_letters + string.digits, seed: int = 0) -> str:
    draw = random.Random(f"{n} {alphabet} {seed}")
    return "".join(draw.choice(alphabet) for _ in range(n))


TOKEN = "ghp_" + chance(36)
PASSWORD = "kV7pq92xZw4T"
KEY = [chance(64, string.ascii_letters + string.digits + "+/", seed) for seed in range(8)]
SETTINGS = f'''import os

GITHUB_TOKEN = "{TOKEN}"


def connect(host):
    return open_session(host, token="{TOKEN}", password="{PASSWORD}")


def again(host):
    return open_session(host, token="{TOKEN}", password="{PASSWORD}")


DEPLOY_KEY = """
-----BEGIN RSA PRIVATE KEY-----
{chr(10).join(KEY)}
-----END RSA PRIVATE KEY-----
"""
'''
SECRETS = [TOKEN, PASSWORD, *KEY]


@pytest.fixture(scope="module")
def model() -> object:
    return load_model(bundled_folder())


@pytest.fixture
def engine(model: object) -> Engine:
    engine = Engine(model)  # type: ignore[arg-type]
    engine.observe(Document(path="settings.py", text=SETTINGS))
    return engine


def pieces(secret: str) -> set[str]:
    return {secret[i : i + PIECE] for i in range(len(secret) - PIECE + 1)}


FORBIDDEN = set().union(*map(pieces, SECRETS))


def offered(engine: Engine, path: str, text: str, at: int) -> list[str]:
    """All that is offered at ``at``, without the typed part."""
    document = Document(path=path, text=text)
    found = [
        *engine.inline(document, at, GhostRequest(eagerness="any"), stop=never),
        *engine.inline(document, at, GhostRequest(n=3), stop=never),
        *engine.inline(document, at, GhostRequest(block=True, eagerness="any"), stop=never),
        *engine.popup(document, at, stop=never),
    ]
    return [candidate.text[at - candidate.start :] for candidate in found]


def assert_clean(texts: list[str], typed: str = "") -> None:
    """Nothing of a secret is in the texts, except what the user has ``typed`` of it."""
    for text in texts:
        assert not pieces(text) & (FORBIDDEN - pieces(typed)), text
        assert "REDACTED" not in text


def test_without_redaction_the_engine_would_offer_them(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the tests below can fail."""
    monkeypatch.setattr("tinycoder.complete.redact.in_lines", lambda text: [])
    bare = Engine(load_model(bundled_folder()))
    bare.observe(Document(path="settings.py", text=SETTINGS))
    begun = f'token = "{TOKEN[:12]}'
    assert any(pieces(text) & FORBIDDEN for text in offered(bare, "other.py", begun, len(begun)))


@pytest.mark.parametrize("path", ["settings.py", "other.py"])
@pytest.mark.parametrize("n_typed", [0, 5, 20, 35])
@pytest.mark.parametrize(
    "line", ['GITHUB_TOKEN = "{}', '    return open_session(host, token="{}', "{}", "# see {}"], ids=str
)
def test_a_token_that_is_partly_typed_is_not_completed(engine: Engine, path: str, n_typed: int, line: str) -> None:
    above = SETTINGS if path == "settings.py" else ""
    text = above + line.format(TOKEN[:n_typed])
    assert_clean(offered(engine, path, text, len(text)), TOKEN[:n_typed])


@pytest.mark.parametrize("n_typed", [0, 1, 4, 8])
def test_a_password_that_is_partly_typed_is_not_completed(engine: Engine, n_typed: int) -> None:
    text = SETTINGS + f'again = open_session(host, password="{PASSWORD[:n_typed]}'
    assert_clean(offered(engine, "settings.py", text, len(text)), PASSWORD[:n_typed])
    assert_clean(offered(engine, "other.py", text[len(SETTINGS) :], len(text) - len(SETTINGS)), PASSWORD[:n_typed])


def test_a_private_key_is_not_offered_line_by_line(engine: Engine) -> None:
    begun = 'KEY = """\n-----BEGIN RSA PRIVATE KEY-----\n'
    for n in range(len(KEY)):
        for cut in (0, 10):
            text = begun + "".join(f"{line}\n" for line in KEY[:n]) + KEY[n][:cut]
            assert_clean(offered(engine, "other.py", text, len(text)), text)


def test_nothing_is_offered_within_a_secret(engine: Engine) -> None:
    start = SETTINGS.index(TOKEN)
    for at in (start + 1, start + 10, start + len(TOKEN)):
        assert offered(engine, "settings.py", SETTINGS, at) == []
        assert engine.rows(Document(path="settings.py", text=SETTINGS), at, stop=never)[1] == []


def test_a_document_with_secrets_is_completed_all_the_same(engine: Engine) -> None:
    text = SETTINGS.replace("def again", "def more(host):\n    retu\n\n\ndef again")
    at = text.index("    retu\n") + len("    retu")
    words = engine.popup(Document(path="settings.py", text=text), at, stop=never)
    assert words[0].text == "return"
    assert text[words[0].start : words[0].end] == "retu"


def test_looking_ahead_offers_no_secret(engine: Engine) -> None:
    text = SETTINGS + "more = ope"
    document = Document(path="settings.py", text=text)
    taken = engine.popup(document, len(text), stop=never)[0]
    engine.look_ahead(document, len(text), taken, stop=never)
    after = text[: taken.start] + taken.text
    assert_clean(offered(engine, "settings.py", after, len(after)))


@pytest.mark.parametrize("kind", ["a = '{}'\n" * 3, "{}\n" * 3])
def test_a_secret_that_was_just_typed_is_hidden(engine: Engine, kind: str) -> None:
    fresh = "glpat-" + chance(20, seed=9)
    engine.observe(Document(path="typed.py", text=kind.format(*[fresh] * 3)))
    text = f"b = '{fresh[:9]}"
    for candidate in offered(engine, "other.py", text, len(text)):
        assert not pieces(candidate) & pieces(fresh)
