/* The library of a Verilated design, loaded by name, behind the driver's bus. */
#define _DEFAULT_SOURCE

#include "rtl_bus.h"

#include "checks.h"

#include <dlfcn.h>
#include <string.h>

#define PATIENCE 100000u /* clocks, for an access to a register */
#define CLOCKS_A_US 100u
#define WORST_STALL 16384u /* of 65536: a quarter of the clocks */
#define NEVER_CLEAN 0xCD

static struct {
    void *(*create)(uint8_t *, uint64_t, uint64_t);
    void (*remove)(void *);
    uint64_t (*read)(void *, uint32_t, uint64_t);
    uint64_t (*write)(void *, uint32_t, uint32_t, uint64_t);
    uint32_t (*run)(void *, uint64_t, uint32_t);
    uint64_t (*window_read)(void *, uint64_t, uint64_t, uint32_t, uint32_t, uint64_t *,
                            uint64_t *, uint64_t);
    uint64_t (*window_write)(void *, uint64_t, uint64_t, uint32_t, uint32_t, const uint64_t *,
                             const uint8_t *, uint32_t, uint32_t, uint64_t *, uint64_t);
    uint64_t (*cycles)(void *);
    uint64_t (*strays)(void *);
    uint64_t (*violations)(void *);
    const char *(*violation_text)(void *);
    void (*seed)(void *, uint64_t);
    void (*stall)(void *, uint32_t, uint32_t);
    void (*fail)(void *, uint32_t, uint64_t, uint64_t, uint32_t);
    void (*heal)(void *);
} rtl;

static void find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);

    if (found == NULL) {
        fprintf(stderr, "the design's library has no %s\n", name);
        exit(1);
    }
    memcpy(function, &found, sizeof found); /* ISO C casts no object to a function */
}

void rtl_load(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    find(library, "rtl_new", &rtl.create);
    find(library, "rtl_delete", &rtl.remove);
    find(library, "rtl_read", &rtl.read);
    find(library, "rtl_write", &rtl.write);
    find(library, "rtl_run", &rtl.run);
    find(library, "rtl_window_read", &rtl.window_read);
    find(library, "rtl_window_write", &rtl.window_write);
    find(library, "rtl_cycles", &rtl.cycles);
    find(library, "rtl_strays", &rtl.strays);
    find(library, "rtl_violations", &rtl.violations);
    find(library, "rtl_violation_text", &rtl.violation_text);
    find(library, "rtl_seed", &rtl.seed);
    find(library, "rtl_stall", &rtl.stall);
    find(library, "rtl_fail", &rtl.fail);
    find(library, "rtl_heal", &rtl.heal);
}

/* Bits above the data: response, no answer in time, a broken rule. */
static enum engram_status outcome(uint64_t result)
{
    return result >> 32 == 0 ? ENGRAM_OK : ENGRAM_BUS_ERROR;
}

static enum engram_status read32(void *ctx, uint32_t offset, uint32_t *value)
{
    struct rtl_bus *bus = ctx;
    bool moved = bus->moved_to != 0 && offset == bus->moved_offset;
    uint64_t result = rtl.read(bus->device, moved ? bus->moved_to : offset, PATIENCE);

    ++bus->reads;
    *value = (uint32_t)result;
    if (offset == bus->forged_offset)
        *value ^= bus->forged_flip;
    return outcome(result);
}

static enum engram_status write32(void *ctx, uint32_t offset, uint32_t value)
{
    struct rtl_bus *bus = ctx;
    bool moved = bus->moved_to != 0 && offset == bus->moved_offset;

    ++bus->writes;
    if (offset == ENGRAM_RING_TAIL_OFFSET && value != 0) {
        ++bus->doorbells;
        value += bus->jump;
        if (bus->lose_doorbells)
            return ENGRAM_OK;
    }
    if (offset == ENGRAM_IRQ_STATUS_OFFSET && bus->keep_interrupt)
        return ENGRAM_OK;
    return outcome(rtl.write(bus->device, moved ? bus->moved_to : offset, value, PATIENCE));
}

/* Whole lines move, as in a cache. */
static void lines(size_t at, size_t size, size_t *first, size_t *bytes)
{
    *first = at - at % ENGRAM_ALIGNMENT;
    *bytes = at + size - *first;
    *bytes += (ENGRAM_ALIGNMENT - *bytes % ENGRAM_ALIGNMENT) % ENGRAM_ALIGNMENT;
}

static enum engram_status flush(void *ctx, const struct engram_memory *memory, size_t start,
                                size_t size)
{
    struct rtl_bus *bus = ctx;
    size_t first, bytes;

    ++bus->flushes;
    CHECK(size > 0 && start + size <= memory->size);
    lines((size_t)(memory->device - RTL_BASE) + start, size, &first, &bytes);
    if (!bus->no_flush)
        memcpy(bus->dram + first, bus->host + first, bytes);
    return ENGRAM_OK;
}

static enum engram_status invalidate(void *ctx, const struct engram_memory *memory, size_t start,
                                     size_t size)
{
    struct rtl_bus *bus = ctx;
    size_t first, bytes;

    ++bus->invalidations;
    CHECK(size > 0 && start + size <= memory->size);
    lines((size_t)(memory->device - RTL_BASE) + start, size, &first, &bytes);
    if (!bus->no_invalidate)
        memcpy(bus->host + first, bus->dram + first, bytes);
    return ENGRAM_OK;
}

