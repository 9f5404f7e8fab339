/* The ring: batches, its end, few accesses to registers, and interrupts that only hint. */
#include "rtl_cases.h"

#define MOST 11

static const struct engram_command fence = {.opcode = ENGRAM_OP_FENCE};
static struct engram_command commands[MOST];
static struct engram_completion completions[MOST];
static uint64_t words[2048];

/* Have so many commands carried out, of which the last fails. */
static void check_batch(struct bench *bench, size_t count)
{
    uint32_t first = bench->device.tail;
    size_t i;

    for (i = 0; i < count; ++i)
        commands[i] = fence;
    commands[count - 1].opcode = ENGRAM_OP_UNMAP;
    CHECK_EQUAL(engram_submit(&bench->device, commands, count, completions), ENGRAM_OK);
    for (i = 0; i < count; ++i) {
        CHECK_EQUAL(completions[i].tag, first + i + 1);
        CHECK_EQUAL(completions[i].opcode, commands[i].opcode);
        CHECK_EQUAL(completions[i].fault,
                    i == count - 1 ? ENGRAM_FAULT_NO_REGION : ENGRAM_FAULT_OK);
    }
    CHECK_EQUAL(bench->device.failed.tag, first + count);
}

/* Batches of all lengths, so that they begin and end at every place of the ring. */
static void batches(void)
{
    static const size_t counts[] = {1, 3, 4, 2, 3, 1, 4, 4, 2, 3, 4, 1, 1, 2, 4, 3};
    struct bench bench;
    size_t i;

    bench_open(&bench);
    for (i = 0; i < sizeof counts / sizeof counts[0]; ++i) {
        bench.bus.reads = bench.bus.writes = 0;
        check_batch(&bench, counts[i]);
        CHECK_EQUAL(bench.bus.reads, 0);
        CHECK_EQUAL(bench.bus.writes, bench.bus.polling ? 1 : 2);
    }
    CHECK_EQUAL(bench.device.tail, 42 + 1); /* the first was a SELECT */
    bench_close(&bench);
}

/* More commands than the ring is long take more doorbells. */
static void long_batches(void)
{
    struct bench bench;

    bench_open(&bench);
    check_batch(&bench, MOST);
    CHECK_EQUAL(bench.bus.doorbells, 3);
    check_batch(&bench, 8);
    CHECK_EQUAL(bench.bus.doorbells, 5);
    bench_close(&bench);
}

/* Three accesses at most for a job of each kind. */
static void accesses(void)
{
    const struct vector *vector = &vectors[0];
    struct bench bench;
    int kind;

    bench_open(&bench);
    for (kind = 0; kind < 7; ++kind) {
        enum engram_status status = ENGRAM_OK;
        uint32_t before = bench.bus.reads + bench.bus.writes;
        switch (kind) {
        case 0: status = engram_select(&bench.device, &bench.space); break;
        case 1: status = engram_read(&bench.device, 1, words, 512); break;
        case 2: status = engram_generate(&bench.device, 0, 1, words, 512); break;
        case 3: status = engram_gather(&bench.device, vector->addresses, words, 3); break;
        case 4: status = engram_write(&bench.device, 100, words, 512); break;
        case 5: status = engram_scatter(&bench.device, vector->addresses, words, 3); break;
        default: status = engram_erase(&bench.device, 100, 512); break;
        }
        CHECK_EQUAL(status, ENGRAM_OK);
        CHECK_EQUAL(bench.bus.reads + bench.bus.writes - before, bench.bus.polling ? 1 : 2);
    }
    CHECK_EQUAL(bench.bus.reads, 0);
    printf("accesses to registers a job: %d\n", bench.bus.polling ? 1 : 2);
    bench_close(&bench);
}

