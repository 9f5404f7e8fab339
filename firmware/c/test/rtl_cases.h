/* The cases of the driver against the Verilated accelerator, and what they share. */
#ifndef RTL_CASES_H
#define RTL_CASES_H

#include "checks.h"
#include "rtl_bus.h"

#define FRAMES 24

/* Words that the golden model gives: a run, and some at addresses of their own. */
struct vector {
    uint8_t law;
    uint64_t seed;
    uint64_t base;
    size_t run_count, gather_count;
    uint64_t *run, *addresses, *gathered;
};

extern struct vector *vectors;
extern size_t vector_count;

/* A device that is open, on a design of its own. */
struct bench {
    struct rtl_bus bus;
    struct engram device;
    struct engram_space space; /* of the first vector, selected */
    struct engram_config config;
};

/* Bring up a bench: by interrupt or polling, with pauses or without, as the program was told. */
void bench_open(struct bench *bench);
/* The same by interrupt. */
void bench_open_interrupted(struct bench *bench);
void bench_close(struct bench *bench);

/* Compare words. */
void check_words(const uint64_t *found, const uint64_t *expected, size_t count);

extern const struct test_case word_cases[], ring_cases[], fault_cases[], trouble_cases[];

#endif
