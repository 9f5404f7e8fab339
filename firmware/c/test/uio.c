/* The Linux port over a /sys and a /dev of plain files. Usage: uio EMPTY_FOLDER */
#define _DEFAULT_SOURCE

#include "checks.h"
#include "engram_uio.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define ADDRESS UINT64_C(0x1F300000)
#define BYTES 0x100000

const char *current_case = "start";
static const char *root;

static void path_of(char path[512], const char *name)
{
    snprintf(path, 512, "%s/%s", root, name);
}

static void folder(const char *name)
{
    char path[512];

    path_of(path, name);
    CHECK(mkdir(path, 0700) == 0 || errno == EEXIST);
}

static void text(const char *name, const char *content)
{
    char path[512];
    FILE *file;

    path_of(path, name);
    file = fopen(path, "w");
    CHECK(file != NULL);
    fputs(content, file);
    CHECK(fclose(file) == 0);
}

static void blank(const char *name, off_t size)
{
    char path[512];

    text(name, "");
    path_of(path, name);
    CHECK(truncate(path, size) == 0);
}

static void unlink_file(const char *name)
{
    char path[512];

    path_of(path, name);
    CHECK(unlink(path) == 0);
}

static void check_text(const char *name, const char *expected)
{
    char path[512], found[64] = "";
    FILE *file;

    path_of(path, name);
    file = fopen(path, "r");
    CHECK(file != NULL);
    if (fgets(found, sizeof found, file) == NULL)
        found[0] = '\0';
    fclose(file);
    if (strcmp(found, expected) != 0)
        fprintf(stderr, "%s has %s, not %s\n", name, found, expected);
    CHECK(strcmp(found, expected) == 0);
}

static void device(int number, const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "sys/class/uio/uio%d", number);
    folder(path);
    snprintf(path, sizeof path, "sys/class/uio/uio%d/maps", number);
    folder(path);
    snprintf(path, sizeof path, "sys/class/uio/uio%d/maps/map0", number);
    folder(path);
    snprintf(path, sizeof path, "sys/class/uio/uio%d/name", number);
    text(path, name);
    snprintf(path, sizeof path, "sys/class/uio/uio%d/maps/map0/size", number);
    text(path, "0x0000000000010000\n");
    snprintf(path, sizeof path, "sys/class/uio/uio%d/maps/map0/offset", number);
    text(path, "0x0\n");
    snprintf(path, sizeof path, "dev/uio%d", number);
    blank(path, 0x11000);
}

static void board(void)
{
    static const char *const folders[] = {"sys", "sys/class", "sys/class/uio", "dev",
                                          "sys/class/u-dma-buf", "sys/class/u-dma-buf/udmabuf0"};
    size_t i;

    for (i = 0; i < sizeof folders / sizeof folders[0]; ++i)
        folder(folders[i]);
    device(0, "axi_intc\n");
    device(2, "engram_old\n");
    device(10, "engram\n");
    device(3, "engram\n");
    folder("sys/class/uio/uiox");
    text("sys/class/u-dma-buf/udmabuf0/size", "1048576\n");
    text("sys/class/u-dma-buf/udmabuf0/phys_addr", "0x000000001f300000\n");
    text("sys/class/u-dma-buf/udmabuf0/dma_coherent", "0\n");
    text("sys/class/u-dma-buf/udmabuf0/sync_for_cpu", "");
    text("sys/class/u-dma-buf/udmabuf0/sync_for_device", "");
    blank("dev/udmabuf0", BYTES);
}

static void put_register(const char *name, long offset, uint32_t value)
{
    char path[512];
    FILE *file;

    path_of(path, name);
    file = fopen(path, "r+");
    CHECK(file != NULL && fseek(file, offset, SEEK_SET) == 0);
    CHECK_EQUAL(fwrite(&value, sizeof value, 1, file), 1);
    CHECK(fclose(file) == 0);
}

