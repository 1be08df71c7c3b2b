"""Look the run-time dependencies that are installed up in an advisory database, where that can be reached.

Fails if a known vulnerability concerns one of them. Where the database cannot be reached, or answers for none of them
(as a mirror does that has packages only), that is said in a line, and nothing fails.
"""

import json
import re
import subprocess
import sys
import tempfile
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

SKIPPED = "audit: skipped, the advisory service cannot be reached"
PATIENCE_S = 120  # in all; an answer takes a second
OFFLINE = re.compile(r"requests\.exceptions\.|urllib3\.exceptions\.|ConnectionError|Could not connect|[Tt]imed out")


def pinned(name: str) -> dict[str, str]:
    """The installed versions of what ``name`` needs at run time, and what that needs in turn."""
    found: dict[str, str] = {}
    pending = [Requirement(name)]
    while pending:
        of = pending.pop()
        for text in distribution(of.name).requires or ():
            needed = Requirement(text)
            extras = of.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                version = distribution(needed.name).version
                if found.get(needed.name) != version:
                    found[needed.name] = version
                    pending.append(needed)
    return found


def audit(pins: dict[str, str]) -> tuple[int, str]:
    """The exit code and what to say."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "pins.txt")
        wanted.write_text("".join(f"{name}=={version}\n" for name, version in sorted(pins.items())), encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(wanted), "--no-deps", "--disable-pip"]
        command += ["--format", "json", "--desc", "off", "--progress-spinner", "off", "--timeout", "10"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        except subprocess.TimeoutExpired:
            return 0, SKIPPED
    return verdict(done.returncode, done.stdout, done.stderr)


def verdict(code: int, out: str, err: str) -> tuple[int, str]:
    """What pip-audit's exit code and output amount to."""
    try:
        dependencies = json.loads(out)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return (0, SKIPPED) if OFFLINE.search(err) else (1, f"audit: pip-audit failed with code {code}\n{err}")
    looked_up = [each for each in dependencies if "skip_reason" not in each]
    if not looked_up:
        return 0, SKIPPED
    lines = [
        f"audit: {each['name']} {each['version']}: {found['id']}, fixed in {', '.join(found['fix_versions']) or '-'}"
        for each in looked_up
        for found in each["vulns"]
    ]
    unknown = [each["name"] for each in dependencies if "skip_reason" in each]
    told = f"audit: {len(looked_up)} dependencies looked up, {len(lines)} advisories"
    told += f"; not looked up: {', '.join(unknown)}" if unknown else ""
    return bool(lines), "\n".join([*lines, told])


if __name__ == "__main__":
    exit_code, said = audit(pinned("tinycoder"))
    print(said)
    sys.exit(exit_code)
