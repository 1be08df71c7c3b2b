"""Every command where a stream is closed, a folder is gone or nobody has a home: one sentence, never a traceback."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest

from tests.cli.command import command, environment, refused, tinycoder, write_adders
from tinycoder.cli import cli
from tinycoder.cli.signals import stop_on_signals
from tinycoder.storage.checkpoint import load_state

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows closes and signals otherwise")

PROJECT, TYPING = "{project}", "{project}/add_0.py"
COMMANDS = (
    ["train", PROJECT, "--preset", "nano", "--steps", "1", "--overwrite", "--name", "m"],
    ["train", "--list"],
    ["corpus", PROJECT, "--out", f"{PROJECT}-shards", "--processes", "1"],
    ["forget", TYPING],
    ["forget", "--list"],
    ["forget", "--undo", "nothing.py"],
    ["complete", f"{TYPING}:1:5"],
    ["generate", "def f", "--max-tokens", "1"],
    ["generate", "-", "--max-tokens", "1", "--stream"],
    ["serve"],
    ["serve", "--tcp", "--host", "999.1.1.1"],
    ["checkpoint", "list"],
    ["checkpoint", "show", "base"],
    ["checkpoint", "copy", "base", "copied"],
    ["checkpoint", "remove", "nothing"],
    ["evaluate", PROJECT, "--cursors", "1", "--typing", "0", "--bytes", "50", "--no-baselines"],
    ["bench", "decode", "--seconds", "0.01", "--no-competitors", "--model", "base"],
    ["demo", "--minutes", "0.001"],
    ["doctor"],
    ["stats"],
    ["setup", "neovim", "--print"],
    ["setup", "helix"],
    ["--version"],
    [],
)
SLOW = ("demo", "bench", "doctor")  # not where they would do all their work
UNKNOWN_USER = """
import pwd
def unknown(number):
    raise KeyError(number)
