#include "base/file_sink.h"
#include "base/json.h"
#include "base/memory.h"
#include "job/evaluation.h"
#include "store/folder.h"
#include "table/csv.h"

#include <math.h>

static const char *const levels[] = {"fine", "coarse", "rejected"};

static struct pomona_evaluate_share share_of(size_t part, size_t all) {
    struct pomona_evaluate_share share = {all ? (double)part / (double)all : 0, 0, 0};
    if (all) metrics_wilson(part, all, &share.low, &share.high);
    return share;
}

/* Photos of `source` whose answers count, and how many of them are right; leaked ones left out or not. */
static size_t count_right(const struct evaluation *e, bool without_leaks, size_t *all) {
    size_t right = 0;
    *all = 0;
    for (size_t i = 0; i < e->source_count; i++) {
        const struct evaluated *photo = &e->photos[i];
        if (photo->truth < 0 || (without_leaks && photo->leaked)) continue;
        ++*all;
        right += photo->answer.best == photo->truth;
    }
    return right;
}

static pomona_status try_rejection(struct evaluation *e) {
    struct pomona_evaluate_result *result = e->result;
    struct metrics_scored *known = memory_new(e->count, sizeof *known);
    double *known_scores = memory_new(e->count, sizeof *known_scores),
           *unknown = memory_new(e->count, sizeof *unknown);
    size_t known_count = 0, unknown_count = 0, rejected = 0;
    bool enough = known && known_scores && unknown;
    for (size_t i = 0; i < e->count && enough; i++) {
        const struct evaluated *photo = &e->photos[i];
        if (photo->truth >= 0) {
            known_scores[known_count] = photo->answer.known;
            known[known_count++] =
                (struct metrics_scored){photo->answer.known, photo->answer.best == photo->truth};
        } else {
            rejected += photo->answer.level == POMONA_ANSWER_REJECTED;
            unknown[unknown_count++] = photo->answer.known;
        }
    }
    if (enough && unknown_count > 0) {
        result->has_rejection = true;
        result->unknown_rejected = (double)rejected / (double)unknown_count;
        e->curve_count = metrics_rejection_curve(known, known_count, unknown, unknown_count, e->curve);
        result->auroc.value = metrics_auroc(known_scores, known_count, unknown, unknown_count,
                                            &result->auroc.low, &result->auroc.high);
    }
    memory_free(known);
    memory_free(known_scores);
    memory_free(unknown);
    return enough ? POMONA_OK : fail_memory(e->error, "scores");
}

pomona_status evaluation_summarise(struct evaluation *e) {
    struct pomona_evaluate_result *result = e->result;
    const struct answers_summary *summary = &e->summary;
    size_t all;
    answers_summarise(e->answers, &e->summary);
    result->top1 = (struct pomona_evaluate_share){summary->top1, summary->top1_low, summary->top1_high};
    result->top5 = (struct pomona_evaluate_share){summary->topk, summary->topk_low, summary->topk_high};
    if (e->info.groups) {
        result->coarse_top1 = share_of(e->coarse_right, summary->rows);
        result->coarse_top5 = share_of(e->coarse_top5_right, summary->rows);
    }
    result->macro_recall = summary->macro_recall;
    result->log_loss = summary->log_loss;
    result->brier = summary->brier;
    result->ece = summary->ece_width;
    result->ece_before = metrics_calibration_error(&e->before);
    size_t right = count_right(e, true, &all);
    result->clean_top1 = share_of(right, all);
    return try_rejection(e);
}

pomona_status evaluation_write_file(struct evaluation *e, const char *name, const struct buffer *text) {
    char *path = path_join(e->staging, name);
    if (!path) return fail_memory(e->error, "paths");
    pomona_status status = file_write(path, text->data, text->size, e->error);
    memory_free(path);
    return status;
}

static void csv_names(struct csv_writer *csv, const char *const *names) {
    for (; *names; names++) csv_text(csv, *names);
    csv_end_record(csv);
}

/* Fills a CSV of the staging folder. */
static pomona_status write_csv(struct evaluation *e, const char *name, const char *const *header,
                               void (*rows)(struct evaluation *, struct csv_writer *)) {
    struct file_sink file = FILE_SINK_INIT;
    char *path = path_join(e->staging, name);
    pomona_status status = path ? file_sink_open(&file, path, e->error) : fail_memory(e->error, "paths");
    if (status == POMONA_OK) {
        struct csv_writer csv = csv_start(file_sink_as_sink(&file), e->error);
        csv_names(&csv, header);
        rows(e, &csv);
        status = csv_finish(&csv);
    }
    if (status == POMONA_OK) status = file_sink_commit(&file, NULL, e->error);
    file_sink_close(&file);
    memory_free(path);
    return status;
}

static const char *class_name(const struct evaluation *e, int index) {
    struct pomona_class class = {.name = ""};
    (void)pomona_classifier_class(e->classifier, index, &class);
    return class.name;
}

static void prediction_rows(struct evaluation *e, struct csv_writer *csv) {
    for (size_t i = 0; i < e->count; i++) {
        const struct evaluated *photo = &e->photos[i];
        const char *group = pomona_classifier_group(e->classifier, photo->answer.group);
        csv_text(csv, photo->path);
        csv_text(csv, photo->label ? photo->label : "");
        csv_text(csv, class_name(e, photo->answer.best));
        csv_number(csv, photo->answer.probability);
        csv_text(csv, group ? group : "");
        csv_number(csv, photo->answer.group_probability);
        csv_text(csv, levels[photo->answer.level]);
        csv_number(csv, photo->answer.known);
        csv_text(csv, photo->truth < 0 ? "" : photo->truth == photo->answer.best ? "true" : "false");
        csv_end_record(csv);
    }
}

