#include "pomona/train.h"

#include "base/clock.h"
#include "base/file_sink.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "classifier/classifier.h"
#include "job/trainer.h"
#include "net/model.h"
#include "pomona/cpu.h"
#include "pomona/version.h"
#include "store/folder.h"

#include <stdio.h>
#include <string.h>

enum { FILE_BYTES_MAX = 1 << 30, FACTS = 10, FACT_TEXT_MAX = 64 };

/* Facts of the training for the file's metadata. */
struct facts {
    struct onnx_property list[FACTS];
    char text[FACTS][FACT_TEXT_MAX];
    int count;
};

static void add_fact(struct facts *facts, const char *key, double value) {
    char *text = facts->text[facts->count];
    snprintf(text, FACT_TEXT_MAX, "%.17g", value);
    facts->list[facts->count++] = (struct onnx_property){key, text};
}

/* In the order of their keys, as they are read back: a file that is written again is the same file. */
static void gather_facts(const struct trainer *t, struct facts *facts) {
    const struct pomona_train_result *result = t->result;
    add_fact(facts, "pomona.train.folds", result->folds);
    if (result->validation > 0) {
        add_fact(facts, "pomona.train.judged_log_loss", result->log_loss);
        add_fact(facts, "pomona.train.judged_photos", (double)result->validation);
        add_fact(facts, "pomona.train.judged_top1", result->top1);
    }
    add_fact(facts, "pomona.train.photos", (double)result->rows);
    add_fact(facts, "pomona.train.seed", (double)t->options->seed);
    add_fact(facts, "pomona.train.strength", result->candidates[result->chosen].regularisation);
    facts->list[facts->count++] = (struct onnx_property){"pomona.train.version", pomona_version()};
}

static pomona_status describe_classes(struct trainer *t, struct pomona_class *classes) {
    for (int c = 0; c < t->head.classes; c++) {
        classes[c] = (struct pomona_class){.name = t->given_names ? t->given_names[c] : t->classes.names[c],
                                           .group = t->head.groups ? t->head.class_group[c] : -1,
                                           .aliases = ""};
        if (!*classes[c].name)
            return fail(t->error, POMONA_E_INPUT, t->options->sources[0], "a label is empty");
    }
    for (size_t i = 0; i < t->table.rows; i++) classes[t->leaf[i]].photos++;
    return POMONA_OK;
}

static pomona_status format_file(struct trainer *t, const struct classifier_parts *parts,
                                 struct buffer *out) {
    const void *data = t->backbone_file.data;
    size_t size = t->backbone_file.size;
    if (!t->options->backbone) embedded_model(pomona_precision_name(t->info.precision), &data, &size);
    struct buffer backbone = BUFFER_INIT(FILE_BYTES_MAX);
    pomona_status status = POMONA_OK;
    if (t->info.has_head) { /* a classifier given as the backbone: its own backbone */
        status = classifier_cut_backbone(t->info.name, data, size, &backbone, t->error);
        data = backbone.data, size = backbone.size;
    }
    if (status == POMONA_OK)
        status = classifier_write(parts, t->options->backbone ? t->options->backbone : "embedded",
                                  t->options->head_only ? NULL : data, size, out, t->error);
    buffer_free(&backbone);
    return status;
}

static pomona_status write_file(struct trainer *t, const struct classifier_parts *parts) {
    struct buffer file = BUFFER_INIT(FILE_BYTES_MAX);
    pomona_status status = format_file(t, parts, &file);
    if (status == POMONA_OK) {
        sha256_hex_of(file.data, file.size, t->result->hash);
        t->result->bytes = file.size;
        status = file_write(t->options->out, file.data, file.size, t->error);
    }
    buffer_free(&file);
    return status;
}

