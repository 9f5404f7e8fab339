/* Pieces of memory: which are sound, and how one is cut into all of them. */
#include "engram_internal.h"

#include <string.h>

/* A piece that is no larger than addresses go, and begins and ends where pieces may. */
static bool is_sound(const struct engram_memory *memory, size_t least)
{
    return memory->size >= least && memory->device % ENGRAM_ALIGNMENT == 0
           && memory->size % ENGRAM_ALIGNMENT == 0
           && (uintptr_t)memory->cpu % ENGRAM_ALIGNMENT == 0
           && memory->device <= UINT64_MAX - memory->size;
}

static bool overlap(const struct engram_memory *one, const struct engram_memory *other)
{
    return one->device < other->device + other->size && other->device < one->device + one->size;
}

bool engram_config_sound(const struct engram_config *config)
{
    const struct engram_memory *pieces[] = {&config->ring,     &config->completions,
                                            &config->inbound,  &config->outbound,
                                            &config->tables,   &config->frames};
    const size_t count = sizeof pieces / sizeof pieces[0];
    size_t length, i, j;

    if (config->ring_log2 < 1 || config->ring_log2 > ENGRAM_MAX_RING_LOG2)
        return false;
    length = (size_t)1 << config->ring_log2;
    if (!is_sound(&config->ring, length * ENGRAM_DESCRIPTOR_BYTES)
        || !is_sound(&config->completions, length * ENGRAM_COMPLETION_BYTES)
        || !is_sound(&config->inbound, ENGRAM_ALIGNMENT)
        || !is_sound(&config->outbound, ENGRAM_ALIGNMENT)
        || !is_sound(&config->tables, ENGRAM_BUCKET_BYTES)
        || !is_sound(&config->frames, ENGRAM_PAGE_BYTES))
        return false;
    if (config->tables.device % ENGRAM_BUCKET_BYTES != 0
        || config->frames.device % ENGRAM_PAGE_BYTES != 0)
        return false;
    for (i = 0; i < count; ++i) {
        if (pieces[i]->cpu == NULL && pieces[i] != &config->frames)
            return false;
        for (j = 0; j < i; ++j)
            if (overlap(pieces[i], pieces[j]))
                return false;
    }
    return true;
}

uint64_t engram_config_end(const struct engram_config *config)
{
    const struct engram_memory *pieces[] = {&config->ring,     &config->completions,
                                            &config->inbound,  &config->outbound,
                                            &config->tables,   &config->frames};
    uint64_t end = 0;
    size_t i;

    for (i = 0; i < sizeof pieces / sizeof pieces[0]; ++i)
        if (pieces[i]->device + pieces[i]->size > end)
            end = pieces[i]->device + pieces[i]->size;
    return end;
}

enum engram_status engram_carve(const struct engram_memory *memory, uint32_t ring_log2,
                                size_t staging_bytes, size_t table_bytes,
                                struct engram_config *config)
{
    struct engram_memory *pieces[6];
    size_t sizes[6], taken = 0, i;

    if (memory == NULL || config == NULL || memory->cpu == NULL || ring_log2 < 1
        || ring_log2 > ENGRAM_MAX_RING_LOG2 || staging_bytes == 0 || table_bytes == 0
        || memory->device % ENGRAM_PAGE_BYTES != 0
        || memory->device > UINT64_MAX - memory->size)
        return ENGRAM_BAD_ARGUMENT;
    memset(config, 0, sizeof *config);
    config->ring_log2 = ring_log2;
    pieces[0] = &config->ring;
    pieces[1] = &config->completions;
    pieces[2] = &config->inbound;
    pieces[3] = &config->outbound;
    pieces[4] = &config->tables;
    pieces[5] = &config->frames;
    sizes[0] = (size_t)ENGRAM_DESCRIPTOR_BYTES << ring_log2;
    sizes[1] = (size_t)ENGRAM_COMPLETION_BYTES << ring_log2;
    sizes[2] = sizes[3] = staging_bytes;
    sizes[4] = table_bytes;
    sizes[5] = ENGRAM_PAGE_BYTES;
    for (i = 0; i < 6; ++i) {
        size_t room = (memory->size - taken) / ENGRAM_PAGE_BYTES;
        size_t pages = sizes[i] / ENGRAM_PAGE_BYTES + (sizes[i] % ENGRAM_PAGE_BYTES != 0);
        if (pages > room)
            return ENGRAM_BAD_ARGUMENT;
        if (i == 5) /* frames take what is left */
            pages = room;
        pieces[i]->cpu = (char *)memory->cpu + taken;
        pieces[i]->device = memory->device + taken;
        pieces[i]->size = pages * ENGRAM_PAGE_BYTES;
        taken += pieces[i]->size;
    }
    return ENGRAM_OK;
}
