"""JPEG and WebP within so many bytes, by Pillow: what pictures are measured against."""

import io

import numpy as np
from numpy.typing import NDArray

__all__ = ["PEERS", "peer"]

PEERS = ("jpeg", "webp")
_MOST = 100  # quality in both


def peer(name: str, image: NDArray[np.uint8], nbytes: int) -> tuple[int, NDArray[np.uint8]] | None:
    """Return the bytes and the pixels of the best quality that fits, found by halving.

    None if even the worst does not fit: the headers of both take hundreds of bytes, or tens.
    """
    if name not in PEERS:
        raise ValueError(f"peer must be one of {', '.join(PEERS)}, not {name!r}")
    low, high, best = 0, _MOST + 1, None
    while high - low > 1 or best is None:
        middle = (low + high) // 2
        data = _written(name, image, middle)
        if len(data) <= nbytes:
            low, best = middle, data
        elif middle == 0:
            return None
        else:
            high = middle
    return len(best), _read(best, colour=image.ndim == 3)


def _written(name: str, image: NDArray[np.uint8], quality: int) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    options = {"optimize": True} if name == "jpeg" else {"method": 6}
    Image.fromarray(image).save(buffer, name, quality=quality, **options)
    return buffer.getvalue()


def _read(data: bytes, *, colour: bool) -> NDArray[np.uint8]:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as found:
        return np.asarray(found.convert("RGB" if colour else "L"))  # WebP knows no grey
