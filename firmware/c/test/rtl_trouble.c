/* What a board may come to: caches, a dead core, a bus that fails, another core. */
#include "rtl_cases.h"

#include <string.h>

static uint64_t words[1024];

/* Close a bench whose device was lost, after opening that anew. */
static void recover(struct bench *bench)
{
    const struct vector *vector = &vectors[0];

    CHECK_EQUAL(engram_read(&bench->device, 0, words, 1), ENGRAM_LOST);
    CHECK_EQUAL(engram_open(&bench->device, &bench->bus.bus, &bench->config), ENGRAM_OK);
    CHECK_EQUAL(engram_create(&bench->device, &bench->space, vector->law, vector->seed, 0, 4),
                ENGRAM_OK);
    CHECK_EQUAL(engram_select(&bench->device, &bench->space), ENGRAM_OK);
    CHECK_EQUAL(engram_read(&bench->device, vector->base, words, 600), ENGRAM_OK);
    check_words(words, vector->run, 600);
    bench_close(bench);
}

/* Without a flush the device writes what was in memory before: it is noticed, so that this bus
 * is as unforgiving as caches are. */
static void missing_flush(void)
{
    struct bench bench;
    struct engram_memory *inbound;
    uint64_t mine = 0x1234;

    bench_open(&bench);
    inbound = &bench.device.config.inbound;
    bench.bus.no_flush = true;
    memcpy(inbound->cpu, &mine, sizeof mine);
    bench.bus.bus.flush(&bench.bus, inbound, 0, sizeof mine);
    bench.bus.no_flush = false;
    {
        const struct engram_command write = {
            .opcode = ENGRAM_OP_WRITE, .count = 1, .buffer = inbound->device};
        struct engram_completion completion;
        CHECK_EQUAL(engram_submit(&bench.device, &write, 1, &completion), ENGRAM_OK);
    }
    CHECK_EQUAL(engram_read(&bench.device, 0, words, 1), ENGRAM_OK);
    CHECK_EQUAL(words[0], UINT64_C(0xA5A5A5A5A5A5A5A5));
    /* A command that is not flushed is none. */
    bench.bus.no_flush = true;
    CHECK(engram_read(&bench.device, 0, words, 1) != ENGRAM_OK);
    bench.bus.no_flush = false;
    if (bench.device.state == ENGRAM_OK)
        bench.device.state = ENGRAM_TIMEOUT;
    recover(&bench);
}

/* Without an invalidation the processor sees no completion, and so waits in vain. */
static void missing_invalidate(void)
{
    struct bench bench;

    bench_open(&bench);
    bench.bus.no_invalidate = true;
    CHECK_EQUAL(engram_read(&bench.device, 0, words, 1), ENGRAM_TIMEOUT);
    bench.bus.no_invalidate = false;
    recover(&bench);
}

/* A core that hears no doorbell: time is up in time, with a look at STATUS now and then. */
static void hung_core(void)
{
    struct bench bench;
    uint64_t before, after;

    bench_open(&bench);
    bench.bus.lose_doorbells = true;
    bench.bus.frozen = 1;
    bench.bus.bus.now_us(&bench.bus, &before);
    CHECK_EQUAL(engram_read(&bench.device, 0, words, 100), ENGRAM_TIMEOUT);
    bench.bus.bus.now_us(&bench.bus, &after);
    CHECK(after - before >= bench.config.job_us + 100 * bench.config.word_us);
    CHECK(after - before <= bench.config.job_us + 100 * bench.config.word_us + 1000);
    CHECK_EQUAL(bench.bus.doorbells, 1);
    CHECK(bench.bus.reads <= 2);
    CHECK_EQUAL(bench.device.state, ENGRAM_TIMEOUT);
    CHECK_EQUAL(engram_write(&bench.device, 0, words, 1), ENGRAM_LOST);
    CHECK_EQUAL(engram_select(&bench.device, &bench.space), ENGRAM_LOST);
    CHECK_EQUAL(bench.bus.doorbells, 1);
    bench.bus.lose_doorbells = false;
    bench.bus.frozen = 0;
    recover(&bench);
}

/* An interrupt that is always high and a core that does nothing: still, time is up. */
static void storm(void)
{
    struct bench bench;

    bench_open_interrupted(&bench);
    bench.bus.lose_doorbells = true;
    bench.bus.frozen = 1;
    bench.bus.false_hints = UINT32_MAX;
    CHECK_EQUAL(engram_read(&bench.device, 0, words, 1), ENGRAM_TIMEOUT);
    bench.bus.lose_doorbells = false;
    bench.bus.frozen = 0;
    bench.bus.false_hints = 0;
    recover(&bench);
}