pwd.getpwuid = unknown
from tinycoder.__main__ import main
main()
"""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """How a command is started: words of the shell around it, what its environment lacks or has, its program."""

    shell: str = 'exec "$0" "$@"'
    environment: dict[str, str | None] = field(default_factory=dict)
    program: tuple[str, ...] = ("-m", "tinycoder")
    obeys_rights: bool = False  # also as root, who otherwise may do everything
    fails: bool = False  # every command that prints anything


_DATA = ("HOME", "TINYCODER_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")
CONDITIONS = {
    "standard input closed": Condition(shell='exec "$0" "$@" <&-'),
    "standard output closed": Condition(shell='exec "$0" "$@" >&-', fails=True),
    "standard error closed": Condition(shell='exec "$0" "$@" 2>&-'),
    "all streams closed": Condition(shell='exec "$0" "$@" <&- >&- 2>&-', fails=True),
    "the reader gone": Condition(shell='set -o pipefail; "$0" "$@" | true', fails=True),
    "the reader of both gone": Condition(shell='set -o pipefail; "$0" "$@" 2>&1 | true', fails=True),
    "the current folder deleted": Condition(shell='mkdir "$PLACE"; cd "$PLACE"; rmdir "$PLACE"; exec "$0" "$@"'),
    "a user without a home": Condition(environment=dict.fromkeys(_DATA), program=("-c", UNKNOWN_USER)),
    "a home below a file": Condition(environment={"TINYCODER_HOME": TYPING, "XDG_CONFIG_HOME": TYPING}),
    "the home of nobody": Condition(environment={"TINYCODER_HOME": "~nobody-of-this-name/x"}),
    "a home to look at only": Condition(
        environment={"TINYCODER_HOME": "{locked}", "XDG_CONFIG_HOME": "{locked}"}, obeys_rights=True
    ),
    "another's home": Condition(environment={**dict.fromkeys(_DATA), "HOME": "{hidden}"}, obeys_rights=True),
    "a home that is another's": Condition(environment={"TINYCODER_HOME": "{hidden}"}, obeys_rights=True),
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("conditions")
    write_adders(folder / "project", 6)
    for name, rights in (("locked", 0o500), ("hidden", 0o000)):
        (folder / name).mkdir(mode=rights)
    yield {name: str(folder / name) for name in ("project", "locked", "hidden", "home")}
    for name in ("locked", "hidden"):
        (folder / name).chmod(0o700)


def test_the_table_has_every_command() -> None:
    assert {arguments[0] for arguments in COMMANDS if arguments} - {"--version"} == set(cli.commands)


@pytest.mark.parametrize("name", CONDITIONS)
def test_every_command_under_every_condition(name: str, places: dict[str, str], tmp_path: Path) -> None:
    condition = CONDITIONS[name]
    variables = {**environment(Path(places["home"])), "HOME": places["home"], "PLACE": str(tmp_path / "gone")}
    for variable, value in condition.environment.items():
        variables.pop(variable, None)
        if value is not None:
            variables[variable] = value.format(**places)

    powers = "-dac_override,-dac_read_search"
    obedient = ["setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}"]
    before = obedient if condition.obeys_rights and os.geteuid() == 0 and shutil.which("setpriv") else []

    def run(arguments: list[str]) -> None:
        place = tmp_path / f"of {COMMANDS.index(arguments)}"
        place.mkdir()
        done = subprocess.run(
            [
                *before,
                "bash",
                "-c",
                condition.shell,
                sys.executable,
                *condition.program,
                *(a.format(**places) for a in arguments),
            ],
            env=variables | {"PLACE": str(place / "gone")},
            cwd=place,
            stdin=None if "<&-" in condition.shell else subprocess.DEVNULL,
            capture_output=True,
            timeout=300,
            check=False,
        )
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        assert "Traceback" not in said, (arguments, said)
        assert "Exception ignored" not in said, (arguments, said)
        assert done.returncode in (0, 1, 2), (arguments, done.returncode, said)
        assert not list(place.iterdir()), (arguments, "left something in the current folder")

    chosen = [each for each in COMMANDS if condition.fails or not (each and each[0] in SLOW)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, chosen))


@pytest.mark.parametrize(
    ("shell", "arguments", "code", "words"),
    [
        ('exec "$0" "$@" <&-', ["generate", "-"], 1, "standard input cannot be read"),
        ('exec "$0" "$@" <&-', ["checkpoint", "list"], 0, ""),
        ('exec "$0" "$@" >&-', ["checkpoint", "list"], 1, "standard input or output"),
        ('exec "$0" "$@" 2>&-', ["checkpoint", "list"], 0, ""),
        ('mkdir x; cd x; rmdir ../x; exec "$0" "$@"', ["train"], 1, "the current folder has been removed"),
        ('mkdir x; cd x; rmdir ../x; exec "$0" "$@"', ["checkpoint", "list"], 0, ""),
        ('unset HOME; TINYCODER_HOME="~nobody-there/x" exec "$0" "$@"', ["stats"], 1, "set HOME, or TINYCODER_HOME"),
    ],
)
def test_what_is_said_then(tmp_path: Path, shell: str, arguments: list[str], code: int, words: str) -> None:
    argv = ["bash", "-c", shell, *command(*arguments)]
    done = subprocess.run(argv, env=environment(tmp_path), cwd=tmp_path, capture_output=True, check=False, timeout=60)
    said = done.stderr.decode()
    assert done.returncode == code, said
    assert words in said
    assert len(said.splitlines()) == bool(words)


INTERRUPTED_IMPORT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job may ignore it
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "tinycoder.cli.train":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from tinycoder.__main__ import main
main()
"""
INTERRUPTED_END = """
import atexit, os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))
from tinycoder.__main__ import main
main()
"""


