#include "job/resources.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

void resources_forget_peak(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
    int descriptor = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    ssize_t ignored = write(descriptor, "5", 1); /* proc(5): resets VmHWM */
    (void)ignored;
    close(descriptor);
}

uint64_t resources_peak_bytes(void) {
    char text[4096];
    int descriptor = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t size = descriptor < 0 ? -1 : read(descriptor, text, sizeof text - 1);
    if (descriptor >= 0) close(descriptor);
    text[size > 0 ? size : 0] = '\0';
    const char *line = strstr(text, "VmHWM:");
    unsigned long long kibibytes = line ? strtoull(line + strlen("VmHWM:"), NULL, 10) : 0;
    return kibibytes * 1024;
}

double resources_cpu_seconds(void) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}