/* An access is answered with SLVERR, as where no register is. */
static void bus_errors(void)
{
    static const uint32_t offsets[] = {ENGRAM_ID_OFFSET,       ENGRAM_CONTROL_OFFSET,
                                       ENGRAM_STATUS_OFFSET,   ENGRAM_RING_TAIL_OFFSET,
                                       ENGRAM_FRAME_COUNT_OFFSET};
    struct bench bench;
    uint32_t value;
    size_t i;

    bench_open(&bench);
    CHECK_EQUAL(bench.bus.bus.read32(&bench.bus, ENGRAM_BYTES, &value), ENGRAM_BUS_ERROR);
    CHECK_EQUAL(bench.bus.bus.write32(&bench.bus, ENGRAM_ID_OFFSET, 1), ENGRAM_BUS_ERROR);
    bench.bus.moved_to = ENGRAM_BYTES;
    for (i = 0; i < sizeof offsets / sizeof offsets[0]; ++i) {
        bench.bus.moved_offset = offsets[i];
        CHECK_EQUAL(engram_open(&bench.device, &bench.bus.bus, &bench.config),
                    ENGRAM_BUS_ERROR);
        CHECK_EQUAL(engram_read(&bench.device, 0, words, 1), ENGRAM_NOT_OPEN);
    }
    bench.bus.moved_to = 0;
    CHECK_EQUAL(engram_open(&bench.device, &bench.bus.bus, &bench.config), ENGRAM_OK);
    bench.bus.moved_to = ENGRAM_BYTES;
    bench.bus.moved_offset = ENGRAM_RING_TAIL_OFFSET;
    CHECK_EQUAL(engram_select(&bench.device, &bench.space), ENGRAM_BUS_ERROR);
    bench.bus.moved_to = 0;
    recover(&bench);
}

/* Another core, another version, too few address bits. */
static void wrong_cores(void)
{
    static const struct {
        uint32_t offset, flip;
        enum engram_status status;
    } cores[] = {
        {ENGRAM_ID_OFFSET, 1, ENGRAM_NO_DEVICE},
        {ENGRAM_ID_OFFSET, 0xFFFFFFFF, ENGRAM_NO_DEVICE},
        {ENGRAM_ABI_OFFSET, 1u << ENGRAM_ABI_MAJOR_SHIFT, ENGRAM_WRONG_ABI},
        {ENGRAM_ABI_OFFSET, 2u << ENGRAM_ABI_MAJOR_SHIFT, ENGRAM_WRONG_ABI},
        {ENGRAM_ABI_OFFSET, 4u << ENGRAM_ABI_MINOR_SHIFT, ENGRAM_OK},
        /* 40 bits become 8. */
        {ENGRAM_SHAPE_OFFSET, 32u << ENGRAM_SHAPE_ADDRESS_BITS_SHIFT, ENGRAM_UNREACHABLE},
        {ENGRAM_STATUS_OFFSET, ENGRAM_STATUS_IDLE_MASK, ENGRAM_NO_REST},
        {ENGRAM_STATUS_OFFSET, ENGRAM_STATUS_HALTED_MASK, ENGRAM_NO_REST},
        {ENGRAM_RING_HEAD_OFFSET, 8, ENGRAM_NO_REST},
    };
    struct bench bench;
    size_t i;

    bench_open(&bench);
    bench.bus.frozen = 1000;
    for (i = 0; i < sizeof cores / sizeof cores[0]; ++i) {
        uint64_t before, after;
        bench.bus.forged_offset = cores[i].offset;
        bench.bus.forged_flip = cores[i].flip;
        bench.bus.bus.now_us(&bench.bus, &before);
        CHECK_EQUAL(engram_open(&bench.device, &bench.bus.bus, &bench.config), cores[i].status);
        bench.bus.bus.now_us(&bench.bus, &after);
        CHECK(after - before < 1010000);
    }
    bench.bus.forged_flip = 0;
    bench.bus.frozen = 0;
    bench_close(&bench);
}

/* The ring halts: at a doorbell too far, at a descriptor or completion that memory refuses. */
static void halts(void)
{
    const struct engram_command fence = {.opcode = ENGRAM_OP_FENCE};
    struct engram_completion completion;
    struct bench bench;
    uint64_t before, after;

    bench_open(&bench);
    bench.bus.jump = 100;
    bench.bus.bus.now_us(&bench.bus, &before);
    CHECK_EQUAL(engram_submit(&bench.device, &fence, 1, &completion), ENGRAM_HALTED);
    bench.bus.bus.now_us(&bench.bus, &after);
    CHECK(after - before < bench.config.job_us + 100);
    CHECK_EQUAL(bench.device.halt, ENGRAM_FAULT_BAD_RING);
    bench.bus.jump = 0;
    CHECK_EQUAL(engram_open(&bench.device, &bench.bus.bus, &bench.config), ENGRAM_OK);
    rtl_fail_at(&bench.bus, RTL_READS, bench.config.ring.device, 8);
    CHECK_EQUAL(engram_submit(&bench.device, &fence, 1, &completion), ENGRAM_HALTED);
    CHECK_EQUAL(bench.device.halt, ENGRAM_FAULT_READ_ERROR);
    rtl_heal_all(&bench.bus);
    CHECK_EQUAL(engram_open(&bench.device, &bench.bus.bus, &bench.config), ENGRAM_OK);
    rtl_fail_at(&bench.bus, RTL_WRITES, bench.config.completions.device, 8);
    CHECK_EQUAL(engram_submit(&bench.device, &fence, 1, &completion), ENGRAM_HALTED);
    CHECK_EQUAL(bench.device.halt, ENGRAM_FAULT_WRITE_ERROR);
    rtl_heal_all(&bench.bus);
    recover(&bench);
}

const struct test_case trouble_cases[] = {
    {"missing_flush", missing_flush},
    {"missing_invalidate", missing_invalidate},
    {"hung_core", hung_core},
    {"storm", storm},
    {"bus_errors", bus_errors},
    {"wrong_cores", wrong_cores},
    {"halts", halts},
    {NULL, NULL},
};
