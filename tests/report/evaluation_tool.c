/* usage: evaluation_tool RECORDS FOLDER
 *
 * Writes the report of an evaluation from a file of records (records.h). Photos are read from files. */
#include "pomona/report_evaluation.h"
#include "records.h"

#include <stdio.h>

enum { PHOTOS_EACH = 8 };

struct input {
    struct pomona_evaluation_report report;
    const char **notes, **groups, **shared_groups;
    struct pomona_evaluation_class *classes;
    struct pomona_confusion_count *confusions;
    struct pomona_reliability_bin *bins, *bins_before;
    size_t before_count;
    struct pomona_rejection_point *points;
    struct pomona_evaluation_confusion *worst;
    struct pomona_evaluation_photo (*worst_photos)[PHOTOS_EACH]; /* [worst_count] */
    struct pomona_evaluation_mistake *mistakes;
    struct pomona_evaluation_duplicate *duplicates;
    struct pomona_report_label *unseen;
    struct pomona_report_failure *failures;
    struct record_photos files;
};

static struct pomona_rejection_point point(const char *text) {
    double n[4];
    records_numbers(text, n, 4);
    return (struct pomona_rejection_point){n[0], n[1], n[2], n[3]};
}

static struct pomona_reliability_bin bin(const char *text) {
    double n[5];
    records_numbers(text, n, 5);
    return (struct pomona_reliability_bin){(int64_t)n[0], n[1], {n[2], n[3], n[4]}};
}

static struct pomona_evaluation_photo photo(struct input *input, const char *path, const char *file,
                                            double probability) {
    return (struct pomona_evaluation_photo){record_photo(&input->files, file), or_null(path), probability};
}

/* Texts in order. */
static int add_text(struct input *input, const char *kind, const char *text) {
    const struct {
        const char *kind;
        const char ***texts;
        size_t *count;
    } lists[] = {{"note", &input->notes, &input->report.note_count},
                 {"group", &input->groups, &input->report.group_count},
                 {"shared_group", &input->shared_groups, &input->report.shared_group_count}};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (strcmp(lists[i].kind, kind) != 0) continue;
        ADD(*lists[i].texts, *lists[i].count);
        (*lists[i].texts)[(*lists[i].count)++] = text;
        return 1;
    }
    return 0;
}

static int add_figure(struct input *input, const char *kind, const char *a, const char *b) {
    struct pomona_evaluation_report *report = &input->report;
    double n[5];
    records_numbers(strcmp(kind, "class") == 0 ? b : a, n, 5);
    if (strcmp(kind, "class") == 0) {
        ADD(input->classes, report->class_count);
        input->classes[report->class_count++] =
            (struct pomona_evaluation_class){a, (int)n[0], (int64_t)n[1], n[2], n[3], n[4]};
    } else if (strcmp(kind, "confusion") == 0) {
        ADD(input->confusions, report->confusion_count);
        input->confusions[report->confusion_count++] =
            (struct pomona_confusion_count){(int)n[0], (int)n[1], (int64_t)n[2]};
    } else if (strcmp(kind, "bin") == 0) {
        ADD(input->bins, report->reliability_count);
        input->bins[report->reliability_count++] = bin(a);
    } else if (strcmp(kind, "bin_before") == 0) {
        ADD(input->bins_before, input->before_count);
        input->bins_before[input->before_count++] = bin(a);
    } else if (strcmp(kind, "point") == 0) {
        ADD(input->points, report->rejection_count);
        input->points[report->rejection_count++] = point(a);
    } else if (strcmp(kind, "operating") == 0) {
        report->operating = point(a);
        report->rejects = true;
    } else {
        return 0;
    }
    return 1;
}

static int add_photos(struct input *input, const char *kind, const char *a, const char *b, const char *c) {
    struct pomona_evaluation_report *report = &input->report;
    double n[3];
    records_numbers(a, n, 3);
    if (strcmp(kind, "worst") == 0) {
        ADD(input->worst, report->worst_count);
        ADD(input->worst_photos, report->worst_count);
        input->worst[report->worst_count++] = (struct pomona_evaluation_confusion){
            (int)n[0], (int)n[1], (int64_t)n[2], NULL, 0, photo(input, b, c, 0)};
    } else if (strcmp(kind, "worst_photo") == 0) {
        struct pomona_evaluation_confusion *last = &input->worst[report->worst_count - 1];
        if (last->photo_count == PHOTOS_EACH) exit(1);
        input->worst_photos[report->worst_count - 1][last->photo_count++] = photo(input, b, c, n[0]);
    } else if (strcmp(kind, "mistake") == 0) {
        ADD(input->mistakes, report->mistake_count);
        input->mistakes[report->mistake_count++] =
            (struct pomona_evaluation_mistake){(int)n[0], (int)n[1], photo(input, b, c, n[2])};
    } else if (strcmp(kind, "duplicate") == 0) {
        ADD(input->duplicates, report->duplicate_count);
        input->duplicates[report->duplicate_count++] = (struct pomona_evaluation_duplicate){.distance = n[0]};
    } else if (strcmp(kind, "judged_photo") == 0) {
        input->duplicates[report->duplicate_count - 1].judged = photo(input, b, c, 0);
        input->duplicates[report->duplicate_count - 1].judged_label = or_null(a);
    } else if (strcmp(kind, "learnt_photo") == 0) {
        input->duplicates[report->duplicate_count - 1].learnt = photo(input, b, c, 0);
        input->duplicates[report->duplicate_count - 1].learnt_label = or_null(a);
    } else if (strcmp(kind, "unseen") == 0) {
        ADD(input->unseen, report->unseen_count);
        input->unseen[report->unseen_count++] =
            (struct pomona_report_label){or_null(a), strtoll(b, NULL, 10)};
    } else if (strcmp(kind, "failure") == 0) {
        ADD(input->failures, report->failure_count);
        input->failures[report->failure_count++] = (struct pomona_report_failure){a, b};
    } else {
        return 0;
    }
    return 1;
}

