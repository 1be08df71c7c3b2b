"""A person's own settings, which no workspace can change: a file in the folder for a user's configuration.

An editor delivers its settings merged with the workspace's. Only our extension for VS Code vouches that what it sends
of ``remote`` is the person's alone.
"""

import tomllib
from pathlib import Path

import platformdirs

from tinycoder_lsp.configuration import read_section
from tinycoder_lsp.settings import RemoteSettings

MAX_BYTES = 100_000


def personal_file() -> Path:
    """Where the file is looked for."""
    return Path(platformdirs.user_config_dir("tinycoder", appauthor=False)) / "settings.toml"


def read_personal(file: Path) -> tuple[RemoteSettings, list[str]]:
    """What the file says of ``remote``, and a sentence for each mistake; nothing where there is no file."""
    try:
        if not file.is_file():
            return RemoteSettings(), []
        if file.stat().st_size > MAX_BYTES:
            return RemoteSettings(), [f"{file} is too long for settings; nothing of it is used"]
        table = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, RuntimeError) as error:
        return RemoteSettings(), [f"{file} cannot be read ({error}); nothing of it is used"]
    except (ValueError, RecursionError) as error:
        return RemoteSettings(), [f"{file} is not TOML ({error}); nothing of it is used"]
    others = sorted(table.keys() - {"remote"})
    settings, problems = read_section(RemoteSettings(), table.get("remote"), "remote")
    problems += [f"the table {name} is unknown; known is remote" for name in others]
    return settings, [f"{file}: {problem}" for problem in problems]
