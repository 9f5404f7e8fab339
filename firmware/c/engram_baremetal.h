/*
 * The driver without an operating system: registers by address, caches by instructions.
 *
 * The processor sees memory at the addresses that the device uses, so both of a piece are the
 * same number. What the port cannot know is given by hooks: the time, and whatever caches lie
 * beyond those that instructions reach.
 */
#ifndef ENGRAM_BAREMETAL_H
#define ENGRAM_BAREMETAL_H

#include "engram.h"

struct engram_baremetal {
    struct engram_bus bus; /* filled in by engram_baremetal_bus */
    volatile uint32_t *registers;
    void *ctx; /* given to each hook */
    /* Microseconds of a clock that never goes back. */
    uint64_t (*now_us)(void *ctx);
    /* Sleep until the interrupt is high, so long at most; whether it is. NULL: memory is polled. */
    bool (*wait_irq)(void *ctx, uint32_t microseconds);
    /* Write back, and forget, the lines of some bytes of the processor's own caches. NULL: by its
     * instructions (Armv7-A from PL1, Armv8-A in AArch64 from EL1). */
    void (*clean)(void *ctx, uintptr_t start, size_t size);
    void (*forget)(void *ctx, uintptr_t start, size_t size);
    /* A PL310, the level 2 cache beside a Cortex-A9, which no instruction reaches: its registers
     * (at 0xF8F02000 of a Zynq-7000), maintained besides; NULL: there is none, or it is off. */
    volatile uint32_t *outer_cache;
};

/*
 * Check a port and fill in its bus. ENGRAM_BAD_ARGUMENT: `registers` or `now_us` is missing, or
 * this is no processor whose instructions the port knows and a hook for its caches is missing.
 */
enum engram_status engram_baremetal_bus(struct engram_baremetal *port);

#endif
