#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "job/answerer.h"
#include "job/compare_open.h"
#include "job/energy.h"
#include "job/measure.h"
#include "job/pipeline.h"
#include "job/resources.h"
#include "store/photo_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    PHOTO_BYTES_MAX = 256 << 20, /* of one file, as in the pipeline */
    PROBES_BYTES = 256 << 20,    /* of all that are kept in memory; one is always kept */
    MEMORY_PHOTOS = 32,
    WARM_UP = 5,
    TIMED_MIN = 10, /* however long they take */
    CYCLE = 16384,  /* photos of the threads, at most */
    BATCH = 4       /* as pomona features has it */
};

/* Reads and answers one file; *done is whether it could be. Only what is not the photo's own fault is a failure. */
static pomona_status answer_file(struct compare_model *model, const struct listed_photo *photo,
                                 struct buffer *bytes, bool *done, struct pomona_error *error) {
    struct pomona_error cause;
    pomona_status status = photo_file_read(photo, bytes, &cause);
    if (status == POMONA_OK)
        status = compare_model_answer(model, photo->uri, bytes->data, bytes->size, &cause);
    *done = status == POMONA_OK;
    if (status != POMONA_E_MEMORY && status != POMONA_E_INTERNAL) return POMONA_OK;
    if (error) *error = cause;
    return status;
}

/* ---- memory ---- */

static int by_size(const void *a, const void *b) {
    const struct listed_photo *left = a, *right = b;
    return (left->size < right->size) - (left->size > right->size);
}

/* Answers the first `count` probes; *answered counts those that could be. */
static pomona_status answer_files(const struct compare_subject *subject, const struct listed_photo *probes,
                                  size_t count, size_t *answered, struct pomona_error *error) {
    struct compare_model model;
    struct buffer bytes = BUFFER_INIT(PHOTO_BYTES_MAX);
    pomona_status status = compare_model_open(subject, &model, error);
    if (status == POMONA_OK) status = compare_model_prepare(subject, &model, error);
    for (size_t i = 0; i < count && status == POMONA_OK; i++) {
        bool done = false;
        status = answer_file(&model, &probes[i], &bytes, &done, error);
        *answered += done;
    }
    buffer_free(&bytes);
    compare_model_free(&model);
    return status;
}

pomona_status compare_memory(void *user, void *reply, struct pomona_error *error) {
    struct compare_subject *subject = user;
    uint64_t *peak = reply;
    size_t count = subject->probe_count < MEMORY_PHOTOS ? subject->probe_count : MEMORY_PHOTOS, answered = 0;
    struct listed_photo *probes = memory_new(subject->probe_count, sizeof *probes);
    if (!probes) return fail_memory(error, "photos");
    memcpy(probes, subject->probes, subject->probe_count * sizeof *probes);
    qsort(probes, subject->probe_count, sizeof *probes, by_size);
    listing_free(subject->photos);
    resources_forget_peak();
    pomona_status status = answer_files(subject, probes, count, &answered, error);
    *peak = resources_peak_bytes();
    memory_free(probes);
    if (status == POMONA_OK && answered == 0)
        return fail(error, POMONA_E_INPUT, NULL, "none of %zu photos could be decoded", count);
    return status;
}

/* ---- one photo at a time ---- */

/* The probes' files in one block: photo i is bytes.data[offset[i] .. offset[i + 1]). */
struct probes {
    struct buffer bytes;
    size_t *offset;    /* [count + 1] */
    const char **name; /* [count] */
    size_t count;
};

static void probes_free(struct probes *probes) {
    buffer_free(&probes->bytes);
    memory_free(probes->offset);
    memory_free(probes->name);
}

/* Reads those that the model can answer, which warms it up as well. */
static pomona_status read_probes(const struct compare_subject *subject, struct compare_model *model,
                                 struct probes *probes, struct pomona_error *error) {
    struct buffer file = BUFFER_INIT(PHOTO_BYTES_MAX);
    pomona_status status = POMONA_OK;
    probes->bytes = BUFFER_INIT((size_t)PROBES_BYTES + PHOTO_BYTES_MAX);
    probes->offset = memory_new(subject->probe_count + 1, sizeof *probes->offset);
    probes->name = memory_new(subject->probe_count, sizeof *probes->name);
    if (!probes->offset || !probes->name) return fail_memory(error, "photos");
    for (size_t i = 0; i < subject->probe_count && status == POMONA_OK && probes->bytes.size < PROBES_BYTES;
         i++) {
        const struct listed_photo *photo = &subject->probes[i];
        bool done = false;
        status = answer_file(model, photo, &file, &done, error);
        if (!done) continue;
        status = buffer_append(&probes->bytes, file.data, file.size, error);
        probes->name[probes->count++] = photo->uri;
        probes->offset[probes->count] = probes->bytes.size;
    }
    buffer_free(&file);
    if (status == POMONA_OK && probes->count == 0)
        return fail(error, POMONA_E_INPUT, NULL, "none of %zu photos could be decoded", subject->probe_count);
    return status;
}

