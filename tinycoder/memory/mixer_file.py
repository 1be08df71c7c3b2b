"""The weights that mix a workspace's memory with the model, kept from one session to the next.

Losing such a file costs a little learning and is no error.
"""

import json
import logging
from pathlib import Path

from tinycoder.errors import CheckpointError
from tinycoder.memory.mixer import Mixer, from_tables, to_tables
from tinycoder.storage.atomic import replace_text
from tinycoder.validate import DataError, from_json

logger = logging.getLogger(__name__)


class MixerFile:
    """A mixer and its file: the mixer starts with the file's weights, and ``save`` writes what it learnt since."""

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
        weights = list(self._mixer.weights)
        try:
            replace_text(self._file, json.dumps(to_tables(self._mixer)))
        except OSError as error:
            logger.warning("cannot keep what was learnt in %s (%s)", self._file, error.strerror or error)
        else:
            self._saved = weights


def load_mixer(file: Path) -> Mixer | None:
    """The mixer in ``file``; None if there is none, or a damaged one, which is a line in the log."""
    try:
        return from_tables(from_json(file.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, DataError, CheckpointError) as error:
        logger.warning("%s is not used: %s", file, str(error).splitlines()[0])
        return None
