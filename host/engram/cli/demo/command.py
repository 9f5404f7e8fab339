"""`engram demo`: everything the memory does, checked, in under a minute."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engram.cli.expressions import integer
from engram.cli.failures import ExitCode, Failed
from engram.cli.options import Directory, Json, Seed, Verbose
from engram.cli.terminal import console, print_json, table

if TYPE_CHECKING:
    from engram.cli.demo.outcome import Outcome

__all__ = ["demo"]

_LEAST_WORDS, _MOST_WORDS = 10**4, 10**11
_PICTURE = "engram-demo.png"


def demo(
    directory: Directory = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where the picture goes.", metavar="DIR")
    ] = Path("demo-out"),
    words: Annotated[
        str, typer.Option("--words", "-n", help="Words to read through one buffer.")
    ] = "100_000_000",
    kills: Annotated[
        int, typer.Option("--kills", "-k", min=1, max=1000, help="Writers to kill.")
    ] = 5,
    seed: Seed = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Show the main job from end to end: read, write, erase, recall, kill, reopen, verify.

    Every step checks itself against an independent computation; a check that does not hold is
    named, and the exit code is 1. The directory must hold no memory yet; without one, the
    memory lives in a temporary directory.
    """
    count = integer(words, "--words")
    if not _LEAST_WORDS <= count <= _MOST_WORDS:
        raise ValueError(f"--words must be in 10**4..10**11, not {words!r}")
    key = integer(seed or "2026", "--seed")
    from engram.inputs import as_seed

    as_seed(key)
    if directory is None:
        with tempfile.TemporaryDirectory(prefix="engram-demo-") as temporary:
            _run(f"{temporary}/memory", key, count, kills, out, as_json=as_json)
    else:
        _refuse_memory(directory)
        _run(str(directory), key, count, kills, out, as_json=as_json)


def _refuse_memory(directory: Path) -> None:
    """Keep the demo away from words that somebody else wrote."""
    from engram.store.directory import holds_store

    if holds_store(directory):
        raise ValueError(f"--dir must hold no memory yet, not {str(directory)!r} which does")


def _run(directory: str, seed: int, words: int, kills: int, out: Path, *, as_json: bool) -> None:
    from engram.cli.demo.journey import Journey
    from engram.cli.demo.steps import Steps

    shown = console(stderr=as_json)
    steps = Steps(shown)
    outcome = Journey(directory, seed, words, kills, steps).run()
    picture = _draw(outcome, out / _PICTURE, steps)
    if as_json:
        print_json(
            {
                **outcome.to_dict(),
                "checks": [vars(check) for check in steps.checks],
                "picture": None if picture is None else str(picture),
            }
        )
    else:
        shown.print(table(("figure", "measured"), outcome.rows()))
        typer.echo(f"{len(steps.checks)} checks, {len(steps.failed)} failed; "
                   f"{outcome.seconds:.1f} s" + (f"; picture: {picture}" if picture else ""))
    if steps.failed:
        named = "; ".join(f"{check.step}: {check.statement}" for check in steps.failed)
        raise Failed(f"the demo failed: {named}", ExitCode.UNEXPECTED, told=as_json)


def _draw(outcome: "Outcome", path: Path, steps: Any) -> Path | None:
    """Save the picture, unless what draws it is not installed."""
    with steps.step("draw the picture") as step:
        try:
            from engram.cli.demo.picture import save_picture
        except ImportError as error:
            step.found = f"left out ({error}): pip install 'engram[cli]'"
            return None
        save_picture(outcome, path)
        step.found = str(path)
        return path
