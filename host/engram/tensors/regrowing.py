"""Regrowing: from the versions that a tensor is made of to its elements, and their digests."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.deltas import ADD, FLIP, SCALE
from engram.arch.tensors import TILE_ELEMENTS
from engram.codecs.catalogue import codec_by_number
from engram.errors import IntegrityError
from engram.tensors.deltas import add_into, flip_into, scale_into, unpack_scale
from engram.tensors.descriptors import Descriptor
from engram.tensors.merkle import MerkleTree, leaf

__all__ = ["regrow", "tiles_of", "tree_of"]

Elements = NDArray[Any]


def regrow(chain: Sequence[Descriptor], start: int, stop: int, out: Elements) -> None:
    """Regrow elements ``start`` to ``stop`` of a whole version and its deltas into ``out``.

    The caller has verified them.

    Raises:
        IntegrityError: they cannot be decoded, or are not of one tensor.
    """
    whole = chain[0]
    _decode(whole, start, stop, out)
    for delta in chain[1:]:
        if delta.geometry != whole.geometry:
            raise IntegrityError(
                f"version {delta.version} of tensor {whole.name!r} changes another shape or type"
            )
        kind = delta.geometry.kind
        if delta.form == SCALE:
            scale_into(out, unpack_scale(delta.payload, kind), kind)
            continue
        other = np.empty(stop - start, kind.bits)
        _decode(delta, start, stop, other)
        if delta.form == ADD:
            add_into(out, other, kind)
        else:
            assert delta.form == FLIP
            flip_into(out, other)


def tiles_of(flat: Elements) -> list[bytes]:
    """Return the leaves of a tensor's tiles, given all its elements in one dimension."""
    content = flat.view(np.uint8).data
    size = TILE_ELEMENTS * flat.itemsize
    starts = range(0, len(content), size)
    return [leaf(index, content[at : at + size]) for index, at in enumerate(starts)]


def tree_of(flat: Elements) -> MerkleTree:
    """Return the tree over a tensor's tiles, given all its elements in one dimension."""
    return MerkleTree(tiles_of(flat))


def _decode(descriptor: Descriptor, start: int, stop: int, out: Elements) -> None:
    codec = codec_by_number(descriptor.codec_number)
    try:
        codec.decode(descriptor.payload, descriptor.geometry, start, stop, out)
    except ValueError as error:
        raise IntegrityError(
            f"version {descriptor.version} of tensor {descriptor.name!r} cannot be decoded: {error}"
        ) from error