static pomona_status answer_probe(struct compare_model *model, const struct probes *probes, int index,
                                  struct pomona_error *error) {
    size_t i = (size_t)index % probes->count, from = probes->offset[i];
    return compare_model_answer(model, probes->name[i], probes->bytes.data + from,
                                probes->offset[i + 1] - from, error);
}

/* Times photos until there are subject->timed of them, or the time is over. */
static pomona_status time_each(const struct compare_subject *subject, struct compare_model *model,
                               const struct probes *probes, double *seconds, struct compare_speed *speed,
                               struct pomona_error *error) {
    struct energy_meter meter;
    struct energy_reading before, after;
    for (int i = 0; i < WARM_UP; i++) TRY(answer_probe(model, probes, i, error));
    energy_open(ENERGY_ROOT, &meter);
    energy_read(&meter, &before);
    double cpu = resources_cpu_seconds(), start = clock_seconds();
    for (speed->timed = 0; speed->timed < subject->timed; speed->timed++) {
        double begin = clock_seconds();
        if (speed->timed >= TIMED_MIN && begin - start > subject->seconds) break;
        TRY(answer_probe(model, probes, speed->timed, error));
        seconds[speed->timed] = clock_seconds() - begin;
    }
    speed->cpu = (resources_cpu_seconds() - cpu) / speed->timed;
    energy_read(&meter, &after);
    speed->joules = energy_joules(&meter, &before, &after) / speed->timed;
    measure_sort(seconds, (size_t)speed->timed);
    speed->median = measure_percentile(seconds, (size_t)speed->timed, 0.5);
    speed->p99 = measure_percentile(seconds, (size_t)speed->timed, 0.99);
    return POMONA_OK;
}

static pomona_status time_photos(const struct compare_subject *subject, struct compare_model *model,
                                 struct compare_speed *speed, struct pomona_error *error) {
    struct probes probes = {0};
    double *seconds = memory_new((size_t)subject->timed, sizeof *seconds);
    pomona_status status =
        seconds ? read_probes(subject, model, &probes, error) : fail_memory(error, "times");
    if (status == POMONA_OK) status = time_each(subject, model, &probes, seconds, speed, error);
    memory_free(seconds);
    probes_free(&probes);
    return status;
}

/* ---- through the pipeline ---- */

/* What the calling thread of the pipeline does with each photo's features. */
struct answering {
    const struct compare_subject *subject;
    struct compare_model *model;
    struct answerer answerer;
    double until; /* of the clock; infinite: to the end */
    int64_t taken;
    uint8_t *verdicts; /* [photos.count]; NULL: only the time counts */
    const char *label; /* of the photo before, and its class */
    int label_class;
};

/* The class of a label; photos come folder by folder, so the last one is kept. */
static int find_class(struct answering *answering, const char *label) {
    if (!label) return -1;
    if (!answering->label || (label != answering->label && strcmp(label, answering->label) != 0)) {
        answering->label_class = pomona_classifier_find(answering->model->classifier, label);
        answering->label = label;
    }
    return answering->label_class;
}

static uint8_t judge(struct answering *answering, const char *label, const struct pomona_answer *answer) {
    struct pomona_class truth;
    unsigned verdict = VERDICT_READ;
    int class = find_class(answering, label);
    if (class < 0 || !pomona_classifier_class(answering->model->classifier, class, &truth))
        return VERDICT_READ;
    verdict |= VERDICT_KNOWN;
    if (answer->best == class) verdict |= VERDICT_FINE;
    if (truth.group >= 0 && answer->group == truth.group) verdict |= VERDICT_COARSE;
    if (answer->level == POMONA_ANSWER_REJECTED) verdict |= VERDICT_REJECTED;
    return (uint8_t)verdict;
}

