/* Answers as rows of text, JSON, CSV or Parquet. */
#ifndef JOB_PREDICT_ROWS_H
#define JOB_PREDICT_ROWS_H

#include "base/io.h"
#include "pomona/classifier.h"
#include "pomona/predict.h"
#include "table/csv.h"
#include "table/parquet_writer.h"

#include <limits.h>

/* One row. */
struct predict_row {
    const char *path;
    const char *error;           /* NULL: there is an answer */
    const double *probabilities; /* [classes] */
    struct pomona_answer answer;
    int64_t photos; /* that the answer is of */
};

/* Zero-initialise, fill the first block, start, and free in every case. */
struct predict_rows {
    const struct pomona_classifier *classifier;
    enum pomona_predict_format format;
    struct sink sink;
    int top;
    bool fused; /* rows say of how many photos they are */
    bool block; /* text: one answer is expected, and may take several lines */

    struct pomona_classifier_info info;
    struct buffer text;
    int *best; /* [top] */
    struct csv_writer csv;
    struct parquet_writer *parquet;
    char folder[PATH_MAX]; /* the current one with a slash, which people need not read; may be empty */
};

pomona_status predict_rows_start(struct predict_rows *rows, struct pomona_error *error);
pomona_status predict_rows_add(struct predict_rows *rows, const struct predict_row *row,
                               struct pomona_error *error);
pomona_status predict_rows_finish(struct predict_rows *rows, struct pomona_error *error);
void predict_rows_free(struct predict_rows *rows);

#endif
