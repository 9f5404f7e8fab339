/*
 * Driver of the Engram accelerator: portable C11, no allocation, no operating system.
 *
 * Of the C library it needs memcpy and memset. A port gives a struct engram_bus, six functions;
 * the caller gives memory that the device reaches, too. One thread at a time may be in here for
 * one device.
 */
#ifndef ENGRAM_H
#define ENGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engram_commands.h"
#include "engram_layout.h"
#include "engram_regs.h"

/* Pieces of memory begin and end at multiples of this: the longest cache line of the processors
 * that the accelerator sits beside, so that no line is shared with anything else. */
#define ENGRAM_ALIGNMENT 64u

/*
 * What a call came to. Up to 63 it is what the device says of a command: ENGRAM_OK, and for each
 * ENGRAM_FAULT_X of engram_commands.h an ENGRAM_X, such as ENGRAM_NO_FRAME or ENGRAM_TABLE_FULL.
 */
enum engram_status {
#define ENGRAM_STATUS_OF_FAULT(name, number, text) ENGRAM_##name = number,
    ENGRAM_EACH_FAULT(ENGRAM_STATUS_OF_FAULT)
#undef ENGRAM_STATUS_OF_FAULT
    ENGRAM_BAD_ARGUMENT = 64, /* the driver refused: nothing was asked of the device */
    ENGRAM_NOT_OPEN,          /* the device was not opened, or was closed */
    ENGRAM_NO_DEVICE,         /* what is there does not identify itself as the accelerator */
    ENGRAM_WRONG_ABI,         /* it does, but it was made for another driver */
    ENGRAM_NO_REST,           /* it did not come to rest after it was disabled */
    ENGRAM_UNREACHABLE,       /* memory lies beyond the addresses that it was built for */
    /* After one of these nobody knows what the device does to memory: it is lost. */
    ENGRAM_BUS_ERROR,      /* a function of the bus failed */
    ENGRAM_TIMEOUT,        /* commands were not completed in the time they may take at worst */
    ENGRAM_HALTED,         /* the ring halted; engram.halt says why */
    ENGRAM_BAD_COMPLETION, /* a completion is not about the command that it should be about */
    ENGRAM_LOST            /* one of these four happened before: open the device anew */
};

/* A piece of memory, contiguous for the device. */
struct engram_memory {
    void *cpu;       /* as the processor sees it */
    uint64_t device; /* as the device addresses it */
    size_t size;     /* in bytes */
};

/*
 * The way to a device. A function that fails returns ENGRAM_BUS_ERROR, or another status that is
 * not ENGRAM_OK, which the call that needed it then returns.
 */
struct engram_bus {
    void *ctx; /* given to each function */
    enum engram_status (*read32)(void *ctx, uint32_t offset, uint32_t *value);
    /* All that was flushed before is visible to the device before it sees this. */
    enum engram_status (*write32)(void *ctx, uint32_t offset, uint32_t value);
    /* Let the device see what the processor wrote, and the processor what the device wrote, in
     * some bytes of a piece. NULL: memory is coherent. */
    enum engram_status (*flush)(void *ctx, const struct engram_memory *memory, size_t start,
                                size_t size);
    enum engram_status (*invalidate)(void *ctx, const struct engram_memory *memory, size_t start,
                                     size_t size);
    /* Wait until the interrupt is high; `high` is false only after so many microseconds. It is a
     * hint: it may come for nothing, or not at all. NULL: there is none, and memory is polled. */
    enum engram_status (*wait_irq)(void *ctx, uint32_t microseconds, bool *high);
    /* A clock that never goes back. */
    enum engram_status (*now_us)(void *ctx, uint64_t *now);
    uint32_t polls; /* how often to look at memory before waiting for the interrupt */
};

/* All that a device needs. Pieces must not overlap; commands may use all that lies between
 * `inbound` and `outbound`, so these are best neighbours. */
struct engram_config {
    struct engram_memory ring;        /* ENGRAM_DESCRIPTOR_BYTES << ring_log2, or more */
    struct engram_memory completions; /* ENGRAM_COMPLETION_BYTES << ring_log2, or more */
    struct engram_memory inbound;     /* words on their way to the device */
    struct engram_memory outbound;    /* words on their way back */
    struct engram_memory tables;      /* page tables of all spaces */
    struct engram_memory frames;      /* a page each; .cpu may be NULL, only the device goes here */
    uint32_t ring_log2;               /* 1 to ENGRAM_MAX_RING_LOG2 */
    /* Commands may take this long together, and so much more a word; 0: a second, 50 us. */
    uint32_t job_us;
    uint32_t word_us;
};

/* A descriptor of the ring; engram_commands.h says what each opcode reads of it. */
struct engram_command {
    uint8_t opcode; /* ENGRAM_OP_... */
    uint8_t flags;  /* ENGRAM_FLAG_GENERATED; the driver adds ENGRAM_FLAG_INTERRUPT */
    uint8_t law;    /* ENGRAM_LAW_...; 0: the space's own */
    uint64_t address;
    uint64_t count;
    uint64_t buffer;
    uint64_t indices;
    uint64_t buckets_log2;
};

