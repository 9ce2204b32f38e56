#include "job/report.h"

#include "base/arena.h"
#include "base/memory.h"
#include "job/error_rows.h"
#include "job/label_counts.h"
#include "job/pictures.h"
#include "pomona/report.h"
#include "pomona/version.h"

#include <string.h>

enum {
    ROWS_MAX = 100000,
    COMPONENTS_MAX = 32,
    PHOTO_BYTES_MAX = 64 << 20,
    FAILURES_SHOWN = 200,
    STAGES_MAX = 12
};

/* What is gathered for the page. */
struct gathering {
    const struct report_job *job;
    struct pomona_pca_info info;
    struct arena texts;
    struct pomona_report report;
    struct pomona_report_stage stages[STAGES_MAX];
    struct pomona_report_photo *photos; /* [capacity] */
    double *scores;                     /* [capacity][components] */
    double *all_scores;                 /* [info.k], of one row */
    size_t rows, capacity, components, stride;
    struct label_counts labels;
    struct error_rows failures;
    struct buffer photo; /* the bytes of the photo that was asked for last */
    struct pictures pictures;
};

/* A photo's bytes; one that can't be read has no picture in the report. */
static pomona_status read_photo(void *user, size_t row, const void **bytes, size_t *size,
                                struct pomona_error *error) {
    struct gathering *gathering = user;
    const char *path = gathering->photos[row].path;
    TRY(pictures_read(&gathering->pictures, path, &gathering->photo, error));
    *bytes = gathering->photo.data;
    *size = gathering->photo.size;
    return POMONA_OK;
}

/* Whether the corpus was drawn by pomona sample, which leaves a note in every file. */
static bool is_synthetic(struct gathering *gathering) {
    static const char note[] = "drawn by pomona sample";
    const void *bytes = NULL;
    size_t size = 0;
    return gathering->rows > 0 && read_photo(gathering, 0, &bytes, &size, NULL) == POMONA_OK &&
           memmem(bytes, size, note, sizeof note - 1);
}

/* Counts a row's label and, for every stride-th row, keeps its scores. */
static pomona_status keep_row(struct gathering *gathering, const struct pomona_feature_row *row,
                              struct pomona_error *error) {
    const char *label;
    TRY(label_counts_add(&gathering->labels, row->label, &label, error));
    if ((size_t)row->index % gathering->stride != 0 || gathering->rows == gathering->capacity)
        return POMONA_OK;
    const char *path = arena_copy_text(&gathering->texts, row->path, strlen(row->path));
    if (!path) return fail_memory(error, "report");
    gathering->photos[gathering->rows] = (struct pomona_report_photo){path, label};
    pomona_pca_project(gathering->job->pca, 1, row->features, gathering->job->spark_scores,
                       gathering->all_scores);
    memcpy(gathering->scores + gathering->rows * gathering->components, gathering->all_scores,
           gathering->components * sizeof(double));
    gathering->rows++;
    return POMONA_OK;
}

static pomona_status gather_rows(struct gathering *gathering, struct pomona_error *error) {
    struct table_source *source = gathering->job->source;
    size_t total = (size_t)source->info.rows;
    gathering->stride = (total + ROWS_MAX - 1) / ROWS_MAX;
    gathering->capacity = total / gathering->stride + 1;
    gathering->components =
        gathering->info.k < COMPONENTS_MAX ? (size_t)gathering->info.k : (size_t)COMPONENTS_MAX;
    gathering->photos = memory_new(gathering->capacity, sizeof *gathering->photos);
    gathering->scores = memory_new(size_multiply(gathering->capacity, gathering->components), sizeof(double));
    gathering->all_scores = memory_new((size_t)gathering->info.k, sizeof(double));
    if (!gathering->photos || !gathering->scores || !gathering->all_scores)
        return fail_memory(error, "report");
    TRY(pomona_feature_reader_rewind(source->reader, error));
    for (;;) {
        struct pomona_feature_row row;
        bool has_row;
        TRY(pomona_feature_reader_next(source->reader, &row, &has_row, error));
        if (!has_row) return POMONA_OK;
        TRY(keep_row(gathering, &row, error));
    }
}

static void add_stage(struct gathering *gathering, const char *name, double seconds) {
    gathering->stages[gathering->report.stage_count++] = (struct pomona_report_stage){name, seconds};
}

