"""`engram store`, `load`, `inspect`, `tensors`, `history`, `rollback` and `drop`: by name."""

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engram.cli.embeddings import read_array
from engram.cli.files import check_output, write_file
from engram.cli.opening import open_memory
from engram.cli.options import Config, Json, KeyFile, Seed, Store, Verbose
from engram.cli.terminal import console, duration, print_json, size, table

if TYPE_CHECKING:
    from engram.tensors.descriptors import Descriptor

__all__ = ["drop", "history", "inspect", "load", "rollback", "store", "tensors"]

Name = Annotated[str, typer.Argument(help="The tensor's name.", metavar="NAME")]
Ratio = Annotated[
    float | None,
    typer.Option(
        "--ratio", "-r", help="Most stored bytes a byte of the tensor, 0.1 for a tenth.",
        metavar="NUMBER",
    ),
]  # fmt: skip
MaxError = Annotated[
    float | None,
    typer.Option(
        "--max-error", "-e", help="Greatest relative error, in Frobenius norms.", metavar="NUMBER"
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that exists.")]
Version = Annotated[
    int | None,
    typer.Option("--version", help="An older version; by default the latest.", metavar="NUMBER"),
]


def store(
    directory: Store,
    name: Name,
    file: Annotated[str, typer.Argument(help="A .npy file; - for stdin.", metavar="FILE")],
    ratio: Ratio = None,
    max_error: MaxError = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Every bit must come back; so without any bound.")
    ] = False,
    codec: Annotated[
        str, typer.Option("--codec", help="The only codec to try.", metavar="NAME")
    ] = "auto",
    seed: Seed = None,
    key_file: KeyFile = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Keep a tensor within a bound; it is durable when the command has ended.

    A directory that holds no memory yet becomes one. A name that is known gets a new version.

    Example: `engram store state w1 weights.npy --ratio 0.1`
    """
    array = read_array(file, "FILE")
    with open_memory(
        directory, seed=seed, key_file=key_file, config=config, writing=True, may_create=True
    ) as memory:
        started = time.perf_counter()
        found = memory.store(
            name, array, ratio=ratio, max_error=max_error, exact=exact, codec=codec
        )
        memory.flush()
        seconds = time.perf_counter() - started
    if as_json:
        print_json({**as_dict(found), "seconds": seconds})
    else:
        typer.echo(f"{_line(found)}, in {duration(seconds)}")


def load(
    directory: Store,
    name: Name,
    output: Annotated[
        str, typer.Option("--output", "-o", help="A .npy file to make; - for stdout.")
    ],
    version: Version = None,
    force: Force = False,
    key_file: KeyFile = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Regrow a tensor into a .npy file, verified first.

    .npy has no bfloat16: such a tensor is written as its bits, unsigned 16-bit integers.
    """
    import io
    import sys

    import numpy as np

    if output != "-":
        check_output(Path(output), force=force)
    elif as_json:
        raise ValueError("--output must be a file with --json, not -")
    with open_memory(directory, key_file=key_file, config=config) as memory:
        started = time.perf_counter()
        array = memory.load(name, version)
        seconds = time.perf_counter() - started
        found = memory.describe(name, version)
        buffer = io.BytesIO()
        np.save(buffer, array.view(found.geometry.kind.bits), allow_pickle=False)
    if output == "-":
        sys.stdout.buffer.write(buffer.getvalue())
        return
    write_file(Path(output), buffer.getvalue())
    if as_json:
        print_json({**as_dict(found), "output": output, "seconds": seconds})
    else:
        typer.echo(f"{output}: {_line(found)}, regrown in {duration(seconds)}")


def inspect(
    place: Annotated[
        Path,
        typer.Argument(help="A memory's directory, or a file with a descriptor.", metavar="PLACE"),
    ],
    name: Annotated[
        str | None, typer.Argument(help="The tensor's name in a directory.", metavar="NAME")
    ] = None,
    version: Version = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the descriptor there.", metavar="FILE"),
    ] = None,
    force: Force = False,
    key_file: KeyFile = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Show what a descriptor says, and whether its signature was verified; nothing is decoded.

    A file needs no key to be shown; with one it is verified, and refused if that fails.
    """
    if output is not None:
        check_output(output, force=force)
    if place.is_dir():
        if name is None:
            raise ValueError(f"NAME must be given with a directory such as {str(place)!r}")
        with open_memory(place, key_file=key_file, config=config) as memory:
            found, verified = memory.describe(name, version), True
    else:
        found, verified = _of_file(place, name, version, key_file)
    if output is not None:
        write_file(output, found.to_bytes())
    told = {**as_dict(found), "verified": verified}
    if as_json:
        print_json(told)
        return
    rows = [(title, _text(title, value)) for title, value in told.items()]
    console().print(table(("field", "value"), rows, left=2))


def tensors(
    directory: Store,
    key_file: KeyFile = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """List the tensors of a directory."""
    with open_memory(directory, key_file=key_file, config=config) as memory:
        found = [memory.describe(name) for name in memory.tensors()]
        path = memory.path
    if as_json:
        print_json({"path": path, "tensors": [as_dict(each) for each in found]})
    elif found:
        _print_table(found, first="name")
        nbytes, stored = (sum(each) for each in zip(*((d.nbytes, d.stored_bytes) for d in found),
                                                    strict=True))  # fmt: skip
        typer.echo(f"{len(found):,} tensors, {size(nbytes)} in {size(stored)}")
    else:
        typer.echo("no tensors")


def history(
    directory: Store,
    name: Name,
    key_file: KeyFile = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """List the versions of a tensor, oldest first."""
    with open_memory(directory, key_file=key_file, config=config) as memory:
        found = memory.history(name)
    if as_json:
        print_json({"name": name, "versions": [as_dict(each) for each in found]})
    else:
        _print_table(found, first="version")


def rollback(
    directory: Store,
    name: Name,
    version: Annotated[int, typer.Argument(help="The version to go back to.", metavar="VERSION")],
    key_file: KeyFile = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Make an older version the latest, and forget those behind it; nothing is asked."""
    with open_memory(directory, key_file=key_file, config=config, writing=True) as memory:
        found = memory.rollback(name, version)
        memory.flush()
    if as_json:
        print_json(as_dict(found))
    else:
        typer.echo(f"version {found.version} of {name} is the latest again")


def drop(
    directory: Store,
    names: Annotated[list[str], typer.Argument(help="Names of tensors.", metavar="NAME...")],
    key_file: KeyFile = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Forget tensors with all versions; nothing is asked. If one is unknown, none is dropped."""
    from engram.errors import NotFound

    with open_memory(directory, key_file=key_file, config=config, writing=True) as memory:
        known = set(memory.tensors())
        for name in names:
            if name not in known:
                raise NotFound(f"no tensor has the name {name!r}")
        for name in dict.fromkeys(names):
            memory.drop(name)
        memory.flush()
        left = len(memory.tensors())
    count = len(set(names))
    if as_json:
        print_json({"dropped": count, "tensors": left})
    else:
        typer.echo(f"dropped {_count(count)}; {_count(left)} left")


def as_dict(found: "Descriptor") -> dict[str, Any]:
    """Return what a descriptor says, as JSON knows it."""
    from engram.arch.payloads.deltas import FORMS

    return {
        "name": found.name,
        "version": found.version,
        "form": FORMS[found.form],
        "codec": found.codec,
        "dtype": found.dtype,
        "shape": list(found.shape),
        "bytes": found.nbytes,
        "stored_bytes": found.stored_bytes,
        "ratio": _finite(found.ratio),
        "error": _finite(found.error),
        "largest_error": _finite(found.largest_error),
        "base": found.base,
        "root": found.root.hex(),
        "parent": found.parent.hex() if any(found.parent) else None,
        "digest": found.digest.hex(),
    }


def _of_file(
    place: Path, name: str | None, version: int | None, key_file: Path | None
) -> "tuple[Descriptor, bool]":
    from engram.tensors.descriptors import Descriptor
    from engram.trust.keys import Keys, find_key

    if name is not None or version is not None:
        raise ValueError("NAME and --version must be left out with a file: it holds one descriptor")
    data = place.read_bytes()
    key = find_key(file=key_file)
    signing = None if key is None else Keys(key).signing
    return Descriptor.from_bytes(data, signing), key is not None


def _print_table(found: "list[Descriptor]", *, first: str) -> None:
    from engram.arch.payloads.deltas import FORMS

    rows = [
        (
            each.name if first == "name" else f"{each.version}",
            FORMS[each.form] if first == "version" else f"{each.version}",
            each.codec,
            each.dtype,
            "x".join(map(str, each.shape)) or "scalar",
            size(each.stored_bytes),
            f"{each.ratio:.4g}",
            f"{each.error:.3g}",
        )
        for each in found
    ]
    second = "form" if first == "version" else "version"
    columns = (first, second, "codec", "dtype", "shape", "stored", "ratio", "error")
    console().print(table(columns, rows, left=1))


def _line(found: "Descriptor") -> str:
    return (
        f"version {found.version} of {found.name}: {size(found.nbytes)} in "
        f"{size(found.stored_bytes)} by {found.codec}, relative error {found.error:.3g}"
    )


def _text(title: str, value: Any) -> str:
    if title in ("bytes", "stored_bytes"):
        return f"{value:,}"
    if title == "base":
        return f"{value:#x}"
    if title == "verified":
        return "yes" if value else "no: no key was given"
    return "none" if value is None else str(value)


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _count(number: int) -> str:
    return f"{number:,} tensor" if number == 1 else f"{number:,} tensors"
