"""`tinycoder setup`: files where editors look for them, and nobody's own file changed."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from click.testing import CliRunner, Result

from tinycoder.cli.setup import setup
from tinycoder.editors import installation
from tinycoder.editors.installation import emacs_folder, helix_folder, neovim_folder, own_command
from tinycoder.errors import TinyCoderError

posix = pytest.mark.skipif(os.name == "nt", reason="the fake programs are shell scripts")
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command with an empty home, and a path with what is in ``bin`` only."""
    for name in ("XDG_CONFIG_HOME", "NVIM_APPNAME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "roaming"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return lambda *arguments: CliRunner().invoke(setup, list(arguments))


@pytest.fixture
def extension(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with the extension for Visual Studio Code."""
    packaged = tmp_path / "packaged"
    packaged.mkdir()
    (packaged / "tinycoder.vsix").write_bytes(b"PK")
    monkeypatch.setattr(installation, "PACKAGED", packaged)
    return packaged / "tinycoder.vsix"


def program(tmp_path: Path, name: str, body: str) -> None:
    path = tmp_path / "bin" / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def neovim_file(tmp_path: Path) -> Path:
    return neovim_folder({"HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path / "local")}) / "lua" / "tinycoder.lua"


def refusal(result: Result) -> str:
    assert isinstance(result.exception, TinyCoderError), result.output
    return str(result.exception)


def test_neovim_gets_its_file_and_the_person_a_line(run: Run, tmp_path: Path) -> None:
    first = run("neovim")
    assert first.exit_code == 0, first.output
    text = neovim_file(tmp_path).read_text(encoding="utf-8")
    assert "serve" in text
    assert "require('tinycoder').setup(" in first.stdout
    assert "init.lua" in first.stdout
    assert not (neovim_file(tmp_path).parents[1] / "init.lua").exists()
    assert [path.name for path in neovim_file(tmp_path).parent.iterdir()] == ["tinycoder.lua"]
    assert "is up to date" in run("neovim").stdout


@posix
def test_the_lines_for_neovim_are_those_of_its_page_and_a_key_accepts(run: Run, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "editors" / "neovim.md").read_text(encoding="utf-8")
    documented = page.split("```lua\n")[1].split("```")[0]
    assert "accept = '<Tab>'" in documented
    elsewhere = run("neovim").stdout
    assert "cmd = { " in elsewhere  # nothing of that name is on this path
    printed = [line for line in elsewhere.splitlines() if "cmd = {" not in line]
    assert documented.splitlines() == [
        line.removeprefix("    ") for line in printed if line.removeprefix("    ") in documented.splitlines()
    ]
    (tmp_path / "bin" / "tinycoder").symlink_to(Path(sys.executable).parent / "tinycoder")
    assert "".join(f"    {line}\n" for line in documented.splitlines()) in run("neovim").stdout


def test_a_file_that_was_changed_is_kept_unless_forced(run: Run, tmp_path: Path) -> None:
    run("neovim")
    path = neovim_file(tmp_path)
    bundled = path.read_text(encoding="utf-8")
    path.write_text("-- mine", encoding="utf-8")
    assert "--force" in refusal(run("neovim"))
    assert path.read_text(encoding="utf-8") == "-- mine"
    forced = run("neovim", "--force")
    assert forced.exit_code == 0
    assert "tinycoder.lua.bak" in forced.stdout
    assert path.read_text(encoding="utf-8") == bundled
    assert path.with_name("tinycoder.lua.bak").read_text(encoding="utf-8") == "-- mine"
    path.write_text("-- mine again", encoding="utf-8")
    run("neovim", "--force")
    assert path.with_name("tinycoder.lua.bak").read_text(encoding="utf-8") == "-- mine"
    assert path.with_name("tinycoder.lua.bak2").read_text(encoding="utf-8") == "-- mine again"


@posix
def test_a_link_stays_a_link(run: Run, tmp_path: Path) -> None:
    kept_elsewhere = tmp_path / "dotfiles" / "tinycoder.lua"
    kept_elsewhere.parent.mkdir()
    kept_elsewhere.write_text("-- old")
    neovim_file(tmp_path).parent.mkdir(parents=True)
    neovim_file(tmp_path).symlink_to(kept_elsewhere)
    assert run("neovim", "--force").exit_code == 0
    assert neovim_file(tmp_path).is_symlink()
    assert "serve" in kept_elsewhere.read_text(encoding="utf-8")


@pytest.mark.parametrize("editor", ["neovim", "emacs", "helix"])
def test_print_changes_nothing(run: Run, tmp_path: Path, editor: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    result = run(editor, "--print")
    assert result.exit_code == 0
    assert "serve" in result.stdout
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["tinycoder.lua", "tinycoder.el", "helix.toml"])
def test_packaged_files_name_no_folder_of_a_machine(name: str) -> None:
    text = (installation.PACKAGED / name).read_text(encoding="utf-8")
    assert sys.prefix not in text
    assert "/home/" not in text
    assert '"tinycoder"' in text or "'tinycoder'" in text


def test_emacs_gets_its_file_where_emacs_looks(run: Run, tmp_path: Path) -> None:
    result = run("emacs")
    assert result.exit_code == 0
    folder = emacs_folder({"HOME": str(tmp_path), "APPDATA": str(tmp_path / "roaming")})
    assert "(provide 'tinycoder)" in (folder / "tinycoder.el").read_text(encoding="utf-8")
    assert '(load (locate-user-emacs-file "tinycoder"))' in result.stdout
    assert "setq tinycoder-command" in result.stdout  # nothing of that name is on this path
    assert not (folder / "init.el").exists()


def test_a_new_helix_file_is_written_and_an_old_one_left_alone(run: Run, tmp_path: Path) -> None:
    path = helix_folder({"HOME": str(tmp_path), "APPDATA": str(tmp_path / "roaming")}) / "languages.toml"
    assert run("helix").exit_code == 0
    assert "[language-server.tinycoder]" in path.read_text(encoding="utf-8")
    assert "is up to date" in run("helix").stdout
    path.write_text("# mine\n", encoding="utf-8")
    for options in ([], ["--force"]):
        result = run("helix", *options)
        assert result.exit_code == 0
        assert "Add these lines" in result.stdout
        assert "[language-server.tinycoder]" in result.stdout
        assert path.read_text(encoding="utf-8") == "# mine\n"
    path.write_text("[language-server.tinycoder]\ncommand = 'other'\n", encoding="utf-8")
    said = run("helix").stdout
    assert "Add these lines" not in said
    assert "[language-server.tinycoder] starts another command" in said


@posix
def test_a_folder_that_cannot_be_written_is_one_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".config").write_text("in the way")
    assert "cannot" in refusal(run("neovim"))
    assert (tmp_path / ".config").read_text() == "in the way"


def test_where_editors_look(tmp_path: Path) -> None:
    here = str(tmp_path)
    unix = {"HOME": here}
    assert neovim_folder(unix, windows=False) == tmp_path / ".config" / "nvim"
    assert neovim_folder({**unix, "NVIM_APPNAME": "lazy"}, windows=False).name == "lazy"
    assert neovim_folder({**unix, "XDG_CONFIG_HOME": "/etc/xdg"}, windows=False) == Path("/etc/xdg/nvim")
    assert neovim_folder({"LOCALAPPDATA": here}, windows=True) == tmp_path / "nvim"
    assert neovim_folder({"USERPROFILE": here}, windows=True) == tmp_path / "AppData" / "Local" / "nvim"
    assert helix_folder(unix, windows=False) == tmp_path / ".config" / "helix"
    assert helix_folder({"APPDATA": here}, windows=True) == tmp_path / "helix"
    assert emacs_folder(unix, windows=False) == tmp_path / ".emacs.d"
    (tmp_path / ".config" / "emacs").mkdir(parents=True)
    assert emacs_folder(unix, windows=False) == tmp_path / ".config" / "emacs"
    (tmp_path / ".emacs").touch()
    assert emacs_folder(unix, windows=False) == tmp_path / ".emacs.d"
    assert emacs_folder({"APPDATA": here}, windows=True) == tmp_path / ".emacs.d"


@posix
def test_the_bare_name_only_where_every_program_finds_it(tmp_path: Path) -> None:
    script = Path(sys.executable).parent / "tinycoder"
    if not script.is_file():
        pytest.skip("the tests run without an installed command")
    assert own_command({"PATH": str(tmp_path)}).on_path is None
    assert own_command({"PATH": str(tmp_path)}).argv == (str(script),)
    (tmp_path / "tinycoder").symlink_to(script)
    assert own_command({"PATH": str(tmp_path)}).argv == ("tinycoder",)
    (tmp_path / "tinycoder").unlink()
    (tmp_path / "tinycoder").write_text("#!/bin/sh\n")
    (tmp_path / "tinycoder").chmod(0o755)
    other = own_command({"PATH": str(tmp_path)})
    assert not other.ours
    assert other.argv == (str(script),)
    if sys.prefix != sys.base_prefix:
        activated = own_command({"PATH": str(script.parent)})
        assert activated.ours
        assert activated.argv == (str(script),)


@posix
def test_vscode_installs_the_extension_in_every_editor_of_its_kind(run: Run, tmp_path: Path, extension: Path) -> None:
    for name in ("code", "codium"):
        program(tmp_path, name, f'echo "$@" > "{tmp_path}/{name}.txt"')
    printed = run("vscode", "--print")
    assert printed.stdout.splitlines() == [
        f"code --install-extension {extension}",
        f"codium --install-extension {extension}",
    ]
    assert not (tmp_path / "code.txt").exists()
    done = run("vscode")
    assert done.exit_code == 0, done.output
    assert "codium: the extension is installed" in done.stdout
    assert "tinycoder.server.command" in done.stdout
    for name in ("code", "codium"):
        assert (tmp_path / f"{name}.txt").read_text().split() == ["--install-extension", str(extension)]
    run("vscode", "--force")
    assert "--force" in (tmp_path / "code.txt").read_text()


@posix
def test_what_vscode_refuses_is_said(run: Run, tmp_path: Path, extension: Path) -> None:
    program(tmp_path, "code", "echo 'not compatible' >&2; exit 3")
    says = refusal(run("vscode"))
    assert "not compatible" in says
    assert "exit code 3" in says
    program(tmp_path, "codium", "true")
    done = run("vscode")
    assert done.exit_code == 1
    assert "codium: the extension is installed" in done.stdout
    assert "Reload the window" in done.stdout
    assert "exit code 3" in str(done.exception)


def test_vscode_without_its_command_says_what_to_do(run: Run, extension: Path) -> None:
    assert str(extension) in refusal(run("vscode"))


@posix
def test_vscode_takes_an_extension_that_was_built_elsewhere(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "PACKAGED", tmp_path)  # this installation carries none
    monkeypatch.chdir(tmp_path)
    program(tmp_path, "code", f'echo "$@" > "{tmp_path}/code.txt"')
    with ZipFile("own.vsix", "w") as archive:
        archive.writestr("extension/package.json", "{}")
    done = run("vscode", "--vsix", "own.vsix")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "code.txt").read_text().split() == ["--install-extension", str(tmp_path / "own.vsix")]


@pytest.mark.parametrize(
    ("file", "problem"), [("missing.vsix", "not there"), ("text.vsix", "not an extension"), (".", "not an extension")]
)
def test_vscode_refuses_what_is_no_extension(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.vsix").write_text("PK is how it begins, and no more")
    says = refusal(run("vscode", "--vsix", file))
    assert says.startswith(f"{file} is {problem}")
    assert "make client" in says


def test_an_extension_for_another_editor_is_refused(run: Run, tmp_path: Path) -> None:
    done = run("neovim", "--vsix", "own.vsix")
    assert done.exit_code == 2
    assert "--vsix is the extension for VS Code" in done.output
    assert not neovim_file(tmp_path).exists()


def test_vscode_without_the_extension_names_commands_that_install_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "PACKAGED", tmp_path)
    says = refusal(run("vscode"))
    assert "`make client`" in says
    assert "`tinycoder setup vscode --vsix vscode-client/dist/tinycoder.vsix`" in says
