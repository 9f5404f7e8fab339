/* Files of /sys: lines, numbers, and devices by their names. */
#define _DEFAULT_SOURCE

#include "engram_sysfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool engram_sysfs_path(char path[ENGRAM_PATH_BYTES], const char *sysroot, const char *folder,
                       const char *entry, const char *file)
{
    int length = snprintf(path, ENGRAM_PATH_BYTES, "%s%s/%s%s%s", sysroot, folder, entry,
                          file[0] != '\0' ? "/" : "", file);
    if (length > 0 && length < ENGRAM_PATH_BYTES)
        return true;
    errno = ENAMETOOLONG;
    return false;
}

/* The first line of a file of /sys. */
static bool read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "r");
    bool there;

    if (file == NULL)
        return false;
    there = fgets(line, size, file) != NULL;
    fclose(file);
    if (there)
        line[strcspn(line, "\n")] = '\0';
    else
        errno = EINVAL;
    return there;
}

bool engram_sysfs_number(const char *sysroot, const char *folder, const char *entry,
                         const char *file, uint64_t *number)
{
    char path[ENGRAM_PATH_BYTES], line[32], *end;

    if (!engram_sysfs_path(path, sysroot, folder, entry, file)
        || !read_line(path, line, sizeof line))
        return false;
    errno = 0;
    *number = strtoull(line, &end, 0);
    if (errno != 0 || end == line || *end != '\0') {
        errno = EINVAL;
        return false;
    }
    return true;
}

long engram_sysfs_uio(const char *sysroot, const char *name)
{
    char path[ENGRAM_PATH_BYTES], line[64];
    long found = -1;
    const struct dirent *entry;
    DIR *folder;

    if (!engram_sysfs_path(path, sysroot, "/sys/class", "uio", ""))
        return -1;
    folder = opendir(path);
    if (folder == NULL)
        return -1;
    while ((entry = readdir(folder)) != NULL) {
        char *end;
        long number;
        if (strncmp(entry->d_name, "uio", 3) != 0 || !isdigit((unsigned char)entry->d_name[3]))
            continue;
        number = strtol(entry->d_name + 3, &end, 10);
        if (*end != '\0' || (found >= 0 && number > found)
            || !engram_sysfs_path(path, sysroot, "/sys/class/uio", entry->d_name, "name")
            || !read_line(path, line, sizeof line) || strcmp(line, name) != 0)
            continue;
        found = number;
    }
    closedir(folder);
    return found;
}
