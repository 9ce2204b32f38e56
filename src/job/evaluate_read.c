#include "base/clock.h"
#include "base/memory.h"
#include "classifier/classifier.h"
#include "job/evaluation.h"
#include "job/photos.h"
#include "job/pipeline.h"
#include "job/table_source.h"
#include "table/feature_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { BATCH = 4, PHOTOS_MAX = 1 << 28 };

/* A source at work. */
struct reading {
    struct evaluation *evaluation;
    const struct listing *photos;
    bool unknown;
    int64_t done;
    double started, last;
};

static pomona_status make_room(struct evaluation *e) {
    size_t features = (size_t)e->info.model.features;
    if (e->count < e->capacity) return POMONA_OK;
    size_t capacity = e->capacity ? 2 * e->capacity : 256;
    if (capacity > PHOTOS_MAX) return fail(e->error, POMONA_E_LIMIT, NULL, "more than %d photos", PHOTOS_MAX);
    struct evaluated *photos = memory_resize(e->photos, capacity, sizeof *photos);
    if (photos) e->photos = photos;
    if (!photos) return fail_memory(e->error, "photos");
    if (e->options->train) {
        float *kept = memory_resize(e->features, size_multiply(capacity, features), sizeof *kept);
        if (!kept) return fail_memory(e->error, "features");
        e->features = kept;
    }
    e->capacity = capacity;
    return POMONA_OK;
}

static pomona_status copy(struct evaluation *e, const char *text, const char **out) {
    *out = text ? arena_copy_text(&e->texts, text, strlen(text)) : NULL;
    return text && !*out ? fail_memory(e->error, "photos") : POMONA_OK;
}

/* What the temperature does to the most probable class: p^T, normalised again, is the answer without it. */
static double confidence_before(const struct evaluation *e, int best) {
    double sum = 0;
    for (int c = 0; c < e->info.classes; c++) sum += pow(e->probabilities[c], e->info.temperature);
    return pow(e->probabilities[best], e->info.temperature) / sum;
}

/* How many coarse classes are more probable than this one. */
static int coarse_rank(const struct evaluation *e, int group) {
    const struct head *head = &e->classifier->head;
    int before = 0;
    for (int g = 0; g < head->groups; g++) e->groups[g] = 0;
    for (int c = 0; c < head->classes; c++) e->groups[head->class_group[c]] += e->probabilities[c];
    for (int g = 0; g < head->groups; g++)
        before += e->groups[g] > e->groups[group] || (e->groups[g] == e->groups[group] && g < group);
    return before;
}

static pomona_status judge(struct evaluation *e, const struct evaluated *photo) {
    struct pomona_class class;
    bool right = photo->answer.best == photo->truth;
    TRY(answers_add(e->answers, photo->truth, e->probabilities, e->error));
    metrics_calibration_add(&e->before, confidence_before(e, photo->answer.best), right);
    (void)pomona_classifier_class(e->classifier, photo->truth, &class);
    e->coarse_right += e->info.groups > 0 && photo->answer.group == class.group;
    e->coarse_top5_right += e->info.groups > 0 && coarse_rank(e, class.group) < 5;
    e->result->judged++;
    e->result->rejected += photo->answer.level == POMONA_ANSWER_REJECTED;
    e->result->coarse_only += photo->answer.level == POMONA_ANSWER_COARSE;
    return POMONA_OK;
}

static pomona_status add_photo(struct reading *r, const char *path, const char *label,
                               const float *features) {
    struct evaluation *e = r->evaluation;
    double known;
    if (!r->unknown && !label) {
        e->result->unlabelled++;
        return POMONA_OK;
    }
    TRY(make_room(e));
    struct evaluated *photo = &e->photos[e->count];
    *photo = (struct evaluated){.truth = r->unknown ? -1 : pomona_classifier_find(e->classifier, label)};
    TRY(copy(e, path, &photo->path));
    TRY(copy(e, label, &photo->label));
    head_run(&e->classifier->head, features, e->scratch, e->probabilities, &known);
    pomona_classifier_decide(e->classifier, e->probabilities, known, &photo->answer);
    if (e->options->train)
        memcpy(e->features + e->count * (size_t)e->info.model.features, features,
               (size_t)e->info.model.features * sizeof *features);
    if (photo->truth >= 0) TRY(judge(e, photo));
    e->result->unknown += photo->truth < 0;
    e->result->unseen += photo->truth < 0 && !r->unknown;
    e->count++;
    return POMONA_OK;
}

static pomona_status add_failure(struct evaluation *e, const char *path, const char *reason) {
    e->result->failed++;
    if (e->failure_count == EVALUATION_FAILURES_KEPT) return POMONA_OK;
    struct pomona_report_failure *failure = &e->failures[e->failure_count++];
    TRY(copy(e, path, &failure->path));
    return copy(e, reason, &failure->reason);
}