static void class_rows(struct evaluation *e, struct csv_writer *csv) {
    for (int c = 0; c < e->info.classes; c++) {
        struct pomona_class class;
        struct answers_class figures;
        (void)pomona_classifier_class(e->classifier, c, &class);
        answers_of_class(e->answers, c, &figures);
        const char *group = pomona_classifier_group(e->classifier, class.group);
        csv_text(csv, class.name);
        csv_text(csv, group ? group : "");
        csv_integer(csv, (int64_t)figures.support);
        csv_integer(csv, (int64_t)figures.predicted);
        csv_integer(csv, (int64_t)figures.right);
        const double numbers[] = {figures.precision, figures.precision_low, figures.precision_high,
                                  figures.recall,    figures.recall_low,    figures.recall_high,
                                  figures.f1};
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) csv_number(csv, numbers[i]);
        csv_end_record(csv);
    }
}

static pomona_status write_confusions(struct evaluation *e) {
    enum { CONFUSION_BYTES_MAX = 1 << 30 };
    size_t pairs = answers_pairs(e->answers);
    struct metrics_cell *cells = memory_new(pairs, sizeof *cells);
    struct buffer text = BUFFER_INIT(CONFUSION_BYTES_MAX);
    if (!cells) return fail_memory(e->error, "confusions");
    answers_confusions(e->answers, cells);
    struct csv_writer csv = csv_start(sink_to_buffer(&text), e->error);
    csv_names(&csv, (const char *const[]){"label", "class", "photos", NULL});
    for (size_t i = 0; i < pairs; i++) {
        csv_text(&csv, class_name(e, cells[i].truth));
        csv_text(&csv, class_name(e, cells[i].predicted));
        csv_integer(&csv, (int64_t)cells[i].count);
        csv_end_record(&csv);
    }
    pomona_status status = csv_finish(&csv);
    if (status == POMONA_OK) status = evaluation_write_file(e, "confusion.csv", &text);
    memory_free(cells);
    buffer_free(&text);
    return status;
}

static void json_share(struct json *json, const char *key, const struct pomona_evaluate_share *share) {
    json_object(json, key);
    json_number(json, "value", share->value);
    json_number(json, "low", share->low);
    json_number(json, "high", share->high);
    json_object_end(json);
}

static void json_counts(struct json *json, const struct pomona_evaluate_result *result) {
    json_integer(json, "photos", result->photos);
    json_integer(json, "failed", result->failed);
    json_integer(json, "unlabelled", result->unlabelled);
    json_integer(json, "judged", result->judged);
    json_integer(json, "rejected", result->rejected);
    json_integer(json, "coarse_only", result->coarse_only);
    json_integer(json, "unseen", result->unseen);
    json_integer(json, "unknown", result->unknown);
}

static void json_figures(struct evaluation *e, struct json *json) {
    const struct pomona_evaluate_result *result = e->result;
    json_share(json, "top1", &result->top1);
    json_share(json, "top5", &result->top5);
    if (e->info.groups) {
        json_share(json, "coarse_top1", &result->coarse_top1);
        json_share(json, "coarse_top5", &result->coarse_top5);
    }
    json_number(json, "macro_recall", result->macro_recall);
    json_number(json, "log_loss", result->log_loss);
    json_number(json, "brier", result->brier);
    json_number(json, "ece", result->ece);
    json_number(json, "ece_equal_mass", e->summary.ece_mass);
    json_number(json, "ece_before_temperature", result->ece_before);
    if (result->has_rejection) {
        json_share(json, "auroc", &result->auroc);
        json_number(json, "unknown_rejected", result->unknown_rejected);
    }
    if (!e->options->train) return;
    json_integer(json, "duplicates", result->duplicates);
    json_integer(json, "shared_groups", result->shared_groups);
    json_share(json, "top1_without_leaks", &result->clean_top1);
}

static pomona_status write_json(struct evaluation *e) {
    enum { JSON_BYTES_MAX = 1 << 20 };
    struct buffer text = BUFFER_INIT(JSON_BYTES_MAX);
    struct json json = json_start(&text, e->error);
    json_object(&json, NULL);
    json_text(&json, "source", e->options->source);
    json_text(&json, "model", e->info.model.name);
    json_text(&json, "model_hash", e->info.hash);
    json_text(&json, "kind", e->info.kind);
    json_integer(&json, "classes", e->info.classes);
    json_integer(&json, "groups", e->info.groups);
    json_counts(&json, e->result);
    json_figures(e, &json);
    json_object_end(&json);
    pomona_status status = json_finish(&json);
    if (status == POMONA_OK) status = evaluation_write_file(e, "evaluation.json", &text);
    buffer_free(&text);
    return status;
}

pomona_status evaluation_write_tables(struct evaluation *e) {
    static const char *const predictions[] = {
        "path",  "label", "class", "probability", "coarse", "coarse_probability",
        "level", "known", "right", NULL};
    static const char *const classes[] = {
        "class",          "coarse", "photos",     "answered",    "right", "precision", "precision_low",
        "precision_high", "recall", "recall_low", "recall_high", "f1",    NULL};
    TRY(write_csv(e, "predictions.csv", predictions, prediction_rows));
    TRY(write_csv(e, "per_class.csv", classes, class_rows));
    TRY(write_confusions(e));
    return write_json(e);
}
