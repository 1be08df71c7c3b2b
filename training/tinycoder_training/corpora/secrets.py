"""Replaces what looks like a secret, so that no tokenizer and no model ever sees it.

Found are: tokens that their issuers made recognisable; private keys and passwords in URLs, by their form;
string literals given to names such as ``password``, when they look random. Works on the text alone, so broken
files are covered too, by expressions that take time linear in its length: a repeat is bounded or cannot
start within itself. Does not know what the code does: a password that is a plain word looks like any other
word, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tinycoder_training.corpora.randomness import looks_generated, looks_like_password

PLACEHOLDER = "REDACTED"  # letters alone: fits any literal, and is itself no secret
MIN_DISTINCT = 8  # different characters; a token with fewer is somebody's "ghp_xxxxxxxx"
MAX_KEY = 20_000  # characters of a private key block

_START = r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))"
_END = r"(?![A-Za-z0-9_-])"


@dataclass(frozen=True)
class _Rule:
    """Replaces the group ``secret`` of ``pattern`` if accepted, in texts with one of the ``anchors``."""

    anchors: tuple[str, ...]
    pattern: re.Pattern[str]
    accepts: Callable[[str], bool]


def _token(anchors: str, body: str) -> _Rule:
    """A token that is known by how it begins."""
    pattern = re.compile(f"{_START}(?P<secret>{body}){_END}", re.ASCII)
    return _Rule(tuple(anchors.split()), pattern, lambda secret: len(set(secret)) >= MIN_DISTINCT)


def _form(anchors: str, pattern: str, accepts: Callable[[str], bool] = looks_generated) -> _Rule:
    """A form that ordinary text has, too; the value decides."""
    return _Rule(tuple(anchors.split()), re.compile(pattern, re.ASCII), accepts)


_RULES = (
    _token("AKIA ASIA ABIA ACCA", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"),  # AWS
    _token("ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{36,255}"),  # GitHub
    _token("github_pat_", r"github_pat_\w{22,255}"),
    _token("glpat- gldt- glrt- glcbt- glptt- glft-", r"gl(?:pat|dt|rt|cbt|ptt|ft)-[\w-]{20,255}"),  # GitLab
    _token("xox xapp-", r"(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,255}"),  # Slack
    _token("AIza", r"AIza[\w-]{35}"),  # Google
    _token("ya29.", r"ya29\.[\w-]{20,}"),
    _token("GOCSPX-", r"GOCSPX-[\w-]{28}"),
    _token("sk_live_ sk_test_ rk_live_ rk_test_", r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}"),  # Stripe
    _token("whsec_", r"whsec_[A-Za-z0-9+/]{24,255}"),
    _token("npm_", r"npm_[A-Za-z0-9]{36}"),
    _token("pypi-", r"pypi-[\w-]{50,}"),
    _token("hf_", r"hf_[A-Za-z0-9]{30,60}"),  # Hugging Face
    _token("dop_v1_ doo_v1_ dor_v1_", r"do[opr]_v1_[a-f0-9]{64}"),  # DigitalOcean
    _token("SG.", r"SG\.[\w-]{20,24}\.[\w-]{39,50}"),  # SendGrid
    _token("shpat_ shpca_ shppa_ shpss_", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),  # Shopify
    _token("dckr_pat_", r"dckr_pat_[\w-]{20,60}"),  # Docker
    _token(":AA", r"[0-9]{8,10}:AA[\w-]{33}"),  # Telegram
    _token("eyJ", r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"),  # JSON web tokens
    _form("sk-", rf"{_START}(?P<secret>sk-[\w-]{{20,255}}){_END}"),  # several services
    _form("earer", r"\b[Bb]earer (?P<secret>[\w.~+/-]{16,}={0,2})"),
    _form("asic", r"\b[Bb]asic (?P<secret>[A-Za-z0-9+/]{12,}={0,2})"),
    _form("oken", r"\b[Tt]oken (?P<secret>[\w-]{20,255})"),
    _form("AccountKey= AccessKey=", r"A(?:ccount|ccess)Key=(?P<secret>[A-Za-z0-9+/]{40,100}={0,2})"),  # Azure
    _form("hooks.slack.com", r"hooks\.slack\.com/[a-z]{1,20}/(?P<secret>[A-Za-z0-9/]{20,200})"),
    _form(
        "://",
        r"""://(?P<user>[^\s/:@'"<>\\]{0,100}):(?P<secret>[^\s/@'"<>\\]{3,200})@(?=[\w\[])""",
        looks_like_password,
    ),
)

