/* A core in a few lines, for machines without the Verilated one: it knows the commands, but its
 * words are those of no law. */
#ifndef FAKE_CORE_H
#define FAKE_CORE_H

#include "engram.h"

#define FAKE_BASE UINT64_C(0x40000000)
#define FAKE_BYTES ((size_t)1 << 20)
#define FAKE_WRITTEN 2048 /* words that it can hold */

struct fake_core {
    struct engram_bus bus;
    uint32_t registers[ENGRAM_BYTES / 4];
    unsigned char *memory;
    uint64_t base; /* where that begins for the core */
    uint32_t head;
    uint64_t seed, keys[2];
    struct {
        uint64_t address, word;
    } written[FAKE_WRITTEN];
    size_t count;
    uint64_t clock, step; /* microseconds, and how many a look takes */
    uint32_t accesses, calls;
    uint32_t failing_call;             /* the call that fails, from 1 on; 0: none */
    enum engram_status failure;        /* how */
    struct engram_completion forgery;  /* what is said instead, where a field is not 0 */
    bool interrupted;                  /* what waits for the interrupt say, at once */
    bool deaf;                         /* doorbells are lost */
};

/* A core over memory of its own. */
void fake_core_open(struct fake_core *core);
void fake_core_close(struct fake_core *core);

/* Do what the registers say, as the bus has it done at each write. */
void fake_core_step(struct fake_core *core);

/* The word that it makes for an address. */
uint64_t fake_word(uint64_t seed, uint64_t address);

#endif
