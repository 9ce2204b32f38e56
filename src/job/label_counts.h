/* How many rows each label has. */
#ifndef JOB_LABEL_COUNTS_H
#define JOB_LABEL_COUNTS_H

#include "base/arena.h"
#include "base/error.h"
#include "pomona/report.h"

struct label_counts {
    struct arena texts;
    struct pomona_report_label *labels; /* [count], in the order of their first row */
    size_t count;
    size_t *slots; /* [slot_count], open addressing: 1 + index into labels, 0: free */
    size_t slot_count;
};

#define LABEL_COUNTS_INIT ((struct label_counts){.texts = ARENA_INIT(SIZE_MAX)})

/* Counts one row. `label` may be NULL (a label of its own). *kept is the label's copy, which lives as long as the
 * counts. POMONA_E_MEMORY. */
pomona_status label_counts_add(struct label_counts *counts, const char *label, const char **kept,
                               struct pomona_error *error);

void label_counts_free(struct label_counts *counts);

#endif
