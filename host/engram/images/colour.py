"""Pixels to planes of brightness and colour, and back: ITU-T T.871, in integers."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Plane", "pixels", "planes"]

Plane = NDArray[np.int64]

# Of 2**16. Back: what red and blue add, and what both take from green.
_RED, _BLUE = 91881, 116130
_GREEN_BLUE, _GREEN_RED = 22554, 46802
_FORWARD = np.array(
    [[19595, 38470, 7471], [-11059, -21709, 32768], [32768, -27439, -5329]], np.int64
)


def planes(image: NDArray[np.uint8], *, halved: bool) -> list[Plane]:
    """Return the planes of an image of shape (height, width) or (height, width, 3), around 0.

    Halved planes of colour hold the means of 2 x 2 pixels.
    """
    if image.ndim == 2:
        return [image.astype(np.int64) - 128]
    mixed = _rounded(image.astype(np.int64) @ _FORWARD.T, 16)
    bright, blue, red = mixed[..., 0] - 128, mixed[..., 1], mixed[..., 2]
    if halved:
        blue, red = _halved(blue), _halved(red)
    return [bright, blue, red]


def pixels(found: list[Plane]) -> NDArray[np.uint8]:
    """Return the image of planes; those of colour are brought to the first one's size."""
    bright = found[0] + 128
    if len(found) == 1:
        return np.clip(bright, 0, 255).astype(np.uint8)
    blue, red = (_doubled(plane, bright.shape) for plane in found[1:])
    image = np.stack(
        (
            bright + _rounded(_RED * red, 16),
            bright - _rounded(_GREEN_BLUE * blue + _GREEN_RED * red, 16),
            bright + _rounded(_BLUE * blue, 16),
        ),
        axis=-1,
    )
    return np.clip(image, 0, 255).astype(np.uint8)


def _rounded(values: Plane, bits: int) -> Plane:
    return (values + (1 << bits - 1)) >> bits


def _halved(plane: Plane) -> Plane:
    height, width = plane.shape
    even = np.pad(plane, ((0, height % 2), (0, width % 2)), mode="edge")
    return _rounded(even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2], 2)


def _doubled(plane: Plane, shape: tuple[int, ...]) -> Plane:
    """Return a plane of another's size; each sample lies amid its four pixels, as in T.871."""
    if plane.shape == shape:
        return plane
    for axis in (0, 1):
        near = np.repeat(plane, 2, axis)
        padded = np.pad(plane, [(1, 1) if i == axis else (0, 0) for i in (0, 1)], mode="edge")
        before, after = np.delete(padded, [-1, -2], axis), np.delete(padded, [0, 1], axis)
        far = np.stack((before, after), axis + 1).reshape(near.shape)
        plane = _rounded(3 * near + far, 2)
    return plane[: shape[0], : shape[1]]
