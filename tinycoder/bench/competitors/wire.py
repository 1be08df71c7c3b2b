"""What the scripts here share: their arguments, and how they answer. See ``tinycoder.bench.peer``."""

import json
import sys

arguments = json.loads(sys.argv[1])


def say(**message):
    """Answer with one line of JSON."""
    print(json.dumps(message), flush=True)  # noqa: T201