/* Of several devices the first of that very name; its registers where the kernel says. */
static void registers(void)
{
    struct engram_uio port;
    uint32_t value;

    board();
    text("sys/class/uio/uio3/maps/map0/offset", "0x100\n");
    put_register("dev/uio3", 0x108, 0xCAFE);
    CHECK_EQUAL(engram_uio_open(&port, root, "engram", NULL), ENGRAM_OK);
    CHECK_EQUAL(port.bus.read32(&port, 8, &value), ENGRAM_OK);
    CHECK_EQUAL(value, 0xCAFE);
    CHECK_EQUAL(port.bus.write32(&port, 12, 77), ENGRAM_OK);
    CHECK_EQUAL(((volatile uint32_t *)(void *)port.mapped)[0x10C / 4], 77);
    CHECK_EQUAL(port.bus.read32(&port, 0xFFFC, &value), ENGRAM_OK);
    CHECK_EQUAL(port.bus.read32(&port, 0x10000, &value), ENGRAM_BUS_ERROR);
    CHECK_EQUAL(port.bus.read32(&port, 2, &value), ENGRAM_BUS_ERROR);
    CHECK_EQUAL(port.bus.write32(&port, 0x10000, 0), ENGRAM_BUS_ERROR);
    CHECK_EQUAL(port.bus.write32(&port, UINT32_MAX, 0), ENGRAM_BUS_ERROR);
    CHECK(port.memory.cpu == NULL);
    engram_uio_close(&port);
    engram_uio_close(&port);
    engram_uio_close(NULL);
}

/* What may be amiss, and what is said then. */
static void missing(void)
{
    struct engram_uio port;

    board();
    CHECK_EQUAL(engram_uio_open(NULL, root, "engram", NULL), ENGRAM_BAD_ARGUMENT);
    CHECK_EQUAL(engram_uio_open(&port, root, NULL, NULL), ENGRAM_BAD_ARGUMENT);
    CHECK_EQUAL(engram_uio_open(&port, root, "", NULL), ENGRAM_BAD_ARGUMENT);
    CHECK_EQUAL(engram_uio_open(&port, root, "engra", NULL), ENGRAM_NO_DEVICE);
    CHECK_EQUAL(engram_uio_open(&port, "/nowhere", "engram", NULL), ENGRAM_NO_DEVICE);
    CHECK_EQUAL(engram_uio_open(&port, root, "engram", "udmabuf1"), ENGRAM_NO_DEVICE);
    CHECK(port.device == -1 && port.mapped == NULL);
    text("sys/class/u-dma-buf/udmabuf0/dma_coherent", "perhaps\n");
    CHECK_EQUAL(engram_uio_open(&port, root, "engram", "udmabuf0"), ENGRAM_BUS_ERROR);
    CHECK_EQUAL(errno, EINVAL);
    unlink_file("sys/class/u-dma-buf/udmabuf0/dma_coherent");
    CHECK_EQUAL(engram_uio_open(&port, root, "engram", "udmabuf0"), ENGRAM_OK);
    CHECK(port.sync_for_device >= 0);
    engram_uio_close(&port);
    text("sys/class/u-dma-buf/udmabuf0/phys_addr", "soon\n");
    CHECK_EQUAL(engram_uio_open(&port, root, "engram", "udmabuf0"), ENGRAM_BUS_ERROR);
    CHECK_EQUAL(errno, EINVAL);
    text("sys/class/u-dma-buf/udmabuf0/phys_addr", "0x1f300000\n");
    text("sys/class/u-dma-buf/udmabuf0/size", "0x100000000\n");
    CHECK_EQUAL(engram_uio_open(&port, root, "engram", "udmabuf0"), ENGRAM_BUS_ERROR);
    CHECK_EQUAL(errno, ERANGE);
    text("sys/class/u-dma-buf/udmabuf0/size", "1048576\n");
    unlink_file("sys/class/u-dma-buf/udmabuf0/sync_for_cpu");
    CHECK_EQUAL(engram_uio_open(&port, root, "engram", "udmabuf0"), ENGRAM_BUS_ERROR);
    CHECK_EQUAL(errno, ENOENT);
    CHECK(port.device == -1 && port.sync_for_device == -1);
    text("sys/class/u-dma-buf/udmabuf0/dma_coherent", "1\n"); /* then it is not needed */
    CHECK_EQUAL(engram_uio_open(&port, root, "engram", "udmabuf0"), ENGRAM_OK);
    CHECK_EQUAL(port.bus.flush(&port, &port.memory, 0, 64), ENGRAM_OK);
    check_text("sys/class/u-dma-buf/udmabuf0/sync_for_device", "");
    engram_uio_close(&port);
    unlink_file("dev/udmabuf0");
    CHECK_EQUAL(engram_uio_open(&port, root, "engram", "udmabuf0"), ENGRAM_BUS_ERROR);
    text("sys/class/uio/uio3/maps/map0/offset", "?\n");
    CHECK_EQUAL(engram_uio_open(&port, root, "engram", NULL), ENGRAM_BUS_ERROR);
    CHECK_EQUAL(errno, EINVAL);
    unlink_file("sys/class/uio/uio3/maps/map0/offset");
    CHECK_EQUAL(engram_uio_open(&port, root, "engram", NULL), ENGRAM_OK);
    engram_uio_close(&port);
    text("sys/class/uio/uio3/maps/map0/size", "0x100\n");
    CHECK_EQUAL(engram_uio_open(&port, root, "engram", NULL), ENGRAM_BUS_ERROR);
    CHECK_EQUAL(errno, ERANGE);
    text("sys/class/uio/uio3/maps/map0/size", "4096 bytes\n");
    CHECK_EQUAL(engram_uio_open(&port, root, "engram", NULL), ENGRAM_BUS_ERROR);
    CHECK_EQUAL(errno, EINVAL);
    text("sys/class/uio/uio3/maps/map0/size", "4096\n");
    unlink_file("dev/uio3");
    CHECK_EQUAL(engram_uio_open(&port, root, "engram", NULL), ENGRAM_BUS_ERROR);
    CHECK_EQUAL(errno, ENOENT);
}

