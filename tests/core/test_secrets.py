"""Secrets go, code stays. The secrets are made here from random parts: none is in this file as such."""

from __future__ import annotations

import ast
import base64
import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycoder.secrets.redaction import redact

ALPHANUMERIC = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


def counted(text: str) -> tuple[str, int]:
    """The text without its secrets, and how many there were."""
    clean, found = redact(text)
    return clean, len(found)


def chance(n: int, alphabet: str = ALPHANUMERIC, seed: int = 0) -> str:
    draw = random.Random(f"{n} {alphabet} {seed}")
    return "".join(draw.choice(alphabet) for _ in range(n))


TOKENS = {
    "AWS": "AKIA" + chance(16, string.ascii_uppercase + "234567"),
    "GitHub": "ghp_" + chance(36),
    "GitHub fine-grained": "github_pat_" + chance(22) + "_" + chance(59),
    "GitLab": "glpat-" + chance(20, ALPHANUMERIC + "-_"),
    "Slack": "xoxb-" + chance(12, string.digits) + "-" + chance(24),
    "Google": "AIza" + chance(35, ALPHANUMERIC + "-_"),
    "Google OAuth": "GOCSPX-" + chance(28),
    "Stripe": "sk_live_" + chance(24),
    "OpenAI": "sk-" + chance(48),
    "OpenAI project": "sk-proj-" + chance(64, ALPHANUMERIC + "-_"),
    "npm": "npm_" + chance(36),
    "PyPI": "pypi-" + chance(120, ALPHANUMERIC + "-_"),
    "Hugging Face": "hf_" + chance(34),
    "SendGrid": "SG." + chance(22) + "." + chance(43),
    "Shopify": "shpat_" + chance(32, HEX),
    "Telegram": chance(9, "123456789") + ":AA" + chance(33),
    "JWT": "eyJ" + chance(30) + ".eyJ" + chance(60) + "." + chance(43, ALPHANUMERIC + "-_"),
}


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize("frame", ["x = '{}'", "# see {} for it", 'f("{}", 1)', "x = 'a\\n{}\\n'", "{}"])
def test_known_tokens(kind: str, frame: str) -> None:
    assert counted(frame.format(TOKENS[kind])) == (frame.format("REDACTED"), 1)


ASSIGNED = [
    'password = "{}"',
    "PASSWORD='{}'",
    'db_password: str = "{}"',
    'password: str | None = "{}"',
    'connect(host, password="{}")',
    'config["secret_key"] = "{}"',
    '{{"api_key": "{}"}}',
    "{{'client_secret' : b'{}'}}",
    'API_KEY = os.environ.get("API_KEY", "{}")',
    'os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "{}")',
    'token = SecretStr("{}")',
    'SECRET = (\n    "{}"\n)',
    'AUTH_TOKEN = """{}"""',
    'if token == "{}": pass',
    'body = "{{\\"password\\": \\"{}\\"}}"',
    'headers = {{"X-Api-Key": "{}"}}',
    'headers = {{"Authorization": "Bearer {}"}}',
    'headers = {{"Authorization": "token {}"}}',
    'DB_PASS = "{}"',
]


@pytest.mark.parametrize("frame", ASSIGNED)
@pytest.mark.parametrize(
    "value", [chance(20, seed=2), chance(40, HEX), chance(32, HEX), chance(43, ALPHANUMERIC + "-_")]
)
def test_random_literals_given_to_a_secret_name(frame: str, value: str) -> None:
    assert counted(frame.format(value)) == (frame.format("REDACTED"), 1)


@pytest.mark.parametrize("value", ["hunter2", "Tr0ub4dor&3", "P@ssw0rd!", "kV7!pq92xZ", "Summer2031", "x!9$kLm\\'2"])
def test_passwords_need_not_be_long(value: str) -> None:
    assert counted(f"password = '{value}'") == ("password = 'REDACTED'", 1)


def test_a_letter_that_is_two_in_lower_case_moves_nothing() -> None:
    value = chance(24, seed=2)
    assert counted(f"İİİ = 1; token = '{value}'") == ("İİİ = 1; token = 'REDACTED'", 1)


