/* Arguments that cannot be: refused before the device hears of anything. */
#include "checks.h"
#include "fake_core.h"

#include <string.h>

static struct fake_core core;
static struct engram_config good;

static void start(struct engram *device)
{
    struct engram_memory memory;

    fake_core_open(&core);
    memory.cpu = core.memory;
    memory.device = FAKE_BASE;
    memory.size = FAKE_BYTES;
    CHECK_EQUAL(engram_carve(&memory, 3, 4096, 8192, &good), ENGRAM_OK);
    CHECK_EQUAL(engram_open(device, &core.bus, &good), ENGRAM_OK);
    core.accesses = 0;
}

/* Calls on a device that is open. */
static void calls(void)
{
    struct engram device;
    struct engram_space space;
    struct engram_command command = {.opcode = ENGRAM_OP_FENCE};
    struct engram_completion completion;
    uint64_t words[ENGRAM_COUNTERS] = {0};
    size_t tables;

    start(&device);
    tables = good.tables.size;
    {
        size_t i;
        const enum engram_status found[] = {
            engram_read(&device, 0, NULL, 1),
            engram_read(&device, 0, words, 0),
            engram_read(&device, UINT64_MAX, words, 2),
            engram_generate(&device, 1, 0, NULL, 1),
            engram_generate(&device, 1, 0, words, 0),
            engram_gather(&device, NULL, words, 1),
            engram_gather(&device, words, NULL, 1),
            engram_gather(&device, words, words, 0),
            engram_generate_at(&device, 1, NULL, words, 1),
            engram_generate_at(&device, 1, words, NULL, 1),
            engram_write(&device, 0, NULL, 1),
            engram_write(&device, 0, words, 0),
            engram_write(&device, UINT64_MAX - 1, words, 3),
            engram_scatter(&device, NULL, words, 1),
            engram_scatter(&device, words, NULL, 1),
            engram_scatter(&device, words, words, 0),
            engram_erase(&device, 0, 0),
            engram_erase(&device, 2, UINT64_MAX),
            engram_submit(&device, NULL, 1, &completion),
            engram_submit(&device, &command, 0, &completion),
            engram_submit(&device, &command, 1, NULL),
            engram_counters(&device, NULL),
            engram_frames_used(&device, NULL),
            engram_window_fault(&device, NULL),
            engram_create(&device, NULL, 1, 1, 0, 0),
            engram_create(&device, &space, 0, 1, 0, 0),
            engram_create(&device, &space, 1, 1, 64, 0),
            engram_create(&device, &space, 1, 1, 0, 7),
            engram_create(&device, &space, 1, 1, tables, 0),
            engram_create(&device, &space, 1, 1, tables + 128, 0),
            engram_create(&device, &space, 1, 1, 0, ENGRAM_MAX_BUCKETS_LOG2 + 1),
            engram_create(&device, &space, 1, 1, 0, 255),
            engram_select(&device, NULL),
            engram_read(NULL, 0, words, 1),
            engram_close(NULL),
            engram_open(NULL, &core.bus, &good),
        };
        for (i = 0; i < sizeof found / sizeof found[0]; ++i) {
            if (found[i] != ENGRAM_BAD_ARGUMENT)
                fprintf(stderr, "call %zu\n", i);
            CHECK_EQUAL(found[i], ENGRAM_BAD_ARGUMENT);
        }
    }
    CHECK_EQUAL(engram_create(&device, &space, 1, 1, 0, 6), ENGRAM_OK); /* all of the tables */
    space.law = 0;
    CHECK_EQUAL(engram_select(&device, &space), ENGRAM_BAD_ARGUMENT);
    space.law = 1;
    space.table = tables;
    CHECK_EQUAL(engram_select(&device, &space), ENGRAM_BAD_ARGUMENT);
    CHECK_EQUAL(core.accesses, 0);
    CHECK_EQUAL(engram_close(&device), ENGRAM_OK);
    CHECK_EQUAL(engram_submit(&device, &command, 1, &completion), ENGRAM_NOT_OPEN);
    CHECK_EQUAL(engram_counters(&device, words), ENGRAM_NOT_OPEN);
    CHECK_EQUAL(engram_window(&device, 0, true, true), ENGRAM_NOT_OPEN);
    CHECK_EQUAL(engram_create(&device, &space, 1, 1, 0, 0), ENGRAM_NOT_OPEN);
    fake_core_close(&core);
}

