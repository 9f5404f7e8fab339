/* What the files of the driver share; no part of its interface. */
#ifndef ENGRAM_INTERNAL_H
#define ENGRAM_INTERNAL_H

#include "engram.h"

/* How often a clock may be looked at without moving on before it counts as stopped. */
#define ENGRAM_STANDSTILL (UINT32_C(1) << 22)

/* A time that ends; it does so as well on a clock that stands still. */
struct engram_deadline {
    uint64_t since;
    uint64_t allowed; /* microseconds */
    uint64_t waited;  /* what waits for the interrupt took, by what they were asked */
    uint64_t seen;    /* what the clock said last */
    uint32_t looks;   /* since it moved on */
};

/* Remember that nothing more can be done; returns `status`. */
enum engram_status engram_lose(struct engram *device, enum engram_status status);

/* What a call that needs an open device returns at once: ENGRAM_OK if it may go on. */
enum engram_status engram_ready(const struct engram *device);

enum engram_status engram_get(const struct engram *device, uint32_t offset, uint32_t *value);
enum engram_status engram_put(const struct engram *device, uint32_t offset, uint32_t value);
/* Set a pair of registers, low half first. */
enum engram_status engram_put_pair(const struct engram *device, uint32_t low, uint64_t value);
enum engram_status engram_flush(const struct engram *device, const struct engram_memory *memory,
                                size_t start, size_t size);
enum engram_status engram_invalidate(const struct engram *device,
                                     const struct engram_memory *memory, size_t start,
                                     size_t size);

enum engram_status engram_deadline_in(const struct engram *device, uint64_t microseconds,
                                      struct engram_deadline *deadline);
/* `left`: how many microseconds there still are; 0: none. */
enum engram_status engram_deadline_left(const struct engram *device,
                                        struct engram_deadline *deadline, uint64_t *left);

/* Whether all pieces are large enough, lie where they may, and apart from one another. */
bool engram_config_sound(const struct engram_config *config);
/* The first byte behind all pieces. */
uint64_t engram_config_end(const struct engram_config *config);

/* Make the ring empty and tell the device, which is disabled, where it lies. */
enum engram_status engram_ring_program(struct engram *device);

#endif
