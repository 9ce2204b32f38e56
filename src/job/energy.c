#include "job/energy.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first line of ROOT/ZONE/FILE; false when it can't be read. */
static bool read_line(const char *path, char *text, size_t capacity) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t size = descriptor < 0 ? -1 : read(descriptor, text, capacity - 1);
    if (descriptor >= 0) close(descriptor);
    text[size > 0 ? size : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return size > 0;
}

static bool read_number(const char *path, uint64_t *number) {
    char text[32], *end;
    if (!read_line(path, text, sizeof text) || text[0] < '0' || text[0] > '9') return false;
    *number = strtoull(text, &end, 10);
    return *end == '\0';
}

/* "ROOT/ZONE/FILE"; false when it is too long. */
static bool join(char path[ENERGY_PATH_MAX], const char *root, const char *zone, const char *file) {
    int length = snprintf(path, ENERGY_PATH_MAX, "%s/%s/%s", root, zone, file);
    return length > 0 && length < ENERGY_PATH_MAX;
}

static void add_zone(struct energy_meter *meter, const char *root, const char *zone) {
    char path[ENERGY_PATH_MAX], name[32];
    uint64_t now;
    if (meter->packages == ENERGY_PACKAGES_MAX || zone[0] == '.' || strstr(zone, "mmio")) return;
    if (!join(path, root, zone, "name") || !read_line(path, name, sizeof name)) return;
    if (strncmp(name, "package", strlen("package")) != 0) return;
    char *counter = meter->package[meter->packages].counter;
    uint64_t *range = &meter->package[meter->packages].range;
    if (!join(counter, root, zone, "energy_uj") || !read_number(counter, &now)) return;
    *range = 0;
    if (join(path, root, zone, "max_energy_range_uj") && !read_number(path, range)) *range = 0;
    meter->packages++;
}

void energy_open(const char *root, struct energy_meter *meter) {
    memset(meter, 0, sizeof *meter);
    DIR *folder = opendir(root);
    if (!folder) return;
    for (struct dirent *entry; (entry = readdir(folder));) add_zone(meter, root, entry->d_name);
    closedir(folder);
}

void energy_read(const struct energy_meter *meter, struct energy_reading *reading) {
    reading->valid = meter->packages > 0;
    for (int i = 0; i < meter->packages; i++)
        if (!read_number(meter->package[i].counter, &reading->microjoules[i])) reading->valid = false;
}

double energy_joules(const struct energy_meter *meter, const struct energy_reading *before,
                     const struct energy_reading *after) {
    double joules = 0;
    if (!before->valid || !after->valid) return NAN;
    for (int i = 0; i < meter->packages; i++) {
        uint64_t from = before->microjoules[i], to = after->microjoules[i], range = meter->package[i].range;
        if (to < from && range < from) return NAN;
        /* The counter runs from 0 to `range`. */
        joules += 1e-6 * (double)(to >= from ? to - from : range - from + to);
    }
    return joules;
}
