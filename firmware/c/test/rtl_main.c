/* Usage: rtl LIBRARY VECTORS interrupt|polling SEED [CASE...]; SEED 0: nothing pauses. */
#include "rtl_cases.h"

#include <string.h>

const char *current_case = "start";
struct vector *vectors;
size_t vector_count;

static bool polling;
static uint64_t seed;

static uint64_t next_word(FILE *file)
{
    unsigned char bytes[8];
    uint64_t word = 0;
    unsigned i;

    CHECK_EQUAL(fread(bytes, 1, sizeof bytes, file), sizeof bytes);
    for (i = 0; i < sizeof bytes; ++i)
        word |= (uint64_t)bytes[i] << 8 * i;
    return word;
}

static uint64_t *next_words(FILE *file, size_t count)
{
    uint64_t *words = calloc(count, sizeof *words);
    size_t i;

    CHECK(words != NULL);
    for (i = 0; i < count; ++i)
        words[i] = next_word(file);
    return words;
}

static void read_vectors(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t i;

    CHECK(file != NULL);
    vector_count = next_word(file);
    vectors = calloc(vector_count, sizeof *vectors);
    CHECK(vector_count >= 2 && vectors != NULL);
    for (i = 0; i < vector_count; ++i) {
        struct vector *vector = &vectors[i];
        vector->law = (uint8_t)next_word(file);
        vector->seed = next_word(file);
        vector->base = next_word(file);
        vector->run_count = next_word(file);
        vector->gather_count = next_word(file);
        vector->run = next_words(file, vector->run_count);
        vector->addresses = next_words(file, vector->gather_count);
        vector->gathered = next_words(file, vector->gather_count);
        /* The cases count on runs over three pages. */
        CHECK(vector->run_count > 2 * ENGRAM_PAGE_WORDS && vector->gather_count > 2);
    }
    CHECK_EQUAL(fgetc(file), EOF);
    fclose(file);
}

static void drop_vectors(void)
{
    size_t i;

    for (i = 0; i < vector_count; ++i) {
        free(vectors[i].run);
        free(vectors[i].addresses);
        free(vectors[i].gathered);
    }
    free(vectors);
}

static void open_as(struct bench *bench, bool polls)
{
    const struct vector *vector = &vectors[0];

    rtl_bus_open(&bench->bus, polls, seed);
    bench->config = rtl_config(&bench->bus, FRAMES);
    CHECK_EQUAL(engram_open(&bench->device, &bench->bus.bus, &bench->config), ENGRAM_OK);
    CHECK_EQUAL(engram_create(&bench->device, &bench->space, vector->law, vector->seed, 0, 4),
                ENGRAM_OK);
    CHECK_EQUAL(engram_select(&bench->device, &bench->space), ENGRAM_OK);
    bench->bus.reads = bench->bus.writes = bench->bus.waits = bench->bus.doorbells = 0;
}

void bench_open(struct bench *bench)
{
    open_as(bench, polling);
}

void bench_open_interrupted(struct bench *bench)
{
    open_as(bench, false);
}

void bench_close(struct bench *bench)
{
    CHECK_EQUAL(engram_close(&bench->device), ENGRAM_OK);
    CHECK_EQUAL(engram_close(&bench->device), ENGRAM_OK);
    rtl_bus_close(&bench->bus);
}

void check_words(const uint64_t *found, const uint64_t *expected, size_t count)
{
    size_t i;

    for (i = 0; i < count; ++i)
        if (found[i] != expected[i]) {
            fprintf(stderr, "%s: word %zu of %zu\n", current_case, i, count);
            CHECK_EQUAL(found[i], expected[i]);
        }
}

static bool is_named(const char *name, int count, char **names)
{
    int i;

    for (i = 0; i < count; ++i)
        if (strcmp(names[i], name) == 0)
            return true;
    return count == 0;
}

int main(int count, char **arguments)
{
    const struct test_case *const groups[] = {word_cases, ring_cases, fault_cases,
                                              trouble_cases};
    const struct test_case *test;
    size_t i;

    if (count < 5) {
        fprintf(stderr, "usage: %s LIBRARY VECTORS interrupt|polling SEED [CASE...]\n",
                arguments[0]);
        return 2;
    }
    rtl_load(arguments[1]);
    read_vectors(arguments[2]);
    polling = strcmp(arguments[3], "polling") == 0;
    seed = strtoull(arguments[4], NULL, 0);
    for (i = 0; i < sizeof groups / sizeof groups[0]; ++i)
        for (test = groups[i]; test->name != NULL; ++test) {
            if (!is_named(test->name, count - 5, arguments + 5))
                continue;
            current_case = test->name;
            test->run();
            printf("ok %s\n", test->name);
            fflush(stdout);
        }
    drop_vectors();
    return 0;
}