static enum engram_status wait_irq(void *ctx, uint32_t microseconds, bool *high)
{
    struct rtl_bus *bus = ctx;

    ++bus->waits;
    CHECK(microseconds > 0);
    if (bus->false_hints != 0) {
        --bus->false_hints;
        *high = true;
        return ENGRAM_OK;
    }
    if (bus->frozen != 0) {
        bus->clock += microseconds;
        *high = false;
        return ENGRAM_OK;
    }
    *high = rtl.run(bus->device, (uint64_t)microseconds * CLOCKS_A_US, !bus->deaf) && !bus->deaf;
    return ENGRAM_OK;
}

/* To look at the clock takes a microsecond. */
static enum engram_status now_us(void *ctx, uint64_t *now)
{
    struct rtl_bus *bus = ctx;

    bus->clock += bus->frozen;
    if (bus->frozen == 0)
        rtl.run(bus->device, CLOCKS_A_US, 0);
    *now = bus->clock + rtl.cycles(bus->device) / CLOCKS_A_US;
    return ENGRAM_OK;
}

static void create(struct rtl_bus *bus, unsigned char *dram)
{
    memset(bus, 0, sizeof *bus);
    bus->dram = dram;
    bus->device = rtl.create(dram, RTL_BYTES, RTL_BASE);
    bus->bus.ctx = bus;
    bus->bus.read32 = read32;
    bus->bus.write32 = write32;
    bus->bus.now_us = now_us;
}

void rtl_bus_open_over(struct rtl_bus *bus, unsigned char *dram)
{
    create(bus, dram);
}

void rtl_clocks(const struct rtl_bus *bus, uint64_t count)
{
    rtl.run(bus->device, count, 0);
}

void rtl_bus_open(struct rtl_bus *bus, bool polling, uint64_t seed)
{
    unsigned char *dram = aligned_alloc(ENGRAM_PAGE_BYTES, RTL_BYTES);
    uint32_t channel;

    CHECK(dram != NULL);
    memset(dram, 0xA5, RTL_BYTES);
    create(bus, dram);
    bus->own_dram = true;
    bus->host = aligned_alloc(ENGRAM_PAGE_BYTES, RTL_BYTES);
    CHECK(bus->host != NULL);
    memset(bus->host, NEVER_CLEAN, RTL_BYTES);
    for (channel = 0; seed != 0 && channel < RTL_CHANNELS; ++channel)
        rtl.stall(bus->device, channel, WORST_STALL);
    if (seed != 0)
        rtl.seed(bus->device, seed);
    bus->polling = polling;
    bus->bus.flush = flush;
    bus->bus.invalidate = invalidate;
    bus->bus.wait_irq = polling ? NULL : wait_irq;
}

void rtl_bus_close(struct rtl_bus *bus)
{
    if (rtl.violations(bus->device) != 0)
        fprintf(stderr, "%s\n", rtl.violation_text(bus->device));
    CHECK_EQUAL(rtl.violations(bus->device), 0);
    CHECK_EQUAL(rtl.strays(bus->device), 0);
    rtl.remove(bus->device);
    if (bus->own_dram)
        free(bus->dram);
    free(bus->host);
}

struct engram_memory rtl_memory(const struct rtl_bus *bus)
{
    struct engram_memory memory = {bus->host, RTL_BASE, RTL_BYTES};

    return memory;
}

struct engram_config rtl_config(const struct rtl_bus *bus, size_t frames)
{
    struct engram_memory memory = rtl_memory(bus);
    struct engram_config config;

    CHECK_EQUAL(engram_carve(&memory, 2, ENGRAM_PAGE_BYTES, 64 << 10, &config), ENGRAM_OK);
    CHECK(frames * ENGRAM_PAGE_BYTES <= config.frames.size);
    config.frames.size = frames * ENGRAM_PAGE_BYTES;
    config.frames.cpu = NULL;
    config.job_us = 5000;
    config.word_us = 5;
    return config;
}

unsigned char *rtl_dram(const struct rtl_bus *bus, uint64_t address)
{
    CHECK(address >= RTL_BASE && address - RTL_BASE < RTL_BYTES);
    return bus->dram + (address - RTL_BASE);
}

void rtl_fail_at(const struct rtl_bus *bus, uint32_t direction, uint64_t first, uint64_t size)
{
    rtl.fail(bus->device, direction, first, first + size, RTL_SLVERR);
}

void rtl_heal_all(const struct rtl_bus *bus)
{
    rtl.heal(bus->device);
}

uint64_t rtl_window_get(const struct rtl_bus *bus, uint64_t address, uint64_t *words,
                        uint64_t count)
{
    uint64_t failed;

    return rtl.window_read(bus->device, address, count, 16, 0, words, &failed,
                           PATIENCE + 64 * count);
}

uint64_t rtl_window_put(const struct rtl_bus *bus, uint64_t address, const uint64_t *words,
                        uint64_t count)
{
    uint8_t strobes[64];
    uint64_t failed;

    CHECK(count <= sizeof strobes);
    memset(strobes, 0xFF, sizeof strobes);
    return rtl.window_write(bus->device, address, count, 16, 0, words, strobes, 0, 0, &failed,
                            PATIENCE + 64 * count);
}