/* What became of a command. */
struct engram_completion {
    uint8_t fault; /* ENGRAM_FAULT_... */
    uint8_t opcode;
    uint32_t tag;     /* the number of the command since the device was opened, from 1 on */
    uint64_t done;    /* words moved before a fault; ERASE: frames given back */
    uint64_t address; /* where the piece begins that ended the command */
    uint64_t clocks;
};

/* A space: 2**64 words, by a law and a seed, and a table of its written pages. */
struct engram_space {
    uint64_t seed;
    size_t table; /* its place within the memory of tables, in bytes */
    uint8_t buckets_log2;
    uint8_t law;
};

/* One accelerator. Read what you like, change nothing. */
struct engram {
    const struct engram_bus *bus;
    struct engram_config config;
    enum engram_status state; /* ENGRAM_OK, ENGRAM_NOT_OPEN, or why it is lost */
    uint32_t tail;            /* commands given so far */
    uint32_t laws;            /* bit n: law n is built */
    uint32_t shape;           /* register SHAPE */
    uint32_t halt;            /* fault that halted the ring */
    uint64_t done;            /* words that the last call moved, or frames that it gave back */
    struct engram_completion failed; /* the last command that ended in a fault */
};

enum engram_counter {
#define ENGRAM_COUNTER_OF(name, offset) ENGRAM_COUNTER_##name,
    ENGRAM_EACH_COUNTER(ENGRAM_COUNTER_OF)
#undef ENGRAM_COUNTER_OF
};

/*
 * Identify, reset and enable a device. `bus` must live as long as the device is open; `device`
 * may hold anything before, also a device that is lost. All spaces and frames are forgotten.
 */
enum engram_status engram_open(struct engram *device, const struct engram_bus *bus,
                               const struct engram_config *config);

/* Disable the device, so that it leaves memory alone. A second time does nothing. */
enum engram_status engram_close(struct engram *device);

/*
 * Cut one piece of memory into all that engram_open needs: a ring of 2**ring_log2 commands,
 * staging_bytes each way, table_bytes of tables; the rest are frames. Sizes are rounded up to
 * pages; ENGRAM_BAD_ARGUMENT if no frame is left.
 */
enum engram_status engram_carve(const struct engram_memory *memory, uint32_t ring_log2,
                                size_t staging_bytes, size_t table_bytes,
                                struct engram_config *config);

/*
 * Make an empty space: the 128 << buckets_log2 bytes from byte `table` of the tables on are zeroed.
 * No space that is in use may have its table there: erase what is written in it before. A table
 * holds some four pages a bucket with ease; the driver grows none, so beyond its room there is
 * ENGRAM_TABLE_FULL. Then select it.
 */
enum engram_status engram_create(struct engram *device, struct engram_space *space, uint8_t law,
                                 uint64_t seed, size_t table, uint8_t buckets_log2);

/* Make a space the one that all that follows is about. */
enum engram_status engram_select(struct engram *device, const struct engram_space *space);

/*
 * Read words: consecutive ones from an address on, or those at some addresses. Of a call that
 * fails the first `device->done` words are there.
 */
enum engram_status engram_read(struct engram *device, uint64_t address, uint64_t *words,
                               size_t count);
enum engram_status engram_gather(struct engram *device, const uint64_t *addresses,
                                 uint64_t *words, size_t count);

/* The same for generated words, whatever is written there, by any law that is built; 0: the
 * space's own. */
enum engram_status engram_generate(struct engram *device, uint8_t law, uint64_t address,
                                   uint64_t *words, size_t count);
enum engram_status engram_generate_at(struct engram *device, uint8_t law,
                                      const uint64_t *addresses, uint64_t *words, size_t count);

/*
 * Write words likewise. Of a call that fails the first `device->done` words are written; one that
 * is larger than the staging memory is carried out in parts.
 */
enum engram_status engram_write(struct engram *device, uint64_t address, const uint64_t *words,
                                size_t count);
enum engram_status engram_scatter(struct engram *device, const uint64_t *addresses,
                                  const uint64_t *words, size_t count);

/* Let words be generated again. The frames of pages that are erased as a whole are given back:
 * `device->done` says how many. */
enum engram_status engram_erase(struct engram *device, uint64_t address, uint64_t count);

/*
 * Have any commands carried out in order, as many as the ring is long behind one doorbell.
 * ENGRAM_OK says that all have a completion; those have the faults.
 */
enum engram_status engram_submit(struct engram *device, const struct engram_command *commands,
                                 size_t count, struct engram_completion *completions);

/* All counters as they were at one moment. */
enum engram_status engram_counters(struct engram *device, uint64_t counters[ENGRAM_COUNTERS]);

/* How many frames hold a page. */
enum engram_status engram_frames_used(struct engram *device, uint32_t *frames);

/*
 * Show other managers on the chip the selected space around a word address. Neither `readable`
 * nor `writable` closes the window.
 */
enum engram_status engram_window(struct engram *device, uint64_t address, bool readable,
                                 bool writable);

/* The last fault at the window, ENGRAM_FAULT_...; ENGRAM_FAULT_OK: there was none. */
enum engram_status engram_window_fault(struct engram *device, uint32_t *fault);

/* A sentence about a status. */
const char *engram_strerror(enum engram_status status);

#endif
