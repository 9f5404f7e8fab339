"""Pictures: the best one within so many bytes, and pixels back from it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engram.arch.images import (
    BLOCKS,
    FRACTION_BITS,
    LARGEST_PIXELS,
    LARGEST_QUALITY,
    LARGEST_SIDE,
    PictureHeader,
    step,
)
from engram.errors import CannotMeet
from engram.images.coding import Reader, Writer
from engram.images.colour import Plane, pixels, planes
from engram.images.quality import psnr
from engram.images.transform import Blocks, backward, forward, grid_of

__all__ = ["Picture", "encode"]

Image = NDArray[np.uint8]

# What is added to a magnitude before it is rounded down: less than a half, as zeros and small
# magnitudes save more than they lose; how much less is tried once the blocks are chosen. What
# comes back lies a sixteenth of a step nearer to 0, where more of them were.
_ROUNDING = 0.36
_ROUNDINGS = (0.24, 0.3, 0.42)
_NEARER = 16
_FAR = 6  # by how many numbers of steps another rounding moves the one that fits

# At the step of the best so far, one that takes this much more and is no nearer cannot win.
_LARGER, _NEAR = 1.1, 0.5  # times its bytes, decibels

_CHROMA = (2, 5)


@dataclass(frozen=True)
class Picture:
    """A payload, and the header it begins with; ``pixels`` are regrown from the payload alone."""

    payload: bytes
    header: PictureHeader

    @classmethod
    def from_bytes(cls, payload: bytes) -> "Picture":
        """Return the picture of a payload; raise ValueError if it is none."""
        return cls(bytes(payload), PictureHeader.from_bytes(payload)[0])

    def __len__(self) -> int:
        return len(self.payload)

    @cached_property
    def pixels(self) -> Image:
        """The image, of shape (height, width) or (height, width, 3): integers, rounded once."""
        header, at = PictureHeader.from_bytes(self.payload)
        reader = Reader(self.payload[at:])
        found = []
        for number, (height, width) in enumerate(_sizes(header)):
            means, blocks = reader.plane(grid_of(height, width, header.block), header.block)
            width_of_step = _step(header, number)
            found.append(
                backward(
                    _restored(means, width_of_step), _restored(blocks, width_of_step), height, width
                )
            )
        return pixels(found)


def encode(image: NDArray[np.uint8], nbytes: int) -> Picture:
    """Return the picture of least error that was found within ``nbytes``, header included.

    For each size of blocks, steps are halved in on until the payload just fits; the pixels are
    then compared. Sizes that are far from winning at the best one's step are left out.

    Args:
        image: grey of shape (height, width) or RGB of shape (height, width, 3), uint8.
        nbytes: most bytes of the payload.

    Raises:
        TypeError, ValueError: this is no such image, or no such number.
        CannotMeet: even the coarsest picture takes more.
    """
    _check(image, nbytes)
    best: tuple[float, Picture, _Source] | None = None
    least: int | None = None
    for source in _sources(image, 8 * nbytes / (image.shape[0] * image.shape[1])):
        if best is not None and _hopeless(source, image, *best[:2]):
            continue
        found = source.within(nbytes, _ROUNDING)
        if found is None:
            size = len(source.coded(LARGEST_QUALITY, _ROUNDING))
            least = size if least is None else min(least, size)
            continue
        quality = psnr(image, found.pixels)
        if best is None or quality > best[0]:
            best = quality, found, source
    if best is None:
        raise CannotMeet(f"no picture takes {nbytes} bytes or fewer; the least takes {least}")
    quality, chosen, source = best
    for rounding in _ROUNDINGS:
        found = source.within(nbytes, rounding, chosen.header.quality)
        if found is not None and (better := psnr(image, found.pixels)) > quality:
            quality, chosen = better, found
    return chosen


class _Source:
    """The transform of an image in one way, to be quantised in many."""

    def __init__(self, image: Image, header: PictureHeader, parts: list[Plane]) -> None:
        self._header = header
        self._planes = [forward(plane, header.block) for plane in parts]

    def within(self, nbytes: int, rounding: float, near: int | None = None) -> Picture | None:
        """Return the finest picture that fits, found by halving; none if the coarsest does not.

        Args:
            near: the number of a step that it will not be far from.
        """
        fine, coarse = -1, LARGEST_QUALITY + 1
        if near is not None:
            fine, coarse = max(fine, near - _FAR), min(coarse, near + _FAR)
        best = None
        while coarse - fine > 1:
            middle = (fine + coarse) // 2
            found = self.coded(middle, rounding)
            if len(found) <= nbytes:
                best, coarse = found, middle
            else:
                fine = middle
        return best

    def coded(self, quality: int, rounding: float) -> Picture:
        """Return the picture with one step."""
        header = replace(self._header, quality=quality)
        writer = Writer()
        for number, (means, blocks) in enumerate(self._planes):
            width_of_step = _step(header, number)
            writer.plane(
                _quantised(means, width_of_step, rounding),
                _quantised(blocks, width_of_step, rounding),
            )
        return Picture(header.to_bytes() + writer.payload(), header)


def _sources(image: Image, bits: float) -> Iterator[_Source]:
    """Yield the ways that may be best at so many bits a pixel."""
    height, width = image.shape[:2]
    colour = image.ndim == 3
    blocks = [block for block in BLOCKS if block == BLOCKS[0] or block < 2 * max(height, width)]
    # The middle first: it is seldom far from the best.
    blocks.sort(key=lambda block: abs(block - 32))
    for halved in (True, False) if colour and bits > 1 else (colour,):
        parts = planes(image, halved=halved)
        for block in blocks:
            for chroma in _CHROMA if colour else (0,):
                header = PictureHeader(width, height, colour, halved, block, 0, chroma)
                yield _Source(image, header, parts)


def _hopeless(source: _Source, image: Image, quality: float, best: Picture) -> bool:
    found = source.coded(best.header.quality, _ROUNDING)
    return len(found) > _LARGER * len(best) and psnr(image, found.pixels) < quality + _NEAR


def _step(header: PictureHeader, plane: int) -> int:
    return step(header.quality + (4 * header.chroma if plane else 0))


def _sizes(header: PictureHeader) -> list[tuple[int, int]]:
    height, width = header.height, header.width
    if not header.colour:
        return [(height, width)]
    part = (-(-height // 2), -(-width // 2)) if header.halved else (height, width)
    return [(height, width), part, part]


def _quantised(coefficients: Blocks, width_of_step: int, rounding: float) -> NDArray[np.int32]:
    indices = np.floor(np.abs(coefficients) * (2**FRACTION_BITS / width_of_step) + rounding)
    signed: NDArray[np.int32] = (np.sign(coefficients) * indices).astype(np.int32)
    return signed


def _restored(indices: NDArray[np.int32], width_of_step: int) -> NDArray[np.int64]:
    nearer = (_NEARER * np.abs(indices.astype(np.int64)) - 1).clip(0)
    values: NDArray[np.int64] = np.sign(indices) * (nearer * width_of_step // _NEARER)
    return values


def _check(image: NDArray[np.uint8], nbytes: int) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        raise TypeError(f"image must be an array of uint8, not {image!r}")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(
            f"image must have a shape (height, width) or (height, width, 3), not {image.shape!r}"
        )
    height, width = image.shape[:2]
    small = max(height, width) <= LARGEST_SIDE and height * width <= LARGEST_PIXELS
    if not small or height * width == 0:
        raise ValueError(
            f"image must have sides in 1..{LARGEST_SIDE} and at most {LARGEST_PIXELS} pixels, "
            f"not {image.shape!r}"
        )
    if not isinstance(nbytes, int) or isinstance(nbytes, bool):
        raise TypeError(f"nbytes must be an integer, not {nbytes!r}")
    if nbytes < 1:
        raise ValueError(f"nbytes must be positive, not {nbytes!r}")
