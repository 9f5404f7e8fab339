/* The command ring: batches of descriptors behind one doorbell, and their completions. */
#include "engram_internal.h"

#include <string.h>

/* How long one wait may be, after which the driver looks for itself. */
#define SLICE_US 100000u

#define DONE_EVENTS (ENGRAM_IRQ_STATUS_DONE_MASK | ENGRAM_IRQ_STATUS_FAULT_MASK)
#define ALL_EVENTS \
    (DONE_EVENTS | ENGRAM_IRQ_STATUS_HALT_MASK | ENGRAM_IRQ_STATUS_WINDOW_MASK)

/* Writes or reads one field of a record, whose place and width the generated header has. */
#define SET(record, kind, field, value) \
    put_bytes((record) + ENGRAM_##kind##_##field##_AT, value, ENGRAM_##kind##_##field##_BYTES)
#define GET(record, kind, field) \
    get_bytes((record) + ENGRAM_##kind##_##field##_AT, ENGRAM_##kind##_##field##_BYTES)

static void put_bytes(unsigned char *at, uint64_t value, unsigned bytes)
{
    unsigned i;

    for (i = 0; i < bytes; ++i)
        at[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t get_bytes(const unsigned char *at, unsigned bytes)
{
    uint64_t value = 0;
    unsigned i;

    for (i = 0; i < bytes; ++i)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

/* Where in the ring a command lies, numbered from 0 on. */
static size_t place_of(const struct engram *device, uint32_t number)
{
    return number & ((UINT32_C(1) << device->config.ring_log2) - 1);
}

enum engram_status engram_ring_program(struct engram *device)
{
    const struct engram_config *config = &device->config;
    const struct {
        uint32_t offset, value;
    } writes[] = {
        {ENGRAM_RING_TAIL_OFFSET, 0},
        {ENGRAM_RING_LOG2_OFFSET, config->ring_log2},
        {ENGRAM_RING_BASE_LO_OFFSET, (uint32_t)config->ring.device},
        {ENGRAM_RING_BASE_HI_OFFSET, (uint32_t)(config->ring.device >> 32)},
        {ENGRAM_COMPLETION_BASE_LO_OFFSET, (uint32_t)config->completions.device},
        {ENGRAM_COMPLETION_BASE_HI_OFFSET, (uint32_t)(config->completions.device >> 32)},
        {ENGRAM_IRQ_STATUS_OFFSET, ALL_EVENTS},
        {ENGRAM_IRQ_ENABLE_OFFSET,
         device->bus->wait_irq == NULL ? 0 : DONE_EVENTS | ENGRAM_IRQ_STATUS_HALT_MASK},
    };
    size_t i;
    enum engram_status status;

    memset(config->completions.cpu, 0, config->completions.size);
    status = engram_flush(device, &config->completions, 0, config->completions.size);
    for (i = 0; i < sizeof writes / sizeof writes[0] && status == ENGRAM_OK; ++i)
        status = engram_put(device, writes[i].offset, writes[i].value);
    device->tail = 0;
    return status;
}

static void pack(const struct engram_command *command, uint32_t tag, bool interrupt,
                 unsigned char *to)
{
    memset(to, 0, ENGRAM_DESCRIPTOR_BYTES);
    SET(to, DESCRIPTOR, OPCODE, command->opcode);
    SET(to, DESCRIPTOR, FLAGS, command->flags | (interrupt ? ENGRAM_FLAG_INTERRUPT : 0u));
    SET(to, DESCRIPTOR, LAW, command->law);
    SET(to, DESCRIPTOR, TAG, tag);
    SET(to, DESCRIPTOR, ADDRESS, command->address);
    SET(to, DESCRIPTOR, COUNT, command->count);
    SET(to, DESCRIPTOR, BUFFER, command->buffer);
    SET(to, DESCRIPTOR, INDICES, command->indices);
    SET(to, DESCRIPTOR, BUCKETS_LOG2, command->buckets_log2);
}

/* Hand a part of a ring to the other side: it goes round the end, so in one step or two. */
static enum engram_status pass(const struct engram *device, const struct engram_memory *memory,
                               size_t record_bytes, uint32_t first, size_t count,
                               enum engram_status (*hand)(const struct engram *,
                                                          const struct engram_memory *, size_t,
                                                          size_t))
{
    size_t place = place_of(device, first);
    size_t before_end = ((size_t)1 << device->config.ring_log2) - place;
    size_t here = count < before_end ? count : before_end;
    enum engram_status status = hand(device, memory, place * record_bytes, here * record_bytes);

    if (status == ENGRAM_OK && count > here)
        status = hand(device, memory, 0, (count - here) * record_bytes);
    return status;
}

/* Look whether the record of the last command is there. */
static enum engram_status look(const struct engram *device, bool *complete)
{
    const struct engram_memory *memory = &device->config.completions;
    size_t at = place_of(device, device->tail - 1) * ENGRAM_COMPLETION_BYTES;
    enum engram_status status = engram_invalidate(device, memory, at, ENGRAM_COMPLETION_BYTES);
    const volatile unsigned char *tag =
        (const unsigned char *)memory->cpu + at + ENGRAM_COMPLETION_TAG_AT;
    unsigned i;

    *complete = true;
    for (i = 0; i < ENGRAM_COMPLETION_TAG_BYTES; ++i) /* the device writes while this reads */
        *complete = *complete && tag[i] == (unsigned char)(device->tail >> 8 * i);
    return status;
}

/* What the device says when memory says nothing: ENGRAM_OK if the commands may still come. */
static enum engram_status ask(struct engram *device)
{
    uint32_t word;
    enum engram_status status = engram_get(device, ENGRAM_STATUS_OFFSET, &word);

    if (status != ENGRAM_OK || (word & ENGRAM_STATUS_HALTED_MASK) == 0)
        return status;
    device->halt = (word & ENGRAM_STATUS_HALT_FAULT_MASK) >> ENGRAM_STATUS_HALT_FAULT_SHIFT;
    return ENGRAM_HALTED;
}

/* Let time pass until the interrupt, or for a slice of it; without one, look at once. */
static enum engram_status sleep_a_slice(const struct engram *device, uint64_t left,
                                        struct engram_deadline *deadline, bool *high)
{
    uint32_t slice = left < SLICE_US ? (uint32_t)left : SLICE_US;
    enum engram_status status;

    *high = false;
    if (device->bus->wait_irq == NULL)
        return ENGRAM_OK;
    status = device->bus->wait_irq(device->bus->ctx, slice, high);
    if (!*high)
        deadline->waited += slice;
    return status;
}

/* Return ENGRAM_OK once the last command is complete. */
static enum engram_status await(struct engram *device, uint64_t microseconds)
{
    struct engram_deadline deadline;
    uint64_t left = 0, asked;
    bool complete = false, high;
    uint32_t i;
    enum engram_status status = ENGRAM_OK;

    for (i = 0; i < device->bus->polls && status == ENGRAM_OK && !complete; ++i)
        status = look(device, &complete);
    if (status == ENGRAM_OK && !complete)
        status = engram_deadline_in(device, microseconds, &deadline);
    asked = left = microseconds;
    while (status == ENGRAM_OK && !complete) {
        if (left == 0)
            return ENGRAM_TIMEOUT;
        status = sleep_a_slice(device, left, &deadline, &high);
        if (status == ENGRAM_OK)
            status = look(device, &complete);
        if (status != ENGRAM_OK || complete)
            break;
        status = engram_deadline_left(device, &deadline, &left);
        /* The register is read after each wait, and while there is no interrupt once a slice. */
        if (status == ENGRAM_OK
            && (device->bus->wait_irq != NULL || asked - left >= SLICE_US || left == 0)) {
            asked = left;
            status = ask(device);
        }
        /* The interrupt was about something else then. What completes between the look and this
         * is found by the next look. */
        if (status == ENGRAM_OK && high)
            status = engram_put(device, ENGRAM_IRQ_STATUS_OFFSET, DONE_EVENTS);
        if (status == ENGRAM_OK)
            status = look(device, &complete);
    }
    return status;
}

static enum engram_status collect(struct engram *device, uint32_t first, size_t count,
                                  struct engram_completion *completions)
{
    const struct engram_memory *memory = &device->config.completions;
    size_t i;
    /* Only now: of a record that is looked at while it is written a part may be old. */
    enum engram_status status = pass(device, memory, ENGRAM_COMPLETION_BYTES, first, count,
                                     engram_invalidate);

    for (i = 0; i < count && status == ENGRAM_OK; ++i) {
        uint32_t number = first + (uint32_t)i;
        const unsigned char *record = (const unsigned char *)memory->cpu
                                      + place_of(device, number) * ENGRAM_COMPLETION_BYTES;
        struct engram_completion *completion = &completions[i];
        completion->fault = (uint8_t)GET(record, COMPLETION, FAULT);
        completion->opcode = (uint8_t)GET(record, COMPLETION, OPCODE);
        completion->tag = (uint32_t)GET(record, COMPLETION, TAG);
        completion->done = GET(record, COMPLETION, DONE);
        completion->address = GET(record, COMPLETION, ADDRESS);
        completion->clocks = GET(record, COMPLETION, CLOCKS);
        if (completion->tag != number + 1 || completion->fault >= ENGRAM_FAULTS)
            return ENGRAM_BAD_COMPLETION;
        if (completion->fault != ENGRAM_FAULT_OK)
            device->failed = *completion;
    }
    return status;
}

/* How long a batch may take at worst. */
static uint64_t patience(const struct engram *device, const struct engram_command *commands,
                         size_t count)
{
    uint64_t words = 0, job = device->config.job_us, word = device->config.word_us;
    size_t i;

    for (i = 0; i < count; ++i) {
        if (commands[i].opcode == ENGRAM_OP_SELECT)
            continue; /* its count is something else */
        words = commands[i].count <= UINT64_MAX - words ? words + commands[i].count : UINT64_MAX;
    }
    return words <= (UINT64_MAX - job) / word ? job + words * word : UINT64_MAX;
}

/* At most as many commands as the ring is long. */
static enum engram_status run_batch(struct engram *device, const struct engram_command *commands,
                                    size_t count, struct engram_completion *completions)
{
    const struct engram_memory *ring = &device->config.ring;
    bool interrupts = device->bus->wait_irq != NULL;
    uint32_t first = device->tail;
    size_t i;
    enum engram_status status;

    for (i = 0; i < count; ++i) {
        uint32_t number = first + (uint32_t)i;
        pack(&commands[i], number + 1, interrupts && i == count - 1,
             (unsigned char *)ring->cpu + place_of(device, number) * ENGRAM_DESCRIPTOR_BYTES);
    }
    status = pass(device, ring, ENGRAM_DESCRIPTOR_BYTES, first, count, engram_flush);
    device->tail = first + (uint32_t)count;
    if (status == ENGRAM_OK)
        status = engram_put(device, ENGRAM_RING_TAIL_OFFSET, device->tail);
    if (status == ENGRAM_OK)
        status = await(device, patience(device, commands, count));
    /* Cleared before the next doorbell, so that what comes then is about that. */
    if (status == ENGRAM_OK && interrupts)
        status = engram_put(device, ENGRAM_IRQ_STATUS_OFFSET, DONE_EVENTS);
    if (status == ENGRAM_OK)
        status = collect(device, first, count, completions);
    return status == ENGRAM_OK ? status : engram_lose(device, status);
}

enum engram_status engram_submit(struct engram *device, const struct engram_command *commands,
                                 size_t count, struct engram_completion *completions)
{
    size_t length, done, now;
    enum engram_status status = engram_ready(device);

    if (status != ENGRAM_OK)
        return status;
    if (commands == NULL || completions == NULL || count == 0)
        return ENGRAM_BAD_ARGUMENT;
    length = (size_t)1 << device->config.ring_log2;
    for (done = 0; done < count && status == ENGRAM_OK; done += now) {
        now = count - done < length ? count - done : length;
        status = run_batch(device, commands + done, now, completions + done);
    }
    return status;
}
