"""All codecs by number and by name, each imported when it is first asked for."""

import importlib
from functools import cache

from engram.arch.tensors import CODECS
from engram.codecs.codec import Codec

__all__ = ["LOCAL", "codec", "codec_by_number", "names"]

# Where a codec's class is, if not in the module of its name under its name and Codec.
_CLASSES = {
    "raw": "RawCodec",
    "lossless": "LosslessCodec",
    "sparse": "SparseCodec",
    "grouped": "GroupedCodec",
    "factors": "FactorsCodec",
    "train": "TrainCodec",
    "cp": "CpCodec",
    "tucker": "TuckerCodec",
    "seeded": "SeededCodec",
    "stepped": "SteppedCodec",
}

# Codecs to which tiles are strangers: what some tiles need tells what all of them will.
LOCAL = frozenset({"raw", "lossless", "sparse", "grouped", "seeded", "stepped"})


def names() -> tuple[str, ...]:
    """Return the names of all codecs, in the order of their numbers."""
    return tuple(sorted(CODECS, key=CODECS.__getitem__))


@cache
def codec(name: str) -> Codec:
    """Return a codec; raise ValueError naming those there are."""
    if name not in CODECS:
        raise ValueError(f"codec must be one of {', '.join(names())}, not {name!r}")
    made: Codec = getattr(importlib.import_module(f"engram.codecs.{name}"), _CLASSES[name])()
    return made


def codec_by_number(number: int) -> Codec:
    """Return the codec of a descriptor; raise ValueError if no codec has this number."""
    for name, own in CODECS.items():
        if own == number:
            return codec(name)
    raise ValueError(f"codec must be one of the numbers {sorted(CODECS.values())}, not {number!r}")
