/* The error rows of a finished job, read back. */
#ifndef JOB_ERROR_ROWS_H
#define JOB_ERROR_ROWS_H

#include "base/arena.h"
#include "base/error.h"
#include "pomona/report.h"

struct error_rows {
    struct arena texts;
    struct pomona_report_failure *rows; /* [count], the first ones */
    size_t count;
    int64_t total;
};

#define ERROR_ROWS_INIT ((struct error_rows){.texts = ARENA_INIT(SIZE_MAX)})

/* Reads the first `limit` rows of the Parquet files in `folder` (columns path and reason). A missing folder has none.
 * Errors: those of the Parquet reader. */
pomona_status error_rows_read(const char *folder, size_t limit, struct error_rows *rows,
                              struct pomona_error *error);

void error_rows_free(struct error_rows *rows);

#endif
