"""What the documents tell a person to type exists."""

import re
from pathlib import Path

import click
import pytest

from tinycoder.cli import cli

REPOSITORY = Path(__file__).parents[2]
EDITORS = ("README", "vscode", "neovim", "emacs", "helix", "other")
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/reliability.md",
    "docs/benchmarks.md",
    "docs/targets.md",
    "docs/decisions.md",
    "docs/architecture.md",
    "docs/ablation.md",
    "docs/growth.md",
    "vscode-client/README.md",
    *(f"docs/editors/{name}.md" for name in EDITORS),
]


def commands() -> list[str]:
    found = []
    for page in PAGES:
        text = (REPOSITORY / page).read_text(encoding="utf-8")
        found += re.findall(r"^\$ (tinycoder .*)$", text, re.MULTILINE)
        found += re.findall(r"`(tinycoder [a-z][^`]*)`", text)
    return found


def slug(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_links_and_paths_of_a_page_exist(page: str) -> None:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        path, _, anchor = link.partition("#")
        target = (REPOSITORY / page).parent / path if path else REPOSITORY / page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), link
    for path in re.findall(r"[`(]((?:tests|benchmarks|training|tinycoder|server|docs|\.ci)/[\w/.-]*\w)[`)]", text):
        assert (REPOSITORY / path).exists(), path


def test_the_readme_is_short_and_its_moving_picture_is_there_for_both_themes() -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert "prefers-color-scheme: dark" in text
    pictures = [REPOSITORY / name for name in re.findall(r'src(?:set)?="([^"]+)"', text)]
    assert len(pictures) == 2
    for picture in pictures:
        assert picture.read_bytes().startswith(b"GIF89a")
        assert picture.stat().st_size < 1_500_000


def test_the_readme_shows_commands() -> None:
    assert len(commands()) >= 8


@pytest.mark.parametrize("command", commands())
def test_documented_commands_parse(command: str) -> None:
    words = [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', command)][1:]
    found: click.Command = cli
    while isinstance(found, click.Group):
        found = found.commands[words.pop(0)]
    assert found.make_context("tinycoder", words).params


def test_every_file_in_the_tree_exists() -> None:
    tree = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8").split("## The tree")[1].split("```")[1]
    names = [
        name for line in tree.strip().splitlines()[1:] for name in re.findall(r"^ *((?:[\w/-]+(?:/|\.py) ?)+)", line)
    ]
    assert len(names) > 25
    for name in " ".join(names).split():
        found = (REPOSITORY.glob(f"{root}{name}") for root in ("", "t*/", "*/tinycoder_lsp/", "t*/*/"))
        assert any(path for paths in found for path in paths), name


def test_every_test_that_the_editors_page_names_exists() -> None:
    page = (REPOSITORY / "docs" / "editors" / "README.md").read_text(encoding="utf-8")
    rows = page.split("## What works where")[1]
    named = set(re.findall(r"`([a-z_0-9]+)`", rows))
    sources = [*(REPOSITORY / "tests" / "editors").rglob("*.py"), *(REPOSITORY / "tests" / "editors").rglob("*.lua")]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    there = set(re.findall(r"(?:def |function cases\.)(\w+)\(", text))
    assert len(named) > 40
    assert named <= there, named - there
