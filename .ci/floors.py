"""Print the oldest version of every run-time dependency that pyproject.toml allows, as constraints for pip.

Runs where TinyCoder is installed: Python 3.10 reads no TOML, but what it was installed with says the same.
"""

import re
from importlib.metadata import requires

for requirement in requires("tinycoder") or ():
    found = re.match(r"(?P<name>[A-Za-z0-9._-]+)[^;]*>=(?P<floor>[0-9.]+)", requirement)
    if "extra ==" not in requirement:
        assert found, f"{requirement!r} has no floor"
        print(f"{found['name']}=={found['floor']}")
