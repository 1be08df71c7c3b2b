"""Find secrets of a known form: tokens that their issuers made recognisable, passwords in URLs and headers.

Every expression takes time linear in the text: a repeat is bounded or cannot start within itself. No match crosses
the end of a line.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tinycoder.workspace.secrets.randomness import looks_generated, looks_like_password
from tinycoder.workspace.secrets.secret import Secret

MIN_DISTINCT = 8  # different characters; a token with fewer is somebody's "ghp_xxxxxxxx"

_START = r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))"
_STARTED = r"(?:(?<![A-Za-z0-9_-]{0})|(?<=\\[nrt]{0}))"  # behind a prefix, which is searched for much faster
_END = r"(?![A-Za-z0-9_-])"
_HEX = "[0-9a-fA-F]"
_WORD = "[A-Za-z0-9]"


@dataclass(frozen=True)
class _Form:
    """A ``pattern`` whose group ``secret`` must be accepted; only texts with one of the ``anchors`` are searched."""

    kind: str
    anchors: tuple[str, ...]
    pattern: re.Pattern[str]
    accepts: Callable[[str], bool]


def in_known_form(text: str) -> Iterator[Secret]:
    """Yield the secrets of all forms, form by form; they may overlap."""
    for form in _FORMS:
        if any(anchor in text for anchor in form.anchors):
            for match in form.pattern.finditer(text):
                if form.accepts(match["secret"]):
                    yield Secret(form.kind, (match.span("secret"),))


def _token(kind: str, anchors: str, body: str) -> _Form:
    """A token with a prefix of its own."""
    if body.startswith(anchors):
        body = anchors + _STARTED.format(anchors) + body.removeprefix(anchors)
    else:
        body = _START + body
    pattern = re.compile(f"(?P<secret>{body}){_END}", re.ASCII)
    return _Form(kind, tuple(anchors.split()), pattern, lambda secret: len(set(secret)) >= MIN_DISTINCT)


def _form(kind: str, anchors: str, pattern: str, accepts: Callable[[str], bool] = looks_generated) -> _Form:
    """A form that ordinary text has as well; the value decides."""
    return _Form(kind, tuple(anchors.split()), re.compile(pattern, re.ASCII), accepts)


_FORMS = (
    _token("AWS access key", "AKIA ASIA ABIA ACCA", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"),
    _token("Alibaba access key", "LTAI", rf"LTAI{_WORD}{{16,24}}"),
    _token("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", rf"gh[pousr]_{_WORD}{{36,255}}"),
    _token("GitHub token", "github_pat_", r"github_pat_\w{22,255}"),
    _token("GitLab token", "glpat- gldt- glrt- glcbt- glptt- glft-", r"gl(?:pat|dt|rt|cbt|ptt|ft)-[\w-]{20,255}"),
    _token("Bitbucket token", "ATBB", rf"ATBB{_WORD}{{24,40}}"),
    _token("Atlassian token", "ATATT3 ATCTT3", r"AT[AC]TT3[\w-]{40,300}(?:=[0-9A-F]{8})?"),
    _token("Slack token", "xox xapp-", r"(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,255}"),
    _token("Google API key", "AIza", r"AIza[\w-]{35}"),
    _token("Google access token", "ya29.", r"ya29\.[\w-]{20,}"),
    _token("Google client secret", "GOCSPX-", r"GOCSPX-[\w-]{28}"),
    _token("Stripe key", "sk_live_ sk_test_ rk_live_ rk_test_", rf"[sr]k_(?:live|test)_{_WORD}{{16,255}}"),
    _token("webhook secret", "whsec_", r"whsec_[A-Za-z0-9+/]{24,255}"),
    _token("npm token", "npm_", rf"npm_{_WORD}{{36}}"),
    _token("PyPI token", "pypi-", r"pypi-[\w-]{50,}"),
    _token("RubyGems key", "rubygems_", rf"rubygems_{_HEX}{{48}}"),
    _token("Hugging Face token", "hf_", rf"hf_{_WORD}{{30,60}}"),
    _token("DigitalOcean token", "dop_v1_ doo_v1_ dor_v1_", r"do[opr]_v1_[a-f0-9]{64}"),
    _token("SendGrid key", "SG.", r"SG\.[\w-]{20,24}\.[\w-]{39,50}"),
    _token("Brevo key", "xkeysib-", rf"xkeysib-{_HEX}{{64}}-{_WORD}{{16}}"),
    _token("Mailgun key", "key-", r"key-[0-9a-f]{32}"),
    _token("Shopify token", "shpat_ shpca_ shppa_ shpss_", rf"shp(?:at|ca|pa|ss)_{_HEX}{{32}}"),
    _token("Square token", "sq0", r"sq0(?:atp|csp|idp)-[\w-]{22,43}"),
    _token("Square token", "EAAA", r"EAAA[\w-]{60}"),
    _token("Docker token", "dckr_pat_", r"dckr_pat_[\w-]{20,60}"),
    _token("Telegram bot token", ":AA", r"[0-9]{8,10}:AA[\w-]{33}"),
    _token("Twilio key", "SK", r"SK[0-9a-f]{32}"),
    _token("Databricks token", "dapi", r"dapi[0-9a-f]{32}(?:-[0-9])?"),
    _token("Linear key", "lin_api_", rf"lin_api_{_WORD}{{40}}"),
    _token("Notion token", "secret_ ntn_", rf"(?:secret_{_WORD}{{43}}|ntn_{_WORD}{{40,50}})"),
    _token("Postman key", "PMAK-", rf"PMAK-{_HEX}{{24}}-{_HEX}{{34}}"),
    _token("Vault token", "hvs. hvb. hvr.", r"hv[sbr]\.[\w-]{24,300}"),
    _token("Terraform token", ".atlasv1.", rf"{_WORD}{{14}}\.atlasv1\.[\w-]{{60,70}}"),
    _token("Pulumi token", "pul-", r"pul-[0-9a-f]{40}"),
    _token("Grafana token", "glsa_", rf"glsa_{_WORD}{{32}}_{_HEX}{{8}}"),
    _token("age key", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}"),
    _token("Doppler token", "dp.", rf"dp\.(?:pt|ct|sa|st|scim|audit)\.(?:[a-z0-9_-]{{2,35}}\.)?{_WORD}{{40,44}}"),
    _token("PlanetScale token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[\w.-]{32,64}"),
    _token("Supabase token", "sbp_ sb_secret_", r"(?:sbp_[0-9a-f]{40}|sb_secret_[\w-]{20,60})"),
    _token("Anthropic key", "sk-ant-", r"sk-ant-[\w-]{40,255}"),
    _token("OpenAI key", "sk-proj- sk-svcacct-", r"sk-(?:proj|svcacct)-[\w-]{40,255}"),
    _token("Groq key", "gsk_", rf"gsk_{_WORD}{{52}}"),
    _token("Replicate token", "r8_", rf"r8_{_WORD}{{37}}"),
    _token("Perplexity key", "pplx-", rf"pplx-{_WORD}{{48,56}}"),
    _token("New Relic key", "NRAK-", r"NRAK-[A-Z0-9]{27}"),
    _token("Airtable token", "pat", rf"pat{_WORD}{{14}}\.[0-9a-f]{{64}}"),
    _token("Sentry token", "sntryu_ sntrys_", r"sntry[us]_[\w+/=]{40,300}"),
    _token("CircleCI token", "CCIPAT_", rf"CCIPAT_{_WORD}{{22}}_{_HEX}{{40}}"),
    _token("Dynatrace token", "dt0", r"dt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    _token("Figma token", "figd_", r"figd_[\w-]{40}"),
    _token("Netlify token", "nfp_", rf"nfp_{_WORD}{{36}}"),
    _token("Buildkite token", "bkua_", r"bkua_[0-9a-f]{40}"),
    _token("Contentful token", "CFPAT-", r"CFPAT-[\w-]{43}"),
    _token("Heroku key", "HRKU-", r"HRKU-[\w-]{36,64}"),
    _token("JSON web token", "eyJ", r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"),
    _token("Mapbox token", "sk.eyJ", r"sk\.eyJ[\w-]{20,255}\.[\w-]{20,255}"),
    _form(  # its last part: the first two are a person's number and a time
        "Discord bot token", ".", rf"\.(?<={_WORD}{{20}}\.)[\w-]{{6}}\.(?P<secret>[\w-]{{27,38}}){_END}"
    ),
    _form("API key", "sk-", rf"{_START}(?P<secret>sk-[\w-]{{20,255}}){_END}"),  # several services
    _form("key in a header", "earer", r"\b[Bb]earer (?P<secret>[\w.~+/-]{16,}={0,2})"),
    _form("key in a header", "asic", r"\b[Bb]asic (?P<secret>[A-Za-z0-9+/]{12,}={0,2})"),
    _form("key in a header", "oken", r"\b[Tt]oken (?P<secret>[\w-]{20,255})"),
    _form("Azure key", "AccountKey= AccessKey=", r"A(?:ccount|ccess)Key=(?P<secret>[A-Za-z0-9+/]{40,100}={0,2})"),
    _form("Azure signature", "sig=", r"[?&]sig=(?P<secret>[A-Za-z0-9%+/]{40,100}={0,2})"),
    _form("Slack webhook", "hooks.slack.com", r"hooks\.slack\.com/[a-z]{1,20}/(?P<secret>[A-Za-z0-9/]{20,200})"),
    _form("Discord webhook", "/api/webhooks/", r"/api/webhooks/[0-9]{10,25}/(?P<secret>[\w-]{40,100})"),
    _form("Sentry DSN", "sentry", rf"://(?P<secret>{_HEX}{{32}})@[\w.-]{{0,100}}sentry", lambda secret: True),
    _form(
        "password in a URL",
        "://",
        r"""://(?P<user>[^\s/:@'"<>\\]{0,100}):(?P<secret>[^\s/@'"<>\\]{3,200})@(?=[\w\[{%"'])""",
        looks_like_password,
    ),
    _form("key in an address", "key= sig= auth=", r"[?&](?:key|sig|signature|auth)=(?P<secret>[\w.~%+/-]{16,255})"),
    _form(
        "password of a login",
        "auth",
        r"""\bauth[ ]?=[ ]?(?:[\w.]{0,40}\()?\(?[ ]?["'][^\s"']{1,100}["'],[ ]?["'](?P<secret>[^\s"']{6,200})["']""",
        looks_like_password,
    ),
    _form(
        "password of a login",
        "login( log_in( sign_in( signin( authenticate( Auth(",
        r"""(?:log_?in|sign_?in|authenticate|Auth)\(\s{0,40}(?:["'][^\s"']{1,100}["']|[\w.\[\]]{1,60}),\s{0,40}"""
        r"""["'](?P<secret>[^\s"']{6,200})["']""",
        looks_like_password,
    ),
    _form(
        "password of a login",
        "login",
        r"""\blogin[ ][^\s"']{1,100}[ ]password[ ](?P<secret>[^\s"'\\]{6,200})""",
        looks_like_password,
    ),
    _form(
        "secret that is compared",
        "compare_digest(",
        r"""compare_digest\(\s{0,40}(?:[^"'\n,]{1,60},\s{0,40})?b?["'](?P<secret>[^\s"']{6,200})["']""",
        looks_like_password,
    ),
)
