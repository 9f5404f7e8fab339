/* The driver over a core in memory: runs wherever C does, also in an emulator of the boards. */
#include "checks.h"
#include "fake_core.h"

#include <string.h>

#define WORDS 1200

const char *current_case = "start";

static struct fake_core core;
static struct engram device;
static struct engram_config config;
static struct engram_space space;
static uint64_t words[WORDS], others[WORDS], addresses[WORDS], counters[ENGRAM_COUNTERS];

static void start(void)
{
    struct engram_memory memory = {NULL, FAKE_BASE, FAKE_BYTES};

    fake_core_open(&core);
    memory.cpu = core.memory;
    CHECK_EQUAL(engram_carve(&memory, 3, 4096, 8192, &config), ENGRAM_OK);
    CHECK_EQUAL(engram_open(&device, &core.bus, &config), ENGRAM_OK);
    CHECK_EQUAL(engram_create(&device, &space, 1, 77, 0, 4), ENGRAM_OK);
    CHECK_EQUAL(engram_select(&device, &space), ENGRAM_OK);
}

static void stop(void)
{
    CHECK_EQUAL(engram_close(&device), ENGRAM_OK);
    fake_core_close(&core);
}

/* Words go both ways, more of them than can be staged at a time. */
static void words_pass(void)
{
    size_t i;

    start();
    for (i = 0; i < WORDS; ++i) {
        others[i] = (uint64_t)i << 56 | i;
        addresses[i] = 3 * i + (UINT64_C(1) << 63);
    }
    CHECK_EQUAL(engram_read(&device, UINT64_MAX - WORDS + 1, words, WORDS), ENGRAM_OK);
    for (i = 0; i < WORDS; ++i)
        CHECK_EQUAL(words[i], fake_word(77, UINT64_MAX - WORDS + 1 + i));
    CHECK_EQUAL(engram_write(&device, 5, others, WORDS), ENGRAM_OK);
    CHECK_EQUAL(engram_read(&device, 4, words, WORDS), ENGRAM_OK);
    CHECK_EQUAL(words[0], fake_word(77, 4));
    CHECK(memcmp(words + 1, others, (WORDS - 1) * sizeof *words) == 0);
    CHECK_EQUAL(engram_generate(&device, 0, 4, words, WORDS), ENGRAM_OK);
    CHECK_EQUAL(words[WORDS - 1], fake_word(77, WORDS + 3));
    CHECK_EQUAL(engram_erase(&device, 5, WORDS), ENGRAM_OK);
    CHECK_EQUAL(engram_read(&device, 5, words, WORDS), ENGRAM_OK);
    CHECK_EQUAL(words[700], fake_word(77, 705));
    core.count = 0;
    CHECK_EQUAL(engram_scatter(&device, addresses, others, WORDS), ENGRAM_OK);
    CHECK_EQUAL(device.done, WORDS);
    CHECK_EQUAL(engram_gather(&device, addresses, words, WORDS), ENGRAM_OK);
    CHECK(memcmp(words, others, sizeof words) == 0);
    CHECK_EQUAL(engram_generate_at(&device, 0, addresses, words, WORDS), ENGRAM_OK);
    CHECK_EQUAL(words[9], fake_word(77, addresses[9]));
    stop();
}

/* Keys as Python makes them: engram.arch.seeds.feistel_keys(1). */
static void keys(void)
{
    start();
    CHECK_EQUAL(engram_create(&device, &space, 1, 1, 0, 4), ENGRAM_OK);
    CHECK_EQUAL(engram_select(&device, &space), ENGRAM_OK);
    CHECK_EQUAL(core.keys[0], UINT64_C(0x8E8A6EBD41C7A443));
    CHECK_EQUAL(core.keys[1], UINT64_C(0x9B054C0AA944249E));
    stop();
}

