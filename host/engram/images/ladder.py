"""A ladder of sizes: what a picture keeps at each, beside JPEG and WebP, in a table and a sheet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engram.errors import CannotMeet
from engram.images.peers import PEERS, peer
from engram.images.pictures import Picture, encode
from engram.images.quality import psnr, ssim

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

__all__ = ["SIZES", "Entry", "Rung", "contact_sheet", "ladder"]

SIZES = (52, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)  # bytes

_OWN = "engram"
_MARGIN, _LABEL = 8, 30  # pixels of the sheet


@dataclass(frozen=True)
class Entry:
    """One coder's picture: its bytes, its pixels, and how like they are to the original."""

    coder: str
    nbytes: int
    pixels: NDArray[np.uint8]
    psnr: float  # decibels
    ssim: float


@dataclass(frozen=True)
class Rung:
    """A size, and what each coder makes of it; a coder that cannot is not there."""

    most: int
    entries: tuple[Entry, ...]

    def entry(self, coder: str) -> Entry | None:
        """Return the entry of ``engram``, ``jpeg`` or ``webp``, or None."""
        return next((entry for entry in self.entries if entry.coder == coder), None)


def ladder(
    image: NDArray[np.uint8],
    sizes: Sequence[int] = SIZES,
    *,
    progress: Callable[[Rung], None] | None = None,
) -> list[Rung]:
    """Return the rungs of an image, smallest first; on each, no picture is worse than below it.

    Raises:
        TypeError, ValueError: this is no image, or these are no sizes.
    """
    rungs: list[Rung] = []
    best: Picture | None = None
    for most in sorted(set(sizes)):
        entries = []
        try:
            found = encode(image, most)
        except CannotMeet:
            found = None
        if found is not None:
            if best is None or psnr(image, found.pixels) >= psnr(image, best.pixels):
                best = found
            entries.append(_entry(_OWN, image, len(best), best.pixels))
        for name in PEERS:
            other = peer(name, image, most)
            if other is not None:
                entries.append(_entry(name, image, *other))
        rungs.append(Rung(most, tuple(entries)))
        if progress is not None:
            progress(rungs[-1])
    return rungs


def contact_sheet(image: NDArray[np.uint8], rungs: Sequence[Rung]) -> "PilImage":
    """Return a picture of all pictures: a column for each rung, a row for each coder."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = image.shape[:2]
    coders = (_OWN, *PEERS)
    wide, tall = max(width, 90) + _MARGIN, height + _LABEL + _MARGIN
    sheet = Image.new(
        "RGB", (wide * (1 + len(rungs)) + _MARGIN, tall * len(coders) + _MARGIN), "white"
    )
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default()

    def put(column: int, row: int, pixels: NDArray[np.uint8] | None, first: str, rest: str) -> None:
        left, top = _MARGIN + column * wide, _MARGIN + row * tall
        draw.text((left, top), f"{first}\n{rest}", fill="black", font=font, spacing=2)
        if pixels is not None:
            sheet.paste(Image.fromarray(pixels), (left, top + _LABEL))

    put(0, 0, image, "original", f"{image.nbytes:,} B")
    for column, rung in enumerate(rungs, 1):
        for row, coder in enumerate(coders):
            entry = rung.entry(coder)
            if entry is None:
                put(column, row, None, f"{coder}: none", f"in {rung.most:,} B")
            else:
                figures = f"{entry.psnr:.1f} dB  {entry.ssim:.2f}"
                put(column, row, entry.pixels, f"{coder} {entry.nbytes:,} B", figures)
    return sheet


def _entry(coder: str, image: NDArray[np.uint8], nbytes: int, pixels: NDArray[np.uint8]) -> Entry:
    return Entry(coder, nbytes, pixels, psnr(image, pixels), ssim(image, pixels))
