/* The port without an operating system, with registers in memory and hooks for the rest. */
#include "checks.h"
#include "engram_baremetal.h"
#include "fake_core.h"

#include <string.h>

const char *current_case = "start";

static struct fake_core core;
static struct {
    uintptr_t start;
    size_t size;
    unsigned count;
} cleaned, forgotten;
static unsigned waits;

/* The core works while somebody looks at the clock. */
static uint64_t now_us(void *ctx)
{
    CHECK(ctx == &core);
    fake_core_step(&core);
    return ++core.clock;
}

static bool wait_irq(void *ctx, uint32_t microseconds)
{
    CHECK(ctx == &core && microseconds > 0);
    fake_core_step(&core);
    ++waits;
    return true;
}

static void clean(void *ctx, uintptr_t start, size_t size)
{
    CHECK(ctx == &core);
    cleaned.start = start;
    cleaned.size = size;
    ++cleaned.count;
}

static void forget(void *ctx, uintptr_t start, size_t size)
{
    CHECK(ctx == &core);
    forgotten.start = start;
    forgotten.size = size;
    ++forgotten.count;
}

static void all(bool interrupt)
{
    struct engram_baremetal port = {.registers = core.registers,
                                    .ctx = &core,
                                    .now_us = now_us,
                                    .wait_irq = interrupt ? wait_irq : NULL,
                                    .clean = clean,
                                    .forget = forget};
    struct engram_memory memory = {core.memory, core.base, FAKE_BYTES};
    struct engram_config config;
    struct engram_space space;
    struct engram device;
    uint64_t words[3], mine[3] = {1, 2, 3};

    waits = 0;
    CHECK_EQUAL(engram_baremetal_bus(&port), ENGRAM_OK);
    CHECK_EQUAL(engram_carve(&memory, 2, 4096, 4096, &config), ENGRAM_OK);
    CHECK_EQUAL(engram_open(&device, &port.bus, &config), ENGRAM_OK);
    CHECK_EQUAL(engram_create(&device, &space, 1, 5, 0, 4), ENGRAM_OK);
    CHECK_EQUAL(engram_select(&device, &space), ENGRAM_OK);
    CHECK_EQUAL(engram_write(&device, 8, mine, 3), ENGRAM_OK);
    CHECK_EQUAL(engram_read(&device, 7, words, 3), ENGRAM_OK);
    CHECK_EQUAL(words[0], fake_word(5, 7));
    CHECK_EQUAL(words[1], 1);
    CHECK_EQUAL(words[2], 2);
    CHECK_EQUAL(forgotten.start, (uintptr_t)config.outbound.cpu);
    CHECK_EQUAL(forgotten.size, 24);
    CHECK_EQUAL(cleaned.start, (uintptr_t)config.ring.cpu + 2 * ENGRAM_DESCRIPTOR_BYTES);
    CHECK_EQUAL(cleaned.size, ENGRAM_DESCRIPTOR_BYTES);
    CHECK_EQUAL(waits, interrupt ? 3 : 0);
    CHECK_EQUAL(engram_close(&device), ENGRAM_OK);
}

static void polled(void)
{
    all(false);
}

static void interrupted(void)
{
    all(true);
}

static volatile uint32_t l2[0x1000 / 4];
static uint32_t seen_by_hook;

static void clean_before_outer(void *ctx, uintptr_t start, size_t size)
{
    clean(&core, start, size);
    CHECK(ctx == NULL);
    seen_by_hook = l2[0x7B0 / 4];
}

static void forget_after_outer(void *ctx, uintptr_t start, size_t size)
{
    forget(&core, start, size);
    CHECK(ctx == NULL);
    seen_by_hook = l2[0x770 / 4];
}

/* The level 2 cache beside a Cortex-A9 is told of each line by its own registers. */
static void outer_cache(void)
{
    struct engram_baremetal port = {.registers = core.registers, .now_us = now_us,
                                    .clean = clean_before_outer, .forget = forget_after_outer,
                                    .outer_cache = l2};
    const struct engram_memory memory = {core.memory, core.base, FAKE_BYTES};
    uint32_t last = (uint32_t)(uintptr_t)core.memory + 128;

    CHECK_EQUAL(engram_baremetal_bus(&port), ENGRAM_OK);
    l2[0x730 / 4] = 1;
    CHECK_EQUAL(port.bus.flush(&port, &memory, 68, 64), ENGRAM_OK);
    CHECK_EQUAL(l2[0x7B0 / 4], last);
    CHECK_EQUAL(l2[0x770 / 4], 0);
    CHECK_EQUAL(l2[0x730 / 4], 0);
    CHECK_EQUAL(seen_by_hook, 0);
    l2[0x730 / 4] = 1;
    CHECK_EQUAL(port.bus.invalidate(&port, &memory, 64, 65), ENGRAM_OK);
    CHECK_EQUAL(l2[0x770 / 4], last);
    CHECK_EQUAL(l2[0x730 / 4], 0);
    CHECK_EQUAL(seen_by_hook, last);
}

/* What a port cannot do without. */
static void missing_hooks(void)
{
    struct engram_baremetal good = {.registers = core.registers, .now_us = now_us,
                                    .clean = clean, .forget = forget};
    struct engram_baremetal port;
    bool knows_caches;

    CHECK_EQUAL(engram_baremetal_bus(NULL), ENGRAM_BAD_ARGUMENT);
    port = good, port.registers = NULL;
    CHECK_EQUAL(engram_baremetal_bus(&port), ENGRAM_BAD_ARGUMENT);
    port = good, port.now_us = NULL;
    CHECK_EQUAL(engram_baremetal_bus(&port), ENGRAM_BAD_ARGUMENT);
#if defined(__aarch64__) || (defined(__arm__) && __ARM_ARCH >= 7)
    knows_caches = true;
#else
    knows_caches = false;
#endif
    port = good, port.clean = NULL;
    CHECK_EQUAL(engram_baremetal_bus(&port), knows_caches ? ENGRAM_OK : ENGRAM_BAD_ARGUMENT);
    port = good, port.forget = NULL;
    CHECK_EQUAL(engram_baremetal_bus(&port), knows_caches ? ENGRAM_OK : ENGRAM_BAD_ARGUMENT);
}

static const struct test_case cases[] = {
    {"polled", polled},
    {"interrupted", interrupted},
    {"outer_cache", outer_cache},
    {"missing_hooks", missing_hooks},
    {NULL, NULL},
};

int main(void)
{
    const struct test_case *test;

    for (test = cases; test->name != NULL; ++test) {
        current_case = test->name;
        fake_core_open(&core);
        core.base = (uintptr_t)core.memory;
        test->run();
        fake_core_close(&core);
        printf("ok %s\n", test->name);
    }
    return 0;
}
