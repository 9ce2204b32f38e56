/* What a proxy has seen and done. All functions may be called by any thread. */
#ifndef TESTS_STORE_FAULT_COUNTS_H
#define TESTS_STORE_FAULT_COUNTS_H

#include "tests/store/servers/fault_script.h"

enum { COUNTED_METHODS = 6 };

struct fault_counts {
    _Atomic unsigned long methods[COUNTED_METHODS]; /* GET HEAD PUT POST DELETE, others */
    _Atomic unsigned long faults[FAULT_KINDS_COUNT];
    _Atomic unsigned long delayed;     /* by `latency` */
    _Atomic unsigned long done_anyway; /* by `done` */
    _Atomic unsigned long passed;      /* answered by the server, whatever became of the answer */
    _Atomic unsigned long server_lost; /* the server could not be reached, or went away before it answered */
    _Atomic unsigned long client_lost; /* the client went away before it had its answer */
    _Atomic unsigned long bytes_up, bytes_down; /* heads and bodies passed on to the server, to the client */
    _Atomic unsigned long connections, open, open_most, busy, busy_most; /* busy: with a request under way */
};

void fault_counts_request(struct fault_counts *counts, const char *method);

/* One more of `now`; `most` remembers the largest value. */
void fault_counts_enter(_Atomic unsigned long *now, _Atomic unsigned long *most);

/* All but what is under way. */
void fault_counts_clear(struct fault_counts *counts);

/* One JSON object on one line. */
void fault_counts_write_json(struct fault_counts *counts, struct fault_script *script, FILE *out);

#endif
