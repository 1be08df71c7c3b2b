"""``tinycoder.open``, as a program uses it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tinycoder
from tests.conftest import LESSON
from tinycoder.errors import ConfigError, TinyCoderError
from tinycoder.library import Workspace
from tinycoder.memory.indexing import index_file_of
from tinycoder.storage.forget_list import add_forgotten, true_path

README = Path(__file__).parents[2] / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
READ = "def read_{}(okapi):\n    quagga_offset = okapi.stride\n    return quagga_offset\n\n\n"
TYPED = "from pkg import io\n\n\ndef write(okapi):\n    quagga_offset = o"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    package = tmp_path / "project" / "pkg"
    package.mkdir(parents=True)
    (package / "io.py").write_text("".join(map(READ.format, "abcdefgh")))
    for n in range(3):
        (package / f"counter_{n}.py").write_text(LESSON.replace("total", f"total_{n}"))
    return package.parent


@pytest.fixture
def own_home(home: Path, tmp_path: Path) -> Path:
    """A home of its own with the model ``counter``."""
    shutil.copytree(home / "models" / "counter", tmp_path / "home" / "models" / "counter")
    return tmp_path / "home"


def texts(workspace: Workspace, text: str) -> tuple[list[str], list[str]]:
    completion = workspace.complete("pkg/new.py", text, len(text))
    return [each.text for each in completion.ghost], [each.text for each in completion.names]


def test_importing_the_package_imports_no_numpy() -> None:
    program = "import sys, tinycoder; sys.exit('numpy' in sys.modules or not callable(tinycoder.open))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_readme_run(
    example: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TINYCODER_HOME", str(tmp_path / "home"))
    exec(compile(example.replace("minutes=10", "steps=2"), "README.md", "exec"), {})
    assert capsys.readouterr().out


def test_a_workspace_completes_from_its_files_and_reads_them_again(own_home: Path, folder: Path) -> None:
    with tinycoder.open(folder, home=own_home, model="counter") as workspace:
        ghost, names = texts(workspace, TYPED)
        assert ghost == ["okapi.stride"]
        assert names[0] == "okapi"
        assert "fresh_function" not in texts(workspace, "from pkg.later import fresh_")[1]
        (folder / "pkg" / "later.py").write_text("def fresh_function():\n    pass\n")
        workspace.refresh()
        assert "fresh_function" in texts(workspace, "from pkg.later import fresh_")[1]
        assert workspace.complete(folder / "pkg" / "new.py", TYPED, len(TYPED)).names[0].text == "okapi"


def test_what_is_left_out_is_not_used(own_home: Path, folder: Path) -> None:
    for options in ({"memory": False}, {"exclude": ["io.py"]}, {"trusted": False}):
        with tinycoder.open(folder, home=own_home, model="counter", **options) as workspace:  # type: ignore[arg-type]
            assert "okapi.stride" not in texts(workspace, TYPED)[0], options
            file = index_file_of(own_home, [folder], workspace.model.tokenizer)
            assert file.exists() == ("exclude" in options)
            file.unlink(missing_ok=True)
    with tinycoder.open(folder, home=own_home, model="counter") as workspace:
        assert texts(workspace, TYPED)[0] == ["okapi.stride"]
        add_forgotten(own_home, [true_path(folder / "pkg" / "io.py")])
        workspace.refresh()
        assert "okapi.stride" not in texts(workspace, TYPED)[0]


def test_what_was_learnt_from_typing_is_kept(own_home: Path, folder: Path) -> None:
    typed = TYPED + "kapi.stride\n    return"
    with tinycoder.open(folder, home=own_home, model="counter") as workspace:
        for end in range(len(TYPED), len(typed) + 1):
            workspace.complete("pkg/new.py", typed[:end], end)
        tokenizer = workspace.model.tokenizer
    assert index_file_of(own_home, [folder], tokenizer).with_suffix(".mixer.json").exists()


def test_a_trained_model_answers(own_home: Path, folder: Path) -> None:
    shares: list[float] = []
    with tinycoder.open(folder, home=own_home) as workspace:
        assert workspace.model.name == "base"
        summary = workspace.train(steps=2, progress=shares.append)
        assert (summary.steps, summary.finished) == (2, True)
        assert summary.after <= summary.before
        assert shares == sorted(shares)
        assert shares[-1] == 1.0
        assert workspace.model.name == summary.name
        assert workspace.model.training.workspaces == (summary.name,)
        stopped = workspace.train(steps=2, name="other", stop=lambda: True)
        assert not stopped.finished
        assert workspace.model.name == summary.name
    with tinycoder.open(folder, home=own_home) as workspace:
        assert workspace.model.name == summary.name


def test_bad_input_is_one_sentence(own_home: Path, folder: Path, tmp_path: Path) -> None:
    for arguments in (
        {"folder": tmp_path / "none"},
        {"folder": folder, "model": "nobody"},
        {"folder": folder, "leave_out": ["moon"]},
    ):
        with pytest.raises(TinyCoderError) as raised:
            tinycoder.open(home=own_home, **arguments)  # type: ignore[arg-type]
        assert "\n" not in str(raised.value)
    with tinycoder.open(folder, home=own_home, model="counter", trusted=False) as workspace:
        for path, offset, words in (("a.py", 2, "outside the text"), ("../a.py", 1, "lies outside")):
            with pytest.raises(ConfigError, match=words):
                workspace.complete(path, "x", offset)
        with pytest.raises(ConfigError, match="not trusted"):
            workspace.train(steps=1)
