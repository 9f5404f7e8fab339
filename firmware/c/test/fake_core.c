/* Registers, ring and commands of the core, each done at once. */
#include "fake_core.h"

#include "checks.h"

#include <string.h>

#define REGISTER(core, name) (core)->registers[ENGRAM_##name##_OFFSET / 4]
#define PAIR(core, name) \
    ((uint64_t)REGISTER(core, name##_HI) << 32 | REGISTER(core, name##_LO))

static uint64_t get(const unsigned char *at, unsigned bytes)
{
    uint64_t value = 0;

    while (bytes-- != 0)
        value = value << 8 | at[bytes];
    return value;
}

static void put(unsigned char *at, uint64_t value, unsigned bytes)
{
    for (; bytes-- != 0; value >>= 8)
        *at++ = (unsigned char)value;
}

#define FIELD(record, name) \
    get((record) + ENGRAM_DESCRIPTOR_##name##_AT, ENGRAM_DESCRIPTOR_##name##_BYTES)
#define ANSWER(record, name, value) \
    put((record) + ENGRAM_COMPLETION_##name##_AT, value, ENGRAM_COMPLETION_##name##_BYTES)

uint64_t fake_word(uint64_t seed, uint64_t address)
{
    return (address ^ seed) * UINT64_C(0x9E3779B97F4A7C15);
}

static size_t find(const struct fake_core *core, uint64_t address)
{
    size_t i;

    for (i = 0; i < core->count && core->written[i].address != address; ++i)
        ;
    return i;
}

static void store(struct fake_core *core, uint64_t address, uint64_t word)
{
    size_t at = find(core, address);

    CHECK(at < FAKE_WRITTEN);
    core->written[at].address = address;
    core->written[at].word = word;
    if (at == core->count)
        ++core->count;
}

static uint64_t load(const struct fake_core *core, uint64_t address)
{
    size_t at = find(core, address);

    return at < core->count ? core->written[at].word : fake_word(core->seed, address);
}

static unsigned char *byte(const struct fake_core *core, uint64_t address)
{
    CHECK(address >= core->base && address - core->base < FAKE_BYTES);
    return core->memory + (address - core->base);
}

static void carry_out(struct fake_core *core, const unsigned char *record, uint64_t *done)
{
    uint64_t opcode = FIELD(record, OPCODE), address = FIELD(record, ADDRESS);
    uint64_t count = FIELD(record, COUNT), buffer = FIELD(record, BUFFER);
    uint64_t indices = FIELD(record, INDICES), i;
    bool generated = opcode == ENGRAM_OP_FILL
                     || (FIELD(record, FLAGS) & ENGRAM_FLAG_GENERATED) != 0;

    if (opcode == ENGRAM_OP_SELECT) {
        core->seed = address;
        core->keys[0] = count;
        core->keys[1] = buffer;
        return;
    }
    for (i = 0; opcode <= ENGRAM_OP_ERASE && i < count; ++i) {
        uint64_t word = address + i, found;
        if (opcode == ENGRAM_OP_GATHER || opcode == ENGRAM_OP_SCATTER)
            word = get(byte(core, indices + 8 * i), 8);
        if (opcode == ENGRAM_OP_WRITE || opcode == ENGRAM_OP_SCATTER) {
            store(core, word, get(byte(core, buffer + 8 * i), 8));
        } else if (opcode == ENGRAM_OP_ERASE) {
            store(core, word, fake_word(core->seed, word));
        } else {
            found = generated ? fake_word(core->seed, word) : load(core, word);
            put(byte(core, buffer + 8 * i), found, 8);
        }
    }
    *done = opcode < ENGRAM_OP_ERASE ? count : 0;
}

static void carry_out_all(struct fake_core *core)
{
    uint32_t length = 1u << REGISTER(core, RING_LOG2);

    while (core->head != REGISTER(core, RING_TAIL)) {
        uint32_t place = core->head++ % length;
        const unsigned char *record = byte(core, PAIR(core, RING_BASE))
                                      + place * ENGRAM_DESCRIPTOR_BYTES;
        unsigned char *answer = byte(core, PAIR(core, COMPLETION_BASE))
                                + place * ENGRAM_COMPLETION_BYTES;
        const struct engram_completion *forgery = &core->forgery;
        uint64_t done = 0;
        carry_out(core, record, &done);
        ANSWER(answer, FAULT, forgery->fault);
        ANSWER(answer, OPCODE, FIELD(record, OPCODE));
        ANSWER(answer, TAG, forgery->tag != 0 ? forgery->tag : FIELD(record, TAG));
        ANSWER(answer, DONE, forgery->done != 0 ? forgery->done : done);
    }
    REGISTER(core, RING_HEAD) = core->head;
}

void fake_core_step(struct fake_core *core)
{
    if ((REGISTER(core, CONTROL) & ENGRAM_CONTROL_ENABLE_MASK) == 0)
        core->head = REGISTER(core, RING_HEAD) = 0;
    else if (!core->deaf)
        carry_out_all(core);
}

static enum engram_status call(struct fake_core *core)
{
    return ++core->calls == core->failing_call ? core->failure : ENGRAM_OK;
}

static enum engram_status read32(void *ctx, uint32_t offset, uint32_t *value)
{
    struct fake_core *core = ctx;

    ++core->accesses;
    CHECK(offset % 4 == 0 && offset < ENGRAM_BYTES);
    *value = core->registers[offset / 4];
    return call(core);
}

static enum engram_status write32(void *ctx, uint32_t offset, uint32_t value)
{
    struct fake_core *core = ctx;

    ++core->accesses;
    CHECK(offset % 4 == 0 && offset < ENGRAM_BYTES);
    core->registers[offset / 4] = value;
    fake_core_step(core);
    return call(core);
}

static enum engram_status pass(void *ctx, const struct engram_memory *memory, size_t start,
                               size_t size)
{
    CHECK(size > 0 && start <= memory->size && size <= memory->size - start);
    return call(ctx);
}

static enum engram_status wait_irq(void *ctx, uint32_t microseconds, bool *high)
{
    struct fake_core *core = ctx;

    core->clock += core->step == 0 ? 0 : microseconds;
    *high = core->interrupted;
    return call(core);
}

static enum engram_status now_us(void *ctx, uint64_t *now)
{
    struct fake_core *core = ctx;

    *now = core->clock += core->step;
    return call(core);
}

void fake_core_open(struct fake_core *core)
{
    memset(core, 0, sizeof *core);
    core->memory = aligned_alloc(ENGRAM_PAGE_BYTES, FAKE_BYTES);
    CHECK(core->memory != NULL);
    memset(core->memory, 0xA5, FAKE_BYTES);
    REGISTER(core, ID) = ENGRAM_ID_RESET;
    REGISTER(core, ABI) = ENGRAM_ABI_RESET;
    REGISTER(core, LAWS) = 2;
    REGISTER(core, SHAPE) = 56u << ENGRAM_SHAPE_ADDRESS_BITS_SHIFT;
    REGISTER(core, STATUS) = ENGRAM_STATUS_IDLE_MASK;
    core->base = FAKE_BASE;
    core->step = 1;
    core->interrupted = true;
    core->failure = ENGRAM_BUS_ERROR;
    core->bus.ctx = core;
    core->bus.read32 = read32;
    core->bus.write32 = write32;
    core->bus.flush = pass;
    core->bus.invalidate = pass;
    core->bus.wait_irq = wait_irq;
    core->bus.now_us = now_us;
}

void fake_core_close(struct fake_core *core)
{
    free(core->memory);
}
