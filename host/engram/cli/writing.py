"""`engram write` and `engram erase`: changes that a directory keeps."""

from typing import Annotated

import typer

from engram.cli.expressions import integer, word_range
from engram.cli.opening import open_memory, space_of
from engram.cli.options import (
    Address,
    Config,
    Count,
    Device,
    Directory,
    Json,
    Law,
    Seed,
    SpaceName,
    Verbose,
)
from engram.cli.terminal import print_json

__all__ = ["erase", "write"]


def write(
    address: Annotated[str, typer.Argument(help="Where the first value goes.", metavar="ADDRESS")],
    values: Annotated[list[str], typer.Argument(metavar="VALUE...", help="Words to write.")],
    directory: Directory = None,
    space: SpaceName = None,
    seed: Seed = None,
    law: Law = None,
    device: Device = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Write consecutive words; they are durable when the command has ended.

    A directory that holds no memory yet becomes one, with this seed and law for good.

    Example: `engram write 42 7 0xff 2**64-1 --dir state`
    """
    first = integer(address, "ADDRESS")
    words = [integer(value, "VALUE") for value in values]
    with open_memory(
        directory,
        seed=seed, law=law, device=device, config=config,
        writing=True, may_create=True,
    ) as memory:
        chosen = space_of(memory, space)
        chosen.write(first, words)
        memory.flush()
        held, path = chosen.written_words, memory.path
    if as_json:
        print_json({"address": first, "count": len(words), "written_words": held, "path": path})
    else:
        typer.echo(f"wrote {_words(len(words))} at {first}; {path} holds {_words(held)}")


def erase(
    address: Address,
    count: Count = None,
    directory: Directory = None,
    space: SpaceName = None,
    seed: Seed = None,
    law: Law = None,
    device: Device = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Let generated words show again; nothing is asked.

    Examples: `engram erase 42 -d state`, `engram erase : -d state` for everything
    """
    first, length = word_range(address, count)
    with open_memory(
        directory, seed=seed, law=law, device=device, config=config, writing=True
    ) as memory:
        chosen = space_of(memory, space)
        erased = chosen.erase(first, length)
        memory.flush()
        held, path = chosen.written_words, memory.path
    if as_json:
        print_json(
            {
                "address": first,
                "count": 1 if length is None else length,
                "erased": erased,
                "written_words": held,
                "path": path,
            }
        )
    else:
        typer.echo(f"erased {_words(erased)}; {path} holds {_words(held)}")


def _words(count: int) -> str:
    return f"{count:,} word" if count == 1 else f"{count:,} words"
