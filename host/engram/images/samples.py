"""Pictures made by rules: a gradient, shapes, text, noise, and a landscape like a photograph."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["SAMPLES", "sample"]

Image = NDArray[np.uint8]


def sample(name: str, side: int = 256, *, colour: bool = False) -> Image:
    """Return a picture of SAMPLES, the same at every call; raise ValueError naming them."""
    if name not in SAMPLES:
        raise ValueError(f"sample must be one of {', '.join(SAMPLES)}, not {name!r}")
    found: Image = np.clip(np.rint(SAMPLES[name](side)), 0, 255).astype(np.uint8)
    if colour:
        return found
    weights = np.array([0.299, 0.587, 0.114])
    grey: Image = np.rint(found @ weights).astype(np.uint8)
    return grey


def _gradient(side: int) -> NDArray[np.float64]:
    y, x = np.mgrid[:side, :side] / side
    return 255 * np.stack((x, y, (2 - x - y) / 2), axis=-1)


def _shapes(side: int) -> NDArray[np.float64]:
    chance = np.random.default_rng(1)
    y, x = np.mgrid[:side, :side] / side
    found = np.full((side, side, 3), 230.0)
    for number in range(14):
        colour = chance.uniform(0, 255, 3)
        across, down, size = chance.uniform(0.05, 0.95), chance.uniform(0.05, 0.95), 0.04
        size += chance.uniform(0, 0.14)
        if number % 2:
            inside = (x - across) ** 2 + (y - down) ** 2 < size**2
        else:
            inside = (abs(x - across) < size) & (abs(y - down) < 0.7 * size)
        found[inside] = colour
    return found


def _text(side: int) -> NDArray[np.float64]:
    from PIL import Image, ImageDraw, ImageFont

    page = Image.new("RGB", (side, side), (250, 248, 240))
    draw = ImageDraw.Draw(page)
    words = ["a", "word", "is", "generated,", "overlaid", "or", "regrown"]
    font = ImageFont.load_default()
    for line in range(side // 14):
        turned = words[line % len(words) :] + words[: line % len(words)]
        draw.text((6, 4 + 14 * line), " ".join(turned), fill=(20, 20, 60), font=font)
    return np.asarray(page).astype(np.float64)


def _noise(side: int) -> NDArray[np.float64]:
    return np.random.default_rng(2).integers(0, 256, (side, side, 3)).astype(np.float64)


def _landscape(side: int) -> NDArray[np.float64]:
    """A sky, hills one behind the other, and a lake: edges over fields that fall as 1/f."""
    y, x = np.mgrid[:side, :side] / side
    clouds = _field(side, 2.0, 3)
    found = np.stack((90 + 90 * y, 140 + 60 * y, 220 - 10 * y), axis=-1)
    found += 45 * np.clip(clouds, 0, None)[..., None]
    sun = np.exp(-((x - 0.7) ** 2 + (y - 0.2) ** 2) / 0.004)
    found += sun[..., None] * np.array([140, 110, 20])
    for number, (height, shade) in enumerate(
        ((0.42, (110, 125, 140)), (0.55, (80, 105, 75)), (0.7, (45, 75, 35)))
    ):
        ridge = _ridge(side, 10 + number)
        inside = y > height + 0.1 * ridge[None, :]
        rough = _field(side, 1.2 - 0.1 * number, 20 + number)
        tone = np.array(shade) * (1 + 0.25 * rough[..., None])
        found = np.where(inside[..., None], tone, found)
    lake = y > 0.86 + 0.01 * np.sin(6 * x)
    ripples = 12 * np.sin(160 * y + 4 * clouds)
    mirrored = np.stack((90 + ripples, 120 + ripples, 160 + ripples), axis=-1)
    return np.where(lake[..., None], mirrored, found)


def _field(side: int, slope: float, seed: int) -> NDArray[np.float64]:
    """Return noise of unit variance whose amplitude falls with frequency as a power."""
    noise = np.fft.fft2(np.random.default_rng(seed).standard_normal((side, side)))
    down, across = np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side), indexing="ij")
    radius = np.hypot(across, down)
    radius[0, 0] = np.inf
    field: NDArray[np.float64] = np.fft.ifft2(noise / radius**slope).real
    field /= field.std()
    return field


def _ridge(side: int, seed: int) -> NDArray[np.float64]:
    row: NDArray[np.float64] = _field(side, 1.6, seed)[0]
    return row


SAMPLES: dict[str, Callable[[int], NDArray[np.float64]]] = {
    "landscape": _landscape,
    "gradient": _gradient,
    "shapes": _shapes,
    "text": _text,
    "noise": _noise,
}