static void tell(struct reading *r, int64_t total) {
    const struct pomona_evaluate_options *options = r->evaluation->options;
    double now = clock_seconds();
    if (!options->progress || (r->done < total && now - r->last < 0.25)) return;
    double speed = now > r->started ? (double)r->done / (now - r->started) : 0;
    r->last = now;
    struct pomona_features_progress progress = {.done = r->done,
                                                .total = total,
                                                .errors = r->evaluation->result->failed,
                                                .photos_per_second = speed,
                                                .seconds_left =
                                                    speed > 0 ? (double)(total - r->done) / speed : -1};
    options->progress(options->user, &progress);
}

static pomona_status take(void *user, size_t index, const float *features, const char *reason,
                          struct pomona_error *error) {
    struct reading *r = user;
    const struct listed_photo *photo = &r->photos->photos[index];
    pomona_status status = features ? add_photo(r, photo->uri, photo->label, features)
                                    : add_failure(r->evaluation, photo->uri, reason);
    r->done++;
    if (status != POMONA_OK && error && r->evaluation->error) *error = *r->evaluation->error;
    return status;
}

static bool tick(void *user) {
    struct reading *r = user;
    const struct pomona_evaluate_options *options = r->evaluation->options;
    tell(r, (int64_t)r->photos->count);
    return options->should_stop && options->should_stop(options->user);
}

static pomona_status read_photos(struct reading *r, const char *path) {
    struct evaluation *e = r->evaluation;
    const struct pomona_evaluate_options *options = e->options;
    struct listing photos = LISTING_INIT;
    struct pipeline_stats stats;
    int64_t unlabelled;
    pomona_status status = photos_list(options->places, path, options->glob ? options->glob : "*.jpg",
                                       r->unknown ? NULL : options->labels, 0, options->should_stop,
                                       options->user, &photos, &unlabelled, e->error);
    r->photos = &photos;
    const struct pipeline_options pipeline = {.context = e->context,
                                              .model = pomona_classifier_model(e->classifier),
                                              .places = options->places,
                                              .photos = photos.photos,
                                              .count = photos.count,
                                              .threads = e->threads,
                                              .batch = BATCH,
                                              .take = take,
                                              .tick = tick,
                                              .user = r};
    if (status == POMONA_OK) status = pipeline_run(&pipeline, &stats, e->error);
    if (!r->unknown) e->result->photos += (int64_t)photos.count;
    listing_free(&photos);
    r->photos = NULL;
    return status;
}

static pomona_status read_rows(struct reading *r, struct table_source *source) {
    struct evaluation *e = r->evaluation;
    const struct pomona_evaluate_options *options = e->options;
    struct pomona_feature_row row;
    bool has_row;
    for (;;) {
        TRY(pomona_feature_reader_next(source->reader, &row, &has_row, e->error));
        if (!has_row) return POMONA_OK;
        TRY(add_photo(r, row.path, row.label, row.features));
        r->done++;
        if (!r->unknown) e->result->photos++;
        if (row.index % 64 != 0) continue;
        tell(r, source->info.rows);
        if (options->should_stop && options->should_stop(options->user))
            return fail(e->error, POMONA_E_INTERRUPTED, source->features, "interrupted");
    }
}

static pomona_status check_table(struct evaluation *e, const struct table_source *source, const char *path) {
    const struct pomona_model_info *model = &e->info.model;
    if (source->info.features != model->features)
        return fail(e->error, POMONA_E_INPUT, path, "has %d features, the classifier takes %d",
                    source->info.features, model->features);
    if (source->feature_space[0] && strcmp(source->feature_space, model->feature_space) != 0)
        return fail(
            e->error, POMONA_E_INPUT, path,
            "its features are of another space (model, layer, profile or precision) than the classifier's: "
            "%.16s and %.16s",
            source->feature_space, model->feature_space);
    return POMONA_OK;
}

/* Whether a file is named like a table, or begins like one. */
static bool is_parquet(const char *path) {
    char start[4] = "";
    size_t length = strlen(path);
    if (length > 8 && strcmp(path + length - 8, ".parquet") == 0) return true;
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    bool found = fread(start, 1, sizeof start, file) == sizeof start && memcmp(start, "PAR1", 4) == 0;
    fclose(file);
    return found;
}

/* Whether `path` is a table, by the names of its files: a damaged one is not taken for a folder of photos. */
static pomona_status find_table(const char *path, bool *is_table, struct pomona_error *error) {
    struct stat info;
    struct feature_parts parts;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
        *is_table = is_parquet(path);
        return POMONA_OK;
    }
    pomona_status status = feature_parts_list(&parts, path, error);
    *is_table = status == POMONA_OK;
    feature_parts_free(&parts);
    return status == POMONA_E_INPUT ? POMONA_OK : status;
}

pomona_status evaluation_read(struct evaluation *e, const char *path, bool unknown) {
    struct reading reading = {.evaluation = e, .unknown = unknown, .started = clock_seconds()};
    struct table_source source;
    bool is_table;
    TRY(find_table(path, &is_table, e->error));
    if (!is_table) return read_photos(&reading, path);
    pomona_status status = table_source_open(&source, path, e->error);
    if (status == POMONA_OK) status = check_table(e, &source, path);
    if (status == POMONA_OK) status = read_rows(&reading, &source);
    table_source_close(&source);
    return status;
}
