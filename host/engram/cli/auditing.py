"""`engram audit verify`: whether a log of what was done is as it was written."""

from pathlib import Path
from typing import Annotated

import typer

from engram.cli.options import Json, KeyFile, Verbose
from engram.cli.terminal import print_json

__all__ = ["audit"]

audit = typer.Typer(
    help="Check the log of what was done.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["--help", "-h"]},
)


@audit.callback()
def _group() -> None:
    """Check the log of what was done."""


@audit.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The log.", metavar="FILE")],
    head: Annotated[
        str | None,
        typer.Option(
            "--head",
            help="What this command told before: the log must hold it still.",
            metavar="COUNT:MAC",
        ),
    ] = None,
    key_file: KeyFile = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Check every entry and the chain of their MACs; tell the head, which is worth noting.

    The chain alone cannot show that its last entries were cut off: a head kept elsewhere does.
    Ends with exit code 4 at the first entry that was changed, removed, moved or cut off.
    """
    from engram.trust.audit import AuditLog, Head
    from engram.trust.keys import Keys, find_key

    wanted = None if head is None else Head.parse(head)
    key = find_key(file=key_file)
    if key is None:
        raise ValueError("a key must be given: --key-file FILE, or ENGRAM_KEY")
    found = AuditLog(file, Keys(key).auditing).verify(wanted)
    if as_json:
        print_json({"entries": found.entries, "head": str(found)})
    else:
        typer.echo(f"{found.entries:,} entries are as they were written; head {found}")
