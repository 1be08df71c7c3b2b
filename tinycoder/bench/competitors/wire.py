"""The arguments and the answers of the scripts here. See ``tinycoder.bench.competitor``."""

import json
import sys

arguments = json.loads(sys.argv[1])


def say(**message):
    """Answer with one line of JSON."""
    print(json.dumps(message), flush=True)  # noqa: T201