/* A device that is opened anew begins with an empty ring. */
static void reopening(void)
{
    const struct vector *vector = &vectors[0];
    struct bench bench;
    int i;

    bench_open(&bench);
    for (i = 0; i < 3; ++i) {
        check_batch(&bench, 3);
        CHECK_EQUAL(engram_close(&bench.device), ENGRAM_OK);
        CHECK_EQUAL(engram_read(&bench.device, 0, words, 1), ENGRAM_NOT_OPEN);
        CHECK_EQUAL(engram_open(&bench.device, &bench.bus.bus, &bench.config), ENGRAM_OK);
        CHECK_EQUAL(bench.device.tail, 0);
        CHECK_EQUAL(engram_read(&bench.device, 0, words, 1), ENGRAM_NO_SPACE);
        CHECK_EQUAL(engram_select(&bench.device, &bench.space), ENGRAM_OK);
        CHECK_EQUAL(engram_read(&bench.device, vector->base, words, 9), ENGRAM_OK);
        check_words(words, vector->run, 9);
    }
    /* Also without closing it. */
    CHECK_EQUAL(engram_open(&bench.device, &bench.bus.bus, &bench.config), ENGRAM_OK);
    CHECK_EQUAL(engram_select(&bench.device, &bench.space), ENGRAM_OK);
    check_batch(&bench, 4);
    bench_close(&bench);
}

/* The interrupt comes for nothing: what is not complete is not taken for complete. */
static void false_interrupts(void)
{
    const struct vector *vector = &vectors[0];
    struct bench bench;
    uint32_t hints;

    bench_open_interrupted(&bench);
    for (hints = 1; hints < 4; ++hints) {
        bench.bus.false_hints = hints;
        bench.bus.reads = bench.bus.writes = 0;
        CHECK_EQUAL(engram_read(&bench.device, vector->base, words, 500), ENGRAM_OK);
        check_words(words, vector->run, 500);
        CHECK_EQUAL(bench.bus.reads, hints); /* STATUS, when a wait brought nothing */
        CHECK_EQUAL(bench.bus.writes, 2 + hints);
    }
    bench_close(&bench);
}

/* The interrupt of one job is still there in the next. */
static void stale_interrupts(void)
{
    struct bench bench;
    size_t i;

    bench_open_interrupted(&bench);
    bench.bus.keep_interrupt = true;
    for (i = 0; i < 3; ++i) {
        const struct vector *vector = &vectors[i % vector_count];
        struct engram_space space;
        CHECK_EQUAL(engram_create(&bench.device, &space, vector->law, vector->seed, 0, 4),
                    ENGRAM_OK);
        CHECK_EQUAL(engram_select(&bench.device, &space), ENGRAM_OK);
        CHECK_EQUAL(engram_read(&bench.device, vector->base, words, 500), ENGRAM_OK);
        check_words(words, vector->run, 500);
    }
    bench_close(&bench);
}

/* The interrupt is missed: that costs a wait, and no answer. */
static void missed_interrupts(void)
{
    const struct vector *vector = &vectors[0];
    struct bench bench;

    bench_open_interrupted(&bench);
    bench.bus.deaf = true;
    CHECK_EQUAL(engram_read(&bench.device, vector->base, words, 500), ENGRAM_OK);
    check_words(words, vector->run, 500);
    CHECK_EQUAL(bench.bus.waits, 1);
    CHECK(bench.bus.reads + bench.bus.writes <= 3);
    bench_close(&bench);
}

/* Who looks at memory for long enough asks for no interrupt. */
static void looks(void)
{
    const struct vector *vector = &vectors[0];
    struct bench bench;
    uint32_t before;

    bench_open_interrupted(&bench);
    before = bench.bus.invalidations;
    bench.bus.bus.polls = 5; /* no clock passes in these */
    CHECK_EQUAL(engram_read(&bench.device, vector->base, words, 5), ENGRAM_OK);
    check_words(words, vector->run, 5);
    CHECK_EQUAL(bench.bus.waits, 1);
    CHECK_EQUAL(bench.bus.invalidations - before, 5 + 1 + 1 + 1);
    bench_close(&bench);
}

const struct test_case ring_cases[] = {
    {"batches", batches},
    {"long_batches", long_batches},
    {"accesses", accesses},
    {"reopening", reopening},
    {"false_interrupts", false_interrupts},
    {"stale_interrupts", stale_interrupts},
    {"missed_interrupts", missed_interrupts},
    {"looks", looks},
    {NULL, NULL},
};
