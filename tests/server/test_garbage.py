"""At rest, memory that is free between what is in use goes back to the system."""

import json
import platform
import subprocess
import sys

import pytest

HOLES = """
import gc, json, re
from pathlib import Path
from tinycoder_lsp.engine import garbage

def resident():
    return int(re.findall(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[0])

garbage.wait_for_rest()
blocks = [bytes(2000) for _ in range(50_000)]
del blocks[: len(blocks) - 100]  # the last ones keep the rest from being returned
freed = resident()
garbage.collect()
few = resident()
for _ in range(garbage._MANY):
    gc.collect(1)
garbage.collect()
print(json.dumps([freed, few, resident()]))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps nothing, or cannot be asked")
def test_free_memory_is_returned_once_enough_may_be_garbage() -> None:
    said = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True).stdout
    freed, few, after = json.loads(said)
    assert few > 0.9 * freed
    assert after < freed - 50_000  # kB
