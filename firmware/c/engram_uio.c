/* Linux: /sys/class/uio and /sys/class/u-dma-buf, found by name. */
#define _DEFAULT_SOURCE

#include "engram_uio.h"

#include "engram_sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* How u-dma-buf numbers the directions of DMA. */
#define TO_DEVICE 1u
#define FROM_DEVICE 2u

static enum engram_status uio_read32(void *ctx, uint32_t offset, uint32_t *value)
{
    const struct engram_uio *port = ctx;

    if (offset % 4 != 0 || offset > port->register_bytes - 4)
        return ENGRAM_BUS_ERROR;
    *value = port->registers[offset / 4];
    __sync_synchronize();
    return ENGRAM_OK;
}

static enum engram_status uio_write32(void *ctx, uint32_t offset, uint32_t value)
{
    const struct engram_uio *port = ctx;

    if (offset % 4 != 0 || offset > port->register_bytes - 4)
        return ENGRAM_BUS_ERROR;
    __sync_synchronize();
    port->registers[offset / 4] = value;
    return ENGRAM_OK;
}

/* Have the kernel clean or forget lines of the processor's caches. */
static enum engram_status uio_sync(const struct engram_uio *port, int file,
                                   const struct engram_memory *memory, size_t start, size_t size,
                                   unsigned direction)
{
    size_t first, end;
    uint64_t offset;
    char text[24];
    int length;

    if (file < 0)
        return ENGRAM_OK;
    if (memory->device < port->memory.device || start > memory->size
        || size > memory->size - start)
        return ENGRAM_BUS_ERROR;
    offset = memory->device - port->memory.device;
    if (offset > port->memory.size || memory->size > port->memory.size - offset)
        return ENGRAM_BUS_ERROR;
    /* One number: place, bytes in units of 16, direction, and that it shall be done. */
    first = (size_t)offset + start;
    end = first + size;
    first -= first % ENGRAM_ALIGNMENT;
    end += (ENGRAM_ALIGNMENT - end % ENGRAM_ALIGNMENT) % ENGRAM_ALIGNMENT;
    length = snprintf(text, sizeof text, "0x%08" PRIX32 "%08" PRIX32, (uint32_t)first,
                      (uint32_t)(end - first) | direction << 2 | 1u);
    return pwrite(file, text, (size_t)length, 0) == length ? ENGRAM_OK : ENGRAM_BUS_ERROR;
}

static enum engram_status uio_flush(void *ctx, const struct engram_memory *memory, size_t start,
                                    size_t size)
{
    const struct engram_uio *port = ctx;

    return uio_sync(port, port->sync_for_device, memory, start, size, TO_DEVICE);
}

static enum engram_status uio_invalidate(void *ctx, const struct engram_memory *memory,
                                         size_t start, size_t size)
{
    const struct engram_uio *port = ctx;

    return uio_sync(port, port->sync_for_cpu, memory, start, size, FROM_DEVICE);
}

static enum engram_status uio_now(void *ctx, uint64_t *now)
{
    struct timespec time;

    (void)ctx;
    if (clock_gettime(CLOCK_MONOTONIC, &time) != 0)
        return ENGRAM_BUS_ERROR;
    *now = (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_nsec / 1000u;
    return ENGRAM_OK;
}

/* The kernel masks the interrupt when it comes; a 1 that is written unmasks it. */
static enum engram_status uio_wait(void *ctx, uint32_t microseconds, bool *high)
{
    const struct engram_uio *port = ctx;
    struct pollfd waiting = {.fd = port->device, .events = POLLIN};
    uint32_t count = 1;
    int found;

