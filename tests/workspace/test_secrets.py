"""Secrets are replaced and code stays. The secrets are generated: none is in this file."""

from __future__ import annotations

import ast
import base64
import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycoder.workspace.secrets.redaction import PLACEHOLDER, redact

ALPHANUMERIC = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


def counted(text: str) -> tuple[str, int]:
    """The text without its secrets, and their number."""
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
    "Twilio": "SK" + chance(32, HEX),
    "Databricks": "dapi" + chance(32, HEX),
    "Linear": "lin_api_" + chance(40),
    "Notion": "ntn_" + chance(46),
    "Postman": "PMAK-" + chance(24, HEX) + "-" + chance(34, HEX),
    "Atlassian": "ATATT3xFfGF0" + chance(180, ALPHANUMERIC + "-_") + "=0A1B2C3D",
    "Vault": "hvs." + chance(90),
    "Grafana": "glsa_" + chance(32) + "_" + chance(8, HEX),
    "age": "AGE-SECRET-KEY-1" + chance(58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
    "Doppler": "dp.pt." + chance(43),
    "PlanetScale": "pscale_tkn_" + chance(43),
    "Supabase": "sbp_" + chance(40, HEX),
    "Anthropic": "sk-ant-api03-" + chance(93, ALPHANUMERIC + "-_") + "AA",
    "New Relic": "NRAK-" + chance(27, string.ascii_uppercase + string.digits),
    "Airtable": "pat" + chance(14) + "." + chance(64, HEX),
    "Mailgun": "key-" + chance(32, HEX),
    "Square": "sq0atp-" + chance(22),
    "Terraform": chance(14) + ".atlasv1." + chance(67),
    "Groq": "gsk_" + chance(52),
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
    'headers = {{"Authorization": "{}"}}',
    'api_key = f"{}"',
    'token = "{}',  # half typed
    "API_TOKEN={}",
    'ENV = """\nHOST=a\nexport API_TOKEN={}\n"""',
    "# the api key: {} until May",
    "f('API_TOKEN={}\\n')",
]


@pytest.mark.parametrize("frame", ASSIGNED)
@pytest.mark.parametrize(
    "value", [chance(20, seed=2), chance(40, HEX), chance(32, HEX), chance(43, ALPHANUMERIC + "-_")]
)
def test_random_literals_given_to_a_secret_name(frame: str, value: str) -> None:
    assert counted(frame.format(value)) == (frame.format("REDACTED"), 1)


PASSWORDS = ["hunter2", "Tr0ub4dor&3", "P@ssw0rd!", "kV7!pq92xZ", "Summer2031", "x!9$kLm\\'2", "nIX!wHlb99Ay%r"]
OTHER_SECRETS = [
    *(("password = '{}'", value) for value in PASSWORDS),
    ("İİİ = 1; token = '{}'", chance(24, seed=2)),  # a letter that is two in lower case
    ("DB_PASSWORD={}", "kV7!pq92xZ"),
    ('ENV = """\nA=1\nDB_PASSWORD={}\n"""', "kV7!pq92xZ"),
    ("# password: {}", "kV7!pq92xZ"),
    ('requests.get(url, auth=("bob", "{}"))', "kV7!pq92xZ"),
    ("session.auth = ('bob', '{}')", "kV7!pq92xZ"),
    *(
        (f"URL = 'postgresql+psycopg://{user}:{{}}@db.example.org:5432/app'", "kV7pq92xZ")
        for user in ("me", "", "a.b%40c")
    ),
    ("https://{}@o1234.ingest.sentry.io/5", chance(32, HEX)),
    ("MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.{}", chance(27)),
]