/* What the kernel is told of memory that changes hands. */
static void caches(void)
{
    struct engram_memory part, outside;
    struct engram_uio port;

    board();
    CHECK_EQUAL(engram_uio_open(&port, root, "engram", "udmabuf0"), ENGRAM_OK);
    CHECK_EQUAL(port.memory.device, ADDRESS);
    CHECK_EQUAL(port.memory.size, BYTES);
    part.cpu = (char *)port.memory.cpu + 0x2000;
    part.device = ADDRESS + 0x2000;
    part.size = 0x1000;
    CHECK_EQUAL(port.bus.flush(&port, &part, 0, 0x1000), ENGRAM_OK);
    check_text("sys/class/u-dma-buf/udmabuf0/sync_for_device", "0x0000200000001005");
    CHECK_EQUAL(port.bus.flush(&port, &part, 0x48, 8), ENGRAM_OK); /* whole lines */
    check_text("sys/class/u-dma-buf/udmabuf0/sync_for_device", "0x0000204000000045");
    check_text("sys/class/u-dma-buf/udmabuf0/sync_for_cpu", "");
    CHECK_EQUAL(port.bus.invalidate(&port, &part, 0x20, 0x21), ENGRAM_OK);
    check_text("sys/class/u-dma-buf/udmabuf0/sync_for_cpu", "0x0000200000000089");
    CHECK_EQUAL(port.bus.flush(&port, &part, 0, 0x1001), ENGRAM_BUS_ERROR);
    CHECK_EQUAL(port.bus.flush(&port, &part, 0x1001, 0), ENGRAM_BUS_ERROR);
    outside = part;
    outside.device = ADDRESS - 0x1000;
    CHECK_EQUAL(port.bus.flush(&port, &outside, 0, 8), ENGRAM_BUS_ERROR);
    outside.device = ADDRESS + BYTES - 0x800;
    CHECK_EQUAL(port.bus.invalidate(&port, &outside, 0, 8), ENGRAM_BUS_ERROR);
    outside.device = ADDRESS + BYTES + 0x1000;
    CHECK_EQUAL(port.bus.invalidate(&port, &outside, 0, 8), ENGRAM_BUS_ERROR);
    engram_uio_close(&port);
}

static void on_alarm(int signal)
{
    (void)signal;
}

