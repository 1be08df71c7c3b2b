"""Helpers for the tests of real editors: homes, missing editors, and evidence of failures."""

import os
import shutil
import sys
from collections.abc import Generator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.editors import install
from tinycoder.storage.models import workspace_model_name

FAILED = pytest.StashKey[bool]()
FRESH = 'if __name__ == "__ma'  # any model of Python continues with: in__":


def own_home(home: Path, workspace: Path, target: Path) -> Path:
    """A copy of a home in which the model ``counter`` is the workspace's own, so that it answers there by itself."""
    shutil.copytree(home, target)
    (target / "models" / "counter").rename(target / "models" / workspace_model_name(workspace))
    return target


def editor_missing(reason: str) -> NoReturn:
    """Skip the test or the file, unless TINYCODER_NEED_EDITORS says that every editor must be there."""
    if os.environ.get("TINYCODER_NEED_EDITORS"):
        pytest.fail(f"{reason} (python tests/editors/install.py)")
    pytest.skip(f"{reason} (python tests/editors/install.py)", allow_module_level=True)


def vscode_browser(version: str = install.CODE_SERVER) -> str:
    """The browser in which that VS Code can be driven here; the test is skipped where something is missing."""
    program = install.browser()
    if not sys.platform.startswith("linux"):
        editor_missing("VS Code without a screen is driven on Linux only")
    if program is None:
        editor_missing("Chromium is not installed")
    if not install.vscode_server(version).exists() or not install.node(version).exists():
        editor_missing("the VS Code server is not installed")
    if install.extension() is None:
        editor_missing("the extension was not built")
    return program


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note on the test that it failed, so that fixtures can leave a picture of the editor."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report
