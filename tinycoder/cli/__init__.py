"""The command line: each command parses, calls one function and prints. Heavy imports happen inside commands.

Results go to stdout, progress to stderr. Exit codes: 0 fine, 1 expected error, 2 usage, 130 interrupted.
"""

import errno
import io
import os
import sys
from pathlib import Path

import click

import tinycoder
from tinycoder.cli.bench import bench
from tinycoder.cli.checkpoint import checkpoint
from tinycoder.cli.complete import complete
from tinycoder.cli.demo import demo
from tinycoder.cli.doctor import doctor
from tinycoder.cli.evaluate import evaluate
from tinycoder.cli.forget import forget
from tinycoder.cli.generate import generate
from tinycoder.cli.serve import serve
from tinycoder.cli.setup import setup
from tinycoder.cli.signals import INTERRUPTED
from tinycoder.cli.stats import stats
from tinycoder.cli.train import train
from tinycoder.errors import TinyCoderError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(tinycoder.__version__, prog_name="tinycoder")
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
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


for _command in (train, forget, complete, generate, serve, checkpoint, evaluate, bench, demo, setup, doctor, stats):
    cli.add_command(_command)


def main() -> None:
    """Run, and turn expected errors into one sentence and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character that the terminal lacks is no reason to fail
            stream.reconfigure(errors="replace")
    try:
        code = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except TinyCoderError as error:
        click.echo(f"tinycoder: {error}", err=True)
        code = 1
    except MemoryError:
        click.echo("tinycoder: this does not fit into memory; close other programs, or use a smaller model", err=True)
        code = 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("tinycoder: interrupted", err=True)
        code = INTERRUPTED
    except BrokenPipeError:
        _forget_output()  # the reader has gone: nothing to say to it
        code = 1
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _forget_output()
        click.echo("tinycoder: cannot write the output: no space left on the device", err=True)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _forget_output() -> None:
    """Let nothing more be flushed to the standard streams at exit, where it would fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())
