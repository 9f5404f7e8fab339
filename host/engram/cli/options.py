"""Options that several commands share, spelled and explained once."""

import logging
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Address",
    "Config",
    "Count",
    "Device",
    "Directory",
    "Dtype",
    "Json",
    "KeyFile",
    "Law",
    "Preset",
    "Seed",
    "SpaceName",
    "Store",
    "Vector",
    "Verbose",
    "Width",
]


def _start_logging(context: typer.Context, level: int) -> None:
    """Show the log on stderr for as long as the command runs."""
    if not level:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("engram")
    before = logger.level

    def stop() -> None:
        logger.removeHandler(handler)
        logger.setLevel(before)

    logger.addHandler(handler)
    logger.setLevel(logging.INFO if level == 1 else logging.DEBUG)
    context.call_on_close(stop)


Address = Annotated[
    str,
    typer.Argument(
        help="A word's address (42, 0x2a, `10**15`, `2**64-1`), or FIRST:STOP.", metavar="ADDRESS"
    ),
]
Count = Annotated[
    str | None, typer.Argument(help="How many words from ADDRESS on.", metavar="COUNT")
]
Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="A YAML file of settings.", metavar="FILE")
]
Device = Annotated[
    str | None,
    typer.Option("--device", help="Where to run; `engram devices` lists them.", metavar="NAME"),
]
Directory = Annotated[
    Path | None,
    typer.Option(
        "--dir", "-d", help="The directory that keeps the memory; none: in RAM.", metavar="DIR"
    ),
]
Dtype = Annotated[
    str,
    typer.Option(
        "--dtype",
        "-t",
        help="uint64, float64, float32, int8, normal or unit64.",
        metavar="NAME",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        help="A file of mode 0600 with the key that signs; else ENGRAM_KEY, else the seed's own.",
        metavar="FILE",
    ),
]
Law = Annotated[
    str | None,
    typer.Option("--law", help="The law of the words, by number or name.", metavar="LAW"),
]
Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        help="Parameters of the associations: default, precise or loihi-fit.",
        metavar="NAME",
    ),
]
Seed = Annotated[
    str | None, typer.Option("--seed", "-s", help="The seed of the words.", metavar="INTEGER")
]
SpaceName = Annotated[
    str | None,
    typer.Option("--space", help="A named space instead of the memory's own.", metavar="NAME"),
]
Store = Annotated[
    Path,
    typer.Argument(
        help="The directory that keeps the memory.", metavar="DIR", envvar="ENGRAM_PATH"
    ),
]
Vector = Annotated[
    str,
    typer.Option("--vector", help="A .npy file or a JSON array; - for stdin.", metavar="FILE"),
]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        callback=_start_logging,
        help="Log to stderr; twice for more. Shows tracebacks.",
        metavar="",
        show_default=False,
    ),
]
Width = Annotated[
    int | None,
    typer.Option("--width", help="Dimensions that embeddings must have.", metavar="COUNT"),
]
