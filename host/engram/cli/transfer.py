"""`engram import` and `engram export`: models between a directory and safetensors files."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engram.cli.files import check_output
from engram.cli.opening import open_memory
from engram.cli.options import Config, Json, KeyFile, Seed, Store, Verbose
from engram.cli.tensors import Force, MaxError, Ratio
from engram.cli.terminal import console, duration, print_json, size

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["export_model", "import_model"]

_SMALL = 4096

Prefix = Annotated[
    str, typer.Option("--prefix", help="What names begin with in the memory.", metavar="TEXT")
]


def import_model(
    directory: Store,
    file: Annotated[Path, typer.Argument(help="A safetensors file.", metavar="FILE")],
    ratio: Ratio = None,
    max_error: MaxError = None,
    changes: Annotated[
        bool,
        typer.Option("--changes", help="Keep what changed of the versions there are, exactly."),
    ] = False,
    prefix: Prefix = "",
    small: Annotated[
        int,
        typer.Option("--small", help="Tensors of fewer elements are kept exactly.", metavar="N"),
    ] = _SMALL,
    threads: Annotated[
        int | None, typer.Option("--threads", help="How many encode at a time.", metavar="COUNT")
    ] = None,
    seed: Seed = None,
    key_file: KeyFile = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Keep all tensors of a model; without a bound every bit.

    A bound holds for each tensor of floats that is not small; all others are kept exactly.

    Examples: `engram import state model.safetensors --ratio 0.1`,
    `engram import state tuned.safetensors --changes`
    """
    from engram.tensors.checkpoints import SafetensorsFile, keep

    source = SafetensorsFile(file, prefix=prefix)
    with open_memory(
        directory, seed=seed, key_file=key_file, config=config, writing=True, may_create=True
    ) as memory:
        started = time.perf_counter()
        with _bar(len(source)) as advance:
            found = keep(
                memory,
                source,
                against_parents=changes,
                ratio=ratio,
                max_error=max_error,
                small=small,
                threads=threads,
                progress=advance,
            )
        memory.flush()
        seconds = time.perf_counter() - started
        path = memory.path
    summary = {
        "tensors": len(found.descriptors),
        "changed": len(found.changed),
        "bytes": found.nbytes,
        "stored_bytes": found.stored_bytes,
        "ratio": found.stored_bytes / found.nbytes if found.nbytes else None,
        "path": path,
        "seconds": seconds,
    }
    if as_json:
        print_json(summary)
    else:
        changed = f", {len(found.changed):,} as what changed" if changes else ""
        typer.echo(
            f"{len(found.descriptors):,} tensors{changed}: {size(found.nbytes)} in "
            f"{size(found.stored_bytes)}, in {duration(seconds)}"
        )


def export_model(
    directory: Store,
    file: Annotated[Path, typer.Argument(help="The safetensors file to make.", metavar="FILE")],
    prefix: Prefix = "",
    force: Force = False,
    key_file: KeyFile = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Write the tensors whose names begin with a prefix, without it, into a safetensors file."""
    from engram.errors import NotFound
    from engram.tensors.checkpoints import export_file

    check_output(file, force=force)
    with open_memory(directory, key_file=key_file, config=config) as memory:
        names = {
            name.removeprefix(prefix): name
            for name in memory.tensors()
            if name.startswith(prefix) and name != prefix
        }
        if not names:
            raise NotFound(f"{memory.path} holds no tensor whose name begins with {prefix!r}")
        with _bar(len(names)) as advance:
            nbytes = export_file(memory, file, names, progress=advance)
    if as_json:
        print_json({"output": str(file), "tensors": len(names), "bytes": nbytes})
    else:
        typer.echo(f"{file}: {len(names):,} tensors, {size(nbytes)}")


@contextmanager
def _bar(total: int) -> "Iterator[Advance]":
    """Yield what moves a bar on stderr, which is there where somebody watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    watched = console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(
        *columns, console=watched, transient=True, disable=not watched.is_terminal
    ) as progress:
        yield Advance(progress, progress.add_task("", total=total))


class Advance:
    """Shows which tensor is done, and how many."""

    def __init__(self, progress: "Progress", task: "TaskID") -> None:
        self._progress, self._task = progress, task

    def __call__(self, name: str, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=total, description=name)