@pytest.mark.parametrize("program", [INTERRUPTED_IMPORT, INTERRUPTED_END])
def test_ctrl_c_before_and_after_the_command_is_a_sentence(tmp_path: Path, program: str) -> None:
    argv = [sys.executable, "-c", program, "checkpoint", "list"]
    done = subprocess.run(argv, env=environment(tmp_path), capture_output=True, check=False, timeout=60)
    assert done.stderr.decode() == "tinycoder: interrupted\n"
    assert done.returncode == 130


def test_a_run_whose_terminal_is_closed_is_saved(tmp_path: Path) -> None:
    import pty

    repository, home = write_adders(tmp_path / "project", 6), tmp_path / "home"
    main_end, terminal = pty.openpty()
    arguments = command("train", repository, "--preset", "nano", "--steps", "100000", "--name", "m")
    argv = [sys.executable, "-c", _CONTROLLED, *arguments]
    streams = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
    process = subprocess.Popen(argv, env=environment(home), start_new_session=True, **streams)  # type: ignore[call-overload]
    os.close(terminal)
    said = b""
    while b"step 1" not in said:
        said += os.read(main_end, 1 << 12)
    os.close(main_end)  # the terminal's window is closed
    try:
        assert process.wait(timeout=120) == 130
    finally:
        process.kill()
        process.wait()
    assert load_state(home / "models" / "m").metadata["step"] >= 1


