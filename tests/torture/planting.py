"""Generate credentials at random in the forms of their issuers, in code as people write it."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable
from dataclasses import dataclass

LETTERS = string.ascii_letters + string.digits
URL_SAFE = LETTERS + "-_"
HEX = "0123456789abcdef"
CAPITALS = string.ascii_uppercase + "234567"
LONG = 12  # characters of a secret that cannot match by coincidence


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A credential of a kind and the code around it; ``chance`` are its random parts."""

    kind: str
    code: str
    secret: str
    chance: tuple[str, ...]

    @property
    def pieces(self) -> set[str]:
        """The texts that must occur nowhere: every piece of LONG characters, or a shorter secret as a whole."""
        return {part[i : i + LONG] for part in self.chance for i in range(max(1, len(part) - LONG + 1))}


Draw = Callable[[int, str], str]
Credential = tuple[str, tuple[str, ...]]  # with its random parts


def one(prefix: str, n: int, alphabet: str = LETTERS, suffix: str = "") -> Callable[[Draw], Credential]:
    """A credential with one random part."""

    def make(draw: Draw) -> Credential:
        part = draw(n, alphabet)
        return prefix + part + suffix, (part,)

    return make


def several(form: str, *parts: tuple[int, str]) -> Callable[[Draw], Credential]:
    """A credential with several random parts, of which only long ones are searched for."""

    def make(draw: Draw) -> Credential:
        drawn = [draw(n, alphabet) for n, alphabet in parts]
        return form.format(*drawn), tuple(part for part in drawn if len(part) >= LONG)

    return make


