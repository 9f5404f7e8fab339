"""`engram fill`: a range of any length into a file or a pipe, through one reused buffer."""

import errno
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from engram.cli.expressions import integer
from engram.cli.opening import open_memory, space_of
from engram.cli.options import (
    Config,
    Device,
    Directory,
    Dtype,
    Json,
    Law,
    Seed,
    SpaceName,
    Verbose,
)
from engram.cli.terminal import amount, console, duration, print_json, size

if TYPE_CHECKING:
    from engram.space import Space

__all__ = ["FileFormat", "fill"]

# 32 MB: above what makes a second thread pay, below what anybody misses.
_CHUNK_WORDS = 1 << 22


class FileFormat(str, Enum):
    """How the elements lie in the file."""

    NPY = "npy"
    RAW = "raw"


def fill(
    address: Annotated[str, typer.Argument(help="The first word's address.", metavar="ADDRESS")],
    count: Annotated[str, typer.Argument(help="How many words.", metavar="COUNT")],
    output: Annotated[str, typer.Argument(help="A file, or - for stdout.", metavar="OUTPUT")],
    dtype: Dtype = "uint64",
    file_format: Annotated[
        FileFormat | None,
        typer.Option(
            "--format", "-f", metavar="FORMAT", help="npy or raw; by default as the name ends."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    directory: Directory = None,
    space: SpaceName = None,
    seed: Seed = None,
    law: Law = None,
    device: Device = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Stream words into a file or a pipe; little-endian, lowest bits first.

    The file appears under its name when it is complete; an interruption leaves nothing behind.

    Examples: `engram fill 0 10**9 words.npy`, `engram fill 0 2**64-1 - | RNG_test stdin64`
    """
    first, words = integer(address, "ADDRESS"), integer(count, "COUNT")
    to_stdout = output == "-"
    if file_format is None:
        file_format = FileFormat.NPY if output.endswith(".npy") else FileFormat.RAW
    if to_stdout and sys.stdout.isatty():
        raise ValueError("OUTPUT - must be a pipe or a file, not a terminal")
    from engram.arch.elements import element_by_name
    from engram.inputs import as_address, as_count, check_range

    # Everything is checked before a file is touched.
    element = element_by_name(dtype)
    check_range(as_address(first), as_count(words))
    with open_memory(directory, seed=seed, law=law, device=device, config=config) as memory:
        chosen = space_of(memory, space)
        started = time.perf_counter()
        with _destination(output, force=force) as file:
            if file_format is FileFormat.NPY:
                _write_header(file, element.dtype.str, words * element.lanes)
            _stream(chosen, first, words, dtype, file)
        seconds = time.perf_counter() - started
    nbytes = 8 * words
    summary = {
        "address": first,
        "count": words,
        "dtype": dtype,
        "format": file_format.value,
        "output": output,
        "bytes": nbytes,
        "seconds": seconds,
        "words_per_second": words / seconds,
    }
    if as_json and not to_stdout:
        print_json(summary)
    elif as_json:
        print(json.dumps(summary), file=sys.stderr)
    else:
        line = (
            f"{amount(words)} words ({size(nbytes)}) in {duration(seconds)}: "
            f"{amount(words / seconds)} words/s, {size(nbytes / seconds)}/s"
        )
        typer.echo(line, err=to_stdout)


def _stream(space: "Space", first: int, words: int, dtype: str, file: BinaryIO) -> None:
    """Copy the range to the file, with a bar on stderr where somebody watches."""
    import numpy as np
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from engram.arch.elements import element_by_name

    element = element_by_name(dtype)
    buffer = np.empty(min(words, _CHUNK_WORDS) * element.lanes, element.dtype)
    watched = console(stderr=True)
    columns = (
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    started = time.perf_counter()
    hidden = not watched.is_terminal
    with Progress(*columns, console=watched, transient=True, disable=hidden) as bar:
        task = bar.add_task("", total=words, rate="")
        for start in range(0, words, _CHUNK_WORDS):
            length = min(_CHUNK_WORDS, words - start)
            part = buffer[: length * element.lanes]
            space.read(first + start, length, dtype=dtype, out=part)
            _write_all(file, part.view(np.uint8).data)
            rate = (start + length) / (time.perf_counter() - started)
            bar.update(
                task,
                completed=start + length,
                rate=f"{amount(rate)} words/s  {size(8 * rate)}/s",
            )


def _write_all(file: BinaryIO, data: memoryview) -> None:
    """Write every byte: an unbuffered file may take fewer than it is given."""
    while data:
        data = data[file.write(data) :]


def _write_header(file: BinaryIO, dtype: str, elements: int) -> None:
    from numpy.lib import format as npy

    npy.write_array_header_1_0(
        file, {"descr": dtype, "fortran_order": False, "shape": (elements,)}
    )


@contextmanager
def _destination(output: str, *, force: bool) -> Iterator[BinaryIO]:
    """Open stdout, a device or pipe as it is, a file under another name until it is complete."""
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(output)
    if path.is_dir():
        raise ValueError(f"OUTPUT must be a file, not the directory {path}")
    special = path.exists() and not path.is_file()
    if path.exists() and not (special or force):
        raise FileExistsError(errno.EEXIST, "the file exists; --force replaces it", str(path))
    place = path if special else path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with place.open("wb", buffering=0) as file:
            yield file
        if not special:
            os.replace(place, path)
    except BaseException as error:
        if not special:
            place.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(place)):
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise
