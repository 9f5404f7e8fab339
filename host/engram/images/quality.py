"""How like a picture is to another: PSNR, and SSIM after Wang et al. 2004."""

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["psnr", "ssim"]

_SIGMA, _RADIUS = 1.5, 5  # the 11 x 11 Gaussian window of the paper
_FIRST, _SECOND = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def psnr(image: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the ratio of peak to noise in decibels, over all components; infinite if equal."""
    difference = image.astype(np.float64) - other
    mean = float(np.mean(difference * difference))
    return math.inf if mean == 0 else 10 * math.log10(255**2 / mean)


def ssim(image: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the mean structural similarity, of components in turn; 1 if equal.

    The window is cut off at five pixels; beyond the border the picture is mirrored.
    """
    if image.ndim == 3:
        return float(np.mean([ssim(image[..., c], other[..., c]) for c in range(3)]))
    from scipy.ndimage import gaussian_filter

    def smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = gaussian_filter(
            values, _SIGMA, truncate=_RADIUS / _SIGMA, mode="mirror"
        )
        return found

    a, b = image.astype(np.float64), other.astype(np.float64)
    mean_a, mean_b = smooth(a), smooth(b)
    spread = smooth(a * a) - mean_a**2 + smooth(b * b) - mean_b**2
    shared = smooth(a * b) - mean_a * mean_b
    bright = (2 * mean_a * mean_b + _FIRST) / (mean_a**2 + mean_b**2 + _FIRST)
    return float(np.mean(bright * (2 * shared + _SECOND) / (spread + _SECOND)))