GIVEN_PASSWORDS = r"""
"dbname=shop user=bob password={} host=db"
"Server=db;UID=bob;PWD={};"
f"dbname={{name}} password={} host={{host}}"
"--password={}"
run(["mysql", "--password", "{}"])
"mysqldump --password {} shop"
db = os.environ.get("DB_PASSWORD") or "{}"
db = os.environ["DB_PASSWORD"] or "{}"
password = os.getenv("SERVICE") or "{}"
password = "short" if testing else "{}"
os.getenv("DB_PASSWORD", "{}")
os.getenv("DB_PASSWORD", default="{}")
config("DB_PASSWORD", cast=str, default="{}")
parser.get("db", "password", fallback="{}")
parser.add_argument("--password", "-p", help="the word", default="{}")
password: str = Field(default="{}")
monkeypatch.setenv("DB_PASSWORD", "{}")
server.login("bob@example.org", "{}")
server.login(user, "{}")
HTTPBasicAuth("bob", "{}")
user.set_password("{}")
passwords = {{"bob": "{}"}}
passwords = ["first", "{}"]
PASSWORDS = dict(bob="{}")
PASSWORDS["bob"] = "{}"
passwords.append("{}")
credentials = ("bob", "{}")
if "{}" == password: pass
assert "{}" != user.password
if password in ("", "{}"): pass
hmac.compare_digest("{}", given)
INI = "[db]\npassword = {}\nuser = bob"
YAML = "db:\n  password: {}\n"
"ALTER USER bob WITH PASSWORD '{}'"
"<password>{}</password>"
"machine example.org login bob password {}"
pw = "{}"
"""
GIVEN_TOKENS = r"""
"https://example.org/?token={}&page=2"
f"https://example.org/v1?access_token={}&q={{q}}"
"https://example.org/?page=1&key={}"
os.getenv("SERVICE_TOKEN", default="{}")
config("SECRET_KEY", default="{}")
os.environ.get("SERVICE_TOKEN") or "{}"
API_KEYS = ["{}", "x"]
TOKENS = ("x", "{}")
tokens = {{"{}": "bob"}}
API_KEYS = frozenset({{"{}"}})
"--api-key {}"
if "{}" == token: pass
if token in ("x", "{}"): pass
with_token("{}")
"token = {}"
"""
OF_MANY_LINES = [
    'API_KEYS = [\n    "one",  # a comment\n\n    # another\n    "{}",\n]\n',
    'passwords = {{\n    "alice": None,\n    "bob": "{}",  # his\n}}\n',
    'server.login(\n    user,\n    "{}",\n)\n',
    'INI = """\n[db]\nuser = bob\npassword = {}\n"""\n',
    'YAML = """\ndb:\n  user: bob\n  password: {}  # his\n"""\n',
    'x = """\nhost=db password={} user=bob\n"""\n',
]


@pytest.mark.parametrize("frame", GIVEN_PASSWORDS.strip().split("\n"))
@pytest.mark.parametrize("value", ["hunter2", "kV7pq92xZ", "kV7!pq92xZ", "Tr0ub4dor&3", chance(20, seed=2)])
def test_passwords_wherever_they_are_given(frame: str, value: str) -> None:
    assert counted(frame.format(value)) == (frame.format("REDACTED"), 1)


@pytest.mark.parametrize("frame", [*GIVEN_TOKENS.strip().split("\n"), *OF_MANY_LINES])
@pytest.mark.parametrize("value", [chance(20, seed=2), chance(40, HEX), chance(32, ALPHANUMERIC + "-_")])
def test_tokens_wherever_they_are_given(frame: str, value: str) -> None:
    assert counted(frame.format(value)) == (frame.format("REDACTED"), 1)


@pytest.mark.parametrize("frame", OF_MANY_LINES[1:])
@pytest.mark.parametrize("value", ["kV7pq92xZ", "kV7!pq92xZ", "x!9$kLm2#a"])
def test_passwords_in_literals_of_many_lines(frame: str, value: str) -> None:
    assert counted(frame.format(value)) == (frame.format("REDACTED"), 1)


@pytest.mark.parametrize("end", ["{host}/", "%s/", '" + host'])
def test_a_password_in_front_of_a_host_that_is_filled_in(end: str) -> None:
    assert counted(f'f"https://bob:kV7pq92xZ@{end}"') == (f'f"https://bob:REDACTED@{end}"', 1)


def test_all_values_of_a_collection_are_replaced() -> None:
    values = [chance(24, seed=seed) for seed in range(4)]
    assert counted(f"TOKENS = {values}")[0] == f"TOKENS = {['REDACTED'] * 4}"
    assert counted(f"TOKENS = {dict(zip('abcd', values, strict=True))}")[1] == 4


@pytest.mark.parametrize(("frame", "value"), OTHER_SECRETS)
def test_passwords_logins_and_parts_of_known_forms(frame: str, value: str) -> None:
    assert counted(frame.format(value)) == (frame.format("REDACTED"), 1)


def test_a_secret_is_replaced_everywhere_in_the_text() -> None:
    value = chance(20, seed=2)
    text = f"print('{value}')\ntoken = '{value}'\nx = '{value}y'\n"
    clean, found = redact(text)
    assert clean == f"print('REDACTED')\ntoken = 'REDACTED'\nx = '{value}y'\n"
    assert [secret.line for secret in found] == [1, 2]


