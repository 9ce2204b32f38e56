#include "job/scores.h"

#include "base/file_sink.h"
#include "base/memory.h"
#include "pomona/version.h"
#include "table/csv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BATCH = 64, TEXTS_MAX = 1 << 30 };
static const size_t no_label = SIZE_MAX;

/* Rows are gathered into batches, so that the model's weights are read once for each. */
struct scoring {
    struct table_source *source;
    const struct scores_options *options;
    struct pomona_pca_info info;
    struct file_sink parquet_file, csv_file;
    struct parquet_writer *parquet;
    struct csv_writer csv;
    bool csv_open;
    float *features;                  /* [BATCH][features] */
    double *scores;                   /* [BATCH][k] */
    size_t rows;                      /* in the batch */
    struct buffer texts;              /* their paths and labels, each with a NUL */
    size_t path[BATCH], label[BATCH]; /* offsets in texts, or no_label */
    struct pomona_error *error;
};

static pomona_status start_csv(struct scoring *s) {
    TRY(file_sink_open(&s->csv_file, s->options->csv, s->error));
    s->csv = csv_start(file_sink_as_sink(&s->csv_file), s->error);
    s->csv_open = true;
    csv_text(&s->csv, "path");
    csv_text(&s->csv, "label");
    for (int c = 1; c <= s->info.k; c++) {
        char name[16];
        snprintf(name, sizeof name, "pc%d", c);
        csv_text(&s->csv, name);
    }
    csv_end_record(&s->csv);
    return s->csv.status;
}

static pomona_status start(struct scoring *s) {
    const struct table_column columns[] = {
        {"path", TABLE_TEXT},
        {"label", TABLE_TEXT},
        {"pca", s->options->spark_vector ? TABLE_SPARK_VECTOR : TABLE_DOUBLE_LIST}};
    const struct table_property properties[] = {
        {"pomona.version", pomona_version()},
        {"pomona.pca", s->info.hash},
        {"pomona.scores", s->options->spark_scores ? "spark" : "centred"},
        {"pomona.feature_space", s->source->feature_space}};
    const struct parquet_options options = {.codec = s->options->codec,
                                            .properties = properties,
                                            .property_count = sizeof properties / sizeof *properties};
    s->features = memory_new(size_multiply(BATCH, (size_t)s->info.features), sizeof *s->features);
    s->scores = memory_new(size_multiply(BATCH, (size_t)s->info.k), sizeof *s->scores);
    if (!s->features || !s->scores) return fail_memory(s->error, "scores");
    TRY(file_sink_open(&s->parquet_file, s->options->parquet, s->error));
    TRY(parquet_writer_new(file_sink_as_sink(&s->parquet_file), columns, 3, &options, &s->parquet, s->error));
    return start_csv(s);
}

static pomona_status write_row(struct scoring *s, size_t row) {
    size_t k = (size_t)s->info.k;
    const double *scores = s->scores + row * k;
    const char *path = (const char *)s->texts.data + s->path[row];
    const char *label = s->label[row] == no_label ? NULL : (const char *)s->texts.data + s->label[row];
    for (size_t c = 0; c < k; c++)
        if (!isfinite(scores[c]))
            return fail(s->error, POMONA_E_INPUT, path,
                        "its scores are not finite: are its features NaN or infinite?");
    struct table_cell cells[] = {cell_text(path), cell_text(label), cell_doubles(scores, k)};
    TRY(parquet_writer_add(s->parquet, cells, s->error));
    csv_text(&s->csv, path);
    csv_text(&s->csv, label ? label : "");
    for (size_t c = 0; c < k; c++) csv_number(&s->csv, scores[c]);
    csv_end_record(&s->csv);
    return s->csv.status;
}

static pomona_status write_batch(struct scoring *s) {
    pomona_pca_project(s->options->pca, s->rows, s->features, s->options->spark_scores, s->scores);
    for (size_t row = 0; row < s->rows; row++) TRY(write_row(s, row));
    s->rows = 0;
    buffer_clear(&s->texts);
    bool stop = s->options->should_stop && s->options->should_stop(s->options->user);
    return stop ? fail(s->error, POMONA_E_INTERRUPTED, s->source->features, "interrupted") : POMONA_OK;
}

static pomona_status keep_text(struct scoring *s, const char *text, size_t *offset) {
    *offset = s->texts.size;
    return buffer_append(&s->texts, text, strlen(text) + 1, s->error);
}

static pomona_status score_rows(struct scoring *s) {
    struct pomona_feature_row row;
    size_t width = (size_t)s->info.features;
    TRY(pomona_feature_reader_rewind(s->source->reader, s->error));
    for (;;) {
        bool has_row;
        TRY(pomona_feature_reader_next(s->source->reader, &row, &has_row, s->error));
        if (!has_row) break;
        memcpy(s->features + s->rows * width, row.features, width * sizeof *s->features);
        TRY(keep_text(s, row.path, &s->path[s->rows]));
        s->label[s->rows] = no_label;
        if (row.label) TRY(keep_text(s, row.label, &s->label[s->rows]));
        if (++s->rows == BATCH) TRY(write_batch(s));
    }
    return s->rows ? write_batch(s) : POMONA_OK;
}

static pomona_status finish(struct scoring *s, struct scores_summary *summary) {
    TRY(parquet_writer_finish(s->parquet, s->error));
    summary->rows = parquet_writer_rows(s->parquet);
    summary->size = s->parquet_file.size;
    TRY(file_sink_commit(&s->parquet_file, summary->digest, s->error));
    s->csv_open = false;
    TRY(csv_finish(&s->csv));
    return file_sink_commit(&s->csv_file, NULL, s->error);
}

pomona_status scores_write(struct table_source *source, const struct scores_options *options,
                           struct scores_summary *summary, struct pomona_error *error) {
    struct scoring *s = memory_new(1, sizeof *s);
    if (!s) return fail_memory(error, "scores");
    s->source = source;
    s->options = options;
    s->error = error;
    s->parquet_file = s->csv_file = FILE_SINK_INIT;
    s->texts = BUFFER_INIT(TEXTS_MAX);
    pomona_pca_get_info(options->pca, &s->info);
    pomona_status status = start(s);
    if (status == POMONA_OK) status = score_rows(s);
    if (status == POMONA_OK) status = finish(s, summary);
    if (s->csv_open) {
        s->csv.error = NULL; /* the first failure is the one to tell */
        csv_finish(&s->csv);
    }
    parquet_writer_free(&s->parquet);
    file_sink_close(&s->parquet_file);
    file_sink_close(&s->csv_file);
    buffer_free(&s->texts);
    memory_free(s->features);
    memory_free(s->scores);
    memory_free(s);
    return status;
}
