"""Embeddings and other arrays from a file or a pipe: .npy, or JSON."""

import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_array", "read_embeddings", "read_ids"]

_MAGIC = b"\x93NUMPY"


def read_embeddings(name: str) -> "NDArray[Any]":
    """Return what a file holds, or stdin if its name is ``-``: an array of one dimension or two.

    Raises:
        ValueError: it is neither a .npy file nor a JSON array of numbers.
        OSError: it cannot be read.
    """
    import numpy as np

    data = _bytes_of(name)
    try:
        if data.startswith(_MAGIC):
            return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))
        return np.asarray(json.loads(data), np.float64)
    except (ValueError, TypeError, EOFError) as error:
        raise ValueError(
            f"--vector must be a .npy file or a JSON array of numbers, not {name!r}: {error}"
        ) from None


def read_array(name: str, what: str) -> "NDArray[Any]":
    """Return the array of a .npy file, or of stdin if its name is ``-``.

    Raises:
        ValueError: it is no .npy file; ``what`` says in the message what it was to be.
        OSError: it cannot be read.
    """
    import numpy as np

    data = _bytes_of(name)
    try:
        if data.startswith(_MAGIC):
            return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))
        error = "it does not begin as one"
    except (ValueError, EOFError) as wrong:
        error = str(wrong)
    raise ValueError(f"{what} must be a .npy file, not {name!r}: {error}")


def read_ids(path: Path) -> list[str]:
    """Return the lines of a file."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"--ids must be a file of UTF-8 text, not {str(path)!r}: {error}"
        ) from None


def _bytes_of(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
