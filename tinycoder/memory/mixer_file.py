"""The weights with which a workspace's memory and model are mixed, kept from one session to the next.

Knows files and mixers, no engine. Losing such a file costs a little learning and is no fault.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from tinycoder.errors import CheckpointError
from tinycoder.storage.atomic import replace_text

if TYPE_CHECKING:
    from tinycoder.memory.mixer import Mixer

logger = logging.getLogger(__name__)


class MixerFile:
    """A mixer and its file: what the file says is taken over at once, and ``save`` writes what was learnt since."""

    def __init__(self, mixer: Mixer, file: Path) -> None:
        self._mixer = mixer
        self._file = file
        kept = load_mixer(file)
        if kept is not None:
            mixer.weights, mixer.steps = kept.weights, kept.steps
        self._saved = list(mixer.weights)

    def save(self) -> None:
        """Write the weights if they have changed. A disk that refuses is a line in the log."""
        if self._mixer.weights == self._saved:
            return
        from tinycoder.memory.mixer import to_tables

        weights = list(self._mixer.weights)
        try:
            replace_text(self._file, json.dumps(to_tables(self._mixer)))
        except OSError as error:
            logger.warning("cannot keep what was learnt in %s (%s)", self._file, error.strerror or error)
        else:
            self._saved = weights


def load_mixer(file: Path) -> Mixer | None:
    """The mixer in ``file``; None if there is none, or a damaged one, which is a line in the log."""
    from tinycoder.memory.mixer import from_tables

    try:
        tables = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(tables, dict):
            raise CheckpointError("the mixture's weights cannot be read; they are learnt again")
        return from_tables(tables)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError, CheckpointError) as error:
        logger.warning("%s is not used: %s", file, str(error).splitlines()[0])
        return None
