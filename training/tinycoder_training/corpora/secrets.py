"""Replaces what looks like a secret, so that no tokenizer and no model ever sees it.

Three kinds are found: tokens that their issuers made recognisable, private keys and passwords in URLs by their
form, and string literals assigned to names such as ``password`` when they look random. Works on text alone, by
regular expressions that are linear in its length (bounded repeats, each started once); does not parse Python, so
broken files are covered too. A password that is a plain word cannot be told from other words, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tinycoder_training.corpora import randomness

PLACEHOLDER = "REDACTED"  # letters only: valid in any literal, and itself no secret

_START = r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))"
_END = r"(?![A-Za-z0-9_-])"


@dataclass(frozen=True)
class _Rule:
    """Where one of ``anchors`` occurs in the text, ``pattern`` is searched; its group ``secret`` is replaced.

    The anchors only save time: text without them is not scanned.
    """

    anchors: tuple[str, ...]
    pattern: re.Pattern[str]


def _token(anchors: str, body: str) -> _Rule:
    return _Rule(tuple(anchors.split()), re.compile(f"{_START}(?P<secret>{body}){_END}"))


_TOKENS = (
    _token("AKIA ASIA ABIA ACCA", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"),  # AWS access key ids
    _token("ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{36,255}"),  # GitHub
    _token("github_pat_", r"github_pat_[A-Za-z0-9_]{22,255}"),
    _token("glpat- gldt- glrt- glcbt- glptt- glft-", r"gl(?:pat|dt|rt|cbt|ptt|ft)-[\w-]{20,255}"),  # GitLab
    _token("xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs- xapp-", r"(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,255}"),  # Slack
    _token("AIza", r"AIza[\w-]{35}"),  # Google
    _token("ya29.", r"ya29\.[\w-]{20,2000}"),
    _token("GOCSPX-", r"GOCSPX-[\w-]{28}"),
    _token("sk_ rk_", r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}"),  # Stripe
    _token("whsec_", r"whsec_[A-Za-z0-9+/]{24,255}={0,2}"),
    _token("npm_", r"npm_[A-Za-z0-9]{36}"),
    _token("pypi-", r"pypi-[\w-]{50,2000}"),
    _token("hf_", r"hf_[A-Za-z0-9]{30,60}"),  # Hugging Face
    _token("dop_v1_ doo_v1_ dor_v1_", r"do[opr]_v1_[a-f0-9]{64}"),  # DigitalOcean
    _token("SG.", r"SG\.[\w-]{20,24}\.[\w-]{39,50}"),  # SendGrid
    _token("shpat_ shpca_ shppa_ shpss_", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),  # Shopify
    _token("dckr_pat_", r"dckr_pat_[\w-]{20,60}"),  # Docker
    _token(":AA", r"[0-9]{8,10}:AA[\w-]{33}"),  # Telegram
    _token("eyJ", r"eyJ[\w-]{8,4000}\.eyJ[\w-]{8,4000}\.[\w-]{0,4000}"),  # JSON web tokens
)

# Forms that ordinary text has, too: replaced only when they look random.
_LIKELY = (
    _token("sk-", r"sk-[\w-]{20,255}"),  # OpenAI, Anthropic and their likes
    _Rule(("earer ",), re.compile(r"\b[Bb]earer (?P<secret>[\w.~+/-]{16,4000}={0,2})")),
    _Rule(("asic ",), re.compile(r"\b[Bb]asic (?P<secret>[A-Za-z0-9+/]{12,4000}={0,2})(?![\w+/=])")),
    _Rule(("AccountKey=", "SharedAccessKey="), re.compile(r"AccessKey=|AccountKey=")),
    _Rule(
        ("hooks.slack.com",), re.compile(r"hooks\.slack\.com/(?:services|workflows)/(?P<secret>[A-Za-z0-9/]{20,200})")
    ),
)