_CONTROLLED = (  # by a terminal, and with the default for SIGHUP, which ``nohup`` around the tests would have ignored
    "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "signal.signal(signal.SIGHUP, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)


def test_a_hangup_that_the_caller_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signals() as asked:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not asked()
    finally:
        signal.signal(signal.SIGHUP, before)


def commands_with_names(group: click.Group = cli, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, each in group.commands.items():
        if isinstance(each, click.Group):
            yield from commands_with_names(each, (*above, name))
        else:
            yield (*above, name)


def parameters(kind: Callable[[click.Parameter], bool]) -> list[tuple[tuple[str, ...], str]]:
    """The options of this kind, each with its command and the arguments that this needs."""
    found = []
    for names in commands_with_names():
        each: click.Command = cli
        for name in names:
            assert isinstance(each, click.Group)
            each = each.commands[name]
        needed = tuple("a.py:1:1" for p in each.params if isinstance(p, click.Argument) and p.required)
        found += [((*names, *needed), p.opts[0]) for p in each.params if isinstance(p, click.Option) and kind(p)]
    return found


def takes_text(parameter: click.Parameter) -> bool:
    return isinstance(parameter.type, (click.Path, click.types.StringParamType)) and parameter.opts != ["--stop"]


@pytest.mark.parametrize(("names", "option"), parameters(takes_text))
def test_no_option_takes_an_empty_text(tmp_path: Path, names: tuple[str, ...], option: str) -> None:
    done = tinycoder_here(tmp_path, *names, option, "")
    assert "it is empty" in done or "is not one of" in done


@pytest.mark.parametrize("value", ["nan", "inf"])
@pytest.mark.parametrize(("names", "option"), parameters(lambda p: isinstance(p.type, click.FloatRange)))
def test_no_option_takes_what_is_no_number(tmp_path: Path, names: tuple[str, ...], option: str, value: str) -> None:
    done = tinycoder_here(tmp_path, *names, option, value)
    assert "finite number" in done or "range" in done


def tinycoder_here(home: Path, *arguments: str) -> str:
    """What a refused command says on standard error, in this process."""
    from tests.cli.command import invoke

    result = invoke(home, *arguments)
    assert result.exit_code == 2, result.output
    return result.stderr


@pytest.mark.parametrize("arguments", [["train", ""], ["forget", ""], ["evaluate", ""], ["--home", "", "stats"]])
def test_an_empty_path_is_not_the_current_folder(tmp_path: Path, arguments: list[str]) -> None:
    refused(tinycoder(tmp_path / "home", *arguments, cwd=tmp_path), "it is empty", code=2)
    assert list(tmp_path.iterdir()) == []


def test_a_strangers_path_commands_no_terminal(tmp_path: Path) -> None:
    refused(tinycoder(tmp_path, "train", "\x1b]0;mine\x07x"), "does not exist")
    assert "\x1b" not in tinycoder(tmp_path, "train", "\x1b]0;mine\x07x").stderr
    assert "\x1b" not in tinycoder(tmp_path, "--home", "/\x1b[2J", "--nonsense\x1b[2J").stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["generate", "x", "--beam", "2", "--top-k", "1"], "cuts nothing off"),
        (["generate", "x", "--temperature", "0", "--top-p", "0.5"], "would change nothing"),
        (["generate", "x", "--temperature", "0", "--samples", "2"], "would change nothing"),
        (["serve", "--port", "5"], "--port goes with --tcp"),
        (["serve", "--host", "::1"], "--host goes with --tcp"),
        (["stats", "--yes"], "--yes goes with --clear"),
        (["stats", "--clear", "--json"], "shows nothing"),
        (["train", "--list", "--dry-run"], "choose either"),
        (["setup", "neovim", "--print", "--force"], "changes nothing"),
        (["bench", "memory", "--seconds", "1"], "No such option"),
        (["bench", "decode", "--no-competitors", "--competitor-python", "python"], "choose either"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(tmp_path: Path, arguments: list[str], words: str) -> None:
    assert words in tinycoder_here(tmp_path, *arguments)


@pytest.mark.parametrize(
    "arguments", [["train", ".", "--list", "--name", "none"], ["checkpoint", "copy", "base", "none"]]
)
def test_no_model_is_called_what_stands_for_none(tmp_path: Path, arguments: list[str]) -> None:
    refused(tinycoder(tmp_path, *arguments), "'none' stands for no model", "choose another name")


def on_a_terminal(home: Path, *arguments: str) -> str:
    """What a command shows where standard output is a terminal."""
    import pty

    main_end, terminal = pty.openpty()
    with os.fdopen(main_end, "rb", buffering=0) as shown:
        argv = command(*arguments)
        process = subprocess.Popen(
            argv, env=environment(home), stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal
        )
        os.close(terminal)
        said = b""
        try:
            while chunk := shown.read(1 << 12):
                said += chunk
        except OSError:  # the other end was closed
            pass
        process.wait(timeout=60)
    return said.decode()


COLOURED = "\x1b[31mred"


def test_text_that_is_passed_on_keeps_its_escape_sequences_in_a_pipe_and_loses_them_on_a_terminal(
    tmp_path: Path,
) -> None:
    arguments = ("generate", f"# {COLOURED}", "--model", "base", "--max-tokens", "1")
    assert COLOURED in tinycoder(tmp_path, *arguments).stdout
    shown = on_a_terminal(tmp_path, *arguments)
    assert "[31mred" in shown
    assert COLOURED not in shown


def test_a_forgotten_path_is_listed_as_it_is_in_a_pipe_and_on_one_line_of_a_terminal(tmp_path: Path) -> None:
    file, home = tmp_path / f"a\n{COLOURED}.py", tmp_path / "home"
    file.write_text("x = 1\n")
    done = tinycoder(home, "forget", file)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert tinycoder(home, "forget", "--list").stdout == f"{os.path.realpath(file)}\n"
    shown = on_a_terminal(home, "forget", "--list")
    assert "\x1b[31m" not in shown
    assert len(shown.splitlines()) == 1


def test_held_out_files_command_no_terminal_while_a_model_is_trained(tmp_path: Path) -> None:
    coloured = "".join(f'x{{n}} = "{COLOURED}{i}"\n' for i in range(9))
    repository = write_adders(tmp_path / "project", 6, adder=coloured)
    done = tinycoder(tmp_path / "home", "train", repository, "--preset", "nano", "--steps", "2")
    assert done.returncode == 0, done.stderr
    assert "[31m" in done.stderr
    assert "\x1b" not in done.stderr
