/* What a device says of itself besides completions, its window, and statuses in words. */
#include "engram_internal.h"

enum engram_status engram_counters(struct engram *device, uint64_t counters[ENGRAM_COUNTERS])
{
    static const uint32_t offsets[] = {
#define OFFSET_OF(name, offset) offset,
        ENGRAM_EACH_COUNTER(OFFSET_OF)
#undef OFFSET_OF
    };
    enum engram_status status = engram_ready(device);
    size_t i;

    if (status != ENGRAM_OK)
        return status;
    if (counters == NULL)
        return ENGRAM_BAD_ARGUMENT;
    status = engram_put(device, ENGRAM_COMMAND_OFFSET, ENGRAM_COMMAND_SNAPSHOT_MASK);
    for (i = 0; i < ENGRAM_COUNTERS && status == ENGRAM_OK; ++i) {
        uint32_t low, high;
        status = engram_get(device, offsets[i], &low);
        if (status == ENGRAM_OK)
            status = engram_get(device, offsets[i] + 4, &high);
        if (status == ENGRAM_OK)
            counters[i] = (uint64_t)high << 32 | low;
    }
    return status == ENGRAM_OK ? status : engram_lose(device, status);
}

enum engram_status engram_frames_used(struct engram *device, uint32_t *frames)
{
    enum engram_status status = engram_ready(device);

    if (status != ENGRAM_OK)
        return status;
    if (frames == NULL)
        return ENGRAM_BAD_ARGUMENT;
    status = engram_get(device, ENGRAM_FRAMES_USED_OFFSET, frames);
    return status == ENGRAM_OK ? status : engram_lose(device, status);
}

enum engram_status engram_window(struct engram *device, uint64_t address, bool readable,
                                 bool writable)
{
    uint32_t control = ENGRAM_CONTROL_ENABLE_MASK;
    enum engram_status status = engram_ready(device);

    if (status != ENGRAM_OK)
        return status;
    if (readable)
        control |= ENGRAM_CONTROL_WINDOW_READ_MASK;
    if (writable)
        control |= ENGRAM_CONTROL_WINDOW_WRITE_MASK;
    status = engram_put_pair(device, ENGRAM_WINDOW_BASE_LO_OFFSET, address);
    if (status == ENGRAM_OK)
        status = engram_put(device, ENGRAM_CONTROL_OFFSET, control);
    return status == ENGRAM_OK ? status : engram_lose(device, status);
}

enum engram_status engram_window_fault(struct engram *device, uint32_t *fault)
{
    uint32_t word;
    enum engram_status status = engram_ready(device);

    if (status != ENGRAM_OK)
        return status;
    if (fault == NULL)
        return ENGRAM_BAD_ARGUMENT;
    status = engram_get(device, ENGRAM_STATUS_OFFSET, &word);
    if (status != ENGRAM_OK)
        return engram_lose(device, status);
    *fault = (word & ENGRAM_STATUS_WINDOW_FAULT_MASK) >> ENGRAM_STATUS_WINDOW_FAULT_SHIFT;
    return ENGRAM_OK;
}

const char *engram_strerror(enum engram_status status)
{
    switch (status) {
#define CASE_OF(name, number, text) \
    case ENGRAM_##name: \
        return text;
        ENGRAM_EACH_FAULT(CASE_OF)
#undef CASE_OF
    case ENGRAM_BAD_ARGUMENT:
        return "an argument cannot be: the device was not asked";
    case ENGRAM_NOT_OPEN:
        return "the device is not open";
    case ENGRAM_NO_DEVICE:
        return "no accelerator is there: load its bitstream";
    case ENGRAM_WRONG_ABI:
        return "the accelerator is made for another driver: use both of one release";
    case ENGRAM_NO_REST:
        return "the device did not come to rest after it was disabled: load its bitstream again";
    case ENGRAM_UNREACHABLE:
        return "memory lies beyond the addresses that the accelerator was built for";
    case ENGRAM_BUS_ERROR:
        return "the bus failed";
    case ENGRAM_TIMEOUT:
        return "commands were not completed in the time they may take";
    case ENGRAM_HALTED:
        return "the ring halted";
    case ENGRAM_BAD_COMPLETION:
        return "a completion is not about its command";
    case ENGRAM_LOST:
        return "the device failed before: open it anew";
    }
    return "no status of this driver";
}
