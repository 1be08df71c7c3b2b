"""``tinycoder serve``: the language server."""

from typing import Any

import click
from click.core import ParameterSource

from tinycoder.cli import options


@click.command()
@click.option("--stdio", is_flag=True, help="Talk over standard input and output (the default).")
@click.option("--tcp", is_flag=True, help="Wait for one client on a TCP port instead.")
@click.option(
    "--host", type=options.TEXT, default="127.0.0.1", show_default=True, help="Address to listen on, with --tcp."
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port, with --tcp.  [default: a free one]")
@options.model("the workspace's, else base")
@click.option("--log-file", type=options.FILE, help="Log here, not to standard error.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="How much to log.",
)
@click.pass_context
def serve(context: click.Context, /, stdio: bool, tcp: bool, **settings: Any) -> None:
    """Complete in an editor, over the Language Server Protocol.

    Editors start this command themselves; `tinycoder setup` brings it to them.
    """
    if stdio and tcp:
        raise click.UsageError("choose either --stdio or --tcp")
    for name in () if tcp else ("host", "port"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name} goes with --tcp")
    from tinycoder_lsp.engine import garbage

    garbage.wait_for_rest()  # imports make much that stays
    from tinycoder_lsp.app import serve as run

    run(options.home_folder(context), tcp=tcp, **settings)
