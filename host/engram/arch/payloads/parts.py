"""What every payload has in common: parts on whole lines of a cache, and a checked header."""

from struct import Struct
from typing import Any

from engram.arch.tensors import ALIGNMENT

__all__ = ["padded", "refuse_unless", "unpack"]


def padded(size: int) -> int:
    """Return how many bytes a part takes, filled up with zeros to ALIGNMENT."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def refuse_unless(fits: bool, what: str) -> None:
    """Raise ValueError for a payload of which ``what`` is not true."""
    if not fits:
        raise ValueError(f"payload must {what}")


def unpack(form: Struct, payload: memoryview, at: int = 0) -> tuple[Any, ...]:
    """Return the fields of a structure; raise ValueError if the payload ends before it does."""
    refuse_unless(len(payload) >= at + form.size, f"be at least {at + form.size} bytes long")
    return form.unpack_from(payload, at)
