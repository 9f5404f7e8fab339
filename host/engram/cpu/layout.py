"""Layout of the blocks of 64-bit words that kernels and Python share by address."""

from enum import IntEnum, unique

__all__ = [
    "BUCKET_BYTES",
    "BUCKET_SLOTS",
    "EMPTY",
    "FRAME_BITMAP",
    "FRAME_ERASURES",
    "FRAME_WORDS",
    "MIN_FRAMED_RUN",
    "SCRATCH_WORDS",
    "SENTINEL_PAGE",
    "TOMB",
    "ElementCode",
    "LawBlock",
    "State",
]


@unique
class LawBlock(IntEnum):
    """Words of a law block: everything that fixes ``word(law, seed, address)``."""

    LAW = 0
    SEED = 1
    KEY0 = 2
    KEY1 = 3
    KEY2 = 4
    KEY3 = 5
    SIZE = 8


@unique
class State(IntEnum):
    """Words of a state block: one generation of an overlay, addresses of its tables and counts.

    Readers never lock, so a block is complete before they see it and its tables never move; only
    the counts change, and only the one writer changes them.
    """

    LAW_BLOCK = 0  # address of the law block
    BUCKETS = 1  # address of the word table
    BUCKET_COUNT = 2
    SLOTS_USED = 3  # slots with a key or a tomb
    SLOTS_LIMIT = 4  # the table grows before SLOTS_USED passes this
    WORDS = 5  # written words that live in the word table
    PAGES = 6  # address of the page directory: the same table, page number -> frame address
    PAGE_BUCKETS = 7
    PAGE_SLOTS_USED = 8
    PAGE_SLOTS_LIMIT = 9
    FRAMES = 10  # pages that have a frame
    FRAMED_WORDS = 11  # written words that live in frames
    FILTER = 12  # address of the page filter
    FILTER_WORDS = 13
    FREE_FRAMES = 14  # address of the stack of free frames
    FREE_COUNT = 15
    FREED = 16  # address of the list of frames erased but perhaps still being read
    FREED_COUNT = 17
    WRITTEN = 18  # 1 once anything was ever written: until then readers skip the filter
    READS = 19  # scalar reads, counted under the interpreter lock
    HITS = 20
    SIZE = 24


@unique
class ElementCode(IntEnum):
    """Number views as the kernels number them."""

    WORDS = 0  # uint64, and int8, which is the same bytes
    FLOAT64 = 1
    FLOAT32 = 2
    NORMAL = 3
    UNIT64 = 4


# A bucket is one cache line, so that a probe costs one trip to memory: four keys, four values.
BUCKET_SLOTS = 4
BUCKET_BYTES = 2 * 8 * BUCKET_SLOTS

# Two keys no word may have. They are addresses of the last page, which is always kept in a frame.
EMPTY = (1 << 64) - 1
TOMB = (1 << 64) - 2
SENTINEL_PAGE = EMPTY >> 9

# A frame is its page's words, then one bit a word (written or not), then a count of the words
# erased in it, by which a reader that wants only written words sees that one went while it looked.
FRAME_BITMAP = 512
FRAME_ERASURES = FRAME_BITMAP + 512 // 64
FRAME_WORDS = FRAME_ERASURES + 8  # to a whole cache line

# A run of at least this many words of one page takes a frame: 4224 bytes for 128 words is 33 a
# word, hardly more than the word table costs just after it grew.
MIN_FRAMED_RUN = 128

# Words of scratch that every kernel that asks for some gets: a page, or three lots of a gather.
SCRATCH_WORDS = 1280
