"""What a person may set in the editor, under the section ``tinycoder``.

Every setting is a field with a default, a description and the values it accepts. ``configuration`` reads what an
editor sends by them, and the page of settings and the VS Code extension's manifest are made from them.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TypeVar

from tinycoder.config import PRESETS

SECTION = "tinycoder"
GONE = frozenset({f"{SECTION}.training.idle"})  # settings that were, and that editors may still send

_T = TypeVar("_T")


def _setting(
    default: _T,
    meaning: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
) -> _T:
    """A field with its description and the values it accepts."""
    metadata = {"meaning": meaning, "minimum": minimum, "maximum": maximum, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class InlineSettings:
    """Ghost text."""

    enable: bool = _setting(True, "Offer the rest of the line as ghost text.")
    max_tokens: int = _setting(64, "The longest suggestion, in tokens.", minimum=1)
    alternatives: int = _setting(3, "Suggestions to offer when the person asks for ghost text.", minimum=1)
    deadline_ms: int = _setting(
        2000, "Milliseconds after which a suggestion is not worth waiting for.", minimum=1, maximum=60_000
    )
    trigger: str = _setting(
        "automatic",
        "When to offer ghost text: while typing, or only when the person asks for it.",
        choices=("automatic", "manual"),
    )
    debounce_ms: int = _setting(
        0,
        "Milliseconds of quiet before a new suggestion is thought about; one that is typed through stays at once.",
        minimum=0,
        maximum=5000,
    )
    threshold: float = _setting(
        0.3,  # tinycoder.complete.confidence.THRESHOLD, which is not imported here: it comes with numpy
        "How probable the first word of a suggestion must be, from 0 (offer everything) to 1 (hardly anything).",
        minimum=0,
        maximum=1,
    )
    block: str = _setting(
        "explicit",
        "When to offer several lines: never (single lines only), when the person asks for ghost text, or also by "
        "itself after a line that opens a block.",
        choices=("off", "explicit", "automatic"),
    )
    max_lines: int = _setting(12, "The most lines of a suggestion of several lines.", minimum=1)
    prose: str = _setting(
        "sure",
        "When to offer ghost text in comments and strings: never, where it is nearly certain, or as in code. It is "
        "always offered when the person asks for it.",
        choices=("off", "sure", "on"),
    )


@dataclass(frozen=True, kw_only=True)
class PopupSettings:
    """The completion list."""

    enable: bool = _setting(True, "Offer names in the editor's completion list.")
    limit: int = _setting(20, "The most names to offer at a time.", minimum=1)
    imports: bool = _setting(True, "Offer names of other files together with the import that they need.")
    deadline_ms: int = _setting(
        250,
        "Milliseconds after which the list is answered empty; some editors show no list before.",
        minimum=1,
        maximum=60_000,
    )


@dataclass(frozen=True, kw_only=True)
class MemorySettings:
    """What is known of the workspace and the open files."""

    enable: bool = _setting(True, "Learn what the workspace and the open files contain; else the model answers alone.")


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Training that is started from the editor."""

    minutes: float = _setting(10.0, "How long to train on the workspace, in minutes.", minimum=0.01, maximum=10_000)
    preset: str | None = _setting(
        None, "Size of the model to train; without it what `tinycoder train` takes by default.", choices=tuple(PRESETS)
    )


@dataclass(frozen=True, kw_only=True)
class StatisticsSettings:
    """The outcomes of suggestions."""

    enable: bool = _setting(
        True, "Count on this machine how many suggestions were shown and taken, for `tinycoder stats`."
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings. The names on the wire are in camel case."""

    enable: bool = _setting(True, "Complete at all.")
    disabled_languages: tuple[str, ...] = _setting(
        (), "Languages, by the editor's names for them, in which nothing is completed."
    )
    exclude: tuple[str, ...] = _setting(
        (),
        "Files that are not completed, remembered or trained on: patterns as in .gitignore, relative to the folder.",
    )
    max_file_kb: int = _setting(1000, "Documents of more kilobytes are quietly left alone.", minimum=1)
    trusted: bool = _setting(
        True,
        "Whether the workspace may be read and trained on. Editors that ask whether its authors are trusted send this.",
    )
    model: str | None = _setting(
        None,
        "Name or folder of the model; without it the workspace's own model is used, else `base`.",
    )
    python: str | None = _setting(
        None,
        "The workspace's Python: an interpreter, or the folder of an environment. Its packages are read, never run; "
        "without it the environment is looked for as editors do.",
    )
    log_level: str | None = _setting(
        None,
        "How much goes to the log; without it what `tinycoder serve --log-level` says.",
        choices=("debug", "info", "warning", "error"),
    )
    inline: InlineSettings = dataclasses.field(default_factory=InlineSettings)
    popup: PopupSettings = dataclasses.field(default_factory=PopupSettings)
    memory: MemorySettings = dataclasses.field(default_factory=MemorySettings)
    training: TrainingSettings = dataclasses.field(default_factory=TrainingSettings)
    statistics: StatisticsSettings = dataclasses.field(default_factory=StatisticsSettings)
