"""What the tests of real editors share: a missing editor, and what is left behind when a test fails."""

import os
from collections.abc import Generator
from typing import NoReturn

import pytest

FAILED = pytest.StashKey[bool]()


def editor_missing(reason: str) -> NoReturn:
    """Skip the test or the file, unless TINYCODER_NEED_EDITORS says that every editor must be there."""
    if os.environ.get("TINYCODER_NEED_EDITORS"):
        pytest.fail(f"{reason} (python tests/editors/install.py)")
    pytest.skip(f"{reason} (python tests/editors/install.py)", allow_module_level=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note on the test that it failed, so that fixtures can leave a picture of the editor."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report
