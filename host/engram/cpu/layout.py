"""Layout of the blocks of 64-bit words that kernels and Python share by address."""

from enum import IntEnum, unique

__all__ = [
    "BLOCK_PATTERNS",
    "BUCKET_BYTES",
    "BUCKET_SLOTS",
    "COUNTER_ROWS",
    "EMPTY",
    "FRAME_BITMAP",
    "FRAME_ERASURES",
    "FRAME_WORDS",
    "LANES",
    "MIN_FRAMED_RUN",
    "SCRATCH_WORDS",
    "PAYLOAD_BITS",
    "PLANES",
    "ROW_BYTES",
    "SENTINEL_PAGE",
    "TOMB",
    "WIDE_PLANES",
    "CueRecord",
    "ElementCode",
    "LawBlock",
    "PatternBlock",
    "PatternState",
    "State",
    "Workspace",
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


@unique
class PatternState(IntEnum):
    """Words of the state of an associative memory: its law, and addresses of its patterns."""

    NEURONS = 0
    FAN_IN = 1
    WIDTH = 2
    STRIDE = 3  # bytes from one stored embedding to the next
    WINNERS = 4
    SPIKES = 5
    SIGNED = 6
    LEVELS = 7
    RAMP = 8
    RERANK = 9
    LARGEST_ROW = 10  # no pattern has more conducting synapses, or ever had
    INPUTS = 11  # address of uint32 (m, s): source, plus the width if its sign is negative
    FAN_OUT = 12  # address of uint32 (m,): conducting synapses of each code neuron
    BLOCKS = 13  # address of the pattern blocks' entries, in the order of their slots
    BLOCK_COUNT = 14
    DECAY = 15  # address of the law's decay table, int64
    BY_LATENCY = 16  # addresses of the calibration's tables, int64; 0 until they are needed
    BY_CODE_LATENCY = 17
    REPLAY_LAW = 18  # address of the law block that draws the noise of a replay
    SIZE = 24


# A block holds so many consecutive slots: one row of 512 bits a code neuron is a cache line, and a
# block of 8,192 of them half a megabyte, which a core keeps close while many cues pass over it.
BLOCK_PATTERNS = 512
ROW_BYTES = BLOCK_PATTERNS // 8

# Bits of a count; most laws fit the first, which stays in the registers of an AVX-512 core.
PLANES = 13
WIDE_PLANES = 24


@unique
class PatternBlock(IntEnum):
    """Words of the entry of one block of patterns."""

    FIRST_SLOT = 0
    ROWS = 1  # address of one row a code neuron: which patterns have a conducting synapse from it
    OCCUPIED = 2  # address of the row of slots that hold a pattern
    VECTORS = 3  # address of the embeddings, int8
    NORMS = 4  # address of their norms, uint32
    SIZE = 8


@unique
class CueRecord(IntEnum):
    """Words of a cue: lengths and addresses of the lists (uint16) of its spiking neurons.

    There is a list for each sign and each bit of a payload: of payloads with that bit set.
    """

    EXCITING = 0
    INHIBITING = 4
    LISTS = 8
    SPIKES = 16  # how many neurons spike
    EVENTS = 17  # how many conducting synapses they have
    SIZE = 24


PAYLOAD_BITS = 4

# Rows that a kernel counts in: planes, as many above them as a payload has bits, two that add
# nothing, and two for comparing.
COUNTER_ROWS = WIDE_PLANES + PAYLOAD_BITS + 4

LANES = 32  # embeddings projected together: int16 in 512 bits


@unique
class Workspace(IntEnum):
    """Words of what one call of a kernel works on: addresses of room, and what it counted."""

    DOUBLED = 0  # int16: embeddings and their negatives, 32 lanes of each component
    TILE = 1  # int16 (32, 32): sums on their way to the lane they belong to
    SUMS = 2  # int16 (32, m)
    RECORDS = 3  # a cue record for each cue
    LISTS = 4  # lists of those
    LIST_BYTES = 5  # so many for each
    PLANES = 6  # planes of each cue, (cue, plane, block)
    ALIVE = 7  # rows of patterns that fire, (cue, block)
    PLANE_COUNT = 8  # planes kept
    COUNTERS = 9  # the planes of one block of one cue
    CHOSEN = 10  # a row for each block
    KEYS = 11  # uint64, room for all that may be chosen
    SPEECH = 12  # int32 (m,)
    SPIKES = 13  # counted by kernels, like the following
    EVENTS = 14
    COMPARED = 15
    SIZE = 16
