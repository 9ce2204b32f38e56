#ifndef TESTS_STORE_PAUSE_H
#define TESTS_STORE_PAUSE_H

/* Sleeps; no more than asked for, but for the scheduler. */
void pause_nanoseconds(long nanoseconds);

/* Makes the pauses of this thread, and of those that it starts, end to the microsecond: the kernel's default is 50. */
void pause_precisely(void);

#endif
