/* Any processor: volatile accesses, barriers, and cache maintenance of Armv7-A and Armv8-A. */
#include "engram_baremetal.h"

/* Registers of a PL310, in words, and the line that all of them have. */
#define L2_SYNC (0x730u / 4)
#define L2_INVALIDATE_LINE (0x770u / 4)
#define L2_CLEAN_LINE (0x7B0u / 4)
#define L2_LINE 32u

#if defined(__aarch64__)
#define KNOWS_CACHES 1

static void barrier(void)
{
    __asm__ volatile("dsb sy" ::: "memory");
}

static uintptr_t cache_type(void)
{
    uint64_t type;

    __asm__ volatile("mrs %0, ctr_el0" : "=r"(type));
    return (uintptr_t)type;
}

static void clean_line(uintptr_t at)
{
    __asm__ volatile("dc cvac, %0" ::"r"(at) : "memory");
}

static void forget_line(uintptr_t at)
{
    __asm__ volatile("dc ivac, %0" ::"r"(at) : "memory");
}

#elif defined(__arm__) && defined(__ARM_ARCH) && __ARM_ARCH >= 7
#define KNOWS_CACHES 1

static void barrier(void)
{
    __asm__ volatile("dsb" ::: "memory");
}

static uintptr_t cache_type(void) /* CTR */
{
    uint32_t type;

    __asm__ volatile("mrc p15, 0, %0, c0, c0, 1" : "=r"(type));
    return type;
}

static void clean_line(uintptr_t at) /* DCCMVAC */
{
    __asm__ volatile("mcr p15, 0, %0, c7, c10, 1" ::"r"(at) : "memory");
}

static void forget_line(uintptr_t at) /* DCIMVAC */
{
    __asm__ volatile("mcr p15, 0, %0, c7, c6, 1" ::"r"(at) : "memory");
}

#else
#define KNOWS_CACHES 0

static void barrier(void)
{
    __sync_synchronize();
}

/* Never called: engram_baremetal_bus insists on hooks. */
static uintptr_t cache_type(void)
{
    return 0;
}

static void clean_line(uintptr_t at)
{
    (void)at;
}

static void forget_line(uintptr_t at)
{
    (void)at;
}

#endif

/* Both architectures say the same: bits 19:16 are the logarithm of the shortest line's words. */
static void each_line(uintptr_t start, size_t size, void (*maintain)(uintptr_t at))
{
    uintptr_t line = (uintptr_t)4 << (cache_type() >> 16 & 15u);
    uintptr_t at = start & ~(line - 1);

    for (; at < start + size; at += line)
        maintain(at);
    barrier();
}

static void outer(volatile uint32_t *cache, size_t maintain, uintptr_t start, size_t size)
{
    uintptr_t at = start & ~(uintptr_t)(L2_LINE - 1);

    for (; at < start + size; at += L2_LINE)
        cache[maintain] = (uint32_t)at;
    cache[L2_SYNC] = 0;
    barrier();
}

static enum engram_status read32(void *ctx, uint32_t offset, uint32_t *value)
{
    const struct engram_baremetal *port = ctx;

    *value = port->registers[offset / 4];
    barrier();
    return ENGRAM_OK;
}

static enum engram_status write32(void *ctx, uint32_t offset, uint32_t value)
{
    const struct engram_baremetal *port = ctx;

    barrier(); /* what was flushed is in memory before the device hears of it */
    port->registers[offset / 4] = value;
    return ENGRAM_OK;
}

/* Nearer caches first: what they write back must not stay in the outer one. */
static enum engram_status flush(void *ctx, const struct engram_memory *memory, size_t start,
                                size_t size)
{
    const struct engram_baremetal *port = ctx;
    uintptr_t at = (uintptr_t)memory->cpu + start;

    if (port->clean != NULL)
        port->clean(port->ctx, at, size);
    else
        each_line(at, size, clean_line);
    if (port->outer_cache != NULL)
        outer(port->outer_cache, L2_CLEAN_LINE, at, size);
    return ENGRAM_OK;
}

/* The outer cache first: nothing may be fetched from it once the nearer ones have forgotten. */
static enum engram_status invalidate(void *ctx, const struct engram_memory *memory, size_t start,
                                     size_t size)
{
    const struct engram_baremetal *port = ctx;
    uintptr_t at = (uintptr_t)memory->cpu + start;

    if (port->outer_cache != NULL)
        outer(port->outer_cache, L2_INVALIDATE_LINE, at, size);
    if (port->forget != NULL)
        port->forget(port->ctx, at, size);
    else
        each_line(at, size, forget_line);
    return ENGRAM_OK;
}

static enum engram_status now_us(void *ctx, uint64_t *now)
{
    const struct engram_baremetal *port = ctx;

    *now = port->now_us(port->ctx);
    return ENGRAM_OK;
}

static enum engram_status wait_irq(void *ctx, uint32_t microseconds, bool *high)
{
    const struct engram_baremetal *port = ctx;

    *high = port->wait_irq(port->ctx, microseconds);
    return ENGRAM_OK;
}

enum engram_status engram_baremetal_bus(struct engram_baremetal *port)
{
    if (port == NULL || port->registers == NULL || port->now_us == NULL
        || (!KNOWS_CACHES && (port->clean == NULL || port->forget == NULL)))
        return ENGRAM_BAD_ARGUMENT;
    port->bus.ctx = port;
    port->bus.read32 = read32;
    port->bus.write32 = write32;
    port->bus.flush = flush;
    port->bus.invalidate = invalidate;
    port->bus.wait_irq = port->wait_irq == NULL ? NULL : wait_irq;
    port->bus.now_us = now_us;
    port->bus.polls = 1000; /* a look costs a line or two, an interrupt some thousand clocks */
    return ENGRAM_OK;
}
