/* What this process has used of the machine, as Linux counts it. */
#ifndef JOB_RESOURCES_H
#define JOB_RESOURCES_H

#include <stdint.h>

/* Forgets the peak of resident memory: from here on it is counted from what is resident now. Gives free memory back first.
 * Where the system can't forget (before Linux 4.0, some containers) the peak stays that of the whole life. */
void resources_forget_peak(void);

/* Peak of resident memory in bytes (VmHWM), 0 when unknown. */
uint64_t resources_peak_bytes(void);

/* Seconds of processor time of all threads so far, user and system. */
double resources_cpu_seconds(void);

#endif
