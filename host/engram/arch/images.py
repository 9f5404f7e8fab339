"""Pictures as bytes: the header, the steps of the quantiser, and the priors of the coder."""

from dataclasses import dataclass

__all__ = [
    "BLOCKS",
    "COEFFICIENT_BITS",
    "CONTEXTS",
    "COUNT_LIMIT",
    "COUNT_STEP",
    "ESCAPE",
    "FRACTION_BITS",
    "LARGEST_CHROMA",
    "LARGEST_PIXELS",
    "LARGEST_QUALITY",
    "LARGEST_SIDE",
    "BASIS_BITS",
    "PictureHeader",
    "prior",
    "step",
]

_FIRST_BYTE = 0xE1  # version 1

LARGEST_SIDE = 1 << 14  # pixels
LARGEST_PIXELS = 1 << 26  # so that ten bytes cannot ask for gigabytes

BLOCKS = (8, 16, 32, 64, 128, 256)  # sides of the transform's blocks

FRACTION_BITS = 4  # of coefficients, whose transform is orthonormal
COEFFICIENT_BITS = 23  # and so large they may be: 128 levels, sides of 2,048, and one to spare
BASIS_BITS = 14  # of the cosines

LARGEST_QUALITY = 191  # sixteenths of an octave between steps: 12 octaves
LARGEST_CHROMA = 7  # quarters of an octave by which the steps of colour are wider

# round(2**(15 + i/16)): an octave of steps.
_OCTAVE = (
    32768, 34219, 35734, 37316, 38968, 40693, 42495, 44376,
    46341, 48393, 50535, 52773, 55109, 57549, 60097, 62757,
)  # fmt: skip

ESCAPE = 15  # magnitudes from here on are coded apart
CONTEXTS = 12  # by how large the coefficients around are
COUNT_STEP = 24  # what one coefficient adds to the count of its magnitude
COUNT_LIMIT = 1 << 20  # a row of counts is halved above this

# Of 256: how often a coefficient is 0 in each context, and how often a magnitude is followed by
# the next one, before anything has been counted. Typical of photographs at low quality.
_ZEROS = (249, 236, 218, 200, 180, 158, 134, 108, 80, 54, 34, 20)
_LONGER = (40, 48, 58, 70, 84, 98, 116, 136, 158, 182, 206, 226)
_WEIGHT = 256  # of the prior: some ten coefficients


def step(quality: int) -> int:
    """Return the quantiser's step, in 2**-FRACTION_BITS; the finest is 1."""
    return _OCTAVE[quality % 16] << (quality // 16) >> (15 - FRACTION_BITS)


def prior(context: int) -> list[int]:
    """Return the counts of the magnitudes 0..ESCAPE with which a context begins."""
    zero = _ZEROS[context]
    left = 256 - zero
    counts = [_WEIGHT * zero >> 8]
    for _ in range(ESCAPE - 1):
        counts.append(max(1, _WEIGHT * left * (256 - _LONGER[context]) >> 16))
        left = left * _LONGER[context] >> 8
    counts.append(max(1, _WEIGHT * left >> 8))
    return counts


@dataclass(frozen=True)
class PictureHeader:
    """What a payload begins with: 3 bytes, and 1 to 2 for each of width and height."""

    width: int
    height: int
    colour: bool  # three components, else one
    halved: bool  # the two of colour have half the width and height
    block: int  # a side of BLOCKS
    quality: int  # 0..LARGEST_QUALITY: the number of the step; 0 is finest
    chroma: int  # 0..LARGEST_CHROMA

    def to_bytes(self) -> bytes:
        """Return the header as it lies in a payload."""
        flags = self.colour | self.halved << 1 | BLOCKS.index(self.block) << 2 | self.chroma << 5
        return (
            bytes((_FIRST_BYTE, flags, self.quality)) + _number(self.width) + _number(self.height)
        )

    @classmethod
    def from_bytes(cls, payload: bytes) -> tuple["PictureHeader", int]:
        """Return the header and its length; raise ValueError if this is no picture."""
        if len(payload) < 3 or payload[0] != _FIRST_BYTE:
            raise ValueError("payload must be a picture of version 1")
        flags, quality = payload[1], payload[2]
        width, at = _parsed(payload, 3)
        height, at = _parsed(payload, at)
        which = flags >> 2 & 7
        colour, halved = bool(flags & 1), bool(flags & 2)
        if (
            which >= len(BLOCKS)
            or quality > LARGEST_QUALITY
            or (not colour and (halved or flags >> 5))
        ):
            raise ValueError("payload must be a picture with a known transform")
        if max(width, height) > LARGEST_SIDE or width * height > LARGEST_PIXELS:
            raise ValueError(
                f"payload must be a picture of at most {LARGEST_PIXELS} pixels, "
                f"not {width} x {height}"
            )
        return cls(width, height, colour, halved, BLOCKS[which], quality, flags >> 5), at


def _number(value: int) -> bytes:
    """Return a length, less one, seven bits a byte, lowest first."""
    value -= 1
    return bytes((value,)) if value < 128 else bytes((value & 127 | 128, value >> 7))


def _parsed(payload: bytes, at: int) -> tuple[int, int]:
    if at >= len(payload) or (payload[at] >= 128 and at + 1 >= len(payload)):
        raise ValueError("payload must be a picture with a width and a height")
    if payload[at] < 128:
        return payload[at] + 1, at + 1
    return (payload[at] & 127 | payload[at + 1] << 7) + 1, at + 2
