"""`engram report`, `engram verify` and `engram compact`: a memory's directory as a whole."""

import time
from typing import TYPE_CHECKING, Any

import typer

from engram.cli.failures import ExitCode, Failed
from engram.cli.opening import open_memory
from engram.cli.options import Config, Device, Json, Store, Verbose
from engram.cli.terminal import amount, console, duration, print_json, size, table

if TYPE_CHECKING:
    from engram.store.verification import VerifyReport

__all__ = ["compact", "report", "verify"]


def report(
    directory: Store,
    device: Device = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Show what a directory holds, space by space, and what it takes."""
    started = time.perf_counter()
    with open_memory(directory, device=device, config=config) as memory:
        opened = time.perf_counter() - started
        found = memory.report()
    if as_json:
        print_json({**found.to_dict(), "open_seconds": opened})
        return
    rows = [
        (
            space.name or "(the memory's own)",
            f"{space.seed:#x}",
            str(space.law),
            f"{space.written_words:,}",
            "none" if space.quota is None else f"{space.quota:,}",
            size(space.ram_bytes),
        )
        for space in found.spaces
    ]
    console().print(table(("space", "seed", "law", "words held", "quota", "in RAM"), rows))
    if found.associations is not None:
        typer.echo(str(found.associations))
    held = sum(space.written_words for space in found.spaces)
    typer.echo(
        f"{found.path}: {size(found.disk_bytes)} on disk, {amount(found.log_words)} words of "
        f"log for {amount(held)} held; opened on {found.device} in {duration(opened)}"
    )


def verify(directory: Store, as_json: Json = False, verbose: Verbose = 0) -> None:
    """Check every byte of a directory that is in use; it need not be closed.

    Prints the problems one a line, and ends with exit code 4 if there are any.
    """
    from engram.store.verification import verify as verify_store

    started = time.perf_counter()
    found = verify_store(directory)
    seconds = time.perf_counter() - started
    if as_json:
        print_json(_as_dict(found, seconds))
    else:
        for problem in found.problems:
            typer.echo(problem)
    if not found.ok:
        count = len(found.problems)
        what = "1 problem" if count == 1 else f"{count} problems"
        raise Failed(f"{directory}: {what} found", ExitCode.CORRUPT, told=as_json)
    if as_json:
        return
    assert found.identity is not None
    typer.echo(
        f"{directory}: every byte in use verified: {found.words + found.journal_words:,} words and "
        f"{found.records + found.journal_records:,} records of log, "
        f"{size(found.disk_bytes)} on disk, in {duration(seconds)}"
    )
    typer.echo(
        f"seed {found.identity.seed}, law {found.identity.law}, named spaces: {len(found.spaces)}, "
        f"compacted {found.generation} times, {found.torn_bytes} bytes never acknowledged"
    )


def compact(
    directory: Store,
    device: Device = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Rewrite a directory as what is written now, and give the rest of its space back."""
    with open_memory(directory, device=device, config=config, writing=True) as memory:
        before = memory.report()
        memory.compact()
        after = memory.report()
    if as_json:
        print_json(
            {
                "path": after.path,
                "bytes_before": before.disk_bytes,
                "bytes_after": after.disk_bytes,
                "log_words_before": before.log_words,
                "log_words_after": after.log_words,
            }
        )
        return
    typer.echo(
        f"{after.path}: {size(before.disk_bytes)} before, {size(after.disk_bytes)} after "
        f"({before.log_words:,} words of log before, {after.log_words:,} after)"
    )


def _as_dict(found: "VerifyReport", seconds: float) -> dict[str, Any]:
    """Return a VerifyReport as plain types."""
    identity = found.identity
    return {
        "path": str(found.path),
        "ok": found.ok,
        "problems": list(found.problems),
        "seed": None if identity is None else identity.seed,
        "law": None if identity is None else identity.law,
        "generation": found.generation,
        "spaces": [
            {"name": space.name, "seed": space.seed, "quota": space.quota}
            for space in found.spaces
        ],
        "records": found.records + found.journal_records,
        "words": found.words + found.journal_words,
        "batches": found.batches,
        "disk_bytes": found.disk_bytes,
        "torn_bytes": found.torn_bytes,
        "seconds": seconds,
    }
