"""The Typer application: the commands, and one way in and out for all of them."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import engram
from engram.cli.failures import ExitCode, exit_code, tell

__all__ = ["app"]

# Typer brings a copy of Click, or stands on the real one, as its version has it: BadParameter is a
# UsageError, and that a ClickException, in either.
_ClickException: type[BaseException] = typer.BadParameter.__mro__[2]

_EPILOG = (
    "Exit codes: 0 fine · 1 unexpected (a bug, or a check that failed) · 2 wrong use or "
    "input · 3 a device, memory or package is not there · 4 a store is corrupt or was made with "
    "another seed, law or format · 5 refused: busy, full, over quota, read-only, or the operating "
    "system said no · 130 interrupted. An error is one line on stderr; with --json also "
    '{"error": {"type", "message"}} on stdout.'
)


class _Group(TyperGroup):
    """All commands; whatever one of them raises ends as one line and an exit code."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        if not options.get("standalone_mode", True):
            return super().main(args, *rest, **options)
        options["standalone_mode"] = False
        flags = words[: words.index("--")] if "--" in words else words
        as_json = "--json" in flags
        verbose = any(flag in ("--verbose", "-v", "-vv") for flag in flags)
        try:
            result = super().main(words, *rest, **options)
            sys.stdout.flush()
        except BrokenPipeError:
            sys.exit(_pipe_closed())
        except (_ClickException, typer.Abort) as error:
            sys.exit(_usage(error, as_json=as_json))
        except (Exception, KeyboardInterrupt) as error:
            tell(error, as_json=as_json, verbose=verbose)
            sys.exit(exit_code(error))
        # Out of standalone mode `--help` and an interruption return their exit code.
        if result == ExitCode.INTERRUPTED:
            tell(KeyboardInterrupt("interrupted"), as_json=as_json, verbose=False)
        sys.exit(result if isinstance(result, int) else ExitCode.OK)


    def invoke(self, ctx: Any) -> Any:
        # Here, because Typer's own main ends with 1 on a closed pipe, which is our code for a bug.
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise typer.Exit(_pipe_closed()) from None


def _pipe_closed() -> ExitCode:
    """Drop what is left to print: whoever read it has seen enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ExitCode.PIPE_CLOSED


def _usage(error: BaseException, *, as_json: bool) -> ExitCode:
    """Tell what Typer has to say about the arguments."""
    if isinstance(error, typer.Abort):
        tell(KeyboardInterrupt("interrupted"), as_json=as_json, verbose=False)
        return ExitCode.INTERRUPTED
    assert isinstance(error, _ClickException)
    message = str(error.format_message()).rstrip(".")  # type: ignore[attr-defined]
    option = str(getattr(error, "option_name", ""))
    if option[1:2].isdigit():
        message += " (addresses and values are 0..2**64-1)"
    context = getattr(error, "ctx", None)
    hint = f"; see `{context.command_path} --help`" if context is not None else ""
    tell(ValueError(message + hint), as_json=as_json, verbose=False)
    return ExitCode.WRONG_USE


app = typer.Typer(
    cls=_Group,
    name="engram",
    help="Memory that is generated, overlaid and recalled instead of stored.",
    epilog=_EPILOG,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"engram {engram.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Memory that is generated, overlaid and recalled instead of stored."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _add_commands() -> None:
    from engram.cli.auditing import audit
    from engram.cli.bench.command import bench
    from engram.cli.board_test import board_test
    from engram.cli.demo.command import demo
    from engram.cli.devices import devices
    from engram.cli.filling import fill
    from engram.cli.images import image
    from engram.cli.loihi import loihi_report
    from engram.cli.reading import read
    from engram.cli.recalling import consolidate, patterns, recall
    from engram.cli.remembering import forget, remember
    from engram.cli.stores import compact, report, verify
    from engram.cli.tensors import drop, history, inspect, load, rollback, store, tensors
    from engram.cli.transfer import export_model, import_model
    from engram.cli.writing import erase, write

    words, directory, machine = "Words", "A memory's directory", "This machine"
    content, by_name = "Patterns", "Tensors"
    for command, panel in (
        (demo, machine),
        (devices, machine),
        (bench, machine),
        (board_test, machine),
        (loihi_report, machine),
        (read, words),
        (write, words),
        (erase, words),
        (fill, words),
        (store, by_name),
        (load, by_name),
        (tensors, by_name),
        (inspect, by_name),
        (history, by_name),
        (rollback, by_name),
        (drop, by_name),
        (remember, content),
        (recall, content),
        (patterns, content),
        (forget, content),
        (consolidate, content),
        (report, directory),
        (verify, directory),
        (compact, directory),
    ):
        app.command(rich_help_panel=panel)(command)
    app.command("import", rich_help_panel=by_name)(import_model)
    app.command("export", rich_help_panel=by_name)(export_model)
    app.add_typer(image, name="image", rich_help_panel="Files")
    app.add_typer(audit, name="audit", rich_help_panel="Files")


_add_commands()
