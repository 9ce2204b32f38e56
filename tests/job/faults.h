/* System calls that fail on request, for programs linked with --wrap (see meson.build). */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

enum fault_call {
    FAULT_WRITE,
    FAULT_FSYNC,
    FAULT_RENAME,
    FAULT_EXCHANGE,
    FAULT_OPEN,
    FAULT_FTRUNCATE,
    FAULT_MKDIR,
    FAULT_LINK,
    FAULT_CALLS
};

enum { FAULT_SHORT_WRITE = -1 };

/* The k-th call of this kind from now on fails with `cause` (an errno, or FAULT_SHORT_WRITE: takes one byte), and so does
 * every later one when `for_good`. k = 0: none fails. FAULT_RENAME is rename() and renameat2(), FAULT_EXCHANGE
 * is renameat2() alone; FAULT_OPEN is open() for writing. */
void fault_set(enum fault_call call, long k, int cause, int for_good);

/* Whether it happened. */
int fault_happened(void);

#endif
