"""The command line: each command parses, calls one function and prints. Heavy imports happen inside commands.

Results go to stdout, progress to stderr. Exit codes: 0 fine, 1 expected error, 2 usage, 130 interrupted.
"""

import errno
import io
import sys
from pathlib import Path

import click

import tinycoder
from tinycoder.cli.bench import bench
from tinycoder.cli.checkpoint import checkpoint
from tinycoder.cli.complete import complete
from tinycoder.cli.corpus import corpus
from tinycoder.cli.demo import demo
from tinycoder.cli.doctor import doctor
from tinycoder.cli.evaluate import evaluate
from tinycoder.cli.forget import forget
from tinycoder.cli.generate import generate
from tinycoder.cli.options import FOLDER
from tinycoder.cli.serve import serve
from tinycoder.cli.setup import setup
from tinycoder.cli.signals import INTERRUPTED
from tinycoder.cli.stats import stats
from tinycoder.cli.streams import drop_output, open_streams
from tinycoder.cli.terminal import printable
from tinycoder.cli.train import train
from tinycoder.errors import TinyCoderError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(tinycoder.__version__, prog_name="tinycoder")
@click.option(
    "--home",
    type=FOLDER,
    envvar="TINYCODER_HOME",
    help="Where models are kept.  [env: TINYCODER_HOME; default: the platform's user data folder]",
)
@click.pass_context
def cli(context: click.Context, home: Path | None) -> None:
    """Code completion that you own: it knows Python at once and learns your own repositories, on your own CPU.

    A first tour: `tinycoder demo` shows what it does, `tinycoder setup` brings it to your editor, and
    `tinycoder train .` makes it yours.
    """
    context.obj = home


_LEARNING = (train, corpus, forget, checkpoint)
for _command in (*_LEARNING, complete, generate, serve, evaluate, bench, demo, setup, doctor, stats):
    cli.add_command(_command)


def main() -> None:
    """Run, and turn expected errors into one sentence and an exit code."""
    open_streams()
    try:
        code = _run()
    except KeyboardInterrupt:
        code = _fail("interrupted", INTERRUPTED)
    drop_output()  # what an abandoned command still held back
    sys.exit(code)


def _run() -> int:
    try:
        code = cli.main(standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        said = io.StringIO()
        error.show(said)
        click.echo(printable(said.getvalue()), err=True, nl=False)
        return error.exit_code
    except TinyCoderError as error:
        return _fail(str(error))
    except MemoryError:
        return _fail("this does not fit into memory; close other programs, or use a smaller model")
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        drop_output()  # the reader has gone: nothing to say to it
        return 1
    except OSError as error:
        drop_output()
        return _fail(_sentence(error))


def _fail(sentence: str, code: int = 1) -> int:
    """Say what went wrong, if anybody listens. Returns ``code``."""
    try:
        click.echo(f"tinycoder: {printable(sentence)}", err=True)
    except OSError:
        drop_output()
    return code


def _sentence(error: OSError) -> str:
    """What the system refused, and what to do, for what no command expected."""
    reason = error.strerror or str(error)
    if error.errno == errno.ENOSPC:
        return "cannot write the output: no space left on the device"
    if isinstance(error, FileNotFoundError) and not _has_current_folder():
        return "the current folder has been removed; go to another one and try again"
    if error.filename is not None:
        return f"cannot use {error.filename} ({reason}); check that it exists and who owns it"
    if error.errno in (errno.EBADF, errno.EIO):
        return f"cannot use standard input or output ({reason}); check that the caller keeps them open"
    return f"the system refused ({reason})"


def _has_current_folder() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True
