/* Every fault that a driver can cause, by what it says and what it leaves. */
#include "rtl_cases.h"

#include <string.h>

static uint64_t words[2048];

/* Have one command carried out; return its fault. */
static uint8_t fault_of(struct bench *bench, struct engram_command command)
{
    struct engram_completion completion;

    CHECK_EQUAL(engram_submit(&bench->device, &command, 1, &completion), ENGRAM_OK);
    if (completion.fault != ENGRAM_FAULT_OK) {
        CHECK_EQUAL(bench->device.failed.tag, completion.tag);
        CHECK_EQUAL(bench->device.failed.fault, completion.fault);
    }
    return completion.fault;
}

/* What a descriptor may not say. */
static void bad_commands(void)
{
    struct bench bench;
    struct engram_command good = {.opcode = ENGRAM_OP_FILL, .count = 1}, bad;
    uint64_t end;

    bench_open(&bench);
    good.buffer = bench.config.outbound.device;
    end = bench.config.outbound.device + bench.config.outbound.size;
    CHECK_EQUAL(fault_of(&bench, good), ENGRAM_FAULT_OK);
    bad = good, bad.opcode = 0;
    CHECK_EQUAL(fault_of(&bench, bad), ENGRAM_FAULT_BAD_COMMAND);
    bad = good, bad.flags = ENGRAM_FLAG_GENERATED;
    CHECK_EQUAL(fault_of(&bench, bad), ENGRAM_FAULT_BAD_COMMAND);
    bad = good, bad.indices = 8;
    CHECK_EQUAL(fault_of(&bench, bad), ENGRAM_FAULT_BAD_COMMAND);
    bad = good, bad.buckets_log2 = 1;
    CHECK_EQUAL(fault_of(&bench, bad), ENGRAM_FAULT_BAD_COMMAND);
    bad = good, bad.count = 0;
    CHECK_EQUAL(fault_of(&bench, bad), ENGRAM_FAULT_BAD_RANGE);
    bad = good, bad.buffer += 4;
    CHECK_EQUAL(fault_of(&bench, bad), ENGRAM_FAULT_BAD_RANGE);
    bad = good, bad.address = UINT64_MAX, bad.count = 2;
    CHECK_EQUAL(fault_of(&bench, bad), ENGRAM_FAULT_BAD_RANGE);
    bad = good, bad.count = UINT64_C(1) << 40;
    CHECK_EQUAL(fault_of(&bench, bad), ENGRAM_FAULT_BAD_RANGE);
    bad = good, bad.buffer = end - 8;
    CHECK_EQUAL(fault_of(&bench, bad), ENGRAM_FAULT_OK);
    bad.count = 2;
    CHECK_EQUAL(fault_of(&bench, bad), ENGRAM_FAULT_OUT_OF_POOL);
    bad = good, bad.buffer = bench.config.inbound.device;
    CHECK_EQUAL(fault_of(&bench, bad), ENGRAM_FAULT_OK);
    bad.buffer -= 8;
    CHECK_EQUAL(fault_of(&bench, bad), ENGRAM_FAULT_OUT_OF_POOL);
    bad = good, bad.law = 200;
    CHECK_EQUAL(fault_of(&bench, bad), ENGRAM_FAULT_UNSUPPORTED_LAW);
    CHECK_EQUAL(engram_generate(&bench.device, 200, 0, words, 1), ENGRAM_UNSUPPORTED_LAW);
    CHECK_EQUAL(bench.device.done, 0);
    bench_close(&bench);
}

/* A table outside of its pool, a law that is not built: the space is refused. */
static void bad_spaces(void)
{
    struct bench bench;
    struct engram_space space;

    bench_open(&bench);
    CHECK_EQUAL(engram_create(&bench.device, &space, 200, 1, 0, 4), ENGRAM_OK);
    CHECK_EQUAL(engram_select(&bench.device, &space), ENGRAM_UNSUPPORTED_LAW);
    space = bench.space;
    space.table = bench.config.tables.size - ENGRAM_BUCKET_BYTES;
    CHECK_EQUAL(engram_select(&bench.device, &space), ENGRAM_OUT_OF_POOL);
    space = bench.space;
    space.table = 8;
    CHECK_EQUAL(engram_select(&bench.device, &space), ENGRAM_BAD_RANGE);
    bench_close(&bench);
}

/* The pool of frames is exhausted: what had none is as it was, what had one can be written. */
static void no_frame(void)
{
    const struct vector *vector = &vectors[0];
    struct bench bench;
    uint32_t frames;
    size_t i;

    bench_open(&bench);
    for (i = 0; i < FRAMES; ++i) {
        uint64_t word = i;
        CHECK_EQUAL(engram_write(&bench.device, i << 40, &word, 1), ENGRAM_OK);
    }
    memset(words, 0x5A, sizeof words);
    CHECK_EQUAL(engram_write(&bench.device, vector->base, words, 1), ENGRAM_NO_FRAME);
    CHECK_EQUAL(bench.device.done, 0);
    CHECK_EQUAL(bench.device.failed.address, vector->base);
    CHECK_EQUAL(engram_frames_used(&bench.device, &frames), ENGRAM_OK);
    CHECK_EQUAL(frames, FRAMES);
    CHECK_EQUAL(engram_read(&bench.device, vector->base, words, 9), ENGRAM_OK);
    check_words(words, vector->run, 9);
    /* Of a run the pages that have a frame are written. */
    CHECK_EQUAL(engram_erase(&bench.device, 0, ENGRAM_PAGE_WORDS), ENGRAM_OK);
    CHECK_EQUAL(bench.device.done, 1);
    CHECK_EQUAL(engram_write(&bench.device, ENGRAM_PAGE_WORDS - 3, words, 1000),
                ENGRAM_NO_FRAME);
    CHECK_EQUAL(bench.device.done, 3);
    CHECK_EQUAL(engram_write(&bench.device, UINT64_C(5) << 40, words, 5), ENGRAM_OK);
    bench_close(&bench);
}