/* A space's table is empty before anybody uses it, and nothing else was touched. */
static void tables(void)
{
    const unsigned char *table;
    size_t i;

    start();
    memset(config.tables.cpu, 0xFF, config.tables.size);
    CHECK_EQUAL(engram_create(&device, &space, 1, 1, 1024, 3), ENGRAM_OK);
    table = config.tables.cpu;
    for (i = 0; i < config.tables.size; ++i)
        CHECK_EQUAL(table[i], i >= 1024 && i < 2048 ? 0 : 0xFF);
    stop();
}

/* An erasure of more than one command may name is cut at borders of pages. */
static void long_erasures(void)
{
    const unsigned char *record;
    uint64_t count = 0;
    unsigned i;

    start();
    core.deaf = true; /* it would take a while */
    device.config.job_us = device.config.word_us = 1;
    CHECK_EQUAL(engram_erase(&device, 100, UINT64_C(1) << 33), ENGRAM_TIMEOUT);
    record = (const unsigned char *)config.ring.cpu + ENGRAM_DESCRIPTOR_BYTES;
    for (i = 0; i < 8; ++i)
        count |= (uint64_t)record[ENGRAM_DESCRIPTOR_COUNT_AT + i] << 8 * i;
    CHECK_EQUAL(record[ENGRAM_DESCRIPTOR_ADDRESS_AT], 100);
    CHECK_EQUAL((100 + count) % ENGRAM_PAGE_WORDS, 0);
    CHECK(count > ENGRAM_MAX_COUNT - 2 * ENGRAM_PAGE_WORDS && count <= ENGRAM_MAX_COUNT);
    core.deaf = false;
    stop();
}

/* A completion that cannot be is not believed. */
static void forged_completions(void)
{
    static const struct engram_completion forgeries[] = {
        {.fault = ENGRAM_FAULTS}, {.fault = 255}, {.done = 6}, {.done = UINT64_MAX}};
    struct engram_command two[2] = {{.opcode = ENGRAM_OP_FENCE}, {.opcode = ENGRAM_OP_FENCE}};
    struct engram_completion found[2];
    size_t i;

    for (i = 0; i < sizeof forgeries / sizeof forgeries[0]; ++i) {
        start();
        core.forgery = forgeries[i];
        CHECK_EQUAL(engram_read(&device, 0, words, 5), ENGRAM_BAD_COMPLETION);
        CHECK_EQUAL(engram_read(&device, 0, words, 5), ENGRAM_LOST);
        stop();
    }
    start();
    core.forgery.tag = 3; /* of both: the first should have 2 */
    CHECK_EQUAL(engram_submit(&device, two, 2, found), ENGRAM_BAD_COMPLETION);
    stop();
    start();
    core.forgery.fault = ENGRAM_FAULT_READ_ERROR; /* after some words */
    core.forgery.done = 4;
    words[4] = 123;
    CHECK_EQUAL(engram_read(&device, 0, words, 5), ENGRAM_READ_ERROR);
    CHECK_EQUAL(device.done, 4);
    CHECK_EQUAL(words[3], fake_word(77, 3));
    CHECK_EQUAL(words[4], 123);
    stop();
}

/* Even a clock that stands still does not make a wait endless. */
static void stopped_clocks(void)
{
    start();
    core.deaf = true;
    core.step = 0;
    CHECK_EQUAL(engram_read(&device, 0, words, 1), ENGRAM_TIMEOUT);
    core.deaf = false;
    CHECK_EQUAL(engram_open(&device, &core.bus, &config), ENGRAM_OK);
    core.deaf = true;
    core.interrupted = false; /* waits take as long as they say, then */
    core.calls = 0;
    CHECK_EQUAL(engram_select(&device, &space), ENGRAM_TIMEOUT);
    CHECK(core.calls < 200);
    core.bus.wait_irq = NULL;
    core.deaf = false;
    CHECK_EQUAL(engram_open(&device, &core.bus, &config), ENGRAM_OK);
    core.deaf = true;
    CHECK_EQUAL(engram_select(&device, &space), ENGRAM_TIMEOUT);
    core.deaf = false;
    stop();
}

