"""Quantised coefficients as few bytes: counts by context, and constriction's range coder."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.images import CONTEXTS, COUNT_LIMIT, COUNT_STEP, ESCAPE, prior

__all__ = ["Reader", "Writer"]

_LENGTHS = 24  # of what is left of an escaped magnitude, in bits
# The sum of magnitudes around, as weighed by `_around`, below which each context ends.
_EDGES = np.array([1, 3, 5, 8, 12, 18, 27, 42, 70, 120, 220])
assert len(_EDGES) == CONTEXTS - 1


class _Counts:
    """How often each magnitude was met in each context; both sides count alike."""

    def __init__(self) -> None:
        self._magnitudes = np.array([prior(context) for context in range(CONTEXTS)], np.int64)
        self._lengths = np.full(_LENGTHS, COUNT_STEP // 4, np.int64)

    def magnitudes(self, context: int) -> Any:
        return _model(self._magnitudes[context])

    def lengths(self) -> Any:
        return _model(self._lengths)

    def met(self, context: int, magnitudes: NDArray[np.int32]) -> None:
        self._add(self._magnitudes[context], magnitudes)

    def met_lengths(self, lengths: NDArray[np.int32]) -> None:
        self._add(self._lengths, lengths)

    def _add(self, row: NDArray[np.int64], values: NDArray[np.int32]) -> None:
        row += COUNT_STEP * np.bincount(values, minlength=row.size)
        while row.sum() > COUNT_LIMIT:
            row[:] = (row + 1) >> 1


class Writer:
    """Codes planes one after the other; ``payload`` ends it."""

    def __init__(self) -> None:
        self._encoder = _stream().queue.RangeEncoder()

    def plane(self, means: NDArray[np.int32], blocks: NDArray[np.int32]) -> None:
        """Code a plane's indices, of shapes (1, 1, rows, columns) and (rows, columns, B, B)."""
        for indices, first in ((means, 0), (blocks, 1)):
            counts = _Counts()
            bands = _bands(indices.shape, first)
            last = _last(indices, bands)
            self._encoder.encode(np.array([last], np.int32), _uniform(len(bands) + 1))
            magnitudes = np.abs(indices)
            for across, down in bands[:last]:
                values = indices[:, :, across, down].reshape(-1)
                self._band(values, _contexts(magnitudes, across, down), counts)

    def payload(self) -> bytes:
        """Return what was coded; zeros at the end, which reading supplies, are left out."""
        words: NDArray[np.uint32] = self._encoder.get_compressed()
        return words.astype("<u4").tobytes().rstrip(b"\0")

    def _band(
        self, values: NDArray[np.int32], contexts: NDArray[np.int64], counts: _Counts
    ) -> None:
        magnitudes = np.abs(values)
        symbols = np.minimum(magnitudes, ESCAPE).astype(np.int32)
        for context, places in _grouped(contexts):
            some = symbols[places]
            self._encoder.encode(some, counts.magnitudes(context))
            counts.met(context, some)
        left = magnitudes[magnitudes >= ESCAPE] - (ESCAPE - 1)
        if left.size:
            lengths = _bit_lengths(left)
            self._encoder.encode(lengths, counts.lengths())
            counts.met_lengths(lengths)
            for rest, length in zip(left, lengths, strict=True):
                if length > 1:
                    low = np.array([int(rest) - (1 << int(length) - 1)], np.int32)
                    self._encoder.encode(low, _uniform(1 << int(length) - 1))
        signs = (values[values != 0] < 0).astype(np.int32)
        if signs.size:
            self._encoder.encode(signs, _uniform(2))