_NAME = re.compile("pass|pwd|secret|token|key|credential")  # in lower case; finds where to try the next one
_ASSIGNED = re.compile(
    r"""
    (?P<name>
        (?: passw(?:or)?d | passphrase | passcode | pwd | (?<![a-z])pass(?![a-z])
          | secret(?!ar) | (?<!publickey)token(?!i[sz]) | credential
          | (?: (?<=api)|(?<=access)|(?<=private)|(?<=auth)|(?<=account)|(?<=encryption)|(?<=signing)
              | (?<=api[_-])|(?<=access[_-])|(?<=private[_-])|(?<=auth[_-])|(?<=account[_-])
              | (?<=encryption[_-])|(?<=signing[_-])|(?<=master[_-]) ) key )
        [a-z0-9_-]{0,40} )
    (?: \\?["']\]?[ \t]{0,9} (?: [=!]= | [=:] | (?P<comma>,) )  # a dict entry, a call's first argument
      | [ \t]{0,9} (?: :[ \t]{0,9}[a-z_][\w.\[\]|, \t]{0,60}= | [=!:]?= | : ) )  # annotated or not
    \s{0,40} (?: [\w.]{0,40}\(\s{0,40} )?  # a parenthesis or a wrapper
    [bu]? (?P<quote>\\?(?:\"""|'''|"|'))
    (?P<secret> (?: (?!(?P=quote)) (?:[^\\\s]|\\\S) ){6,4096} ) (?P=quote)
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_IS_PASSWORD = re.compile(r"passw|passphrase|passcode|pwd|pass(?![a-z])", re.IGNORECASE)
_IS_NO_SECRET = re.compile(  # names of things about a secret
    r"[_-](?:ur[il]|path|file(?:name)?|dir|name|field|header|type|kind|label|re|regex|pattern|prefix|suffix|chars|"
    r"alphabet|format|endpoint|scope|class|module|help|message|msg|error|description|title|version|id)s?$",
    re.IGNORECASE,
)

_KEY_EDGE = re.compile(r"-----(?P<edge>BEGIN|END) (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16}")
_KEY_RUN = re.compile(r"\\.|[A-Za-z0-9+/]{16,}={0,2}")


def redact(text: str) -> tuple[str, int]:
    """``text`` with each secret replaced by ``PLACEHOLDER``, and how many there were.

    Only the secret itself goes, inside its quotes: valid code stays valid, and lines stay where they are.
    """
    text, n_secrets = _redact_keys(text)
    for rule in _RULES:
        if any(anchor in text for anchor in rule.anchors):
            matches = rule.pattern.finditer(text)
            found = [match.span("secret") for match in matches if rule.accepts(match["secret"])]
            text = _replace(text, found)
            n_secrets += len(found)
    found = _assigned(text)
    return _replace(text, found), n_secrets + len(found)


def _replace(text: str, spans: Sequence[tuple[int, int]]) -> str:
    parts: list[str] = []
    end = 0
    for start, stop in spans:
        parts += [text[end:start], PLACEHOLDER]
        end = stop
    return "".join(parts) + text[end:]


def _assigned(text: str) -> list[tuple[int, int]]:
    """Where the literals lie that are given to the name of a secret."""
    lower = text.replace("\u0130", "I").lower()  # the one letter that is two in lower case
    spans: list[tuple[int, int]] = []
    end = 0
    for name in _NAME.finditer(lower):
        match = _ASSIGNED.match(text, name.start()) if name.start() >= end else None
        if match and _is_secret(match):
            spans.append(match.span("secret"))
            end = match.end()
    return spans


def _is_secret(match: re.Match[str]) -> bool:
    name, value = match["name"], match["secret"]
    if _IS_NO_SECRET.search(name):
        return False
    if _IS_PASSWORD.search(name) and not match["comma"]:
        return looks_like_password(value)
    return looks_generated(value)


def _redact_keys(text: str) -> tuple[str, int]:
    """Private key blocks: the runs of Base64 between BEGIN and END go, the lines and the two marks stay."""
    edges = list(_KEY_EDGE.finditer(text)) if "PRIVATE KEY" in text else []
    parts: list[str] = []
    n_keys = end = 0
    for i, edge in enumerate(edges):
        if edge["edge"] == "BEGIN":
            following = edges[i + 1] if i + 1 < len(edges) else None
            stop = min(following.start() if following else len(text), edge.end() + MAX_KEY)
            body = text[edge.end() : stop]
            if following is None or following["edge"] == "BEGIN" or following.start() != stop:
                body = _leading_runs(body)  # cut short, or only spoken of
            clean = _KEY_RUN.sub(_redact_run, body)
            n_keys += clean != body
            parts += [text[end : edge.end()], clean]
            end = edge.end() + len(body)
    return "".join(parts) + text[end:], n_keys


def _leading_runs(body: str) -> str:
    """The rest of the first line, and the lines after it for as long as they hold Base64."""
    lines = body.split("\n")
    n = next((i for i, line in enumerate(lines) if i and not _BASE64.search(line)), len(lines))
    return "\n".join(lines[:n])


def _redact_run(match: re.Match[str]) -> str:
    run = match[0]
    return PLACEHOLDER if not run.startswith("\\") and looks_generated(run) else run
