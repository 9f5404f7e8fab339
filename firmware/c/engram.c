/* A device is identified, brought up and let go. */
#include "engram_internal.h"

#include <string.h>

#define RESET_US 1000000u /* a command that was under way ends long before */

enum engram_status engram_lose(struct engram *device, enum engram_status status)
{
    device->state = status;
    return status;
}

enum engram_status engram_ready(const struct engram *device)
{
    if (device == NULL)
        return ENGRAM_BAD_ARGUMENT;
    if (device->state == ENGRAM_OK || device->state == ENGRAM_NOT_OPEN)
        return device->state;
    return ENGRAM_LOST;
}

enum engram_status engram_get(const struct engram *device, uint32_t offset, uint32_t *value)
{
    return device->bus->read32(device->bus->ctx, offset, value);
}

enum engram_status engram_put(const struct engram *device, uint32_t offset, uint32_t value)
{
    return device->bus->write32(device->bus->ctx, offset, value);
}

enum engram_status engram_flush(const struct engram *device, const struct engram_memory *memory,
                                size_t start, size_t size)
{
    if (device->bus->flush == NULL)
        return ENGRAM_OK;
    return device->bus->flush(device->bus->ctx, memory, start, size);
}

enum engram_status engram_invalidate(const struct engram *device,
                                     const struct engram_memory *memory, size_t start,
                                     size_t size)
{
    if (device->bus->invalidate == NULL)
        return ENGRAM_OK;
    return device->bus->invalidate(device->bus->ctx, memory, start, size);
}

enum engram_status engram_deadline_in(const struct engram *device, uint64_t microseconds,
                                      struct engram_deadline *deadline)
{
    enum engram_status status = device->bus->now_us(device->bus->ctx, &deadline->since);
    deadline->allowed = microseconds;
    deadline->waited = 0;
    deadline->seen = deadline->since;
    deadline->looks = 0;
    return status;
}

enum engram_status engram_deadline_left(const struct engram *device,
                                        struct engram_deadline *deadline, uint64_t *left)
{
    uint64_t now, passed;
    enum engram_status status = device->bus->now_us(device->bus->ctx, &now);
    if (status != ENGRAM_OK)
        return status;
    deadline->looks = now == deadline->seen ? deadline->looks + 1 : 0;
    deadline->seen = now;
    passed = now - deadline->since;
    if (passed < deadline->waited)
        passed = deadline->waited;
    *left = passed < deadline->allowed && deadline->looks < ENGRAM_STANDSTILL
                ? deadline->allowed - passed
                : 0;
    return ENGRAM_OK;
}

enum engram_status engram_put_pair(const struct engram *device, uint32_t low, uint64_t value)
{
    enum engram_status status = engram_put(device, low, (uint32_t)value);
    if (status == ENGRAM_OK)
        status = engram_put(device, low + 4, (uint32_t)(value >> 32));
    return status;
}

static enum engram_status identify(struct engram *device)
{
    uint32_t word;
    enum engram_status status = engram_get(device, ENGRAM_ID_OFFSET, &word);

    if (status != ENGRAM_OK)
        return status;
    if (word != ENGRAM_ID_RESET)
        return ENGRAM_NO_DEVICE;
    status = engram_get(device, ENGRAM_ABI_OFFSET, &word);
    if (status != ENGRAM_OK)
        return status;
    if ((word & ENGRAM_ABI_MAJOR_MASK) != (ENGRAM_ABI_RESET & ENGRAM_ABI_MAJOR_MASK)
        || word < ENGRAM_ABI_RESET) /* of one major version, so that this is about the minor one */
        return ENGRAM_WRONG_ABI;
    status = engram_get(device, ENGRAM_LAWS_OFFSET, &device->laws);
    if (status == ENGRAM_OK)
        status = engram_get(device, ENGRAM_SHAPE_OFFSET, &device->shape);
    return status;
}

/* Disable the device and wait until it has forgotten all but its registers. */
static enum engram_status bring_to_rest(struct engram *device)
{
    struct engram_deadline deadline;
    uint64_t left = 1;
    enum engram_status status = engram_put(device, ENGRAM_CONTROL_OFFSET, 0);