static int set_value(struct pomona_evaluation_report *report, const char *kind, const char *value) {
    const struct {
        const char *name;
        const char **text;
        int64_t *integer;
        double *number;
        struct pomona_report_share *share;
        bool *flag;
    } fields[] = {{.name = "title", .text = &report->title},
                  {.name = "source", .text = &report->source},
                  {.name = "model", .text = &report->model},
                  {.name = "model_hash", .text = &report->model_hash},
                  {.name = "kind", .text = &report->kind},
                  {.name = "precision", .text = &report->precision},
                  {.name = "profile", .text = &report->profile},
                  {.name = "layer", .text = &report->layer},
                  {.name = "backbone", .text = &report->backbone},
                  {.name = "calibration", .text = &report->calibration},
                  {.name = "tier", .text = &report->tier},
                  {.name = "version", .text = &report->version},
                  {.name = "photos", .integer = &report->photos},
                  {.name = "judged", .integer = &report->judged},
                  {.name = "rejected", .integer = &report->rejected},
                  {.name = "coarse", .integer = &report->coarse},
                  {.name = "errors", .integer = &report->errors},
                  {.name = "known_photos", .integer = &report->known_photos},
                  {.name = "unknown_photos", .integer = &report->unknown_photos},
                  {.name = "duplicate_pairs", .integer = &report->duplicate_pairs},
                  {.name = "shared_groups", .integer = &report->shared_groups},
                  {.name = "seconds", .number = &report->seconds},
                  {.name = "temperature", .number = &report->temperature},
                  {.name = "macro_recall", .number = &report->macro_recall},
                  {.name = "ece", .number = &report->ece},
                  {.name = "ece_before", .number = &report->ece_before},
                  {.name = "false_reject", .number = &report->false_reject},
                  {.name = "duplicate_distance", .number = &report->duplicate_distance},
                  {.name = "top1", .share = &report->top1},
                  {.name = "top5", .share = &report->top5},
                  {.name = "coarse_top1", .share = &report->coarse_top1},
                  {.name = "coarse_top5", .share = &report->coarse_top5},
                  {.name = "accepted_top1", .share = &report->accepted_top1},
                  {.name = "clean_top1", .share = &report->clean_top1},
                  {.name = "auroc", .share = &report->auroc},
                  {.name = "synthetic_photos", .flag = &report->synthetic_photos},
                  {.name = "untrained_model", .flag = &report->untrained_model},
                  {.name = "leakage_checked", .flag = &report->leakage_checked}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        double n[3];
        if (strcmp(fields[i].name, kind) != 0) continue;
        records_numbers(value, n, 3);
        if (fields[i].text) *fields[i].text = value;
        if (fields[i].integer) *fields[i].integer = strtoll(value, NULL, 10);
        if (fields[i].number) *fields[i].number = n[0];
        if (fields[i].share) *fields[i].share = (struct pomona_report_share){n[0], n[1], n[2]};
        if (fields[i].flag) *fields[i].flag = value[0] == '1';
        return 1;
    }
    return 0;
}

static void take(void *self, const char *const fields[4]) {
    struct input *input = self;
    if (strcmp(fields[0], "language") == 0) {
        input->report.language = fields[1][0] == 'f' ? POMONA_LANGUAGE_FRENCH : POMONA_LANGUAGE_ENGLISH;
    } else if (!set_value(&input->report, fields[0], fields[1]) && !add_text(input, fields[0], fields[1]) &&
               !add_figure(input, fields[0], fields[1], fields[2]) &&
               !add_photos(input, fields[0], fields[1], fields[2], fields[3])) {
        fprintf(stderr, "evaluation_tool: unknown record %s\n", fields[0]);
        exit(1);
    }
}

static void parse(struct input *input, const struct buffer *records) {
    struct pomona_evaluation_report *report = &input->report;
    records_parse(records, take, input);
    report->notes = input->notes;
    report->groups = input->groups;
    report->shared_group_names = input->shared_groups;
    report->classes = input->classes;
    report->confusions = input->confusions;
    report->reliability = input->bins;
    report->reliability_before = input->before_count == report->reliability_count ? input->bins_before : NULL;
    report->rejection = input->points;
    for (size_t i = 0; i < report->worst_count; i++) input->worst[i].photos = input->worst_photos[i];
    report->worst = input->worst;
    report->mistakes = input->mistakes;
    report->duplicates = input->duplicates;
    report->unseen = input->unseen;
    report->failures = input->failures;
    report->read_photo = record_photo_read;
    report->user = &input->files;
}

static void input_free(struct input *input) {
    void *const blocks[] = {input->notes,      input->groups,       input->shared_groups, input->classes,
                            input->confusions, input->bins,         input->bins_before,   input->points,
                            input->worst,      input->worst_photos, input->mistakes,      input->duplicates,
                            input->unseen,     input->failures,     input->files.files};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) memory_free(blocks[i]);
    buffer_free(&input->files.bytes);
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
        status = pomona_evaluation_report_write(&input.report, argv[2], &error);
    }
    if (status != POMONA_OK) fprintf(stderr, "evaluation_tool: %s\n", error.message);
    pomona_context_free(&context);
    buffer_free(&records);
    input_free(&input);
    return pomona_status_exit_code(status);
}