class Reader:
    """Reads planes in the order in which they were coded.

    Whatever bytes it is given, it ends and gives planes of the shapes asked for, or raises
    ValueError: nothing here can tell wrong bytes from right ones.
    """

    def __init__(self, body: bytes) -> None:
        words = np.frombuffer(body.ljust(-(-len(body) // 4) * 4, b"\0"), "<u4")
        self._decoder = _stream().queue.RangeDecoder(words.astype(np.uint32))

    def plane(
        self, grid: tuple[int, int], block: int
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return a plane's indices: of the means, and of the blocks."""
        means = np.zeros((1, 1, *grid), np.int32)
        blocks = np.zeros((*grid, block, block), np.int32)
        try:
            for indices, first in ((means, 0), (blocks, 1)):
                counts = _Counts()
                bands = _bands(indices.shape, first)
                last = int(self._some(_uniform(len(bands) + 1), 1)[0])
                magnitudes = np.zeros_like(indices)
                for across, down in bands[:last]:
                    contexts = _contexts(magnitudes, across, down)
                    shape = indices[:, :, across, down].shape
                    values = self._band(contexts, counts).reshape(shape)
                    indices[:, :, across, down] = values
                    magnitudes[:, :, across, down] = np.abs(values)
        except AssertionError as error:  # what constriction raises for bytes that cannot be
            raise ValueError(f"payload must hold a picture ({error})") from None
        return means, blocks

    def _band(self, contexts: NDArray[np.int64], counts: _Counts) -> NDArray[np.int32]:
        magnitudes = np.empty(contexts.size, np.int32)
        for context, places in _grouped(contexts):
            some = self._some(counts.magnitudes(context), len(places))
            counts.met(context, some)
            magnitudes[places] = some
        escaped = np.flatnonzero(magnitudes == ESCAPE)
        if escaped.size:
            lengths = self._some(counts.lengths(), escaped.size)
            counts.met_lengths(lengths)
            for place, length in zip(escaped, lengths, strict=True):
                rest = 1 << max(int(length) - 1, 0)
                if length > 1:
                    rest += int(self._some(_uniform(rest), 1)[0])
                magnitudes[place] = rest + ESCAPE - 1
        spoken = np.flatnonzero(magnitudes)
        if spoken.size:
            negative = self._some(_uniform(2), spoken.size) == 1
            magnitudes[spoken[negative]] *= -1
        return magnitudes

    def _some(self, model: Any, count: int) -> NDArray[np.int32]:
        symbols: NDArray[np.int32] = self._decoder.decode(model, count)
        return symbols


def _bands(shape: tuple[int, ...], first: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return the diagonals of a block, lowest frequencies first: a zigzag, many at a time."""
    rows, columns = shape[2:]
    diagonals = []
    for total in range(first, rows + columns - 1):
        across = np.arange(max(0, total - columns + 1), min(total, rows - 1) + 1)
        diagonals.append((across, total - across))
    return diagonals


def _last(
    indices: NDArray[np.int32], bands: list[tuple[NDArray[np.int64], NDArray[np.int64]]]
) -> int:
    """Return how many bands there are up to the last one that is not all 0."""
    used = (indices != 0).any(axis=(0, 1))
    found = [number for number, (across, down) in enumerate(bands, 1) if used[across, down].any()]
    return found[-1] if found else 0


def _contexts(
    magnitudes: NDArray[np.int32], across: NDArray[np.int64], down: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the context of each coefficient of a band, from bands before it only."""
    around = _around(magnitudes, across, down).reshape(-1)
    return np.searchsorted(_EDGES, around, side="right")


def _around(
    magnitudes: NDArray[np.int32], across: NDArray[np.int64], down: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Return sums of magnitudes next to each coefficient: in its block, and in blocks beside."""

    def at(rows: int, columns: int) -> NDArray[np.int32]:
        inside = (across >= rows) & (down >= columns)
        found = magnitudes[:, :, np.maximum(across - rows, 0), np.maximum(down - columns, 0)]
        return found * inside

    near = at(1, 0) + at(0, 1)
    far = at(1, 1) + at(2, 0) + at(0, 2)
    sums = 4 * near + 2 * far
    if magnitudes.shape[0] > 1:
        sums[1:] += near[:-1]
        sums[:-1] += near[1:]
    if magnitudes.shape[1] > 1:
        sums[:, 1:] += near[:, :-1]
        sums[:, :-1] += near[:, 1:]
    return sums


def _grouped(contexts: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    order = np.argsort(contexts, kind="stable")
    ends = np.cumsum(np.bincount(contexts, minlength=CONTEXTS))
    start = 0
    for context, end in enumerate(ends):
        if end > start:
            yield context, order[start:end]
        start = int(end)


def _bit_lengths(values: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.array([int(value).bit_length() for value in values], np.int32)


def _model(counts: NDArray[np.int64]) -> Any:
    return _stream().model.Categorical(counts.astype(np.float64), perfect=False)


def _uniform(size: int) -> Any:
    return _stream().model.Uniform(size)


def _stream() -> Any:
    import constriction  # its modules are attributes only

    return constriction.stream
