"""`engram remember` and `engram forget`: patterns that a directory keeps."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engram.cli.embeddings import read_embeddings, read_ids
from engram.cli.opening import open_memory
from engram.cli.options import Config, Device, Json, Preset, Seed, Store, Vector, Verbose, Width
from engram.cli.terminal import amount, console, duration, print_json

if TYPE_CHECKING:
    from engram.memory import Memory

__all__ = ["forget", "remember"]

_BATCH = 1024  # patterns given to the memory at a time, between two steps of the bar


def remember(
    directory: Store,
    name: Annotated[
        str | None, typer.Argument(help="The pattern's id; known ids are updated.", metavar="ID")
    ] = None,
    vector: Vector = "-",
    ids: Annotated[
        Path | None,
        typer.Option(
            "--ids", help="A file of ids, one a line, for a file of rows.", metavar="FILE"
        ),
    ] = None,
    importance: Annotated[
        float, typer.Option("--importance", "-i", help="0..1: what consolidation spares.")
    ] = 0.5,
    metadata: Annotated[
        str | None, typer.Option("--metadata", "-m", help="A JSON object.", metavar="JSON")
    ] = None,
    gated: Annotated[
        bool, typer.Option("--gated", help="Move known patterns instead of rewriting them.")
    ] = False,
    preset: Preset = None,
    width: Width = None,
    seed: Seed = None,
    device: Device = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Keep embeddings under ids; they are durable when the command has ended.

    A directory that holds no memory yet becomes one, with this seed, preset and width for good.

    Examples: `engram remember state note-7 --vector note.npy --metadata '{"page": 3}'`,
    `engram remember state --ids names.txt --vector rows.npy`
    """
    if (name is None) == (ids is None):
        raise ValueError("either an ID or --ids FILE must be given, not both or none")
    extra = _object(metadata)
    rows = read_embeddings(vector)
    names = [name] if name is not None else read_ids(ids) if ids is not None else []
    if name is not None and rows.ndim == 1:
        rows = rows.reshape(1, -1)
    if rows.ndim != 2 or len(rows) != len(names):
        raise ValueError(
            f"--vector must hold {len(names)} rows, one an id, not an array of shape {rows.shape!r}"
        )
    # Everything is checked before anything is kept, although it is kept batch by batch.
    from engram.associations.embeddings import as_embeddings, as_ids

    as_ids(names)
    as_embeddings(rows, None)
    with open_memory(
        directory,
        seed=seed,
        device=device,
        config=config,
        preset=preset,
        width=width,
        writing=True,
        may_create=True,
    ) as memory:
        started = time.perf_counter()
        _remember(memory, names, rows, importance, extra, gated=gated)
        memory.flush()
        seconds = time.perf_counter() - started
        held, path = len(memory.associations), memory.path
        summary = {
            "remembered": len(names),
            "patterns": held,
            "width": memory.associations.width,
            "preset": memory.associations.preset,
            "path": path,
            "seconds": seconds,
        }
    if as_json:
        print_json(summary)
        return
    rate = f" at {amount(len(names) / seconds)}/s" if len(names) > 1 else ""
    typer.echo(
        f"remembered {_patterns(len(names))} in {duration(seconds)}{rate}; "
        f"{path} holds {_patterns(held)}"
    )


def forget(
    directory: Store,
    ids: Annotated[list[str], typer.Argument(help="Ids of patterns.", metavar="ID...")],
    device: Device = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Forget patterns; nothing is asked. If one is unknown, none is forgotten."""
    with open_memory(directory, device=device, config=config, writing=True) as memory:
        memory.forget(ids)
        memory.flush()
        held, path = len(memory.associations), memory.path
    count = len(set(ids))
    if as_json:
        print_json({"forgotten": count, "patterns": held, "path": path})
    else:
        typer.echo(f"forgot {_patterns(count)}; {path} holds {_patterns(held)}")


def _remember(
    memory: "Memory", names: list[str], rows: Any, importance: float, extra: Any, *, gated: bool
) -> None:
    """Keep the rows batch by batch, with a bar on stderr where somebody watches."""
    from rich.progress import track

    watched = console(stderr=True)
    hidden = not watched.is_terminal or len(names) <= _BATCH
    starts = range(0, len(names), _BATCH)
    for start in track(starts, "", console=watched, transient=True, disable=hidden):
        some = names[start : start + _BATCH]
        memory.remember(
            some,
            rows[start : start + _BATCH],
            importance=importance,
            metadata=None if extra is None else [extra] * len(some),
            gated=gated,
        )


def _object(text: str | None) -> Any:
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f"--metadata must be a JSON object, not {text!r}: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"--metadata must be a JSON object, not {text!r}")
    return found


def _patterns(count: int) -> str:
    return f"{count:,} pattern" if count == 1 else f"{count:,} patterns"
