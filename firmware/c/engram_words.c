/* Words that are read, written and erased: staged piece by piece, each piece one job. */
#include "engram_internal.h"

#include <string.h>

/* Pages of one ERASE are a whole number of them, so that none is erased in halves. */
#define MAX_ERASED (ENGRAM_MAX_COUNT / ENGRAM_PAGE_WORDS * ENGRAM_PAGE_WORDS)

/* The word whose bytes, in the order of memory, are those of `word` from the lowest on. */
static uint64_t little_endian(uint64_t word)
{
    unsigned char bytes[sizeof word];
    unsigned i;

    for (i = 0; i < sizeof word; ++i)
        bytes[i] = (unsigned char)(word >> 8 * i);
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Copy words between a caller's array and the device's memory, either way. */
static void copy_words(void *to, const void *from, size_t count)
{
    size_t i;

    for (i = 0; i < count; ++i) {
        uint64_t word;
        memcpy(&word, (const char *)from + i * sizeof word, sizeof word);
        word = little_endian(word);
        memcpy((char *)to + i * sizeof word, &word, sizeof word);
    }
}

/* Have one command carried out; a fault of it is the status. */
static enum engram_status run(struct engram *device, const struct engram_command *command,
                              uint64_t *done)
{
    struct engram_completion completion = {0};
    enum engram_status status = engram_submit(device, command, 1, &completion);

    if (status != ENGRAM_OK)
        return status;
    /* Whoever copies as many words must be able to believe the number. */
    if (completion.done > command->count && command->opcode != ENGRAM_OP_SELECT)
        return engram_lose(device, ENGRAM_BAD_COMPLETION);
    *done += completion.done;
    return (enum engram_status)completion.fault;
}

/* Put words before the device, from some word of the inbound memory on. */
static enum engram_status put(struct engram *device, const uint64_t *words, size_t count,
                              size_t place, uint64_t *where)
{
    const struct engram_memory *memory = &device->config.inbound;
    size_t start = place * ENGRAM_WORD_BYTES;
    enum engram_status status;

    copy_words((char *)memory->cpu + start, words, count);
    *where = memory->device + start;
    status = engram_flush(device, memory, start, count * ENGRAM_WORD_BYTES);
    return status == ENGRAM_OK ? status : engram_lose(device, status);
}

/* Take words that the device left in the outbound memory. */
static enum engram_status take(struct engram *device, uint64_t *words, size_t count)
{
    const struct engram_memory *memory = &device->config.outbound;
    enum engram_status status =
        engram_invalidate(device, memory, 0, count * ENGRAM_WORD_BYTES);

    if (status != ENGRAM_OK)
        return engram_lose(device, status);
    copy_words(words, memory->cpu, count);
    return ENGRAM_OK;
}

/* What every call about words looks at first. */
static enum engram_status begin(struct engram *device, bool given, uint64_t address,
                                uint64_t count)
{
    enum engram_status status = engram_ready(device);

    if (status != ENGRAM_OK)
        return status;
    device->done = 0;
    if (!given || count == 0 || address > UINT64_MAX - (count - 1))
        return ENGRAM_BAD_ARGUMENT;
    return ENGRAM_OK;
}

static size_t least(size_t one, size_t other)
{
    return one < other ? one : other;
}

/* A command of the form FILL or READ, or with `addresses` a GATHER, piece by piece. */
static enum engram_status fetch(struct engram *device, struct engram_command command,
                                const uint64_t *addresses, uint64_t *words, size_t count)
{
    const struct engram_config *config = &device->config;
    size_t room = config->outbound.size / ENGRAM_WORD_BYTES, fetched, now;
    enum engram_status status = ENGRAM_OK;

    if (addresses != NULL)
        room = least(room, config->inbound.size / ENGRAM_WORD_BYTES);
    command.buffer = config->outbound.device;
    for (fetched = 0; fetched < count && status == ENGRAM_OK; fetched += now) {
        uint64_t done = 0;
        enum engram_status fault;
        now = least(count - fetched, room);
        command.count = now;
        if (addresses != NULL)
            status = put(device, addresses + fetched, now, 0, &command.indices);
        if (status != ENGRAM_OK)
            break;
        fault = run(device, &command, &done);
        if (device->state != ENGRAM_OK)
            return fault;
        /* What was delivered before a fault is good. */
        status = done == 0 ? ENGRAM_OK : take(device, words + fetched, (size_t)done);
        if (status == ENGRAM_OK) {
            device->done += done;
            status = fault;
        }
        command.address += now;
        if (addresses != NULL)
            command.address = 0;
    }
    return status;
}

enum engram_status engram_read(struct engram *device, uint64_t address, uint64_t *words,
                               size_t count)
{
    enum engram_status status = begin(device, words != NULL, address, count);
    struct engram_command command = {.opcode = ENGRAM_OP_READ, .address = address};

    return status == ENGRAM_OK ? fetch(device, command, NULL, words, count) : status;
}

enum engram_status engram_generate(struct engram *device, uint8_t law, uint64_t address,
                                   uint64_t *words, size_t count)
{
    enum engram_status status = begin(device, words != NULL, address, count);
    struct engram_command command = {
        .opcode = ENGRAM_OP_FILL, .law = law, .address = address};

    return status == ENGRAM_OK ? fetch(device, command, NULL, words, count) : status;
}

enum engram_status engram_gather(struct engram *device, const uint64_t *addresses,
                                 uint64_t *words, size_t count)
{
    enum engram_status status = begin(device, addresses != NULL && words != NULL, 0, count);
    struct engram_command command = {.opcode = ENGRAM_OP_GATHER};

    return status == ENGRAM_OK ? fetch(device, command, addresses, words, count) : status;
}

enum engram_status engram_generate_at(struct engram *device, uint8_t law,
                                      const uint64_t *addresses, uint64_t *words, size_t count)
{
    enum engram_status status = begin(device, addresses != NULL && words != NULL, 0, count);
    struct engram_command command = {
        .opcode = ENGRAM_OP_GATHER, .law = law, .flags = ENGRAM_FLAG_GENERATED};

    return status == ENGRAM_OK ? fetch(device, command, addresses, words, count) : status;
}

enum engram_status engram_write(struct engram *device, uint64_t address, const uint64_t *words,
                                size_t count)
{
    struct engram_command command = {.opcode = ENGRAM_OP_WRITE, .address = address};
    size_t room, written, now;
    enum engram_status status = begin(device, words != NULL, address, count);

    if (status != ENGRAM_OK)
        return status;
    room = device->config.inbound.size / ENGRAM_WORD_BYTES;
    for (written = 0; written < count && status == ENGRAM_OK; written += now) {
        now = least(count - written, room);
        command.count = now;
        status = put(device, words + written, now, 0, &command.buffer);
        if (status == ENGRAM_OK)
            status = run(device, &command, &device->done);
        command.address += now;
    }
    return status;
}

enum engram_status engram_scatter(struct engram *device, const uint64_t *addresses,
                                  const uint64_t *words, size_t count)
{
    struct engram_command command = {.opcode = ENGRAM_OP_SCATTER};
    size_t room, written, now;
    enum engram_status status = begin(device, addresses != NULL && words != NULL, 0, count);

    if (status != ENGRAM_OK)
        return status;
    room = device->config.inbound.size / ENGRAM_WORD_BYTES / 2; /* words, then their addresses */
    for (written = 0; written < count && status == ENGRAM_OK; written += now) {
        now = least(count - written, room);
        command.count = now;
        status = put(device, words + written, now, 0, &command.buffer);
        if (status == ENGRAM_OK)
            status = put(device, addresses + written, now, room, &command.indices);
        if (status == ENGRAM_OK)
            status = run(device, &command, &device->done);
    }
    return status;
}

enum engram_status engram_erase(struct engram *device, uint64_t address, uint64_t count)
{
    struct engram_command command = {.opcode = ENGRAM_OP_ERASE};
    enum engram_status status = begin(device, true, address, count);

    while (status == ENGRAM_OK && count != 0) {
        /* Up to a page's border first, so that all others begin at one. */
        uint64_t most = MAX_ERASED - address % ENGRAM_PAGE_WORDS;
        command.address = address;
        command.count = count < most ? count : most;
        status = run(device, &command, &device->done);
        address += command.count;
        count -= command.count;
    }
    return status;
}

/* One round of the mixer of keys, whose constants the generated header has. */
static uint64_t mix(uint64_t x)
{
#define STAGE(shift, factor) x = (x ^ x >> (shift)) * (factor);
    ENGRAM_KEY_STAGES(STAGE)
#undef STAGE
    return x ^ x >> ENGRAM_KEY_FINAL_SHIFT;
}

enum engram_status engram_create(struct engram *device, struct engram_space *space, uint8_t law,
                                 uint64_t seed, size_t table, uint8_t buckets_log2)
{
    const struct engram_memory *tables;
    size_t size;
    enum engram_status status = engram_ready(device);

    if (status != ENGRAM_OK)
        return status;
    tables = &device->config.tables;
    if (space == NULL || law == 0 || buckets_log2 > ENGRAM_MAX_BUCKETS_LOG2
        || table % ENGRAM_BUCKET_BYTES != 0 || table > tables->size)
        return ENGRAM_BAD_ARGUMENT;
    size = (size_t)ENGRAM_BUCKET_BYTES << buckets_log2;
    if (size > tables->size - table)
        return ENGRAM_BAD_ARGUMENT;
    /* The device writes in tables, too: what the processor still holds of others is forgotten
     * with this, should lines be flushed that were not asked for. */
    status = engram_invalidate(device, tables, table, size);
    if (status == ENGRAM_OK) {
        memset((char *)tables->cpu + table, 0, size);
        status = engram_flush(device, tables, table, size);
    }
    if (status != ENGRAM_OK)
        return engram_lose(device, status);
    space->seed = seed;
    space->table = table;
    space->buckets_log2 = buckets_log2;
    space->law = law;
    return ENGRAM_OK;
}

enum engram_status engram_select(struct engram *device, const struct engram_space *space)
{
    struct engram_command command = {.opcode = ENGRAM_OP_SELECT};
    uint64_t keys, done = 0;
    enum engram_status status = engram_ready(device);

    if (status != ENGRAM_OK)
        return status;
    if (space == NULL || space->law == 0 || space->table >= device->config.tables.size)
        return ENGRAM_BAD_ARGUMENT;
    command.law = space->law;
    command.address = space->seed;
    keys = mix(mix(space->seed + ENGRAM_KEY_INCREMENT) + ENGRAM_KEY_INCREMENT);
    command.count = keys;
    command.buffer = mix(keys + 2 * ENGRAM_KEY_INCREMENT);
    command.indices = device->config.tables.device + space->table;
    command.buckets_log2 = space->buckets_log2;
    return run(device, &command, &done);
}