/* What a run that just ended knows of itself. */
static void describe_run(struct gathering *gathering, const struct pomona_features_result *run) {
    struct pomona_report *report = &gathering->report;
    report->photos = run->total_rows + run->total_errors; /* more than this run's after adding */
    report->skipped = run->skipped;
    report->bytes_read = run->bytes_read;
    report->seconds = run->seconds;
    report->photos_per_second = run->photos_per_second;
    report->threads = run->threads;
    report->untrained_model = run->untrained_model;
    report->profile_assumed = run->profile_assumed;
    add_stage(gathering, "list", run->seconds_list);
    add_stage(gathering, "model", run->seconds_model);
    add_stage(gathering, "read", run->seconds_read);
    add_stage(gathering, "decode", run->seconds_decode);
    add_stage(gathering, "resize", run->seconds_resize);
    add_stage(gathering, "net", run->seconds_net);
    add_stage(gathering, "write", run->seconds_write);
}

static void describe(struct gathering *gathering) {
    const struct report_job *job = gathering->job;
    const struct pomona_feature_reader *reader = job->source->reader;
    struct pomona_report *report = &gathering->report;
    report->source = job->name;
    report->rows = job->source->info.rows;
    report->version = pomona_version();
    report->model = pomona_feature_reader_property(reader, "pomona.model");
    report->model_hash = pomona_feature_reader_property(reader, "pomona.model_hash");
    report->layer = pomona_feature_reader_property(reader, "pomona.layer");
    report->profile = pomona_feature_reader_property(reader, "pomona.profile");
    report->precision = pomona_feature_reader_property(reader, "pomona.precision");
    report->tier = pomona_feature_reader_property(reader, "pomona.tier");
    if (report->tier && strcmp(report->tier, "any") == 0) report->tier = NULL; /* 8 bits: all the same */
    report->feature_space = pomona_feature_reader_property(reader, "pomona.feature_space");
    report->stages = gathering->stages;
    if (job->run) describe_run(gathering, job->run);
    add_stage(gathering, "moments",
              job->result->seconds_moments + (job->run ? job->run->seconds_moments : 0));
    add_stage(gathering, "pca", job->result->seconds_fit);
    add_stage(gathering, "scores", job->result->seconds_scores);
    report->spectrum = (struct pomona_spectrum){gathering->info.eigenvalues, (size_t)gathering->info.features,
                                                gathering->info.total_variance};
    report->features = gathering->info.features;
    report->scores_standardised = gathering->info.standardised;
    report->scores = gathering->scores;
    report->row_photos = gathering->photos;
    report->row_count = gathering->rows;
    report->components = gathering->components;
    report->labels = gathering->labels.labels;
    report->label_count = gathering->labels.count;
    report->errors = gathering->failures.total;
    report->failures = gathering->failures.rows;
    report->failure_count = gathering->failures.count;
    if (!report->photos) report->photos = report->rows + report->errors;
    report->synthetic_photos = is_synthetic(gathering);
    report->context = job->context;
    report->read_photo = read_photo;
    report->user = gathering;
}

static pomona_status gather_and_write(struct gathering *gathering, struct pomona_error *error) {
    const struct report_job *job = gathering->job;
    const char *language = job->language ? job->language : "en";
    TRY(pomona_language_parse(language, &gathering->report.language, error));
    TRY(gather_rows(gathering, error));
    if (job->errors) TRY(error_rows_read(job->errors, FAILURES_SHOWN, &gathering->failures, error));
    describe(gathering);
    return pomona_report_write(&gathering->report, job->folder, error);
}

pomona_status report_job_run(const struct report_job *job, struct pomona_error *error) {
    struct gathering gathering = {.job = job,
                                  .texts = ARENA_INIT(SIZE_MAX),
                                  .labels = LABEL_COUNTS_INIT,
                                  .pictures = PICTURES_INIT(job->places),
                                  .failures = ERROR_ROWS_INIT,
                                  .photo = BUFFER_INIT(PHOTO_BYTES_MAX)};
    pomona_pca_get_info(job->pca, &gathering.info);
    pomona_status status = gather_and_write(&gathering, error);
    arena_free(&gathering.texts);
    memory_free(gathering.photos);
    memory_free(gathering.scores);
    memory_free(gathering.all_scores);
    label_counts_free(&gathering.labels);
    error_rows_free(&gathering.failures);
    buffer_free(&gathering.photo);
    pictures_free(&gathering.pictures);
    return status;
}
