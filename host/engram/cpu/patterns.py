"""Where the patterns of an associative memory lie: blocks of 512 slots, found by slot."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.associations import FIRST_PERMANENCE, REPLAY_STREAM, Association, decay_table
from engram.arch.laws import LAWS
from engram.arch.seeds import feistel_keys
from engram.cpu.blocks import Block, law_block
from engram.cpu.layout import (
    BLOCK_PATTERNS,
    ROW_BYTES,
    LawBlock,
    PatternBlock,
    PatternState,
)
from engram.cpu.library import Library
from engram.numpy_associations import projection

__all__ = ["PatternStore"]

Slots = NDArray[np.int64]

_ROW_WORDS = ROW_BYTES // 8
_NORM_WORDS = BLOCK_PATTERNS * 4 // 8
_LOG_BLOCK = BLOCK_PATTERNS.bit_length() - 1


class PatternStore:
    """Patterns by slot, and the state block by which kernels find them.

    A block is one row of 512 bits a code neuron, the embeddings of its patterns and their norms:
    ``m / 8 + width + 4`` bytes a pattern, a little more while the last block fills. Blocks exist
    for slots that are used, wherever they are. Permanences are kept only where they are not those
    of a one-shot write.
    """

    def __init__(self, library: Library, association: Association, seed: int, width: int) -> None:
        self._library = library
        self._width = width
        self._stride = -(-width // 8) * 8
        self._neurons = association.neurons
        self._block_words = (
            association.neurons * _ROW_WORDS
            + _ROW_WORDS
            + _NORM_WORDS
            + BLOCK_PATTERNS * self._stride // 8
        )
        self._chunks: list[Block] = []
        self._free: list[NDArray[np.uint64]] = []
        self._blocks: dict[int, NDArray[np.uint64]] = {}
        self._numbers = np.zeros(0, np.int64)
        self._entries = Block(0)
        self._permanences: dict[int, tuple[NDArray[np.uint16], NDArray[np.uint8]]] = {}
        table = projection(association, seed, width)
        self._inputs = (table.sources + np.where(table.signs < 0, width, 0)).astype(np.uint32)
        self._fan_out = np.zeros(association.neurons, np.uint32)
        self._decay = decay_table()
        self._replay_law = law_block(LAWS[1], seed)
        keys = slice(LawBlock.KEY0, LawBlock.KEY3 + 1)
        self._replay_law.words[keys] = feistel_keys(seed, REPLAY_STREAM)
        self._tables: list[NDArray[np.int64]] = []
        self.state = Block(PatternState.SIZE)
        self.state.words.fill(0)
        for field, value in {
            PatternState.NEURONS: association.neurons,
            PatternState.FAN_IN: association.fan_in(width),
            PatternState.WIDTH: width,
            PatternState.STRIDE: self._stride,
            PatternState.WINNERS: association.winners,
            PatternState.SPIKES: association.spikes,
            PatternState.SIGNED: association.signed,
            PatternState.LEVELS: association.levels,
            PatternState.RAMP: association.ramp,
            PatternState.RERANK: association.rerank,
            PatternState.LARGEST_ROW: association.winners,
            PatternState.INPUTS: self._inputs.ctypes.data,
            PatternState.FAN_OUT: self._fan_out.ctypes.data,
            PatternState.DECAY: self._decay.ctypes.data,
            PatternState.REPLAY_LAW: self._replay_law.address,
        }.items():
            self.state.words[field] = value

    @property
    def block_count(self) -> int:
        """How many blocks there are."""
        return len(self._numbers)

    @property
    def largest_row(self) -> int:
        """No pattern has more conducting synapses than this."""
        return int(self.state.words[PatternState.LARGEST_ROW])

    @property
    def ram_bytes(self) -> int:
        """Bytes taken, tables and free room included."""
        tables: list[NDArray[Any]] = [self._inputs, self._fan_out, self._decay, *self._tables]
        blocks = [*self._chunks, self._entries, self._replay_law, self.state]
        return (
            sum(table.nbytes for table in tables)
            + sum(block.nbytes for block in blocks)
            + sum(
                neurons.nbytes + permanences.nbytes
                for neurons, permanences in self._permanences.values()
            )
        )

    def add_calibration(
        self, by_latency: NDArray[np.int64], by_code_latency: NDArray[np.int64]
    ) -> None:
        """Let kernels look similarities up."""
        self._tables = [by_latency, by_code_latency]
        self.state.words[PatternState.BY_LATENCY] = by_latency.ctypes.data
        self.state.words[PatternState.BY_CODE_LATENCY] = by_code_latency.ctypes.data

    def places(self, slots: Slots) -> NDArray[np.uint64]:
        """Return where slots are, whose blocks exist: block's entry times 512, plus the rest."""
        entries = np.searchsorted(self._numbers, slots >> _LOG_BLOCK)
        return (entries << _LOG_BLOCK | slots & BLOCK_PATTERNS - 1).astype(np.uint64)

    def occupied(self) -> Slots:
        """Return the slots that hold a pattern, ascending."""
        parts = [
            np.flatnonzero(np.unpackbits(self._occupied(number).view(np.uint8), bitorder="little"))
            + (number << _LOG_BLOCK)
            for number in self._numbers.tolist()
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def holds(self, slot: int) -> bool:
        """Return whether a slot holds a pattern."""
        number, i = slot >> _LOG_BLOCK, slot & BLOCK_PATTERNS - 1
        if number not in self._blocks:
            return False
        return bool(int(self._occupied(number)[i >> 6]) >> (i & 63) & 1)

    def write(self, slots: Slots, codes: NDArray[np.uint16], vectors: NDArray[np.int8]) -> None:
        """Write patterns whose rows are given; what the slots held goes."""
        self.clear(slots, keep_blocks=True)
        self._make_blocks(np.unique(slots >> _LOG_BLOCK))
        places = self.places(slots)
        self._library.write_patterns(
            self.state.address,
            places.ctypes.data,
            codes.ctypes.data,
            codes.shape[1],
            vectors.ctypes.data,
            len(slots),
        )
        self.state.words[PatternState.LARGEST_ROW] = max(self.largest_row, codes.shape[1])

    def clear(self, slots: Slots, *, keep_blocks: bool = False) -> None:
        """Clear slots; blocks that become empty make room for others, unless they shall stay."""
        numbers = slots >> _LOG_BLOCK
        emptied = []
        for number in np.unique(numbers).tolist():
            if number not in self._blocks:
                continue
            places = (slots[numbers == number] & BLOCK_PATTERNS - 1).astype(np.uint64)
            mask = Block(_ROW_WORDS)
            mask.words.fill(0)
            bits = np.uint64(1) << (places & np.uint64(63))
            np.bitwise_or.at(mask.words, (places >> np.uint64(6)).astype(np.int64), bits)
            occupied = self._occupied(number)
            if (occupied & mask.words).any():
                entry = int(np.searchsorted(self._numbers, number))
                self._library.clear_patterns(self.state.address, entry, mask.address)
            if not keep_blocks and not occupied.any():
                emptied.append(number)
        if self._permanences:
            for slot in slots.tolist():
                self._permanences.pop(slot, None)
        if emptied:
            self._free += [self._blocks.pop(number) for number in emptied]
            self._list_blocks()

    def synapses(self, slot: int) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """Return a pattern's neurons of permanence above 0, ascending, and their permanences."""
        self._check(slot)
        if slot in self._permanences:
            neurons, permanences = self._permanences[slot]
            return neurons.copy(), permanences.copy()
        room = np.empty(self._neurons, np.uint16)
        place = int(self.places(np.array([slot]))[0])
        count = self._library.read_pattern(self.state.address, place, room.ctypes.data)
        return room[:count].copy(), np.full(count, FIRST_PERMANENCE, np.uint8)

    def keep_permanences(
        self, slot: int, neurons: NDArray[np.uint16], permanences: NDArray[np.uint8]
    ) -> None:
        """Keep what is not implied by the row of a pattern just written."""
        self._permanences[slot] = neurons.copy(), permanences.copy()

    def vector(self, slot: int) -> NDArray[np.int8]:
        """Return a pattern's stored embedding."""
        self._check(slot)
        block = self._blocks[slot >> _LOG_BLOCK]
        start = (self._neurons + 1) * _ROW_WORDS + _NORM_WORDS
        vectors = block[start:].view(np.int8).reshape(BLOCK_PATTERNS, self._stride)
        return vectors[slot & BLOCK_PATTERNS - 1, : self._width].copy()

    def close(self) -> None:
        """Forget all."""
        self._permanences.clear()
        self._blocks.clear()
        self._free.clear()
        self._list_blocks()
        self._chunks.clear()
        self._fan_out.fill(0)

    def _check(self, slot: int) -> None:
        if not self.holds(slot):
            raise KeyError(slot)

    def _occupied(self, number: int) -> NDArray[np.uint64]:
        start = self._neurons * _ROW_WORDS
        return self._blocks[number][start : start + _ROW_WORDS]

    def _make_blocks(self, numbers: Iterable[int]) -> None:
        missing = [int(number) for number in numbers if int(number) not in self._blocks]
        if not missing:
            return
        if len(self._free) < len(missing):
            # An eighth more than there is each time: few moves of the table, little idle room.
            self._grow(max(len(missing) - len(self._free), len(self._blocks) // 8))
        for number in missing:
            self._blocks[number] = self._free.pop()
        self._list_blocks()

    def _grow(self, blocks: int) -> None:
        chunk = Block(blocks * self._block_words)
        chunk.words.fill(0)  # blocks are empty when they are taken, and when they are given back
        self._chunks.append(chunk)
        starts = range(0, len(chunk.words), self._block_words)
        self._free += [chunk.words[start : start + self._block_words] for start in starts][::-1]

    def _list_blocks(self) -> None:
        """Build the table of blocks anew."""
        self._numbers = np.array(sorted(self._blocks), np.int64)
        self._entries = Block(len(self._numbers) * PatternBlock.SIZE)
        table = self._entries.words.reshape(-1, PatternBlock.SIZE)
        addresses = [self._blocks[number].ctypes.data for number in self._numbers.tolist()]
        table[:, PatternBlock.FIRST_SLOT] = self._numbers << _LOG_BLOCK
        table[:, PatternBlock.ROWS] = np.array(addresses, np.uint64)
        rows = table[:, PatternBlock.ROWS]
        table[:, PatternBlock.OCCUPIED] = rows + np.uint64(8 * self._neurons * _ROW_WORDS)
        table[:, PatternBlock.NORMS] = table[:, PatternBlock.OCCUPIED] + np.uint64(ROW_BYTES)
        table[:, PatternBlock.VECTORS] = table[:, PatternBlock.NORMS] + np.uint64(8 * _NORM_WORDS)
        self.state.words[PatternState.BLOCKS] = self._entries.address
        self.state.words[PatternState.BLOCK_COUNT] = len(self._numbers)