/* The interrupt: enabled by a 1, waited for, its count read. A socket stands in for the device. */
static void interrupts(void)
{
    const struct itimerval soon = {.it_value = {.tv_usec = 20000}};
    struct sigaction action = {.sa_handler = on_alarm};
    struct engram_uio port;
    uint32_t word = 5;
    uint64_t before, after;
    int ends[2];
    bool high;

    board();
    CHECK_EQUAL(engram_uio_open(&port, root, "engram", NULL), ENGRAM_OK);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(dup2(ends[0], port.device) == port.device);
    port.bus.now_us(&port, &before);
    CHECK_EQUAL(port.bus.wait_irq(&port, 30000, &high), ENGRAM_OK);
    port.bus.now_us(&port, &after);
    CHECK(!high);
    CHECK(after - before >= 29000 && after - before < 5000000);
    CHECK_EQUAL(read(ends[1], &word, 4), 4);
    CHECK_EQUAL(word, 1);
    word = 9;
    CHECK_EQUAL(write(ends[1], &word, 4), 4);
    CHECK_EQUAL(port.bus.wait_irq(&port, 10000000, &high), ENGRAM_OK);
    CHECK(high);
    CHECK(recv(port.device, &word, 4, MSG_DONTWAIT) < 0); /* the count was taken */
    CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
    CHECK_EQUAL(setitimer(ITIMER_REAL, &soon, NULL), 0);
    CHECK_EQUAL(port.bus.wait_irq(&port, 10000000, &high), ENGRAM_OK);
    CHECK(high); /* a signal came: whoever waits looks for himself */
    shutdown(ends[1], SHUT_RDWR);
    signal(SIGPIPE, SIG_IGN);
    CHECK_EQUAL(port.bus.wait_irq(&port, 10000, &high), ENGRAM_BUS_ERROR);
    close(ends[0]);
    close(ends[1]);
    engram_uio_close(&port);
}

/* The driver on this port, with nobody behind the registers: it is told where all lies, and
 * nothing comes back. */
static void driver(void)
{
    struct engram_config config;
    struct engram_space space;
    struct engram_uio port;
    struct engram core;

    board();
    put_register("dev/uio3", ENGRAM_ID_OFFSET, ENGRAM_ID_RESET);
    put_register("dev/uio3", ENGRAM_ABI_OFFSET, ENGRAM_ABI_RESET);
    put_register("dev/uio3", ENGRAM_SHAPE_OFFSET, 32u << ENGRAM_SHAPE_ADDRESS_BITS_SHIFT);
    put_register("dev/uio3", ENGRAM_STATUS_OFFSET, ENGRAM_STATUS_IDLE_MASK);
    CHECK_EQUAL(engram_uio_open(&port, root, "engram", "udmabuf0"), ENGRAM_OK);
    CHECK_EQUAL(engram_carve(&port.memory, 4, 8192, 8192, &config), ENGRAM_OK);
    config.job_us = 20000;
    port.bus.wait_irq = NULL; /* a file is no interrupt */
    CHECK_EQUAL(engram_open(&core, &port.bus, &config), ENGRAM_OK);
    CHECK_EQUAL(port.registers[ENGRAM_CONTROL_OFFSET / 4], ENGRAM_CONTROL_ENABLE_MASK);
    CHECK_EQUAL(port.registers[ENGRAM_RING_BASE_LO_OFFSET / 4], ADDRESS);
    CHECK_EQUAL(port.registers[ENGRAM_FRAME_COUNT_OFFSET / 4],
                (BYTES - 0x1000 - 0x1000 - 3 * 0x2000) / 0x1000);
    CHECK_EQUAL(engram_create(&core, &space, 1, 1, 0, 4), ENGRAM_OK);
    CHECK_EQUAL(engram_select(&core, &space), ENGRAM_TIMEOUT);
    CHECK_EQUAL(port.registers[ENGRAM_RING_TAIL_OFFSET / 4], 1);
    CHECK_EQUAL(*(unsigned char *)port.memory.cpu, ENGRAM_OP_SELECT);
    CHECK_EQUAL(engram_close(&core), ENGRAM_OK);
    engram_uio_close(&port);
}

static const struct test_case cases[] = {
    {"registers", registers},   {"missing", missing}, {"caches", caches},
    {"interrupts", interrupts}, {"driver", driver},
    {NULL, NULL},
};

int main(int count, char **arguments)
{
    const struct test_case *test;

    if (count != 2) {
        fprintf(stderr, "usage: %s EMPTY_FOLDER\n", arguments[0]);
        return 2;
    }
    root = arguments[1];
    for (test = cases; test->name != NULL; ++test) {
        current_case = test->name;
        test->run();
        printf("ok %s\n", test->name);
    }
    return 0;
}
