/* usage: comparison_tool RECORDS FOLDER
 *
 * Writes the report of a comparison from a file of records (records.h). */
#include "pomona/report_comparison.h"
#include "records.h"

#include <stdio.h>

struct input {
    struct pomona_comparison_report report;
    const char **notes;
    struct pomona_comparison_row *rows;
    struct pomona_report_failure *failures;
};

/* Figures of the last row, in the order of the header. */
static void set_figures(struct pomona_comparison_row *row, const char *text) {
    double n[18];
    records_numbers(text, n, 18);
    row->top1 = (struct pomona_report_share){n[0], n[1], n[2]};
    row->coarse_top1 = (struct pomona_report_share){n[3], n[4], n[5]};
    row->ms = n[6], row->p99_ms = n[7], row->photos_per_second = n[8], row->ready_ms = n[9];
    row->memory = (uint64_t)n[10], row->file = (uint64_t)n[11], row->energy = n[12];
    row->recommended = n[13] > 0, row->over_ms = n[14] > 0, row->over_memory = n[15] > 0;
    row->width = row->height = (int)n[16];
    row->over_file = n[17] > 0;
}

static void take(void *self, const char *const fields[4]) {
    struct input *input = self;
    struct pomona_comparison_report *report = &input->report;
    const char *kind = fields[0], *a = fields[1];
    const struct {
        const char *name;
        const char **text;
    } texts[] = {{"title", &report->title},
                 {"source", &report->source},
                 {"version", &report->version},
                 {"tier", &report->tier},
                 {"advice", &report->advice}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(texts[i].name, kind) != 0) continue;
        *texts[i].text = a;
        return;
    }
    if (strcmp(kind, "row") == 0) {
        ADD(input->rows, report->row_count);
        input->rows[report->row_count++] = (struct pomona_comparison_row){
            .name = a, .precision = or_null(fields[2]), .kind = or_null(fields[3])};
    } else if (strcmp(kind, "figures") == 0) {
        set_figures(&input->rows[report->row_count - 1], a);
    } else if (strcmp(kind, "failure") == 0) {
        ADD(input->failures, report->failure_count);
        input->failures[report->failure_count++] = (struct pomona_report_failure){a, fields[2]};
    } else if (strcmp(kind, "note") == 0) {
        ADD(input->notes, report->note_count);
        input->notes[report->note_count++] = a;
    } else if (strcmp(kind, "budget") == 0) {
        double n[5];
        records_numbers(a, n, 5);
        report->budget = (struct pomona_comparison_budget){n[0], n[1], (uint64_t)n[2], (uint64_t)n[3], n[4]};
    } else if (strcmp(kind, "language") == 0) {
        report->language = a[0] == 'f' ? POMONA_LANGUAGE_FRENCH : POMONA_LANGUAGE_ENGLISH;
    } else if (strcmp(kind, "energy") == 0) {
        report->energy = a[0] == 'j' ? POMONA_COMPARISON_JOULES : POMONA_COMPARISON_CPU_SECONDS;
    } else if (strcmp(kind, "photos") == 0) {
        report->photos = strtoll(a, NULL, 10);
    } else if (strcmp(kind, "labels_differ") == 0) {
        report->labels_differ = true;
    } else {
        fprintf(stderr, "comparison_tool: unknown record %s\n", kind);
        exit(1);
    }
}

int main(int argc, char **argv) {
    struct pomona_error error = {0};
    struct buffer records = BUFFER_INIT(RECORDS_LIMIT);
    struct input input = {.report = {.threads = 2, .rounds = 3, .seconds = 61.5}};
    if (argc != 3) return 1;
    pomona_status status = file_read(argv[1], &records, &error);
    if (status == POMONA_OK) {
        records_parse(&records, take, &input);
        input.report.rows = input.rows;
        input.report.notes = input.notes;
        input.report.failures = input.failures;
        status = pomona_comparison_report_write(&input.report, argv[2], &error);
    }
    if (status != POMONA_OK) fprintf(stderr, "comparison_tool: %s\n", error.message);
    buffer_free(&records);
    memory_free(input.rows);
    memory_free(input.notes);
    memory_free(input.failures);
    return pomona_status_exit_code(status);
}
