/* Energy that the processor packages use, from RAPL counters as Linux shows them (powercap). A counter is of a whole
 * package: cores, caches, memory controller, also when idle, and whatever else runs at the time. */
#ifndef JOB_ENERGY_H
#define JOB_ENERGY_H

#include <stdbool.h>
#include <stdint.h>

#define ENERGY_ROOT "/sys/class/powercap"

enum { ENERGY_PACKAGES_MAX = 16, ENERGY_PATH_MAX = 320 };

struct energy_meter {
    int packages; /* 0: none can be read (no RAPL, a virtual machine, or only root may) */
    struct {
        char counter[ENERGY_PATH_MAX];
        uint64_t range; /* microjoules at which the counter begins again; 0: unknown */
    } package[ENERGY_PACKAGES_MAX];
};

struct energy_reading {
    bool valid;
    uint64_t microjoules[ENERGY_PACKAGES_MAX];
};

/* Finds the packages below `root` (ENERGY_ROOT, or a folder of a test): entries whose `name` begins with "package" and
 * whose energy_uj can be read. Zones within a package are part of it and left out, and so is the second way (mmio) to the
 * same counter. */
void energy_open(const char *root, struct energy_meter *meter);

void energy_read(const struct energy_meter *meter, struct energy_reading *reading);

/* Joules from one reading to a later one. A counter that began again once in between is followed; twice can't be seen (it
 * takes about 20 minutes at 200 W). NaN: no packages, a failed reading, or a counter of unknown range began again. */
double energy_joules(const struct energy_meter *meter, const struct energy_reading *before,
                     const struct energy_reading *after);

#endif
