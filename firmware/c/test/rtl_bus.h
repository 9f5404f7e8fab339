/* A bus to the Verilated accelerator, and what can be made to go wrong on it. */
#ifndef RTL_BUS_H
#define RTL_BUS_H

#include "engram.h"

#define RTL_BASE UINT64_C(0x10000000)
#define RTL_BYTES (UINT64_C(4) << 20)

/* As in the library's own sources. */
enum { RTL_READS, RTL_WRITES };
enum { RTL_CHANNELS = 7, RTL_SLVERR = 2 };

struct rtl_bus {
    struct engram_bus bus;
    void *device;        /* the design */
    unsigned char *dram; /* what the design sees */
    unsigned char *host; /* what the processor sees: its caches are never clean by chance */
    uint64_t clock;      /* beyond that of the design, in microseconds */
    bool polling, own_dram;

    /* What happened. */
    uint32_t reads, writes, doorbells, waits, flushes, invalidations;

    /* What goes wrong. */
    bool no_flush, no_invalidate; /* forgotten */
    bool lose_doorbells;          /* the design never hears of commands */
    uint32_t frozen;              /* time passes without the design: so many us a look; 0: not */
    bool keep_interrupt;          /* IRQ_STATUS is not cleared */
    bool deaf;                    /* the interrupt is never seen */
    uint32_t false_hints;         /* so many waits end at once, for nothing */
    uint32_t jump;                /* a doorbell says so many too much */
    uint32_t moved_offset;        /* accesses to this register... */
    uint32_t moved_to;            /* ...go to that one, unless 0 */
    uint32_t forged_offset;       /* reads of this register... */
    uint32_t forged_flip;         /* ...have these bits wrong, unless 0 */
};

/* Load a design's library; exits with a message if that cannot be. */
void rtl_load(const char *library);

/* A new, reset design with empty memory. `seed`: of random pauses on all channels; 0: none. */
void rtl_bus_open(struct rtl_bus *bus, bool polling, uint64_t seed);

/* The same over RTL_BYTES of memory that the caller has, coherent with whoever else sees it. */
void rtl_bus_open_over(struct rtl_bus *bus, unsigned char *dram);

/* Let some clocks pass. */
void rtl_clocks(const struct rtl_bus *bus, uint64_t count);

/* Let go of it; checks that no rule of AXI was broken and no access went astray. */
void rtl_bus_close(struct rtl_bus *bus);

/* A memory of both sides. */
struct engram_memory rtl_memory(const struct rtl_bus *bus);

/* A configuration over that memory: `frames` of them, a ring of 4 commands, a page staged each
 * way, 64 KiB of tables, and times that a simulation can wait for. */
struct engram_config rtl_config(const struct rtl_bus *bus, size_t frames);

/* The bytes that the design sees at an address of its own. */
unsigned char *rtl_dram(const struct rtl_bus *bus, uint64_t address);

/* Let accesses of a kind to some bytes fail, and end that. */
void rtl_fail_at(const struct rtl_bus *bus, uint32_t direction, uint64_t first, uint64_t size);
void rtl_heal_all(const struct rtl_bus *bus);

/* Words through the window; what the worst answer was, 0 if all were OKAY. */
uint64_t rtl_window_get(const struct rtl_bus *bus, uint64_t address, uint64_t *words,
                        uint64_t count);
uint64_t rtl_window_put(const struct rtl_bus *bus, uint64_t address, const uint64_t *words,
                        uint64_t count);

#endif