/* Open with one thing changed; it is refused without an access. */
#define REFUSED(change) \
    do { \
        struct engram_config config = good; \
        struct engram_bus bus = core.bus; \
        change; \
        core.accesses = 0; \
        if (engram_open(&device, &bus, &config) != ENGRAM_BAD_ARGUMENT) \
            fprintf(stderr, "%s\n", #change); \
        CHECK_EQUAL(engram_open(&device, &bus, &config), ENGRAM_BAD_ARGUMENT); \
        CHECK_EQUAL(core.accesses, 0); \
    } while (0)

static void configs(void)
{
    struct engram device;

    start(&device);
    REFUSED(bus.read32 = NULL);
    REFUSED(bus.write32 = NULL);
    REFUSED(bus.now_us = NULL);
    REFUSED(config.ring_log2 = 0);
    REFUSED(config.ring_log2 = ENGRAM_MAX_RING_LOG2 + 1);
    REFUSED(config.ring_log2 = 7); /* of 4 KiB only */
    REFUSED(config.completions.size = 192);
    REFUSED(config.ring.cpu = NULL);
    REFUSED(config.tables.cpu = NULL);
    REFUSED(config.inbound.size = 0);
    REFUSED(config.outbound.size -= 8);
    REFUSED(config.outbound.device += 32);
    REFUSED(config.inbound.cpu = (char *)config.inbound.cpu + 8);
    REFUSED(config.tables.size = 64);
    REFUSED(config.tables.device += 64);
    REFUSED(config.frames.device += 64);
    REFUSED(config.frames.size = 2048);
    REFUSED(config.inbound.device = config.outbound.device);
    REFUSED(config.frames.device = config.ring.device);
    REFUSED(config.completions.device = config.ring.device + 448);
    REFUSED(config.frames.device = UINT64_MAX - 4095);
    CHECK_EQUAL(engram_open(&device, NULL, &good), ENGRAM_BAD_ARGUMENT);
    CHECK_EQUAL(engram_open(&device, &core.bus, NULL), ENGRAM_BAD_ARGUMENT);
    {
        struct engram_config least = good;
        struct engram_bus coherent = core.bus;
        coherent.flush = NULL;
        coherent.invalidate = NULL;
        coherent.wait_irq = NULL;
        least.frames.cpu = NULL;
        least.ring.size = 512;
        least.completions.size = 256;
        least.completions.device = least.ring.device + 512;
        least.completions.cpu = (char *)least.ring.cpu + 512;
        CHECK_EQUAL(engram_open(&device, &coherent, &least), ENGRAM_OK);
        CHECK_EQUAL(device.config.job_us, 1000000);
        CHECK_EQUAL(device.config.word_us, 50);
        CHECK_EQUAL(engram_close(&device), ENGRAM_OK);
    }
    fake_core_close(&core);
}

/* One piece of memory, cut. */
static void carving(void)
{
    unsigned char *bytes = malloc(0x9000);
    struct engram_memory memory = {bytes, 0x10000, 0};
    struct engram_config config;
    size_t pages;

    CHECK(bytes != NULL);
    for (pages = 0; pages < 9; ++pages) { /* 1 + 1 + 2 + 2 + 1 + a frame */
        memory.size = pages * 4096 + 4095;
        CHECK_EQUAL(engram_carve(&memory, 1, 4097, 1, &config),
                    pages < 8 ? ENGRAM_BAD_ARGUMENT : ENGRAM_OK);
    }
    CHECK_EQUAL(config.ring.device, 0x10000);
    CHECK_EQUAL(config.completions.device, 0x11000);
    CHECK_EQUAL(config.inbound.device, 0x12000);
    CHECK_EQUAL(config.inbound.size, 0x2000);
    CHECK_EQUAL(config.outbound.device, 0x14000);
    CHECK_EQUAL(config.tables.device, 0x16000);
    CHECK_EQUAL(config.frames.device, 0x17000);
    CHECK_EQUAL(config.frames.size, 0x1000);
    CHECK((unsigned char *)config.frames.cpu == bytes + 0x7000);
    CHECK_EQUAL(engram_carve(NULL, 1, 1, 1, &config), ENGRAM_BAD_ARGUMENT);
    CHECK_EQUAL(engram_carve(&memory, 1, 1, 1, NULL), ENGRAM_BAD_ARGUMENT);
    CHECK_EQUAL(engram_carve(&memory, 0, 1, 1, &config), ENGRAM_BAD_ARGUMENT);
    CHECK_EQUAL(engram_carve(&memory, 13, 1, 1, &config), ENGRAM_BAD_ARGUMENT);
    CHECK_EQUAL(engram_carve(&memory, 1, 0, 1, &config), ENGRAM_BAD_ARGUMENT);
    CHECK_EQUAL(engram_carve(&memory, 1, 1, 0, &config), ENGRAM_BAD_ARGUMENT);
    CHECK_EQUAL(engram_carve(&memory, 1, SIZE_MAX, 1, &config), ENGRAM_BAD_ARGUMENT);
    memory.device = 0x10800;
    CHECK_EQUAL(engram_carve(&memory, 1, 1, 1, &config), ENGRAM_BAD_ARGUMENT);
    memory.device = UINT64_MAX - 4095;
    CHECK_EQUAL(engram_carve(&memory, 1, 1, 1, &config), ENGRAM_BAD_ARGUMENT);
    free(bytes);
}

const struct test_case argument_cases[] = {
    {"calls", calls},
    {"configs", configs},
    {"carving", carving},
    {NULL, NULL},
};