pomona_status trainer_write(struct trainer *t) {
    char profile[POMONA_PROFILE_TEXT_MAX];
    struct facts facts = {.count = 0};
    if (t->options->half) TRY(head_round_half(&t->head, t->options->out, t->error));
    struct pomona_class *classes = memory_new((size_t)t->head.classes, sizeof *classes);
    if (!classes) return fail_memory(t->error, "labels");
    gather_facts(t, &facts);
    pomona_profile_format(&t->info.profile, profile);
    const struct classifier_parts parts = {.head = &t->head,
                                           .kind = t->result->candidates[t->result->chosen].head,
                                           .classes = classes,
                                           .groups = t->hierarchy.groups,
                                           .calibration = t->judged_count == 0 ? ""
                                                          : t->fold            ? "folds"
                                                                               : "validation",
                                           .false_reject =
                                               t->options->false_reject > 0 ? t->options->false_reject : 0.05,
                                           .labels_version = 1,
                                           .history = "",
                                           .layer = t->info.layer,
                                           .profile = profile,
                                           .feature_space = t->info.feature_space,
                                           .precision = pomona_precision_name(t->info.precision),
                                           .backbone_hash = t->info.hash,
                                           .facts = facts.list,
                                           .fact_count = facts.count,
                                           .half = t->options->half};
    pomona_status status = describe_classes(t, classes);
    if (status == POMONA_OK) status = write_file(t, &parts);
    memory_free(classes);
    return status;
}

static pomona_status check_options(const struct trainer *t) {
    const struct pomona_train_options *options = t->options;
    if (!options->out || options->source_count < 1)
        return fail(t->error, POMONA_E_USAGE, NULL, "features and a file to write are needed");
    if (options->validation && options->folds)
        return fail(t->error, POMONA_E_USAGE, NULL,
                    "a validation table and folds both say what to judge on: choose one");
    if (options->folds < 0 || options->folds == 1 || options->folds > POMONA_TRAIN_FOLDS_MAX)
        return fail(t->error, POMONA_E_USAGE, NULL, "folds: %d is not in 2..%d", options->folds,
                    POMONA_TRAIN_FOLDS_MAX);
    if (!(options->false_reject <= 0.5))
        return fail(t->error, POMONA_E_USAGE, NULL, "false reject: %g is not at most 0.5",
                    options->false_reject);
    if (!options->overwrite && path_exists(options->out))
        return fail(t->error, POMONA_E_EXISTS, options->out, "exists already: --overwrite replaces it");
    return POMONA_OK;
}

static pomona_status run(struct trainer *t) {
    double start = clock_seconds();
    TRY(check_options(t));
    TRY(trainer_read(t));
    t->result->seconds_read = clock_seconds() - start;
    start = clock_seconds();
    TRY(trainer_split_rows(t));
    TRY(trainer_choose(t));
    TRY(trainer_finish(t));
    t->result->seconds_fit = clock_seconds() - start;
    start = clock_seconds();
    TRY(trainer_write(t));
    t->result->seconds_write = clock_seconds() - start;
    return POMONA_OK;
}

static void trainer_free(struct trainer *t) {
    for (int s = 0; t->splits && s < t->split_count; s++) {
        struct trainer_split *split = &t->splits[s];
        memory_free(split->weight);
        pomona_moments_free(&split->moments);
        closed_form_free(&split->form);
        linear_model_free(&split->last);
        head_free(&split->neighbours);
    }
    void *const owned[] = {
        t->splits, t->leaf,   t->truth,       t->calibration_truth, t->fold, (void *)t->given_names,
        t->scores, t->logits, t->best_logits, t->validation_scores};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) memory_free(owned[i]);
    logistic_problem_free(&t->logistic);
    head_free(&t->head);
    pomona_pca_free(&t->pca);
    pomona_moments_free(&t->given);
    hierarchy_free(&t->hierarchy);
    label_list_free(&t->classes);
    labelled_table_free(&t->table);
    labelled_table_free(&t->validation);
    buffer_free(&t->backbone_file);
    pomona_model_free(&t->backbone);
}

pomona_status pomona_train_run(const struct pomona_context *context,
                               const struct pomona_train_options *options, struct pomona_train_result *result,
                               struct pomona_error *error) {
    struct pomona_train_result *own = NULL;
    if (!result) result = own = memory_new(1, sizeof *own);
    if (!result) return fail_memory(error, "result");
    memset(result, 0, sizeof *result);
    double start = clock_seconds();
    struct trainer trainer = {.context = context,
                              .options = options,
                              .result = result,
                              .error = error,
                              .threads = options->threads > 0 ? options->threads : pomona_cpu_threads(),
                              .backbone_file = BUFFER_INIT(FILE_BYTES_MAX),
                              .table = LABELLED_TABLE_INIT,
                              .validation = LABELLED_TABLE_INIT,
                              .hierarchy = HIERARCHY_INIT};
    pomona_status status = run(&trainer);
    result->seconds = clock_seconds() - start;
    trainer_free(&trainer);
    memory_free(own);
    return status;
}
