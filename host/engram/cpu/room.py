"""The room that one call of an associative kernel works in, and what it counts there."""

from engram.cpu.blocks import Block
from engram.cpu.layout import (
    BLOCK_PATTERNS,
    COUNTER_ROWS,
    LANES,
    ROW_BYTES,
    CueRecord,
    PatternState,
    Workspace,
)
from engram.cpu.patterns import PatternStore

__all__ = ["Room"]

_LINE = 64


class Room:
    """Room for so many cues, each of so many planes and list entries, and for so many keys.

    It is for one call on one thread: ``word`` then tells what the kernel counted.
    """

    def __init__(
        self,
        store: PatternStore,
        *,
        cues: int,
        planes: int = 0,
        entries: int = 0,
        keys: int = 0,
    ) -> None:
        state = store.state.words
        neurons, width = int(state[PatternState.NEURONS]), int(state[PatternState.WIDTH])
        blocks = store.block_count
        rows = cues * blocks
        list_bytes = 2 * entries
        sizes = {
            # A replay keeps its bits here, one a neuron.
            Workspace.DOUBLED: max(2 * 2 * width * LANES, neurons // 8),
            Workspace.TILE: 2 * LANES * LANES,
            # A group of embeddings fills all lanes.
            Workspace.SUMS: 2 * neurons * (LANES if cues > 1 else cues),
            Workspace.RECORDS: 8 * CueRecord.SIZE * cues,
            Workspace.LISTS: list_bytes * cues,
            Workspace.PLANES: ROW_BYTES * rows * planes,
            Workspace.ALIVE: ROW_BYTES * rows,
            Workspace.COUNTERS: ROW_BYTES * COUNTER_ROWS,
            Workspace.CHOSEN: ROW_BYTES * blocks,
            Workspace.KEYS: 8 * min(keys, blocks * BLOCK_PATTERNS),
            Workspace.SPEECH: 4 * neurons,
        }
        starts, end = {}, _LINE * -(-8 * Workspace.SIZE // _LINE)
        for field, size in sizes.items():
            starts[field] = end
            end += _LINE * -(-size // _LINE)
        self._block = Block(end // 8)
        words = self._block.words
        words[: Workspace.SIZE] = 0
        for field, start in starts.items():
            words[field] = self._block.address + start
        words[Workspace.LIST_BYTES] = list_bytes
        words[Workspace.PLANE_COUNT] = planes
        self.address = self._block.address

    def word(self, field: Workspace) -> int:
        """Return a word of the workspace."""
        return int(self._block.words[field])