/* A table of one bucket has room for as many pages as that has slots. */
static void table_full(void)
{
    struct bench bench;
    struct engram_space space;
    uint64_t word = 3, page;

    bench_open(&bench);
    CHECK_EQUAL(engram_create(&bench.device, &space, 1, 1, 0, 0), ENGRAM_OK);
    CHECK_EQUAL(engram_select(&bench.device, &space), ENGRAM_OK);
    for (page = 0; page < ENGRAM_BUCKET_SLOTS; ++page)
        CHECK_EQUAL(engram_write(&bench.device, page << ENGRAM_PAGE_BITS, &word, 1), ENGRAM_OK);
    CHECK_EQUAL(engram_write(&bench.device, page << ENGRAM_PAGE_BITS, &word, 1),
                ENGRAM_TABLE_FULL);
    CHECK_EQUAL(engram_read(&bench.device, 0, words, 1), ENGRAM_OK);
    CHECK_EQUAL(words[0], 3);
    bench_close(&bench);
}

/* A table that somebody broke names a frame that is none. */
static void bad_frame(void)
{
    struct bench bench;
    unsigned char *slot;
    size_t i;
    uint64_t word = 9;

    bench_open(&bench);
    CHECK_EQUAL(engram_write(&bench.device, 0, &word, 1), ENGRAM_OK);
    slot = rtl_dram(&bench.bus, bench.config.tables.device);
    for (i = 0; i < ENGRAM_BUCKET_SLOTS; ++i) /* frames lie behind the keys */
        slot[(ENGRAM_BUCKET_SLOTS + i) * ENGRAM_WORD_BYTES + 1] = 0x7F;
    CHECK_EQUAL(fault_of(&bench, (struct engram_command){.opcode = ENGRAM_OP_INVALIDATE}),
                ENGRAM_FAULT_OK);
    CHECK_EQUAL(engram_read(&bench.device, 0, words, 1), ENGRAM_BAD_FRAME);
    bench_close(&bench);
}

/* Regions of tensors: reading what nobody wrote there is up to the host. */
static void regions(void)
{
    const struct engram_command map = {.opcode = ENGRAM_OP_MAP, .address = 2, .count = 3};
    const struct engram_command unmap = {.opcode = ENGRAM_OP_UNMAP, .address = 2};
    const uint64_t at = 2 << ENGRAM_PAGE_BITS;
    struct bench bench;

    bench_open(&bench);
    CHECK_EQUAL(fault_of(&bench, unmap), ENGRAM_FAULT_NO_REGION);
    CHECK_EQUAL(fault_of(&bench, map), ENGRAM_FAULT_OK);
    CHECK_EQUAL(fault_of(&bench, map), ENGRAM_FAULT_REGION_CLASH);
    CHECK_EQUAL(engram_read(&bench.device, at - 5, words, 20), ENGRAM_SYNTHESISED);
    CHECK_EQUAL(bench.device.done, 5);
    CHECK_EQUAL(bench.device.failed.address, at);
    CHECK_EQUAL(engram_generate(&bench.device, 0, at - 5, words + 20, 5), ENGRAM_OK);
    check_words(words, words + 20, 5); /* those before the fault are good */
    CHECK_EQUAL(fault_of(&bench, unmap), ENGRAM_FAULT_OK);
    CHECK_EQUAL(engram_read(&bench.device, at - 5, words, 20), ENGRAM_OK);
    bench_close(&bench);
}

/* Memory answers with an error. */
static void memory_errors(void)
{
    const struct vector *vector = &vectors[0];
    struct bench bench;
    uint64_t frame;

    bench_open(&bench);
    memset(words, 0x77, sizeof words);
    CHECK_EQUAL(engram_write(&bench.device, vector->base, words, 10), ENGRAM_OK);
    frame = bench.config.frames.device
            + vector->base % ENGRAM_PAGE_WORDS * ENGRAM_WORD_BYTES;
    rtl_fail_at(&bench.bus, RTL_READS, frame + 32, 8);
    CHECK_EQUAL(engram_read(&bench.device, vector->base, words, 10), ENGRAM_READ_ERROR);
    rtl_heal_all(&bench.bus);
    CHECK_EQUAL(engram_read(&bench.device, vector->base, words, 10), ENGRAM_OK);
    CHECK_EQUAL(words[4], UINT64_C(0x7777777777777777));
    rtl_fail_at(&bench.bus, RTL_WRITES, frame + 32, 8);
    CHECK_EQUAL(engram_write(&bench.device, vector->base, words, 10), ENGRAM_WRITE_ERROR);
    rtl_heal_all(&bench.bus);
    CHECK_EQUAL(engram_write(&bench.device, vector->base, words, 10), ENGRAM_OK);
    bench_close(&bench);
}

const struct test_case fault_cases[] = {
    {"bad_commands", bad_commands}, {"bad_spaces", bad_spaces}, {"no_frame", no_frame},
    {"table_full", table_full},     {"bad_frame", bad_frame},   {"regions", regions},
    {"memory_errors", memory_errors},
    {NULL, NULL},
};
