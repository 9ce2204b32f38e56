/* usage: report_tool RECORDS FOLDER
 *
 * Writes a report from a file of records (records.h). Photos are read from the file that "row" names. */
#include "pomona/report.h"
#include "records.h"

#include <stdio.h>

struct input {
    struct pomona_report report;
    struct pomona_report_stage *stages;
    struct pomona_report_label *labels;
    struct pomona_report_failure *failures;
    struct pomona_report_photo *photos;
    double *scores, *eigenvalues;
    size_t score_count;
    struct record_photos files;
};

/* "scores" holds numbers with spaces between. */
static void add_scores(struct input *input, const char *text) {
    size_t before = input->score_count;
    for (char *end; *text; text = end) {
        double value = strtod(text, &end);
        if (end == text) break;
        ADD(input->scores, input->score_count);
        input->scores[input->score_count++] = value;
    }
    input->report.components = input->score_count - before;
}

static void add_record(struct input *input, const char *kind, const char *a, const char *b, const char *c) {
    struct pomona_report *report = &input->report;
    if (strcmp(kind, "row") == 0) {
        ADD(input->photos, report->row_count);
        input->photos[report->row_count++] = (struct pomona_report_photo){a, or_null(b)};
        record_photo(&input->files, c);
    } else if (strcmp(kind, "scores") == 0) {
        add_scores(input, a);
    } else if (strcmp(kind, "eigenvalue") == 0) {
        ADD(input->eigenvalues, report->spectrum.count);
        input->eigenvalues[report->spectrum.count++] = strtod(a, NULL);
    } else if (strcmp(kind, "stage") == 0) {
        ADD(input->stages, report->stage_count);
        input->stages[report->stage_count++] = (struct pomona_report_stage){a, strtod(b, NULL)};
    } else if (strcmp(kind, "label") == 0) {
        ADD(input->labels, report->label_count);
        input->labels[report->label_count++] = (struct pomona_report_label){or_null(a), strtoll(b, NULL, 10)};
    } else if (strcmp(kind, "failure") == 0) {
        ADD(input->failures, report->failure_count);
        input->failures[report->failure_count++] = (struct pomona_report_failure){a, b};
    } else {
        fprintf(stderr, "report_tool: unknown record %s\n", kind);
        exit(1);
    }
}

/* Single values of the report; false for another kind of record. */
static int set_value(struct pomona_report *report, const char *kind, const char *value) {
    const struct {
        const char *name;
        const char **text;
        int64_t *integer;
        double *number;
        bool *flag;
    } fields[] = {{"title", &report->title, NULL, NULL, NULL},
                  {"source", &report->source, NULL, NULL, NULL},
                  {"model", &report->model, NULL, NULL, NULL},
                  {"model_hash", &report->model_hash, NULL, NULL, NULL},
                  {"layer", &report->layer, NULL, NULL, NULL},
                  {"profile", &report->profile, NULL, NULL, NULL},
                  {"tier", &report->tier, NULL, NULL, NULL},
                  {"version", &report->version, NULL, NULL, NULL},
                  {"photos", NULL, &report->photos, NULL, NULL},
                  {"rows", NULL, &report->rows, NULL, NULL},
                  {"errors", NULL, &report->errors, NULL, NULL},
                  {"skipped", NULL, &report->skipped, NULL, NULL},
                  {"seconds", NULL, NULL, &report->seconds, NULL},
                  {"photos_per_second", NULL, NULL, &report->photos_per_second, NULL},
                  {"total", NULL, NULL, &report->spectrum.total, NULL},
                  {"synthetic_photos", NULL, NULL, NULL, &report->synthetic_photos},
                  {"untrained_model", NULL, NULL, NULL, &report->untrained_model},
                  {"profile_assumed", NULL, NULL, NULL, &report->profile_assumed},
                  {"scores_standardised", NULL, NULL, NULL, &report->scores_standardised}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (strcmp(fields[i].name, kind) != 0) continue;
        if (fields[i].text) *fields[i].text = value;
        if (fields[i].integer) *fields[i].integer = strtoll(value, NULL, 10);
        if (fields[i].number) *fields[i].number = strtod(value, NULL);
        if (fields[i].flag) *fields[i].flag = value[0] == '1';
        return 1;
    }
    if (strcmp(kind, "threads") == 0) report->threads = (int)strtol(value, NULL, 10);
    if (strcmp(kind, "features") == 0) report->features = (int)strtol(value, NULL, 10);
    if (strcmp(kind, "bytes_read") == 0) report->bytes_read = strtoull(value, NULL, 10);
    if (strcmp(kind, "language") == 0)
        report->language = value[0] == 'f' ? POMONA_LANGUAGE_FRENCH : POMONA_LANGUAGE_ENGLISH;
    return strcmp(kind, "threads") == 0 || strcmp(kind, "features") == 0 || strcmp(kind, "bytes_read") == 0 ||
           strcmp(kind, "language") == 0;
}

static void take(void *self, const char *const fields[4]) {
    struct input *input = self;
    if (!set_value(&input->report, fields[0], fields[1]))
        add_record(input, fields[0], fields[1], fields[2], fields[3]);
}

static void parse(struct input *input, const struct buffer *records) {
    records_parse(records, take, input);
    input->report.stages = input->stages;
    input->report.labels = input->labels;
    input->report.failures = input->failures;
    input->report.row_photos = input->photos;
    input->report.scores = input->scores;
    input->report.spectrum.eigenvalues = input->eigenvalues;
    input->report.read_photo = record_photo_read;
    input->report.user = &input->files;
}

int main(int argc, char **argv) {
    struct pomona_error error = {0};
    struct buffer records = BUFFER_INIT(RECORDS_LIMIT);
    struct input input = {.files.bytes = BUFFER_INIT(RECORDS_LIMIT)};
    struct pomona_context *context = NULL;
    if (argc != 3) return 1;
    pomona_status status = file_read(argv[1], &records, &error);
    if (status == POMONA_OK) status = pomona_context_new(POMONA_TIER_AUTO, &context, &error);
    if (status == POMONA_OK) {
        parse(&input, &records);
        input.report.context = context;
        status = pomona_report_write(&input.report, argv[2], &error);
    }
    if (status != POMONA_OK) fprintf(stderr, "report_tool: %s\n", error.message);
    pomona_context_free(&context);
    buffer_free(&records);
    buffer_free(&input.files.bytes);
    memory_free(input.stages);
    memory_free(input.labels);
    memory_free(input.failures);
    memory_free(input.photos);
    memory_free(input.files.files);
    memory_free(input.scores);
    memory_free(input.eigenvalues);
    return pomona_status_exit_code(status);
}
