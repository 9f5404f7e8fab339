/* Memory of ENGRAM as C sees it. Generated; do not edit. */

#ifndef ENGRAM_LAYOUT_H
#define ENGRAM_LAYOUT_H

/* Records are little-endian: where a field begins, and how many bytes it has. */
#define ENGRAM_DESCRIPTOR_OPCODE_AT 0u
#define ENGRAM_DESCRIPTOR_OPCODE_BYTES 1u
#define ENGRAM_DESCRIPTOR_ADDRESS_AT 8u
#define ENGRAM_DESCRIPTOR_ADDRESS_BYTES 8u
#define ENGRAM_DESCRIPTOR_COUNT_AT 16u
#define ENGRAM_DESCRIPTOR_COUNT_BYTES 8u
#define ENGRAM_DESCRIPTOR_BUFFER_AT 24u
#define ENGRAM_DESCRIPTOR_BUFFER_BYTES 8u
#define ENGRAM_DESCRIPTOR_INDICES_AT 32u
#define ENGRAM_DESCRIPTOR_INDICES_BYTES 8u
#define ENGRAM_DESCRIPTOR_BUCKETS_LOG2_AT 40u
#define ENGRAM_DESCRIPTOR_BUCKETS_LOG2_BYTES 8u
#define ENGRAM_DESCRIPTOR_LAW_AT 2u
#define ENGRAM_DESCRIPTOR_LAW_BYTES 1u
#define ENGRAM_DESCRIPTOR_FLAGS_AT 1u
#define ENGRAM_DESCRIPTOR_FLAGS_BYTES 1u
#define ENGRAM_DESCRIPTOR_TAG_AT 4u
#define ENGRAM_DESCRIPTOR_TAG_BYTES 4u
#define ENGRAM_COMPLETION_FAULT_AT 0u
#define ENGRAM_COMPLETION_FAULT_BYTES 1u
#define ENGRAM_COMPLETION_OPCODE_AT 1u
#define ENGRAM_COMPLETION_OPCODE_BYTES 1u
#define ENGRAM_COMPLETION_TAG_AT 4u
#define ENGRAM_COMPLETION_TAG_BYTES 4u
#define ENGRAM_COMPLETION_DONE_AT 8u
#define ENGRAM_COMPLETION_DONE_BYTES 8u
#define ENGRAM_COMPLETION_ADDRESS_AT 16u
#define ENGRAM_COMPLETION_ADDRESS_BYTES 8u
#define ENGRAM_COMPLETION_CLOCKS_AT 24u
#define ENGRAM_COMPLETION_CLOCKS_BYTES 8u

/* Sizes and limits. */
#define ENGRAM_WORD_BYTES 8u
#define ENGRAM_PAGE_BITS 9u
#define ENGRAM_PAGE_WORDS 512u
#define ENGRAM_PAGE_BYTES 4096u
#define ENGRAM_FRAME_BITS 20u
#define ENGRAM_BUCKET_BYTES 128u
#define ENGRAM_BUCKET_SLOTS 8u
#define ENGRAM_MAX_BUCKETS_LOG2 24u
#define ENGRAM_MAX_PROBES 8u
#define ENGRAM_MAX_RING_LOG2 12u
#define ENGRAM_MAX_COUNT 4294967295u
#define ENGRAM_INDEX_BATCH 16u

/* Laws. */
#define ENGRAM_LAW_FEISTEL6 1u
#define ENGRAM_LAW_VRNS16 2u
#define ENGRAM_LAW_SPLITMIX 3u
#define ENGRAM_LAW_FEISTEL4 4u
#define ENGRAM_LAW_DEFAULT 1u

/* From a seed to keys: the increment, and the mixer's shifts and factors. */
#define ENGRAM_KEY_INCREMENT UINT64_C(0x9E3779B97F4A7C15)
#define ENGRAM_KEY_STAGES(X) X(32, UINT64_C(0xBEA225F9EB34556D)) X(29, UINT64_C(0xBEA225F9EB34556D)) X(32, UINT64_C(0xBEA225F9EB34556D))
#define ENGRAM_KEY_FINAL_SHIFT 29

/* Counters in the order of their registers: name, and where the pair lies. */
#define ENGRAM_COUNTERS 13u
#define ENGRAM_EACH_COUNTER(X) \
    X(CYCLES, 0x100u) \
    X(COMMANDS, 0x108u) \
    X(WORDS_GENERATED, 0x110u) \
    X(TLB_HITS, 0x118u) \
    X(TLB_MISSES, 0x120u) \
    X(PROBES, 0x128u) \
    X(FRAMES_TAKEN, 0x130u) \
    X(BYTES_READ, 0x138u) \
    X(BYTES_WRITTEN, 0x140u) \
    X(STALL_GENERATE, 0x148u) \
    X(STALL_FETCH, 0x150u) \
    X(STALL_WRITE, 0x158u) \
    X(STALL_WALK, 0x160u)

/* Faults: name, number, meaning. */
#define ENGRAM_FAULTS 16u
#define ENGRAM_EACH_FAULT(X) \
    X(OK, 0, "all is done") \
    X(BAD_COMMAND, 1, "no such opcode, or something is set that must be zero") \
    X(BAD_RANGE, 2, "a count of 0 or too many, a range past the end, a misaligned byte address") \
    X(OUT_OF_POOL, 3, "buffer, indices or page table not within the pool that registers set") \
    X(UNSUPPORTED_LAW, 4, "the law is not built") \
    X(NO_SPACE, 5, "nothing is selected") \
    X(READ_ERROR, 6, "the bus answered a read with an error") \
    X(WRITE_ERROR, 7, "the bus answered a write with an error") \
    X(NO_FRAME, 8, "the frame pool is exhausted; nothing was changed") \
    X(TABLE_FULL, 9, "no slot in any bucket of the walk; no page was changed") \
    X(BAD_FRAME, 10, "table or free list name a frame outside the pool") \
    X(SYNTHESISED, 11, "an unwritten page of a region; this build regrows none") \
    X(NO_REGION, 12, "UNMAP: no region begins there") \
    X(REGION_CLASH, 13, "MAP: overlaps a region, or the table of regions is full") \
    X(BAD_RING, 14, "the doorbell is further ahead than the ring is long: the ring halts") \
    X(REFUSED, 15, "the window is not enabled for this")

#endif /* ENGRAM_LAYOUT_H */