/* Of a backbone alone: only the time counts. */
static pomona_status take(void *user, size_t index, const float *features, const char *reason,
                          struct pomona_error *error) {
    (void)index, (void)features, (void)reason, (void)error;
    struct answering *answering = user;
    answering->taken++;
    return POMONA_OK;
}

static void run_head(void *user, int worker, const float *features, double *values) {
    const struct answering *answering = user;
    answerer_run(&answering->answerer, worker, features, values);
}

static pomona_status take_values(void *user, size_t index, const double *values, const char *reason,
                                 struct pomona_error *error) {
    (void)reason, (void)error;
    struct answering *answering = user;
    struct pomona_answer answer;
    answering->taken++;
    if (!values) return POMONA_OK;
    pomona_classifier_decide(answering->model->classifier, values, values[answering->answerer.classes],
                             &answer);
    if (answering->verdicts)
        answering->verdicts[index] =
            judge(answering, answering->subject->photos->photos[index].label, &answer);
    return POMONA_OK;
}

static bool tick(void *user) {
    struct answering *answering = user;
    const struct compare_subject *subject = answering->subject;
    if (subject->should_stop && subject->should_stop(subject->user)) return true;
    return answering->taken >= TIMED_MIN && clock_seconds() > answering->until;
}

static pomona_status run_pipeline(struct answering *answering, const struct listed_photo *photos,
                                  size_t count, struct pomona_error *error) {
    struct pipeline_stats stats;
    struct answerer *answerer = &answering->answerer;
    int threads = answering->subject->threads;
    struct pipeline_options options = {.context = answering->subject->context,
                                       .model = answering->model->backbone,
                                       .photos = photos,
                                       .count = count,
                                       .threads = threads,
                                       .batch = BATCH,
                                       .take = take,
                                       .tick = tick,
                                       .user = answering};
    if (!answering->model->classifier) return pipeline_run(&options, &stats, error);
    pomona_status status = answerer_start(answerer, answering->model->classifier, threads, error);
    options.values = answerer_values(answerer);
    options.apply = run_head;
    options.take_values = take_values;
    options.batch = answerer_batch(answerer, threads, BATCH);
    if (status == POMONA_OK) status = pipeline_run(&options, &stats, error);
    answerer_free(answerer);
    return status;
}

/* Photos a second on all threads: the probes over and over, from starting the threads to the last answer. */
static pomona_status time_threads(const struct compare_subject *subject, struct compare_model *model,
                                  struct compare_speed *speed, struct pomona_error *error) {
    struct listed_photo *photos = memory_new(CYCLE, sizeof *photos);
    if (!photos) return fail_memory(error, "photos");
    for (size_t i = 0; i < CYCLE; i++) photos[i] = subject->probes[i % subject->probe_count];
    double start = clock_seconds();
    struct answering answering = {.subject = subject, .model = model, .until = start + subject->seconds};
    pomona_status status = run_pipeline(&answering, photos, CYCLE, error);
    speed->photos_per_second = (double)answering.taken / (clock_seconds() - start);
    memory_free(photos);
    return status == POMONA_E_INTERRUPTED ? POMONA_OK : status; /* the time was over */
}

pomona_status compare_speed(void *user, void *reply, struct pomona_error *error) {
    const struct compare_subject *subject = user;
    struct compare_speed *speed = reply;
    struct compare_model model;
    double start = clock_seconds();
    pomona_status status = compare_model_open(subject, &model, error);
    if (status == POMONA_OK) status = compare_model_prepare(subject, &model, error);
    speed->ready = clock_seconds() - start;
    if (status == POMONA_OK) status = time_photos(subject, &model, speed, error);
    if (status == POMONA_OK) status = time_threads(subject, &model, speed, error);
    compare_model_free(&model);
    return status;
}

pomona_status compare_accuracy(void *user, void *reply, struct pomona_error *error) {
    const struct compare_subject *subject = user;
    struct compare_model model;
    pomona_status status = compare_model_open(subject, &model, error);
    if (status == POMONA_OK) status = compare_model_prepare(subject, &model, error);
    struct answering answering = {.subject = subject, .model = &model, .until = INFINITY, .verdicts = reply};
    if (status == POMONA_OK)
        status = run_pipeline(&answering, subject->photos->photos, subject->photos->count, error);
    compare_model_free(&model);
    return status;
}
