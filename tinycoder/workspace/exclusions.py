"""Judge folders and files that are never learnt from even if git tracks them, by name and by contents.

Every function gives a short reason, or ``None`` where there is none.
"""

import re
from collections.abc import Collection, Iterable, Iterator

MAX_BYTES = 1_000_000
MAX_IMPORTED_BYTES = 2_000_000  # of a file that code can import but that is not learnt from
MAX_LINE = 5_000  # characters
MAX_MEAN_LINE = 200  # characters, in files of at least
MIN_TELLING_LENGTH = 2_000  # characters
HEADER_LINES = 10
HEADER_LENGTH = 4_000  # characters

VENDORED = "vendored code"  # reasons
GENERATED = "generated"
INSTALLED = ("site-packages", "dist-packages", "__pypackages__")
FOLDERS = {
    **dict.fromkeys((".git", ".hg", ".svn", ".bzr"), "version control"),
    **dict.fromkeys((".venv", ".virtualenv"), "virtual environment"),
    **dict.fromkeys(INSTALLED, "installed packages"),
    **dict.fromkeys(
        ("vendor", "vendored", "_vendor", "_vendored", "third_party", "thirdparty", "node_modules"),
        VENDORED,
    ),
    **dict.fromkeys(("__pycache__", ".eggs", ".tox", ".nox", "htmlcov", ".ipynb_checkpoints"), "build output"),
    **dict.fromkeys((".cache", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".pytype"), "cache"),
}
BUILD_FOLDERS = frozenset({"build", "dist", "_build"})  # but not a package of that name
ENVIRONMENT_MARKERS = frozenset({"pyvenv.cfg", "conda-meta"})

_KEY_SUFFIX = re.compile(r"\.(?:pem|key|crt|cer|der|csr|p7b|p8|p12|pfx|ppk|jks|keystore|gpg|kdbx)\Z")
KEY_NAMES = frozenset({"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "authorized_keys", "known_hosts"})
CREDENTIAL_NAMES = frozenset({".netrc", "_netrc", ".pypirc", ".npmrc", ".pgpass", ".htpasswd", ".git-credentials"})

GENERATED_NAMES = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_pb2_grpc.pyi")
_FILE = r"(?:file|module|code|script|class)"
_START = r"[\W_]* (?:(?:warning|note)\W+)?"
_END = r"(?: \s* (?: [.,:;!)\u2013\u2014-] | [\W_]*$ ) )"
_SIGN = re.compile(  # in a comment, or where a sentence of the docstring begins
    rf"""
      [\W_]* @generated \b
    | (?: [\W_]* | .*? (?: [.!;:\u2013\u2014] | \s-+ ) \s+ ) (?:please\s+)?
      do(?:\s+not|n['\u2019]t)\s+(?:edit|modify|change)
      (?: \s+ (?: it | by\s+hand | manually | directly | this | the | generated | {_FILE} ) (?! \s+line \b) )* {_END}
    | {_START} this\s+{_FILE} \s+ (?: (?:is|was|has\s+been)\s+ )?
      (?: (?:auto|automatically|machine)[-\s]?(?:generated|created)\b
        | (?:generated|created)\s+(?:by|from|with|using)\b | generated {_END} )
    | {_START} (?:auto|automatically|machine)[-\s]?generated
      (?: \s+ (?: by | from | with | using | via | on | at | data | content | bindings | {_FILE} ) \b | {_END} )
    | {_START} generated\s+(?:by|from)\s+(?! hand\b )
    | (?P<comment> .* (?:\s|^)@generated \b
        | {_START} {_FILE} \s+ (?: (?:auto|automatically)[-\s]?)? generated\s+(?:by|from|with|using)\b
        | {_START} (?: this\s+is\s+ )? (?: an?\s+ )? (?:auto|automatically|machine)?[-\s]?generated
          \s+ (?: content | {_FILE} ) \b )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_IMPORT = re.compile(r"(?:import|from)\s")
_OPENING = re.compile(r"""[rbu]?("{3}|'{3}|"|')""", re.IGNORECASE)


def folder_reason(name: str, children: Collection[str]) -> str | None:
    """Why a folder ``name``, in any case, with the entries ``children`` is left out."""
    if name == "CVS":  # in small letters it may be a package
        return "version control"
    name = name.lower()
    if not ENVIRONMENT_MARKERS.isdisjoint(children):
        return "virtual environment"
    if name.startswith(".env"):
        return "environment settings"
    if name in BUILD_FOLDERS and "__init__.py" not in children:
        return "build output"
    if name.endswith((".egg-info", ".dist-info", ".egg")):
        return "package metadata"
    return FOLDERS.get(name)


def is_vendored(name: str, reason: str) -> bool:
    """Whether code can import from a folder ``name`` that was left out for ``reason``."""
    return reason == VENDORED and name.lower() != "node_modules"


def is_installed(parts: Iterable[str]) -> bool:
    """Whether a folder of these names lies where packages are installed."""
    return any(part.lower() in INSTALLED for part in parts)


def name_reason(name: str) -> str | None:
    """Why a file ``name``, Python or not, is left out before it is opened."""
    name = name.lower()
    if name.startswith(".env"):
        return "environment settings"
    if name in CREDENTIAL_NAMES:
        return "credentials"
    if name in KEY_NAMES or name.removesuffix(".pub") in KEY_NAMES or _KEY_SUFFIX.search(name):
        return "key or certificate"
    return None


def content_reason(name: str, text: str) -> str | None:
    """Why a Python file ``name`` with this ``text`` is left out."""
    if not text.strip():
        return "empty"
    if name.lower().endswith(GENERATED_NAMES) or any(map(_is_sign, _header(text))):
        return GENERATED
    lines = text.split("\n")
    is_wide = len(text) >= MIN_TELLING_LENGTH and len(text) / len(lines) > MAX_MEAN_LINE
    if is_wide or max(map(len, lines)) > MAX_LINE:
        return "minified or data (very long lines)"
    return None


def _header(text: str) -> Iterator[tuple[str, bool]]:
    """The comments and the docstring at the top of a file, among its imports; and whether each line is a comment."""
    quote: str | None = None
    for line in text[:HEADER_LENGTH].splitlines()[:HEADER_LINES]:
        said = line.strip()
        if not quote:
            opened = _OPENING.match(said) if quote is None else None  # there is one docstring
            if opened is None:
                if said and said[0] != "#" and not _IMPORT.match(said):
                    return
                yield said, True
                continue
            quote, said = opened[1], said[opened.end() :]
        said, closed, _ = said.partition(quote)
        yield said, False
        if closed or len(quote) == 1:
            quote = ""


def _is_sign(said: tuple[str, bool]) -> bool:
    """Whether a line of the header says that the file is generated, and does not only speak of such files."""
    line, is_comment = said
    sign = _SIGN.match(line)
    return sign is not None and (is_comment or sign["comment"] is None)
