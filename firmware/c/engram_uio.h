/*
 * The driver on Linux: registers and interrupt by UIO, memory by u-dma-buf.
 *
 * The device tree names the accelerator "generic-uio"; the module u-dma-buf gives memory that is
 * contiguous for the device. Whoever runs this may read and write /dev/uioN and /dev/<buffer>.
 */
#ifndef ENGRAM_UIO_H
#define ENGRAM_UIO_H

#include "engram.h"

/* A port that is open. Give its `bus` and (a part of) its `memory` to engram_open. */
struct engram_uio {
    struct engram_bus bus;
    struct engram_memory memory; /* of the u-dma-buf; none if no buffer was named */
    volatile uint32_t *registers;
    size_t register_bytes;
    unsigned char *mapped; /* where the mapping begins that has the registers */
    size_t mapped_bytes;
    int device;          /* files that are open, or -1 */
    int buffer;
    int sync_for_device; /* -1: memory is coherent */
    int sync_for_cpu;
};

/*
 * Find a UIO device by its name, the first of that name, and a buffer by its own ("udmabuf0";
 * NULL: none). `sysroot` comes before /sys and /dev; NULL: nothing does. ENGRAM_NO_DEVICE: no such
 * device or buffer; ENGRAM_BUS_ERROR: it cannot be used, and errno says why.
 */
enum engram_status engram_uio_open(struct engram_uio *port, const char *sysroot,
                                   const char *name, const char *buffer);

/* Let go of everything; a second time does nothing. Close the device before. */
void engram_uio_close(struct engram_uio *port);

#endif
