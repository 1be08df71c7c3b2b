"""Find private keys: the runs of Base64 between BEGIN and END. Line breaks and the two marks are no secret."""

import re
from collections.abc import Iterator

from tinycoder.workspace.secrets.randomness import looks_generated
from tinycoder.workspace.secrets.secret import Secret, Span

KIND = "private key"
MAX_KEY = 20_000  # characters of a block

_EDGE = re.compile(r"-----(?P<edge>BEGIN|END) (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16}")
_REST = re.compile(r"""(?:\\[nr]|[\s"',])*(?P<rest>[A-Za-z0-9+/]{1,15}={0,2})(?:\\[nr]|[\s"',])*\Z""")  # last line
_RUN = re.compile(r"\\.|[A-Za-z0-9+/]{16,}={0,2}")


def private_keys(text: str) -> Iterator[Secret]:
    """Yield each block that contains a key, even one that is cut short."""
    edges = list(_EDGE.finditer(text)) if "PRIVATE KEY" in text else []
    for i, edge in enumerate(edges):
        if edge["edge"] == "BEGIN":
            following = edges[i + 1] if i + 1 < len(edges) else None
            stop = min(following.start() if following else len(text), edge.end() + MAX_KEY)
            if following is None or following["edge"] == "BEGIN" or following.start() != stop:
                stop = _last_run(text, edge.end(), stop)  # cut short, or only mentioned
            if runs := _runs(text, edge.end(), stop):
                yield Secret(KIND, runs)


def _last_run(text: str, start: int, stop: int) -> int:
    """The end of the first line, and of the lines after it for as long as they hold Base64."""
    end = text.find("\n", start, stop)
    while 0 <= end < stop:
        following = text.find("\n", end + 1, stop)
        if not _BASE64.search(text, end + 1, stop if following < 0 else following):
            return end
        end = following
    return stop


def _runs(text: str, start: int, stop: int) -> tuple[Span, ...]:
    """The runs of Base64, if at least one looks generated: by chance a single line of a key may not."""
    runs = [run for run in _RUN.finditer(text, start, stop) if not run[0].startswith("\\")]
    if not any(looks_generated(run[0]) for run in runs):
        return ()
    rest = _REST.match(text, runs[-1].end(), stop)
    return (*(run.span() for run in runs), *([rest.span("rest")] if rest else []))
