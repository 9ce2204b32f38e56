/* An allocator that fails on request, for programs that are linked with the options of tests/base/meson.build. */
#ifndef TESTS_FAILING_H
#define TESTS_FAILING_H

/* The k-th allocation from now on fails (k >= 1), and every later one works; 0: none fails. */
void fail_allocation(long k);

/* Allocations so far. */
long allocations(void);

/* Whether that allocation was reached. */
int failed_allocation(void);

#endif
