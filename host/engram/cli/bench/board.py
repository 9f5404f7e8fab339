"""`engram bench --model`: what a board would do, as a model has it and nothing has measured."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from engram.cli.terminal import console, print_json, table

if TYPE_CHECKING:
    from engram.fpga.board_model import Model, Range

__all__ = [
    "CALL_HEADS",
    "INPUT_HEADS",
    "JOB_HEADS",
    "call_rows",
    "fetched",
    "input_rows",
    "job_rows",
    "show",
]

JOB_HEADS = ("the device alone", "words/s", "a word")
CALL_HEADS = ("a call from Python", "polling", "by interrupt", "words/s", "board")
INPUT_HEADS = ("input", "value", "", "where from")

_WIDTH = 80
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def show(name: str, *, as_json: bool) -> None:
    """Print the model of a board."""
    from engram.fpga.board_model import LEFT_OUT, TITLE, board_by_name, model

    found = model(board_by_name(name))
    if as_json:
        print_json(found.to_dict())
        return
    out = console()
    typer.echo(f"{found.board.title}: {TITLE}\n")
    out.print(table(JOB_HEADS, job_rows(found)))
    out.print(table(CALL_HEADS, call_rows(found)))
    typer.echo(textwrap.fill(fetched(found), _WIDTH))
    typer.echo("\nModelled with, from the least to the most:")
    for title, value, basis, source in input_rows(found):
        typer.echo(f"  {title}, {value}")
        indent = " " * 4
        typer.echo(
            textwrap.fill(
                f"{basis}: {source}", _WIDTH, initial_indent=indent, subsequent_indent=indent
            )
        )
    typer.echo("\nNot in the model:")
    for part in LEFT_OUT:
        typer.echo(f"  {part}")
    typer.echo("Nothing here has run on a board.")


def fetched(model: "Model") -> str:
    """Return what the energies are, and what that of a word is to be held against."""
    return (
        "A word's energy is the core's and that of what it moves to and from DRAM, where the word "
        f"ends up; a word fetched from there takes {_span(model.dram_joules, 'J')}. A call's is "
        "the whole board's meanwhile."
    )


def job_rows(model: "Model") -> list[Sequence[str]]:
    """Return the rows of the device's jobs."""
    return [(job.job, _span(job.words_a_second), _span(job.joules, "J")) for job in model.jobs]


def call_rows(model: "Model") -> list[Sequence[str]]:
    """Return the rows of the driver's calls."""
    return [
        (
            call.call,
            _span(call.polling, "s"),
            _span(call.interrupt, "s"),
            _span(call.words_a_second),
            _span(call.joules, "J"),
        )
        for call in model.calls
    ]


def input_rows(model: "Model") -> list[Sequence[str]]:
    """Return the rows of the inputs, each with its source."""
    return [
        (name, f"{_ends(given.least, given.most)} {given.unit}", given.basis, given.source)
        for name, given in model.inputs.items()
    ]


def _span(values: "Range", unit: str = "") -> str:
    """Return a range in the prefix that suits its upper end, to two digits: ``2.1-3.9 ms``."""
    scale, prefix = next(
        (pair for pair in _PREFIXES if values[1] >= pair[0]), (_PREFIXES[-1][0] / 1e3, "p")
    )
    return f"{_ends(values[0] / scale, values[1] / scale, 2)} {prefix}{unit}".rstrip()


def _ends(least: float, most: float, digits: int = 3) -> str:
    whole = 10 ** (digits - 1)
    texts = [f"{end:,.0f}" if end >= whole else f"{end:.{digits}g}" for end in (least, most)]
    return texts[0] if texts[0] == texts[1] else "-".join(texts)
