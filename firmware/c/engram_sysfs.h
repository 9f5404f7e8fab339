/* What the Linux port reads of /sys; no part of its interface. */
#ifndef ENGRAM_SYSFS_H
#define ENGRAM_SYSFS_H

#include <stdbool.h>
#include <stdint.h>

#define ENGRAM_PATH_BYTES 512

/* Put a path together, of which `file` may be empty; false and ENAMETOOLONG if it is too long. */
bool engram_sysfs_path(char path[ENGRAM_PATH_BYTES], const char *sysroot, const char *folder,
                       const char *entry, const char *file);

/* Read a number, decimal or hexadecimal; false if it cannot be, and errno says why. */
bool engram_sysfs_number(const char *sysroot, const char *folder, const char *entry,
                         const char *file, uint64_t *number);

/* Which UIO device bears a name, the lowest number first; -1: none. */
long engram_sysfs_uio(const char *sysroot, const char *name);

#endif
