/* What all tests say when something is not as it must be: where, what, and the case. */
#ifndef CHECKS_H
#define CHECKS_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

extern const char *current_case;

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s: not so: %s\n", __FILE__, __LINE__, current_case, \
                    #condition); \
            exit(1); \
        } \
    } while (0)

#define CHECK_EQUAL(found, expected) \
    do { \
        uint64_t found_ = (uint64_t)(found), expected_ = (uint64_t)(expected); \
        if (found_ != expected_) { \
            fprintf(stderr, "%s:%d: %s: %s is 0x%" PRIx64 ", not 0x%" PRIx64 " (%s)\n", \
                    __FILE__, __LINE__, current_case, #found, found_, expected_, #expected); \
            exit(1); \
        } \
    } while (0)

struct test_case {
    const char *name;
    void (*run)(void);
};

#endif
