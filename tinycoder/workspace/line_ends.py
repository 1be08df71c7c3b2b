"""Line ends: a text comes in as line feeds, and what is inserted into it goes out with the ends that it has.

A line ends with ``\\n``, ``\\r\\n`` or ``\\r``, as Python and the Language Server Protocol have it.
"""

BYTE_ORDER_MARK = "\ufeff"


def as_code(text: str) -> str:
    """``text`` as memory, model and symbols read it: each line ends with a line feed, no byte-order mark comes first.

    Its lines and columns stay what they are, but for the mark, which is a column of the first line in an editor.
    """
    return with_line_feeds(text.removeprefix(BYTE_ORDER_MARK))


def with_line_feeds(text: str) -> str:
    """``text`` with line feeds for all line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def line_end_of(text: str) -> str:
    r"""The end for lines that are inserted into ``text``: ``\r\n`` if most of its lines have it, else ``\n``.

    Never ``\r``: what shows it as ``^M`` is still met, what does not take ``\n`` is not.
    """
    n_windows = text.count("\r\n") if "\r" in text else 0
    return "\r\n" if 2 * n_windows > text.count("\n") + text.count("\r") - n_windows else "\n"
