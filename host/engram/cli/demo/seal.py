"""The picture that the demo writes into a window of 256 x 256 words: a seal around a name."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["ERASED_ROWS", "SIDE", "WINDOW", "WINDOW_WORDS", "seal_mask", "seal_words"]

SIDE = 256
WINDOW = 10**15
WINDOW_WORDS = SIDE * SIDE
# Rows are consecutive addresses, so that erasing a range cuts straight through the seal.
ERASED_ROWS = ((44, 50), (122, 126), (134, 136), (200, 212))

# Letters of 5 x 7 dots, a row a string.
_LETTERS = (
    ("#####", "#....", "#....", "####.", "#....", "#....", "#####"),
    ("#...#", "##..#", "##..#", "#.#.#", "#..##", "#..##", "#...#"),
    (".###.", "#...#", "#....", "#.###", "#...#", "#...#", ".###."),
    ("####.", "#...#", "#...#", "####.", "#.#..", "#..#.", "#...#"),
    (".###.", "#...#", "#...#", "#####", "#...#", "#...#", "#...#"),
    ("#...#", "##.##", "#.#.#", "#.#.#", "#...#", "#...#", "#...#"),
)
_DOT = 6
_RINGS = ((118, 124), (106, 108), (92, 96), (80, 82), (66, 70), (54, 56))


def seal_mask() -> NDArray[np.bool_]:
    """Return which words of the window belong to the seal."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    radius = np.hypot(x, y)
    mask: NDArray[np.bool_] = (radius >= _RINGS[0][0]) & (radius < _RINGS[0][1])
    for inner, outer in _RINGS[1:]:
        mask |= (radius >= inner) & (radius < outer) & (np.abs(y) > 36)
    rows = [".".join(letter[row] for letter in _LETTERS) for row in range(7)]
    dots = np.array([[dot == "#" for dot in row] for row in rows])
    name = np.kron(dots, np.ones((_DOT, _DOT), np.bool_)).astype(np.bool_)
    top, left = (SIDE - name.shape[0]) // 2, (SIDE - name.shape[1]) // 2
    mask[top : top + name.shape[0], left : left + name.shape[1]] |= name
    return mask


def seal_words() -> NDArray[np.uint64]:
    """Return words for the whole window whose top byte rises from one corner to the other."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.uint64)
    words: NDArray[np.uint64] = ((x + y) // np.uint64(2)) << np.uint64(56)
    return words