/* Everything that the driver does, in a row; returns the first status that is not ENGRAM_OK. */
static enum engram_status everything(void)
{
    const struct engram_command fence = {.opcode = ENGRAM_OP_FENCE};
    struct engram_completion completion;
    uint32_t number;
    enum engram_status status = engram_open(&device, &core.bus, &config);

#define THEN(call) \
    if (status == ENGRAM_OK) \
        status = call
    THEN(engram_create(&device, &space, 1, 77, 0, 4));
    THEN(engram_select(&device, &space));
    THEN(engram_read(&device, 0, words, 600));
    THEN(engram_gather(&device, addresses, words, 3));
    THEN(engram_write(&device, 0, words, 600));
    THEN(engram_scatter(&device, addresses, words, 3));
    THEN(engram_erase(&device, 0, 5));
    THEN(engram_submit(&device, &fence, 1, &completion));
    THEN(engram_counters(&device, counters));
    THEN(engram_frames_used(&device, &number));
    THEN(engram_window(&device, 0, true, false));
    THEN(engram_window_fault(&device, &number));
    THEN(engram_close(&device));
#undef THEN
    return status;
}

/* Whichever call of the bus fails: the driver says so, and stops. */
static void failing_calls(void)
{
    uint32_t call, all;

    start();
    core.calls = 0;
    CHECK_EQUAL(everything(), ENGRAM_OK);
    all = core.calls;
    CHECK(all > 100);
    for (call = 1; call <= all; ++call) {
        enum engram_status later;
        core.calls = 0;
        core.failing_call = call;
        CHECK_EQUAL(everything(), ENGRAM_BUS_ERROR);
        CHECK_EQUAL(core.calls, call);
        later = device.state == ENGRAM_NOT_OPEN ? ENGRAM_NOT_OPEN : ENGRAM_LOST;
        CHECK_EQUAL(engram_read(&device, 0, words, 1), later);
    }
    core.failing_call = 5;
    core.failure = ENGRAM_TIMEOUT; /* a bus may say more */
    core.calls = 0;
    CHECK_EQUAL(everything(), ENGRAM_TIMEOUT);
    core.failing_call = 0;
    stop();
}

/* Both halves of a counter count. */
static void wide_counters(void)
{
    start();
    core.registers[ENGRAM_CYCLES_LO_OFFSET / 4] = 5;
    core.registers[ENGRAM_CYCLES_HI_OFFSET / 4] = 0x80000001;
    CHECK_EQUAL(engram_counters(&device, counters), ENGRAM_OK);
    CHECK_EQUAL(counters[ENGRAM_COUNTER_CYCLES], UINT64_C(0x8000000100000005));
    CHECK_EQUAL(counters[ENGRAM_COUNTER_STALL_WALK], 0);
    stop();
}

static void texts(void)
{
    const char *unknown = engram_strerror((enum engram_status)63);
    int status, known = 0;

    for (status = 0; status < 100; ++status) {
        const char *text = engram_strerror((enum engram_status)status);
        CHECK(text != NULL && text[0] != '\0');
        known += strcmp(text, unknown) != 0;
    }
    CHECK_EQUAL(known, ENGRAM_FAULTS + ENGRAM_LOST - ENGRAM_BAD_ARGUMENT + 1);
}

extern const struct test_case argument_cases[];

static const struct test_case cases[] = {
    {"words_pass", words_pass},
    {"keys", keys},
    {"tables", tables},
    {"long_erasures", long_erasures},
    {"forged_completions", forged_completions},
    {"stopped_clocks", stopped_clocks},
    {"failing_calls", failing_calls},
    {"wide_counters", wide_counters},
    {"texts", texts},
    {NULL, NULL},
};

int main(void)
{
    const struct test_case *const groups[] = {cases, argument_cases};
    const struct test_case *test;
    size_t i;

    for (i = 0; i < sizeof groups / sizeof groups[0]; ++i)
        for (test = groups[i]; test->name != NULL; ++test) {
            current_case = test->name;
            test->run();
            printf("ok %s\n", test->name);
            fflush(stdout);
        }
    return 0;
}