    *high = false;
    if (write(port->device, &count, sizeof count) != (ssize_t)sizeof count)
        return ENGRAM_BUS_ERROR;
    found = poll(&waiting, 1, (int)(microseconds / 1000u + (microseconds % 1000u != 0)));
    if (found == 0)
        return ENGRAM_OK;
    if (found < 0 && errno == EINTR) {
        *high = true; /* a signal, before the time was over: let the driver look */
        return ENGRAM_OK;
    }
    if (found < 0 || (waiting.revents & POLLIN) == 0
        || read(port->device, &count, sizeof count) != (ssize_t)sizeof count)
        return ENGRAM_BUS_ERROR;
    *high = true;
    return ENGRAM_OK;
}

static enum engram_status open_registers(struct engram_uio *port, const char *sysroot,
                                         const char *name)
{
    char path[ENGRAM_PATH_BYTES], entry[32];
    uint64_t size, offset;
    void *mapped;
    long number = engram_sysfs_uio(sysroot, name);

    if (number < 0)
        return ENGRAM_NO_DEVICE;
    snprintf(entry, sizeof entry, "uio%ld", number);
    if (!engram_sysfs_number(sysroot, "/sys/class/uio", entry, "maps/map0/size", &size))
        return ENGRAM_BUS_ERROR;
    offset = 0;
    if (!engram_sysfs_number(sysroot, "/sys/class/uio", entry, "maps/map0/offset", &offset)
        && errno != ENOENT) /* old kernels have none */
        return ENGRAM_BUS_ERROR;
    if (size < ENGRAM_BYTES || offset % 4 != 0 || size > SIZE_MAX - offset) {
        errno = ERANGE;
        return ENGRAM_BUS_ERROR;
    }
    if (!engram_sysfs_path(path, sysroot, "/dev", entry, ""))
        return ENGRAM_BUS_ERROR;
    port->device = open(path, O_RDWR | O_CLOEXEC);
    if (port->device < 0)
        return ENGRAM_BUS_ERROR;
    mapped = mmap(NULL, (size_t)(size + offset), PROT_READ | PROT_WRITE, MAP_SHARED,
                  port->device, 0);
    if (mapped == MAP_FAILED)
        return ENGRAM_BUS_ERROR;
    port->mapped = mapped;
    port->mapped_bytes = (size_t)(size + offset);
    port->registers = (volatile uint32_t *)(void *)(port->mapped + offset);
    port->register_bytes = (size_t)size;
    return ENGRAM_OK;
}

static int open_sync(const char *sysroot, const char *buffer, const char *file)
{
    char path[ENGRAM_PATH_BYTES];

    return engram_sysfs_path(path, sysroot, "/sys/class/u-dma-buf", buffer, file)
               ? open(path, O_WRONLY | O_CLOEXEC)
               : -1;
}

static enum engram_status open_buffer(struct engram_uio *port, const char *sysroot,
                                      const char *buffer)
{
    static const char folder[] = "/sys/class/u-dma-buf";
    char path[ENGRAM_PATH_BYTES];
    uint64_t size, address, coherent;
    void *cpu;

    if (!engram_sysfs_number(sysroot, folder, buffer, "size", &size)
        || !engram_sysfs_number(sysroot, folder, buffer, "phys_addr", &address))
        return errno == ENOENT ? ENGRAM_NO_DEVICE : ENGRAM_BUS_ERROR;
    if (size == 0 || size > UINT32_MAX) { /* what can be told to sync_for_device */
        errno = ERANGE;
        return ENGRAM_BUS_ERROR;
    }
    coherent = 0;
    if (!engram_sysfs_number(sysroot, folder, buffer, "dma_coherent", &coherent) && errno != ENOENT)
        return ENGRAM_BUS_ERROR;
    if (coherent == 0) {
        port->sync_for_device = open_sync(sysroot, buffer, "sync_for_device");
        port->sync_for_cpu = open_sync(sysroot, buffer, "sync_for_cpu");
        if (port->sync_for_device < 0 || port->sync_for_cpu < 0)
            return ENGRAM_BUS_ERROR;
    }
    if (!engram_sysfs_path(path, sysroot, "/dev", buffer, ""))
        return ENGRAM_BUS_ERROR;
    port->buffer = open(path, O_RDWR | O_CLOEXEC); /* without O_SYNC: through the caches */
    if (port->buffer < 0)
        return ENGRAM_BUS_ERROR;
    cpu = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, port->buffer, 0);
    if (cpu == MAP_FAILED)
        return ENGRAM_BUS_ERROR;
    port->memory.cpu = cpu;
    port->memory.device = address;
    port->memory.size = (size_t)size;
    return ENGRAM_OK;
}

enum engram_status engram_uio_open(struct engram_uio *port, const char *sysroot,
                                   const char *name, const char *buffer)
{
    enum engram_status status;

    if (port == NULL)
        return ENGRAM_BAD_ARGUMENT;
    memset(port, 0, sizeof *port);
    port->device = port->buffer = port->sync_for_device = port->sync_for_cpu = -1;
    if (name == NULL || name[0] == '\0')
        return ENGRAM_BAD_ARGUMENT;
    if (sysroot == NULL)
        sysroot = "";
    status = open_registers(port, sysroot, name);
    if (status == ENGRAM_OK && buffer != NULL)
        status = open_buffer(port, sysroot, buffer);
    if (status != ENGRAM_OK) {
        int why = errno;
        engram_uio_close(port);
        errno = why;
        return status;
    }
    port->bus.ctx = port;
    port->bus.read32 = uio_read32;
    port->bus.write32 = uio_write32;
    port->bus.flush = uio_flush;
    port->bus.invalidate = uio_invalidate;
    port->bus.wait_irq = uio_wait;
    port->bus.now_us = uio_now;
    /* Looking costs two system calls or none, sleeping three and some 20 us. */
    port->bus.polls = 16;
    return ENGRAM_OK;
}

static void let_go(int *file)
{
    if (*file >= 0)
        close(*file);
    *file = -1;
}

void engram_uio_close(struct engram_uio *port)
{
    if (port == NULL)
        return;
    if (port->mapped != NULL)
        munmap(port->mapped, port->mapped_bytes);
    if (port->memory.cpu != NULL)
        munmap(port->memory.cpu, port->memory.size);
    port->mapped = NULL;
    port->registers = NULL;
    port->memory.cpu = NULL;
    let_go(&port->device);
    let_go(&port->buffer);
    let_go(&port->sync_for_device);
    let_go(&port->sync_for_cpu);
}
