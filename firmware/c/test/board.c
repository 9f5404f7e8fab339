/*
 * A board of two files: the registers and the memory that a fake /dev has, and the Verilated
 * accelerator behind them. Usage: board LIBRARY REGISTERS MEMORY
 *
 * A file cannot tell who wrote to it, so this looks all the time at what a driver changes last:
 * CONTROL and RING_TAIL. It ends when the device was enabled and then disabled.
 */
#define _DEFAULT_SOURCE

#include "checks.h"
#include "rtl_bus.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define CLOCKS_A_LOOK 500

const char *current_case = "board";

static struct rtl_bus bus;
static volatile uint32_t *registers;

static void *map(const char *path, size_t size)
{
    int file = open(path, O_RDWR);
    void *mapped = file < 0 ? MAP_FAILED
                            : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

    if (mapped == MAP_FAILED) {
        perror(path);
        exit(1);
    }
    close(file);
    return mapped;
}

static void give(uint32_t offset)
{
    CHECK_EQUAL(bus.bus.write32(&bus, offset, registers[offset / 4]), ENGRAM_OK);
}

static void show(uint32_t offset)
{
    uint32_t value;

    CHECK_EQUAL(bus.bus.read32(&bus, offset, &value), ENGRAM_OK);
    registers[offset / 4] = value;
}

int main(int count, char **arguments)
{
    uint32_t control = 0, tail = 0, offset;

    if (count != 4) {
        fprintf(stderr, "usage: %s LIBRARY REGISTERS MEMORY\n", arguments[0]);
        return 2;
    }
    rtl_load(arguments[1]);
    registers = map(arguments[2], 4096);
    rtl_bus_open_over(&bus, map(arguments[3], RTL_BYTES));
    for (offset = ENGRAM_ID_OFFSET; offset <= ENGRAM_STATUS_OFFSET; offset += 4)
        show(offset);
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        uint32_t now = registers[ENGRAM_CONTROL_OFFSET / 4];
        __sync_synchronize();
        if (now != control) {
            /* All that is set while the device is disabled. */
            for (offset = ENGRAM_RING_LOG2_OFFSET; now != 0 && offset <= ENGRAM_FRAME_COUNT_OFFSET;
                 offset += 4)
                give(offset);
            tail = 0;
            CHECK_EQUAL(bus.bus.write32(&bus, ENGRAM_RING_TAIL_OFFSET, 0), ENGRAM_OK);
            CHECK_EQUAL(bus.bus.write32(&bus, ENGRAM_CONTROL_OFFSET, now), ENGRAM_OK);
        }
        if (now != 0 && registers[ENGRAM_RING_TAIL_OFFSET / 4] != tail) {
            tail = registers[ENGRAM_RING_TAIL_OFFSET / 4];
            CHECK_EQUAL(bus.bus.write32(&bus, ENGRAM_RING_TAIL_OFFSET, tail), ENGRAM_OK);
        }
        rtl_clocks(&bus, CLOCKS_A_LOOK);
        show(ENGRAM_RING_HEAD_OFFSET);
        show(ENGRAM_FRAMES_USED_OFFSET);
        show(ENGRAM_STATUS_OFFSET);
        if (control != 0 && now == 0)
            break;
        control = now;
    }
    rtl_bus_close(&bus);
    return 0;
}
