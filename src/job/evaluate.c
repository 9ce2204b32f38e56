#include "pomona/evaluate.h"

#include "base/clock.h"
#include "base/memory.h"
#include "classifier/classifier.h"
#include "job/evaluation.h"
#include "pomona/cpu.h"
#include "store/folder.h"

#include <string.h>

enum { PHOTO_BYTES_MAX = 64 << 20, TOP = 5 };

/* What the job makes in DIR, in the order in which it is moved there; the page is last. */
static const char *const children[] = {"confusion.png",   "confusion.svg", "reliability.png",
                                       "reliability.svg", "rejection.png", "rejection.svg",
                                       "predictions.csv", "per_class.csv", "confusion.csv",
                                       "evaluation.json", "report.html"};
enum { CHILDREN = sizeof children / sizeof *children };

static pomona_status check_options(const struct evaluation *e) {
    const struct pomona_evaluate_options *options = e->options;
    pomona_language language;
    if (!options->source || !options->out)
        return fail(e->error, POMONA_E_USAGE, NULL, "photos or features and a folder to write to are needed");
    if (options->group && !options->train)
        return fail(e->error, POMONA_E_USAGE, NULL,
                    "groups are looked for on both sides: --train names the other");
    if (!(options->similarity >= 0 && options->similarity <= 1))
        return fail(e->error, POMONA_E_USAGE, NULL, "similarity: %g is not in (0, 1]", options->similarity);
    if (options->language) TRY(pomona_language_parse(options->language, &language, e->error));
    for (int i = 0; i < CHILDREN && !options->overwrite; i++) {
        char *path = path_join(options->out, children[i]);
        bool found = path && path_exists(path);
        memory_free(path);
        if (found)
            return fail(e->error, POMONA_E_EXISTS, options->out, "has %s already: --overwrite replaces it",
                        children[i]);
    }
    return POMONA_OK;
}

static pomona_status start(struct evaluation *e) {
    const struct pomona_evaluate_options *options = e->options;
    const struct pomona_classifier_options with = {
        .head = options->head, .decode = options->decode, .precision = options->precision};
    TRY(pomona_classifier_open(e->context, options->model, &with, &e->classifier, e->error));
    pomona_classifier_get_info(e->classifier, &e->info);
    e->probabilities = memory_new((size_t)e->info.classes, sizeof *e->probabilities);
    e->groups = memory_new((size_t)e->info.groups, sizeof *e->groups);
    e->scratch = memory_new(head_scratch(&e->classifier->head), sizeof *e->scratch);
    e->failures = memory_new(EVALUATION_FAILURES_KEPT, sizeof *e->failures);
    if (!e->probabilities || !e->groups || !e->scratch || !e->failures)
        return fail_memory(e->error, "evaluation");
    return answers_new(e->info.classes, TOP, &e->answers, e->error);
}

static pomona_status read_all(struct evaluation *e) {
    TRY(evaluation_read(e, e->options->source, false));
    e->source_count = e->count;
    if (e->result->judged == 0)
        return fail(e->error, POMONA_E_INPUT, e->options->source,
                    e->count ? "the classifier knows none of its labels, for instance '%.160s'"
                             : "has no photo to judge%s",
                    e->count ? e->photos[0].label : "");
    TRY(evaluation_find_leaks(e));
    if (e->options->unknown) TRY(evaluation_read(e, e->options->unknown, true));
    return evaluation_summarise(e);
}

/* A child of this run goes to DIR; one of an earlier run that this one does not have goes away. */
static pomona_status move_child(struct evaluation *e, const char *name) {
    char *from = path_join(e->staging, name), *to = path_join(e->options->out, name);
    pomona_status status = POMONA_OK;
    if (!from || !to)
        status = fail_memory(e->error, "paths");
    else if (path_exists(from))
        status = path_replace(from, to, e->error);
    else
        status = path_remove(to, e->error);
    memory_free(from);
    memory_free(to);
    return status;
}

static pomona_status write_all(struct evaluation *e, int *lock) {
    char *lock_file = NULL;
    e->staging = path_join(e->options->out, "_temporary_evaluate");
    if (e->staging) lock_file = path_join(e->staging, "lock");
    pomona_status status = lock_file ? folder_make(e->staging, e->error) : fail_memory(e->error, "paths");
    if (status == POMONA_OK) status = folder_lock(lock_file, lock, e->error);
    if (status == POMONA_OK) status = folder_clear(e->staging, "lock", e->error);
    if (status == POMONA_OK) status = evaluation_write_tables(e);
    if (status == POMONA_OK) status = evaluation_write_page(e);
    if (status == POMONA_OK) status = folder_sync(e->staging, e->error);
    for (int i = 0; i < CHILDREN && status == POMONA_OK; i++) status = move_child(e, children[i]);
    if (status == POMONA_OK) status = folder_sync(e->options->out, e->error);
    memory_free(lock_file);
    return status;
}

static pomona_status run(struct evaluation *e, int *lock) {
    const struct pomona_evaluate_options *options = e->options;
    double started = clock_seconds();
    TRY(check_options(e));
    TRY(start(e));
    TRY(read_all(e));
    e->result->seconds = clock_seconds() - started;
    TRY(write_all(e, lock));
    if (options->max_errors >= 0 && e->result->failed > options->max_errors)
        return fail(e->error, POMONA_E_ERROR_ROWS, options->out, "done, but %lld of %lld photos failed",
                    (long long)e->result->failed, (long long)e->result->photos);
    return POMONA_OK;
}

pomona_status pomona_evaluate_run(const struct pomona_context *context,
                                  const struct pomona_evaluate_options *options,
                                  struct pomona_evaluate_result *result, struct pomona_error *error) {
    struct pomona_evaluate_result own;
    struct pomona_error cause = {0};
    int lock = -1;
    if (!result) result = &own;
    memset(result, 0, sizeof *result);
    struct evaluation e = {.context = context,
                           .options = options,
                           .result = result,
                           .error = error ? error : &cause,
                           .threads = options->threads > 0 ? options->threads : pomona_cpu_threads(),
                           .texts = ARENA_INIT(SIZE_MAX),
                           .pictures = PICTURES_INIT(options->places),
                           .photo = BUFFER_INIT(PHOTO_BYTES_MAX)};
    pomona_status status = run(&e, &lock);
    if (lock >= 0) path_remove(e.staging, NULL); /* ours, and nothing in it is wanted any more */
    folder_unlock(&lock);
    memory_free(e.staging);
    memory_free(e.photos);
    memory_free(e.features);
    memory_free(e.failures);
    memory_free(e.probabilities);
    memory_free(e.groups);
    memory_free(e.scratch);
    memory_free(e.shared_groups);
    answers_free(&e.answers);
    arena_free(&e.texts);
    buffer_free(&e.photo);
    pictures_free(&e.pictures);
    pomona_classifier_free(&e.classifier);
    return status;
}
