#include "tests/store/servers/pause.h"

#include <errno.h>
#include <sys/prctl.h>
#include <time.h>

void pause_nanoseconds(long nanoseconds) {
    struct timespec left = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {}
}

void pause_precisely(void) { prctl(PR_SET_TIMERSLACK, 1000UL); }
