"""Aligned memory that kernels see by address and Python keeps alive."""

import numpy as np
from numpy.typing import NDArray

from engram.arch.laws import FeistelLaw, Law
from engram.arch.seeds import feistel_keys
from engram.cpu.layout import BUCKET_BYTES, EMPTY, FRAME_WORDS, LawBlock

__all__ = ["Block", "FramePool", "empty_table", "law_block"]


class Block:
    """Words aligned to a cache line; ``address`` holds as long as the block does."""

    __slots__ = ("_raw", "address", "words")

    def __init__(self, words: int) -> None:
        # NumPy asks the system for huge pages under large arrays, which random access needs.
        self._raw = np.empty(words + 8, np.uint64)
        start = -self._raw.ctypes.data % 64 // 8
        self.words: NDArray[np.uint64] = self._raw[start : start + words]
        self.address: int = self.words.ctypes.data

    @property
    def nbytes(self) -> int:
        """Bytes taken."""
        return self._raw.nbytes


def empty_table(buckets: int) -> Block:
    """Return a hash table of free slots."""
    table = Block(buckets * BUCKET_BYTES // 8)
    table.words.fill(EMPTY)
    return table


def law_block(law: Law, seed: int) -> Block:
    """Return what the kernels need to know of a law and a seed."""
    block = Block(LawBlock.SIZE)
    block.words.fill(0)
    block.words[LawBlock.LAW] = law.number
    block.words[LawBlock.SEED] = seed
    if isinstance(law, FeistelLaw):
        block.words[LawBlock.KEY0 : LawBlock.KEY3 + 1] = feistel_keys(seed)
    return block


class FramePool:
    """Frames by address: a stack of free ones, and those erased while readers may still look.

    A freed frame goes back to the stack once every reader that was reading then has left.
    """

    def __init__(self) -> None:
        self._chunks: list[Block] = []
        self._waiting: list[tuple[int, NDArray[np.uint64]]] = []
        self.frames = 0
        self.free = Block(0)
        self.freed = Block(0)
        self.free_count = 0

    def grow(self, frames: int) -> None:
        """Add at least this many frames, and a quarter of those there are."""
        frames = max(frames, self.frames // 4, 16)
        chunk = Block(frames * FRAME_WORDS)
        stack = Block(self.frames + frames)
        stack.words[: self.free_count] = self.free.words[: self.free_count]
        # Low addresses on top: frames taken one after another then lie one after another.
        places = np.arange(frames, dtype=np.uint64)[::-1] * np.uint64(8 * FRAME_WORDS)
        fresh = places + np.uint64(chunk.address)
        stack.words[self.free_count : self.free_count + frames] = fresh
        self._chunks.append(chunk)
        self.frames += frames
        self.free, self.free_count = stack, self.free_count + frames
        self.freed = Block(self.frames)

    def retire(self, count: int, epoch: int) -> None:
        """Set the first ``count`` freed frames aside until the readers before ``epoch`` left."""
        if count:
            self._waiting.append((epoch, self.freed.words[:count].copy()))

    def reclaim(self, oldest_reader: float) -> None:
        """Make the frames free that no reader from before their release can hold."""
        while self._waiting and self._waiting[0][0] < oldest_reader:
            frames = self._waiting.pop(0)[1]
            self.free.words[self.free_count : self.free_count + len(frames)] = frames
            self.free_count += len(frames)

    def frame(self, address: int) -> NDArray[np.uint64]:
        """Return the words of the frame at an address, bitmap included."""
        for chunk in self._chunks:
            offset = (address - chunk.address) // 8
            if 0 <= offset < len(chunk.words):
                return chunk.words[offset : offset + FRAME_WORDS]
        raise AssertionError(f"no frame at {address:#x}")

    @property
    def nbytes(self) -> int:
        """Bytes taken, free frames included."""
        return sum(chunk.nbytes for chunk in self._chunks) + self.free.nbytes + self.freed.nbytes
