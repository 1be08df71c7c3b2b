"""Why a file of the workspace is neither remembered nor learnt from, as ``tinycoder train --list`` says it."""

from collections.abc import Sequence
from pathlib import Path

from tinycoder.errors import TinyCoderError
from tinycoder_lsp.documents.positions import file_path


def left_out(uri: str, folders: Sequence[Path], exclude: Sequence[str], home: Path) -> str | None:
    """The reason; ``None`` for a file that is read, and for one that is in none of the ``folders``.

    ``exclude`` are patterns of files to leave out, and ``home`` holds the list of what is forgotten.
    """
    from tinycoder.storage.forget_list import load_forgotten
    from tinycoder.workspace import python_file, tree

    try:
        forgotten = load_forgotten(home)
        found = [tree.walk_to(file_path(uri), folder, exclude=exclude, forgotten=forgotten) for folder in folders]
    except TinyCoderError:  # whoever reads the workspace says so
        return None
    reasons = [python_file.left_out(each) for each in found if each is not None]
    return reasons[0] if reasons and all(reasons) else None