    if (status == ENGRAM_OK)
        status = engram_deadline_in(device, RESET_US, &deadline);
    while (status == ENGRAM_OK && left != 0) {
        uint32_t word, head;
        status = engram_get(device, ENGRAM_STATUS_OFFSET, &word);
        if (status == ENGRAM_OK)
            status = engram_get(device, ENGRAM_RING_HEAD_OFFSET, &head);
        if (status != ENGRAM_OK)
            break;
        word &= ENGRAM_STATUS_IDLE_MASK | ENGRAM_STATUS_HALTED_MASK;
        if (word == ENGRAM_STATUS_IDLE_MASK && head == 0)
            return ENGRAM_OK;
        status = engram_deadline_left(device, &deadline, &left);
    }
    return status == ENGRAM_OK ? ENGRAM_NO_REST : status;
}

static enum engram_status program(struct engram *device)
{
    const struct engram_config *config = &device->config;
    const struct engram_memory *in = &config->inbound, *out = &config->outbound;
    const struct engram_memory *last = in->device < out->device ? out : in;
    const struct {
        uint32_t low;
        uint64_t value;
    } pairs[] = {
        {ENGRAM_BUFFER_BASE_LO_OFFSET, in->device < out->device ? in->device : out->device},
        {ENGRAM_BUFFER_LIMIT_LO_OFFSET, last->device + last->size},
        {ENGRAM_TABLE_BASE_LO_OFFSET, config->tables.device},
        {ENGRAM_TABLE_LIMIT_LO_OFFSET, config->tables.device + config->tables.size},
        {ENGRAM_FRAME_BASE_LO_OFFSET, config->frames.device},
    };
    size_t frames = config->frames.size / ENGRAM_PAGE_BYTES, i;
    enum engram_status status = ENGRAM_OK;

    if (frames > ENGRAM_FRAME_COUNT_VALUE_MASK)
        frames = ENGRAM_FRAME_COUNT_VALUE_MASK;
    for (i = 0; i < sizeof pairs / sizeof pairs[0] && status == ENGRAM_OK; ++i)
        status = engram_put_pair(device, pairs[i].low, pairs[i].value);
    if (status == ENGRAM_OK)
        status = engram_put(device, ENGRAM_FRAME_COUNT_OFFSET, (uint32_t)frames);
    if (status == ENGRAM_OK)
        status = engram_ring_program(device);
    if (status == ENGRAM_OK)
        status = engram_put(device, ENGRAM_CONTROL_OFFSET, ENGRAM_CONTROL_ENABLE_MASK);
    return status;
}

enum engram_status engram_open(struct engram *device, const struct engram_bus *bus,
                               const struct engram_config *config)
{
    enum engram_status status;
    uint32_t bits;

    if (device == NULL)
        return ENGRAM_BAD_ARGUMENT;
    memset(device, 0, sizeof *device);
    device->state = ENGRAM_NOT_OPEN;
    if (bus == NULL || bus->read32 == NULL || bus->write32 == NULL || bus->now_us == NULL
        || config == NULL || !engram_config_sound(config))
        return ENGRAM_BAD_ARGUMENT;
    device->bus = bus;
    device->config = *config;
    if (device->config.job_us == 0)
        device->config.job_us = 1000000u;
    if (device->config.word_us == 0)
        device->config.word_us = 50u;
    status = identify(device);
    if (status != ENGRAM_OK)
        return status;
    bits = (device->shape & ENGRAM_SHAPE_ADDRESS_BITS_MASK) >> ENGRAM_SHAPE_ADDRESS_BITS_SHIFT;
    if (bits < 64 && (engram_config_end(config) - 1) >> bits != 0)
        return ENGRAM_UNREACHABLE;
    status = bring_to_rest(device);
    if (status == ENGRAM_OK)
        status = program(device);
    if (status == ENGRAM_OK)
        device->state = ENGRAM_OK;
    return status;
}

enum engram_status engram_close(struct engram *device)
{
    if (device == NULL)
        return ENGRAM_BAD_ARGUMENT;
    if (device->state == ENGRAM_NOT_OPEN)
        return ENGRAM_OK;
    device->state = ENGRAM_NOT_OPEN;
    return bring_to_rest(device);
}
