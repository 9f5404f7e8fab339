"""`engram bench`: a minute's answer to how fast this is here."""

import os
import platform
from typing import TYPE_CHECKING, Annotated

import typer

from engram.cli.expressions import integer
from engram.cli.failures import ExitCode, Failed
from engram.cli.options import Json, Seed, Verbose
from engram.cli.terminal import amount, console, print_json, table

if TYPE_CHECKING:
    from engram.cli.bench.figures import Figure

__all__ = ["bench"]

_LEAST_WORDS = 1 << 10


def bench(
    context: typer.Context,
    words: Annotated[
        str, typer.Option("--words", "-n", help="Words of a fill; the rest scales with it.")
    ] = "2**24",
    rounds: Annotated[
        int, typer.Option("--rounds", "-r", min=1, help="Rounds whose median counts.")
    ] = 5,
    seed: Seed = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", help="Model a board instead (pynq-z2, kv260); nothing is measured."
        ),
    ] = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Measure the memory beside its peers, in the same run, after checking its answers.

    A ratio above 1 means faster than the peer. `make bench` in a checkout measures more. With
    --model, tell what a board would do: clocks of the simulated gateware and published figures.
    """
    if model is not None:
        for name in ("words", "rounds", "seed"):
            source = context.get_parameter_source(name)
            if source is not None and source.name == "COMMANDLINE":
                raise ValueError(f"--{name} must be left out with --model: nothing is measured")
        from engram.cli.bench.board import show

        show(model, as_json=as_json)
        return
    count = integer(words, "--words")
    if not _LEAST_WORDS <= count <= 1 << 30:
        raise ValueError(f"--words must be in {_LEAST_WORDS}..2**30, not {words!r}")
    from engram.inputs import as_seed

    key = as_seed(integer(seed or "1", "seed"))
    from engram.cli.bench.contests import Wrong, check_answers, contests

    shown = console(stderr=True)
    figures: list[Figure] = []
    with shown.status("checking answers") as status:
        try:
            compared = check_answers(key)
        except Wrong as error:
            raise Failed(str(error), ExitCode.UNEXPECTED) from None
        for contest in contests(key, count):
            status.update(f"measuring {contest.name}")
            figures += contest.run(rounds)
    machine = {
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "cores": _cores(),
    }
    if as_json:
        print_json(
            {
                "checked_words": compared,
                "words": count,
                "rounds": rounds,
                **machine,
                "figures": [figure.to_dict() for figure in figures],
            }
        )
        return
    out = console()
    out.print(_as_table(figures))
    typer.echo(
        f"medians of {rounds}; {compared:,} words checked first against an independent computation"
    )
    typer.echo(
        f"{machine['system']} on {machine['machine']}, {machine['cores']} cores, "
        f"Python {machine['python']}"
    )


def _as_table(figures: "list[Figure]") -> object:
    rows = []
    before = ""
    for figure in figures:
        again = figure.name == before
        before = figure.name
        rows.append(
            (
                "" if again else figure.name,
                "" if again else f"{amount(figure.rate)}/s",
                figure.peer,
                f"{amount(figure.peer_rate)}/s",
                f"{figure.ratio:.2f} x",
            )
        )
    made = table(("", "here", "peer", "its rate", "ratio"), rows)
    made.columns[2].justify = "left"
    return made


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