ORDINARY = [
    'password = ""',
    'password = "changeme"',
    'password = "password123"',
    'password = "your-password-here"',
    'password = getpass("Password for user1: ")',
    'password = os.environ["DB_PASSWORD_2"]',
    'password = f"{user}:{secret1}"',
    'password = "%(password1)s"',
    'password = "<your password 1>"',
    'password = "${DB_PASSWORD1}"',
    'password = password.encode("latin1")',
    'password_field = "password1_confirmation2"',
    'token = "ENDMARKER"',
    'token = "utf8-token-1"',
    'token_url = "https://example.org/oauth2/v1/token2"',
    'token_pattern = r"(?u)\\b\\w\\w+\\b"',
    'TOKEN = re.compile("[a-z0-9_]+")',
    'tokenizer = "bert-base-uncased-v1-a2b3c4"',
    'secretary = "Ms. A1b2C3d4E5f6G7"',
    'secret = "x" * 32',
    'secret_name = "prod/db1/Secret2Value3"',
    'style = {Token: "#d8dee9"}',
    '("password", "localhost:22")',
    '"https://user:password@example.org/"',
    '"postgres://{user}:{password}@{host}/{name}"',
    '"http://localhost:8080/@scope"',
    'css = "sk-toggleable__label-arrow-container"',
    '"Basic authentication is not supported"',
    '"Bearer authentication-with-long-words"',
    'x = "ghp_" + "x" * 36',
    'x = "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"',
    'if line == "-----BEGIN PRIVATE KEY-----": loadPrivateKeyFromFileName()',
    'digest = "d41d8cd98f00b204e9800998ecf8427e"',
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_code_is_left_alone(text: str) -> None:
    assert counted(text) == (text, 0)


@pytest.mark.parametrize("user", ["deploy", "", "a.b%40c"])
def test_passwords_in_urls(user: str) -> None:
    text = "URL = 'postgresql+psycopg://{}:{}@db.example.org:5432/app'"
    assert counted(text.format(user, "kV7pq92xZ")) == (text.format(user, "REDACTED"), 1)


def pem(kind: str, n_bytes: int = 600) -> list[str]:
    body = base64.b64encode(random.Random(0).randbytes(n_bytes)).decode()
    lines = [body[i : i + 64] for i in range(0, len(body), 64)]
    return [f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----"]


@pytest.mark.parametrize("kind", ["PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])
def test_private_keys(kind: str) -> None:
    lines = pem(kind)
    text = 'KEY = """\n' + "\n".join(lines) + '\n"""\nx = 1\n'
    clean, n = counted(text)
    assert n == 1
    assert clean.count("\n") == text.count("\n")
    assert not any(line in clean for line in lines[1:-1] if len(line) == 64)
    assert clean.endswith('"""\nx = 1\n')


def test_private_keys_in_pieces_and_cut_short() -> None:
    lines = pem("EC PRIVATE KEY")
    pieces = "KEY = (" + "\n".join(f'"{line}\\n"' for line in lines) + ")"
    escaped = 'KEY = "' + "\\n".join(lines) + '"'
    for text in (pieces, escaped, "\n".join(lines[:-1])):
        clean, n = counted(text)
        assert n == 1
        assert not any(line in clean for line in lines[1:-1] if len(line) == 64)
    ast.parse(counted(pieces)[0])
    ast.parse(counted(escaped)[0])


def test_speaking_of_a_key_is_no_key() -> None:
    text = f"BEGIN = '-----BEGIN PRIVATE KEY-----'\n\nDIGEST = '{chance(32, HEX)}'\n"
    assert counted(text) == (text, 0)


def test_public_keys_stay() -> None:
    text = "\n".join(pem("PUBLIC KEY"))
    assert counted(text) == (text, 0)


FRAGMENTS = [
    *(
        "password",
        "token",
        "api_key",
        " = ",
        ": ",
        ", ",
        "'",
        '"',
        '"""',
        "\\",
        "\n",
        "\r\n",
        "(",
        "{",
        "}",
        "://",
        "@",
    ),
    *(
        "a",
        "İ",
        "ß",
        "\x00",
        "ghp_",
        "eyJ",
        ".eyJ",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
    ),
    *(chance(20, seed=3), chance(36, seed=4), "AKIA" + chance(16, string.ascii_uppercase), "x9!kL2#m"),
]


@given(st.one_of(st.text(), st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join)))
def test_any_text_keeps_its_lines(text: str) -> None:
    clean, n = counted(text)
    assert clean.count("\n") == text.count("\n")
    assert clean.count("\r") == text.count("\r")
    assert clean.count("REDACTED") >= n
    assert (clean == text) == (n == 0)


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1), st.sampled_from(["password", "API_KEY", "x"]))
def test_valid_code_stays_valid(value: str, name: str) -> None:
    clean, _ = counted(f"{name} = {value!r}\nf({name}={value!r})\n")
    ast.parse(clean)


def test_twice_is_once() -> None:
    text = "\n".join([*TOKENS.values(), *(frame.format(chance(20, seed=2)) for frame in ASSIGNED), *pem("PRIVATE KEY")])
    clean, n = counted(text)
    assert n > len(TOKENS)
    assert counted(clean) == (clean, 0)


@pytest.mark.parametrize(
    "piece",
    [
        "token='token=\"",
        'password="',
        "eyJabcdefghij.",
        "://a:b",
        "token",
        "-----BEGIN PRIVATE KEY-----",
        "a1",
    ],
)
def test_a_line_of_a_million_characters(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    assert counted(text)[0].count("\n") == 0
