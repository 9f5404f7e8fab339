/*
 * A first program on a board: reads generated words, writes some, reads all back.
 *
 *     example [--poll] [--sysroot DIR] UIO_NAME BUFFER
 *
 * --poll: without the interrupt. --sysroot: where /sys and /dev begin, to try it elsewhere.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engram.h"
#include "engram_uio.h"

#define SEED 42
#define FIRST UINT64_C(1000000000000000)
#define WORDS 4

static void show(const char *what, const uint64_t *words)
{
    int i;

    printf("%s:", what);
    for (i = 0; i < WORDS; ++i)
        printf(" %016" PRIx64, words[i]);
    printf("\n");
}

static enum engram_status use(struct engram *device)
{
    const uint64_t mine[2] = {7, 11};
    uint64_t words[WORDS];
    struct engram_space space;
    uint32_t frames;
    enum engram_status status = engram_create(device, &space, ENGRAM_LAW_DEFAULT, SEED, 0, 10);

    if (status == ENGRAM_OK)
        status = engram_select(device, &space);
    if (status == ENGRAM_OK)
        status = engram_read(device, FIRST, words, WORDS);
    if (status != ENGRAM_OK)
        return status;
    show("generated", words);

    status = engram_write(device, FIRST + 1, mine, 2);
    if (status == ENGRAM_OK)
        status = engram_read(device, FIRST, words, WORDS);
    if (status == ENGRAM_OK)
        status = engram_frames_used(device, &frames);
    if (status != ENGRAM_OK)
        return status;
    show("written", words);
    printf("frames used: %" PRIu32 "\n", frames);

    status = engram_erase(device, FIRST, WORDS);
    if (status == ENGRAM_OK)
        status = engram_read(device, FIRST, words, WORDS);
    if (status == ENGRAM_OK)
        show("erased", words);
    return status;
}

static int fail(const char *what, enum engram_status status)
{
    fprintf(stderr, "example: %s: %s%s%s\n", what, engram_strerror(status),
            errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
    return 1;
}

int main(int count, char **arguments)
{
    const char *sysroot = NULL;
    struct engram_config config;
    struct engram_uio port;
    struct engram device;
    bool poll = false;
    int at = 1;
    enum engram_status status;

    for (; at < count && arguments[at][0] == '-'; ++at) {
        if (strcmp(arguments[at], "--poll") == 0)
            poll = true;
        else if (strcmp(arguments[at], "--sysroot") == 0 && at + 1 < count)
            sysroot = arguments[++at];
        else
            break;
    }
    if (count - at != 2) {
        fprintf(stderr, "usage: example [--poll] [--sysroot DIR] UIO_NAME BUFFER\n");
        return 2;
    }
    errno = 0;
    status = engram_uio_open(&port, sysroot, arguments[at], arguments[at + 1]);
    if (status != ENGRAM_OK)
        return fail(arguments[at], status);
    errno = 0;
    if (poll)
        port.bus.wait_irq = NULL;
    status = engram_carve(&port.memory, 8, 1 << 16, 1 << 18, &config);
    if (status == ENGRAM_OK)
        status = engram_open(&device, &port.bus, &config);
    if (status == ENGRAM_OK) {
        enum engram_status closed;
        printf("laws built: 0x%" PRIx32 "\n", device.laws);
        status = use(&device);
        closed = engram_close(&device);
        if (status == ENGRAM_OK)
            status = closed;
    }
    engram_uio_close(&port);
    return status == ENGRAM_OK ? 0 : fail("the device", status);
}