def test_a_word_that_is_a_password_may_be_a_name_too() -> None:
    code = "import postgres_db1\npostgres_db1.draw()\n"
    text, n = counted('password = "postgres_db1"\nlogin("postgres_db1")\n' + code)
    assert text == f'password = "{PLACEHOLDER}"\nlogin("{PLACEHOLDER}")\n{code}'
    assert n == 2


def test_findings_have_kind_and_line() -> None:
    lines = [f"a = '{TOKENS['GitHub']}'", "", "u = 'https://me:kV7pq92xZ@example.org'", *pem("RSA PRIVATE KEY")]
    lines.append(f"api_key = '{chance(24)}'")
    _, found = redact("\n".join(lines))
    assert [(secret.line, secret.kind) for secret in found] == [
        (1, "GitHub token"),
        (3, "password in a URL"),
        (5, "private key"),
        (len(lines), "value of a secret's name"),
    ]


def test_no_line_of_a_random_key_stays() -> None:
    for seed in range(200):
        body = base64.b64encode(random.Random(seed).randbytes(100)).decode()
        lines = [body[i : i + 64] for i in range(0, len(body), 64)]
        for key in ("\n".join(lines), "\\n".join(lines), '\\n"\n"'.join(lines)):
            text = f'KEY = "-----BEGIN PRIVATE KEY-----\\n{key}\\n-----END PRIVATE KEY-----"'
            clean = counted(text)[0]
            assert not any(line[i : i + 12] in clean for line in lines for i in range(len(line) - 11)), text


ORDINARY = [
    "def load(token: Ed25519PrivateKey) -> None: ...",
    "connect(password=password2, token=sha256_of_abc12_x9z2)",
    "token = hashlib.sha256_hex1(data)",
    "private_key: ed25519.Ed25519PrivateKey",
    "DEFAULT_PASSWORD=changeme",
    "# password: at least 8 characters",
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
    'PASS = "\\033[92m"',
    'tokens = ["utf8", "x1y2z3", "STRING_2", "a1b2"]',
    'if kind == "password": form7.hide()',
    "password = user1_row",
    "pw = old_pw1.strip2()",
    "token: int32",
    """should_pass("Load2('./_data1.so')")""",
    "password = prefix1 + suffix2",
    "token = first1 or second2",
    "password: Optional2[str]",
    "\"the token 'x1y2' is not valid\"",
    'client.login("bob", "home-page")',
    'url = f"https://example.org/?token={token1}&page=2"',
    '"--password=PASSWORD1"',
    'passwords = ["password1", "letmein", "secret2"]',
    'authenticate(user, "basic")',
    'if "password" == field2: pass',
    'sorted(rows, key=lambda row: row["token"])',
    'print("password ", x1y2, "z3w4")',
    'token = request.headers.get("X-Csrf-1") or ""',
    'form.get("password", "localhost:8022")',
    'pass_color = "#4CAF50"',
    'CHALLENGE_PASSWORD = ObjectIdentifier("1.2.840.113549.1.9.7")',
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_code_is_left_alone(text: str) -> None:
    assert counted(text) == (text, 0)


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


def test_a_mention_of_a_key_and_a_public_key_stay() -> None:
    mention = f"BEGIN = '-----BEGIN PRIVATE KEY-----'\n\nDIGEST = '{chance(32, HEX)}'\n"
    for text in (mention, "\n".join(pem("PUBLIC KEY"))):
        assert counted(text) == (text, 0)


PIECES = 'password token api_key \' " """ \\ ( { } :// @ a \u0130 \u00df \x00 ghp_ eyJ .eyJ'
KEY_MARKS = ["-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"]
VALUES = [chance(20, seed=3), chance(36, seed=4), "AKIA" + chance(16, string.ascii_uppercase), "x9!kL2#m"]
FRAGMENTS = [*PIECES.split(" "), " = ", ": ", ", ", "\n", "\r\n", *KEY_MARKS, *VALUES]


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


def test_redacting_twice_changes_nothing_more() -> None:
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
        'API_KEYS = ["a1", ',
        "password or ",
        "== token",
        "'x' == pw",
        "login(a,",
        "-----BEGIN PRIVATE KEY-----",
        "a1",
    ],
)
def test_a_line_of_a_million_characters(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    assert counted(text)[0].count("\n") == 0