ISSUED: dict[str, Callable[[Draw], Credential]] = {
    "AWS": one("AKIA", 16, CAPITALS),
    "GitHub": one("ghp_", 36),
    "GitHub fine-grained": several("github_pat_{}_{}", (22, LETTERS), (59, LETTERS)),
    "GitLab": one("glpat-", 20, LETTERS),
    "Slack": several("xoxb-{}-{}", (12, string.digits), (24, LETTERS)),
    "Google": one("AIza", 35, URL_SAFE[:-1]),
    "Stripe": one("sk_live_", 24),
    "OpenAI": one("sk-proj-", 64),
    "Anthropic": one("sk-ant-api03-", 93, LETTERS, "-AA"),
    "npm": one("npm_", 36),
    "PyPI": one("pypi-", 120),
    "Hugging Face": one("hf_", 34),
    "SendGrid": several("SG.{}.{}", (22, LETTERS), (43, LETTERS)),
    "Twilio": one("SK", 32, HEX),
    "Databricks": one("dapi", 32, HEX),
    "Linear": one("lin_api_", 40),
    "Notion": one("secret_", 43),
    "Postman": several("PMAK-{}-{}", (24, HEX), (34, HEX)),
    "Vault": one("hvs.", 90),
    "Grafana": several("glsa_{}_{}", (32, LETTERS), (8, HEX)),
    "Airtable": several("pat{}.{}", (14, LETTERS), (64, HEX)),
    "Discord": several("MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2{}.{}", (3, LETTERS), (27, LETTERS)),
    "Mailgun": one("key-", 32, HEX),
    "Telegram": several("{}:AA{}", (9, "123456789"), (33, LETTERS)),
    "JSON web token": several("eyJ{}.eyJ{}.{}", (30, LETTERS), (60, LETTERS), (43, LETTERS)),
    "Atlassian": one("ATATT3xFfGF0", 180),
    "New Relic": one("NRAK-", 27, string.ascii_uppercase + string.digits),
    "Doppler": one("dp.pt.", 43),
    "Supabase": one("sbp_", 40, HEX),
    "age": one("AGE-SECRET-KEY-1", 58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
}
NAMED: dict[str, Callable[[Draw], Credential]] = {  # recognisable only by their names
    "hexadecimal key": one("", 40, HEX),
    "random key": one("", 43, LETTERS),
    "password": one("", 14, LETTERS + "!%@"),
}
ANYWHERE = (
    'SERVICE = "{}"',
    "options = {{'first': 1, 'service': '{}', 'last': 2}}",
    'client = make_client(host="example.org", service="{}", retries=3)',
    'headers = {{"Accept": "text/html", "X-Service": "{}"}}',
    'url = "https://api.example.org/v1/items?service={}&page=2"',
    "# until next week it is {} for all of us",
    'def documented():\n    """Call the service.\n\n    >>> call("{}")\n    3\n    """\n    return 3',
    'line = f"{{host}}/{}/{{page}}"',
    'service = os.environ.get("SERVICE", "{}")',
    'EXAMPLE = """\nHOST=example.org\nSERVICE={}\nPORT=80\n"""',
    'parts = [\n    "first",\n    "{}",\n]',
    "raw = b'{}'",
)
BY_NAME = (
    'SERVICE_SECRET = "{}"',
    "options = {{'first': 1, 'password': '{}', 'last': 2}}",
    'client = make_client(host="example.org", api_key="{}", retries=3)',
    'headers = {{"Accept": "text/html", "X-Api-Key": "{}"}}',
    'service_token: str = "{}"',
    "# the password = {} until next week",
    'password = os.environ.get("SERVICE_PASSWORD", "{}")',
    'EXAMPLE = """\nHOST=example.org\nSERVICE_PASSWORD={}\nPORT=80\n"""',
    'AUTH_TOKEN = (\n    "{}"\n)',
    'db_password = "{0}"\nretry = connect("example.org", "{0}")',
    'self_url = "https://deploy:{}@example.org/repository"',
    'answer = session.get(url, auth=("deploy", "{}"))',
)
GIVEN = (  # in other ways than by an assignment
    'dsn = "dbname=shop user=bob password={} host=db"',
    'dsn = "Server=db;UID=bob;PWD={};"',
    'run(["dump", "--password={}"])',
    'run(["dump", "--password", "{}"])',
    'key = os.getenv("SERVICE_TOKEN", default="{}")',
    'key = config("SECRET_KEY", cast=str, default="{}")',
    'key = os.environ.get("SERVICE_PASSWORD") or "{}"',
    'server.login("bob@example.org", "{}")',
    "user.set_password('{}')",
    'url = f"https://bob:{}@{{host}}/"',
    'API_KEYS = [\n    "first",\n    # the second\n    "{}",\n]',
    'passwords = {{\n    "alice": None,\n    "bob": "{}",\n}}',
    'INI = """\n[db]\nuser = bob\npassword = {}\n"""',
    'YAML = "db:\\n  user: bob\\n  password: {}\\n"',
    'if "{}" == password:\n    pass',
    'same = hmac.compare_digest(given, "{}")',
    "sql = \"ALTER USER bob WITH PASSWORD '{}'\"",
)
GIVEN_AS_TOKENS = ('url = "https://example.org/?token={}&page=2"', 'url = "https://example.org/?page=1&key={}"')
BY_NAME_OF_KEYS = frozenset({0, 2, 3, 4, 8})  # frames in which a password with signs is unusual


def planted(seed: int, n_of_kind: int) -> list[Planted]:
    """Return ``n_of_kind`` credentials of each kind, in alternating frames."""
    draw = random.Random(seed)

    def chance(n: int, alphabet: str) -> str:
        while True:  # a password or key in use has letters, digits, and few characters twice
            value = "".join(draw.choice(alphabet) for _ in range(n))
            if len(set(value)) > min(n, len(set(alphabet))) // 2 and sum(c.isdigit() for c in value) >= n // 10 + 1:
                return value

    credentials: list[Planted] = []
    for i, (kind, make) in enumerate({**ISSUED, **NAMED}.items()):
        frames = ANYWHERE if kind in ISSUED else BY_NAME
        for n in range(n_of_kind):
            secret, parts = make(chance)
            number = (i + n) % len(frames)
            if kind == "password" and number in BY_NAME_OF_KEYS:
                number = 1
            if "@" in secret and number == 10:
                secret, parts = secret.replace("@", "%"), (parts[0].replace("@", "%"),)
            credentials.append(Planted(kind=kind, code=frames[number].format(secret), secret=secret, chance=parts))
    keys, passwords = NAMED["random key"], NAMED["password"]
    for frames, makes in ((GIVEN, (keys, passwords)), (GIVEN_AS_TOKENS, (keys,))):
        for frame in frames:
            for n in range(max(len(makes), n_of_kind // 2)):
                secret, parts = makes[n % len(makes)](chance)
                secret, parts = secret.replace("@", "!"), tuple(part.replace("@", "!") for part in parts)
                kind = "given in another way"
                credentials.append(Planted(kind=kind, code=frame.format(secret), secret=secret, chance=parts))
    return credentials + [private_key(draw, n) for n in range(n_of_kind)]


def private_key(draw: random.Random, n: int) -> Planted:
    """A private key in a string of many lines, in pieces, or in one line."""
    body = base64.b64encode(draw.randbytes(400)).decode()
    lines = [body[i : i + 64] for i in range(0, len(body), 64)]
    kind = ("RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "EC PRIVATE KEY")[n % 4]
    whole = [f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----"]
    code = 'KEY = """\n' + "\n".join(whole) + '\n"""'
    if n % 3 == 1:
        code = "KEY = (\n" + "\n".join(f'    "{line}\\n"' for line in whole) + "\n)"
    elif n % 3 == 2:
        code = 'KEY = "' + "\\n".join(whole) + '"'
    return Planted(kind="private key", code=code, secret=lines[0], chance=tuple(lines[:-1]))
