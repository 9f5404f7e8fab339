"""`engram read`: a few words, as any of the number views."""

import sys
from typing import TYPE_CHECKING, Any

from engram.cli.expressions import word_range
from engram.cli.opening import open_memory, space_of
from engram.cli.options import (
    Address,
    Config,
    Count,
    Device,
    Directory,
    Dtype,
    Json,
    Law,
    Seed,
    SpaceName,
    Verbose,
)
from engram.cli.terminal import console, print_json, table

if TYPE_CHECKING:
    from engram.space import Space

__all__ = ["read"]

_MOST_WORDS = 1 << 20  # what fits a screen buffer or a JSON line; `fill` has no bound


def read(
    address: Address,
    count: Count = None,
    dtype: Dtype = "uint64",
    directory: Directory = None,
    space: SpaceName = None,
    seed: Seed = None,
    law: Law = None,
    device: Device = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Print words: a table on a terminal, one value a line into a pipe.

    Without a directory the words are generated from the seed (0 unless given); with one, what was
    written there hides them.

    Examples: `engram read 10**15`, `engram read 2**64-4: -t float32`, `engram read 0 8 -d state`
    """
    first, length = word_range(address, count)
    if length is not None and length > _MOST_WORDS:
        raise ValueError(
            f"COUNT must be at most {_MOST_WORDS:,} for read, not {length:,}: use `engram fill`"
        )
    with open_memory(directory, seed=seed, law=law, device=device, config=config) as memory:
        chosen = space_of(memory, space)
        words = 1 if length is None else length
        values = chosen.read(first, words, dtype=dtype)
        if as_json:
            print_json(
                {
                    "address": first,
                    "count": words,
                    "dtype": dtype,
                    "lanes": len(values) // words if words else 1,
                    "seed": chosen.seed,
                    "law": chosen.law.number,
                    "values": values.tolist(),
                    "written": int(chosen.is_written(_addresses(first, words)).sum()),
                }
            )
        elif words > 1 and sys.stdout.isatty():
            _print_table(chosen, first, words, values)
        else:
            # str of a NumPy number is the shortest text that reads back as the same number.
            sys.stdout.writelines(f"{value!s}\n" for value in values)


def _print_table(space: "Space", first: int, words: int, values: Any) -> None:
    lanes = len(values) // words
    written = space.is_written(_addresses(first, words)).tolist()
    texts = [f"{value!s}" for value in values]
    width = max(map(len, texts))
    rows = []
    for i in range(words):
        value = " ".join(text.rjust(width) for text in texts[i * lanes : (i + 1) * lanes])
        cells = [str(first + i), value, "written" if written[i] else "generated"]
        if values.dtype.kind == "u":
            cells.insert(1, f"{int(values[i]):#018x}")
        rows.append(cells)
    heads = ["address", "value" if lanes == 1 else f"{lanes} values, lowest bits first", "origin"]
    if values.dtype.kind == "u":
        heads.insert(1, "in hex")
    console().print(table(heads, rows, left=0))


def _addresses(first: int, words: int) -> Any:
    import numpy as np

    return np.arange(words, dtype=np.uint64) + np.uint64(first)
