"""`engram recall`, `engram patterns` and `engram consolidate`: what a directory remembers."""

import json
import time
from dataclasses import asdict
from typing import Annotated, Any

import typer

from engram.cli.embeddings import read_embeddings
from engram.cli.opening import open_memory
from engram.cli.options import Config, Device, Json, Store, Vector, Verbose
from engram.cli.terminal import console, duration, print_json, table

__all__ = ["consolidate", "patterns", "recall"]


def recall(
    directory: Store,
    vector: Vector = "-",
    k: Annotated[int, typer.Option("-k", help="How many patterns, at most.")] = 1,
    threshold: Annotated[
        float | None, typer.Option("--threshold", "-t", help="The least similarity, 0..1.")
    ] = None,
    device: Device = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Show the patterns nearest to a cue, or to each row of a file of cues.

    Example: `engram recall state --vector cue.npy -k 5 --threshold 0.7`
    """
    cues = read_embeddings(vector)
    with open_memory(directory, device=device, config=config) as memory:
        started = time.perf_counter()
        answers = memory.recall(cues, k, threshold)
        seconds = time.perf_counter() - started
    many = cues.ndim == 2
    if not many:
        answers = [answers]
    if as_json:
        recalled = [[asdict(found) for found in answer] for answer in answers]
        print_json({"recalled": recalled, "seconds": seconds})
        return
    rows = [
        (
            *((str(number),) if many else ()),
            found.id,
            _text(found.metadata),
            f"{found.similarity:.4f}",
            f"{found.confidence:.4f}",
            str(found.latency),
        )
        for number, answer in enumerate(answers)
        for found in answer
    ]
    if not rows:
        typer.echo("nothing recalled")
        return
    heads = ("id", "metadata", "similarity", "confidence", "latency")
    console().print(table(("cue", *heads) if many else heads, rows, left=3 if many else 2))


def patterns(
    directory: Store,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """List the patterns of a directory, in the order of their slots."""
    with open_memory(directory, config=config) as memory:
        facet = memory.associations
        found, width, preset = facet.summaries(), facet.width, facet.preset
    if as_json:
        print_json(
            {
                "patterns": [asdict(summary) for summary in found],
                "width": width,
                "preset": preset,
            }
        )
        return
    rows = [
        (
            summary.id,
            _text(summary.metadata),
            f"{summary.importance:.3f}",
            str(summary.strength),
        )
        for summary in found
    ]
    if not rows:
        typer.echo("no patterns")
        return
    console().print(table(("id", "metadata", "importance", "strength"), rows, left=2))
    typer.echo(f"{len(rows):,} of {width:,} dimensions, preset {preset}")


def consolidate(
    directory: Store,
    overlap: Annotated[
        float, typer.Option("--overlap", help="The share of a code that makes rivals, 0..1.")
    ] = 0.7,
    epochs: Annotated[int, typer.Option("--epochs", help="Replays of all, at most.")] = 64,
    keep: Annotated[
        int | None, typer.Option("--keep", help="How many patterns may remain.")
    ] = None,
    device: Device = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Replay patterns until nothing changes; of patterns much alike the weaker are forgotten."""
    with open_memory(directory, device=device, config=config, writing=True) as memory:
        started = time.perf_counter()
        done = memory.consolidate(overlap, epochs, keep)
        memory.flush()
        seconds = time.perf_counter() - started
    if as_json:
        print_json({**asdict(done), "seconds": seconds})
        return
    end = "converged" if done.converged else "not converged yet"
    typer.echo(
        f"{done.epochs} epochs, {done.replays:,} replays in {duration(seconds)}, {end}: "
        f"{done.strengthened:,} strengthened, {len(done.pruned):,} forgotten, "
        f"{done.remaining:,} remain"
    )


def _text(metadata: dict[str, Any] | None) -> str:
    return "" if metadata is None else json.dumps(metadata, ensure_ascii=False)
